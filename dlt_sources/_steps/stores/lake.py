"""The lake's files: which landed loads are committed, where their rows are, and what reads remember of the read before.

dlt writes ``<landing>/<source>/_dlt_loads/<schema>__<load id>.jsonl`` only when a load package is complete, so that
log, and nothing else, says what has landed. In a folder old ones are packed (packed_marks.py). A folder and S3 have the same layout; what differs is how files are listed
and reached, and that is all in here. On S3 listings start after the last known load (StartAfter).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from settings import Settings
from warehouse import durable

from .packed_marks import PACKED, SINGLE, pack_marks, packed_loads, packs

log = logging.getLogger(__name__)

INIT = "init"
"""dlt's mark in a folder that it has made."""
LAYOUT = "{table_name}/{load_id}.{file_id}.{ext}"
LOAD_IN_NAME = re.compile(r"([0-9]+\.[0-9]+)\.")
LOAD_OF_FILE = r"regexp_extract(filename, '([0-9]+\.[0-9]+)\.[^/]+$', 1)"
"""SQL: the load that wrote a landed file, by the name that `LAYOUT` gives it; for `read_parquet` with `filename`."""
_STATE = r"__([0-9]+\.[0-9]+)__[^/]*\.jsonl$"
_LOAD = re.compile(r"(?:^|(?<=__))[0-9]+\.[0-9]+")
"""The load in the name of a file of rows, or of one of dlt's own."""


def storage(settings: Settings) -> Any:
    """The lake's file system, by fsspec: on S3 it writes encrypted and in parts."""
    import fsspec

    if not settings.aws:
        return fsspec.filesystem("file")
    from foundation.aws import storage_options

    return fsspec.filesystem("s3", **storage_options(settings))


def shaped(table: str, schema: Any) -> str:
    """The dlt table, and so the folder of the landing, for a table's rows of one Arrow schema: ``<table>__<hash>``.

    dlt gives a file every column that its table ever had. Columns come and go, and one that is NULL is not one that is
    missing.
    """
    return f"{table}__{hashlib.sha256(str(schema.remove_metadata()).encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class LandedFile:
    """A Parquet file of a landed load; size in bytes."""

    load: str
    path: str
    size: int


class Landing:
    """The landed loads of one source.

    Args:
        source: name of the source.
        settings: where the lake is.
    """

    def __init__(self, source: str, settings: Settings) -> None:
        self.source, self.settings = source, settings
        self.root = f"{settings.landing}/{source}"
        self.fs = storage(settings)

    def exists(self) -> bool:
        """Whether the source has ever landed anything."""
        return bool(self.fs.exists(f"{self.root}/{INIT}"))

    def begin(self) -> None:
        """Mark a folder as dlt's, as dlt does when it makes it: locally it is there before, with the source's workplace."""
        if not self.settings.aws:
            from dlt.destinations.impl.filesystem.filesystem import CURRENT_VERSION

            version = json.dumps({"initial_version": CURRENT_VERSION, "current_version": CURRENT_VERSION})
            durable.write(Path(self.root, INIT), version)

    def loads(self, *, after: str = "", since: str = "") -> list[str]:
        """Ids of committed loads after the load `after`, or from the load `since` on; oldest first."""
        folder = f"{self.root}/_dlt_loads"
        listed = self._list(folder, after or since, self.source)
        found = (re.search(SINGLE, file.path) for file in listed if file.size)
        loads = {match[1] for match in found if match}  # one that is packed may be there by itself, too
        loads.update(load for file in listed if file.path.endswith(PACKED) for load in packed_loads(Path(file.path)))
        wanted = (load for load in loads if float(load) > float(after or 0) and float(load) >= float(since or 0))
        return sorted(wanted, key=float)

    def record(self, load: str) -> str:
        """Where the record of a committed load is."""
        return f"{self.root}/_dlt_loads/{self.source}__{load}.jsonl"

    def records(self, loads: Iterable[str]) -> dict[str, dict[str, Any]]:
        """What committed loads say of themselves, where their records are whole files or lines of a packed one; on S3 read
        side by side.

        Raises:
            ValueError: one cannot be read; the message names it.
        """
        places = {self.record(load): load for load in loads}
        found: dict[str, dict[str, Any]] = {}
        for place, text in self._texts(list(places)).items():
            try:
                found[places[place]] = json.loads(text)
            except ValueError as error:
                raise ValueError(f"{place} cannot be read: {error}") from None
        missing = set(places.values()) - found.keys()
        for pack in packs(Path(self.root, "_dlt_loads")) if missing and not self.settings.aws else []:
            lines = map(json.loads, pack.read_text(encoding="utf-8").splitlines())
            found |= {line["load_id"]: line for line in lines if line["load_id"] in missing}
        return found

    def _texts(self, places: list[str]) -> dict[str, bytes]:
        """The contents of the files that are there. fsspec would take a folder's name for a pattern."""
        if not self.settings.aws:
            return {place: Path(place).read_bytes() for place in places if Path(place).exists()}
        texts = self.fs.cat(places, on_error="omit") if places else {}
        return {f"s3://{place.removeprefix('s3://')}": text for place, text in texts.items()}

    def is_committed(self, load: str) -> bool:
        """Whether a load's record is there, by itself or packed."""
        try:
            return bool(self.fs.size(self.record(load)))
        except FileNotFoundError:
            packed = [] if self.settings.aws else packs(Path(self.root, "_dlt_loads"))
            return any(f'"{load}"' in pack.read_text(encoding="utf-8") for pack in packed)

    def stored_state(self) -> dict[str, Any] | None:
        """What dlt stored of its state with the newest load that is committed; None before the first.

        A state that cannot be read is skipped, with a warning.
        """
        listed = self._list(f"{self.root}/_dlt_pipeline_state", "", f"land_{self.source}")
        found = [(match[1], file.path) for file in listed if (match := re.search(_STATE, file.path))]
        for load, path in sorted(found, key=lambda named: float(named[0]), reverse=True):
            if not self.is_committed(load):
                continue
            try:
                return dict(json.loads(self.fs.cat_file(path) if self.settings.aws else Path(path).read_bytes()))
            except (ValueError, TypeError) as error:
                log.warning("%s cannot be read (%s); the state of the load before it is used", path, error)
        return None

    def remembered(self) -> dict[str, Any]:
        """What the source's reads remember, as of the newest load that is committed."""
        from dlt.common.versioned_state import decompress_state
        from dlt.pipeline.state_sync import migrate_state_to_current

        stored = self.stored_state()
        if not stored:
            return {}
        state = migrate_state_to_current(str(stored["pipeline_name"]), decompress_state(stored["state"]))
        return dict(state.get("sources", {}).get(self.source, {}))

    def pack(self, *, whole: bool = False) -> int:
        """Put marks of old loads together, where there are so many; returns how many files are gone.

        Not on S3: there they take no blocks, and the task may remove nothing that landed.

        Args:
            whole: look also for marks that a pack which was cut short has left; of few marks only their names are read.
        """
        folder = Path(self.root, "_dlt_loads")
        return 0 if self.settings.aws or not folder.exists() else pack_marks(folder, self.source, whole=whole)

    def newest(self, *, after: str) -> str:
        """The greatest id of any load, committed or not: dlt reads back the state of the greatest; at least `after`."""
        names = (("_dlt_loads", self.source), ("_dlt_pipeline_state", f"land_{self.source}"))
        paths = [file.path for folder, name in names for file in self._list(f"{self.root}/{folder}", after, name)]
        found = (re.search(r"__([0-9]+\.[0-9]+)(?:__[^/]*)?\.jsonl$", path) for path in paths)
        return max([after, *(match[1] for match in found if match)], key=lambda load: float(load or 0))

    def files(self, table: str, loads: Iterable[str]) -> list[LandedFile]:
        """The Parquet files that `loads` wrote for a table, in the order they were written."""
        wanted = set(loads)
        if not wanted:
            return []
        first = min(wanted, key=float)
        found = []
        for folder in [table, *self._shapes(table)]:
            listed = self._list(f"{self.root}/{folder}", first)
            found += [file for file in listed if file.load in wanted and file.path.endswith(".parquet")]
        return sorted(found, key=lambda file: (float(file.load), file.path))

    def fetch(self, files: Iterable[LandedFile], folder: Path) -> list[str]:
        """Paths on this machine of landed files: of a lake folder their own, of S3 those of copies in `folder`."""
        paths = [file.path for file in files]
        if not self.settings.aws or not paths:
            return paths
        folder.mkdir(parents=True, exist_ok=True)
        copies = [str(folder / path.rsplit("/", 1)[1]) for path in paths]
        self.fs.get(paths, copies)
        return copies

    def _shapes(self, table: str) -> list[str]:
        """Rows of files lie in one folder per set of columns: ``<table>__<hash>``."""
        if not self.fs.exists(self.root):
            return []
        if not self.settings.aws:
            return sorted(path.name for path in Path(self.root).glob(f"{table}__*"))
        bucket, prefix = _split(f"{self.root}/{table}__")
        pages = _pages(self.fs, Bucket=bucket, Prefix=prefix, Delimiter="/")
        return [p["Prefix"].rstrip("/").rsplit("/", 1)[1] for page in pages for p in page.get("CommonPrefixes", [])]

    def _list(self, folder: str, first: str, name: str = "") -> list[LandedFile]:
        """The files of a folder from the load `first` on; of S3 that is not a look at the whole folder.

        Names begin with the load's id, in dlt's own folders after a `name`: ids have as many digits before the point, so
        names are in the order of loads.
        """
        if not self.settings.aws:
            return list(_list_folder(folder, float(first or 0)))
        bucket, prefix = _split(f"{folder}/")
        start = f"{name}__{first}" if name else first
        after = {"StartAfter": prefix + start} if first else {}
        pages = _pages(self.fs, Bucket=bucket, Prefix=prefix, **after)
        return [_file(f"{bucket}/{item['Key']}", item["Size"]) for page in pages for item in page.get("Contents", [])]


def _file(path: str, size: int) -> LandedFile:
    named = re.match(r"([0-9]+\.[0-9]+)\.", path.rsplit("/", 1)[1])
    return LandedFile(named[1] if named else "", path, size)


def _list_folder(folder: str, first: float) -> Iterator[LandedFile]:
    """The files of a folder whose name has no load before `first`. Only these are asked for their size: a source that runs
    every minute has half a million in a year.
    """
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as found:
        for entry in found:
            load = _LOAD.search(entry.name) if first else None
            if not load or float(load[0]) >= first:
                yield _file(entry.path, entry.stat().st_size)


def list_objects(fs: Any, url: str) -> list[str]:
    """The objects of S3 whose addresses begin so."""
    bucket, prefix = _split(url)
    pages = _pages(fs, Bucket=bucket, Prefix=prefix)
    return [f"{bucket}/{item['Key']}" for page in pages for item in page.get("Contents", [])]


def _split(url: str) -> tuple[str, str]:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


def _pages(fs: Any, **asked: Any) -> Iterable[Any]:
    while True:
        page = fs.call_s3("list_objects_v2", **asked)
        yield page
        if not page.get("IsTruncated"):
            return
        asked["ContinuationToken"] = page["NextContinuationToken"]

"""Ranges: spans of days that are read ahead of their turn, without the lock, and wait in the lake for the run that lands them.

``<landing>/<source>/_ahead/<batch>/<first day>_<last day>/`` holds the rows as Parquet files and, written last, a manifest that
says which files belong to it, what they hold, and what the read found out. Without a manifest there is no range. It lies in the
source's landing since its rows are as they came: who may not read the one may not read the other.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dlt.common import json

from settings import Settings
from warehouse import durable

from ..declared.declaration import Source
from ..declared.own_files import find_files
from .commit import create, describe, md5_of
from .lake import list_objects, storage
from .pipelines import keep_private

FORMAT = 1
"""Of the manifest; ranges of another one are read again."""
BATCH = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
"""What a batch may be called."""
OWN = "own-"
"""What names of batches begin with whose coordinator reads ahead by itself, on the same machine."""
KEPT = 7 * 86_400.0
"""Seconds for which the batches of others are left alone on a laptop; on AWS the lake's lifecycle keeps them as long."""
_MANIFEST, _LANDED = "manifest.json", "landed"


class RangeError(Exception):
    """A range that is there cannot be used; says why, in words that follow "was read ahead, and"."""


@dataclass(frozen=True)
class Range:
    """The place of one range.

    Attributes:
        batch: ranges that one backfill lands.
        since, until: midnight of the first and of the last day.
    """

    source: str
    batch: str
    since: datetime
    until: datetime
    settings: Settings

    @property
    def span(self) -> str:
        """Its first and its last day."""
        return f"{self.since:%Y-%m-%d}_{self.until:%Y-%m-%d}"

    def __str__(self) -> str:
        return f"{self.since:%Y-%m-%d} to {self.until:%Y-%m-%d}"

    @property
    def folder(self) -> str:
        """Where it is in the lake."""
        return f"{folder_of(self.source, self.settings)}/{self.batch}/{self.span}"

    @property
    def work(self) -> Path:
        """Where what is read of it, or fetched of it, is on its way on this machine; apart from the place of the source's runs."""
        if self.settings.aws:
            return self.settings.workplace(self.source) / f"ahead.{self.batch}.{self.span}"
        return Path(self.folder, "work")

    def begin(self) -> None:
        """Remove what a reader that ended early has left."""
        shutil.rmtree(self.work, ignore_errors=True)
        if not self.settings.aws:
            shutil.rmtree(self.folder, ignore_errors=True)
            keep_private(Path(self.folder), self.settings)

    def put(self, path: Path) -> dict[str, Any]:
        """Move a file of rows into the range; returns its name there with its rows, bytes and MD5."""
        about = describe(path) | {"file": f"{secrets.token_hex(8)}.parquet"}
        place = f"{self.folder}/{about['file']}"
        if self.settings.aws:
            create(storage(self.settings), place, path)
            path.unlink()
        else:
            path.replace(place)
        return about

    def write(self, manifest: dict[str, Any]) -> None:
        """Write the manifest: from now on the range is there."""
        text = json.typed_dumps({"format": FORMAT} | manifest)
        if self.settings.aws:
            create(storage(self.settings), f"{self.folder}/{_MANIFEST}", text.encode())
            return
        durable.flush(path for path in Path(self.folder).iterdir() if path.is_file())
        durable.write(Path(self.folder, _MANIFEST), text, 0o600)

    def read(self) -> dict[str, Any] | None:
        """The manifest; None: there is none.

        Raises:
            RangeError: it cannot be read, or another release has written it.
        """
        text = self._text(_MANIFEST)
        if text is None:
            return None
        try:
            manifest: dict[str, Any] = json.typed_loads(text.decode())
        except ValueError:
            raise RangeError("its manifest is damaged") from None
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise RangeError("another release of Millrace wrote it")
        return manifest

    def fetch(self, files: Iterable[dict[str, Any]]) -> dict[str, Path]:
        """Paths on this machine of the range's files, by their names.

        Raises:
            RangeError: one is missing, or is not what was written.
        """
        found: dict[str, Path] = {}
        for file in files:
            name = str(file["file"])
            path = self.work / name if self.settings.aws else Path(self.folder, name)
            try:
                if self.settings.aws:
                    keep_private(self.work, self.settings)
                    storage(self.settings).get_file(f"{self.folder}/{name}", str(path))
                if (path.stat().st_size, md5_of(path)) != (file["bytes"], file["md5"]):
                    raise RangeError(f"its file {name} is damaged")
            except FileNotFoundError:
                raise RangeError(f"its file {name} is missing") from None
            found[name] = path
        return found

    def has_landed(self) -> bool:
        """Whether the batch has landed it already."""
        return self._text(_LANDED) is not None

    def finish(self) -> None:
        """Its rows have landed: note that, for a coordinator that begins again, and remove the rest."""
        if self.settings.aws:
            create(storage(self.settings), f"{self.folder}/{_LANDED}", b"yes")
        else:
            durable.write(Path(self.folder, _LANDED), "yes", 0o600)
        self.clear(keep=_LANDED)

    def clear(self, keep: str = "") -> None:
        """Remove what is there of it, the manifest first; except a file that is to be kept."""
        shutil.rmtree(self.work, ignore_errors=True)
        if self.settings.aws:
            _remove_objects(self.folder, self.settings, keep)
            return
        with contextlib.suppress(FileNotFoundError):
            for path in sorted(Path(self.folder).iterdir(), key=lambda path: path.name != _MANIFEST):
                if path.name != keep:
                    path.unlink()

    def _text(self, name: str) -> bytes | None:
        with contextlib.suppress(FileNotFoundError):
            place = f"{self.folder}/{name}"
            return bytes(storage(self.settings).cat_file(place)) if self.settings.aws else Path(place).read_bytes()
        return None


def folder_of(source: str, settings: Settings) -> str:
    """Where the ranges of a source are."""
    return f"{settings.landing}/{source}/_ahead"


def fingerprint(source: Source) -> str:
    """What a source's declaration and code are, in a word: a range that was read by others is read again."""
    paths = [source.path, *(Path(facts[0]) for facts in find_files(source.folder))]
    content = [(path.name, hashlib.sha256(path.read_bytes()).hexdigest()) for path in paths]
    return hashlib.sha256(json.dumps(sorted(content)).encode()).hexdigest()


def remove_batch(source: str, batch: str, settings: Settings) -> None:
    """Remove what is there of a batch."""
    place = f"{folder_of(source, settings)}/{batch}"
    if settings.aws:
        _remove_objects(place, settings)
        return
    shutil.rmtree(place, ignore_errors=True)
    Path(f"{place}.lock").unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # another batch is there
        Path(place).parent.rmdir()


def remove_dead(source: str, settings: Settings) -> None:
    """Remove batches that nobody will land: those whose coordinator has ended, and those of others that are old. On AWS the
    lake's lifecycle does.
    """
    from filelock import FileLock, Timeout

    root = Path(folder_of(source, settings))
    found = root.iterdir() if not settings.aws and root.is_dir() else ()
    # one that died at its beginning has only a lock
    for batch in sorted({path.name.removesuffix(".lock") for path in found}):
        if batch.startswith(OWN):
            with contextlib.suppress(Timeout), FileLock(root / f"{batch}.lock", timeout=0):
                remove_batch(source, batch, settings)
            continue
        with contextlib.suppress(FileNotFoundError):  # another process has just removed it
            if (root / batch).stat().st_mtime < time.time() - KEPT:
                remove_batch(source, batch, settings)


@contextlib.contextmanager
def own_batch(source: str, settings: Settings) -> Iterator[str]:
    """A new batch of this process, which is removed at the end; what dead ones left is removed before.

    Yields:
        Its name.
    """
    from filelock import FileLock

    batch = f"{OWN}{os.getpid()}-{secrets.token_hex(4)}"
    if settings.aws:  # a folder of the lake: two coordinators do not see each other's
        try:
            yield batch
        finally:
            remove_batch(source, batch, settings)
        return
    remove_dead(source, settings)
    keep_private(Path(folder_of(source, settings)), settings)
    with FileLock(f"{folder_of(source, settings)}/{batch}.lock"):
        try:
            yield batch
        finally:
            remove_batch(source, batch, settings)


def _remove_objects(folder: str, settings: Settings, keep: str = "") -> None:
    fs = storage(settings)
    paths = [path for path in list_objects(fs, f"{folder}/") if not keep or not path.endswith(f"/{keep}")]
    for path in sorted(paths, key=lambda path: not path.endswith(f"/{_MANIFEST}")):
        fs.rm_file(path)

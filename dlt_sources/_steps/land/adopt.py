"""Land a range in place of a read: what another process read ahead, if nothing has come since that it does not know of.

The run that adopts a range holds the lock, so that what is found here stays so until its load is committed. Whatever speaks
against a range only means that the span is read now, as if nobody had read ahead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from dlt.extract.resource import DltResource

from settings import Settings

from ..declared.declaration import Source
from ..declared.file_names import month_of
from ..declared.source_yml import Table
from ..stores.lake import Landing
from ..stores.pipelines import resource
from ..stores.ranges import Range, RangeError, fingerprint
from . import cursor
from .file_read import resources_of
from .overtaken import is_overtaken
from .request import keep_memory
from .row_files import ToLand


@dataclass
class Adopted:
    """A range as `land` takes it: in the form of a `Reading`.

    Attributes:
        made: its tables, as resources of dlt.
    """

    newest: str = ""
    notes: list[str] = field(default_factory=list)
    unasked: dict[str, dict[str, str]] = field(default_factory=dict)
    landed: dict[str, int] = field(default_factory=dict)
    made: list[DltResource] = field(default_factory=list)

    def begin(self) -> None:
        """Nothing: everything is there."""

    def resources(self) -> list[DltResource]:
        """The range as the resources of a dlt source."""
        return self.made

    def keep(self) -> None:
        """Nothing: a span moves no cursor."""

    def refuse(self) -> None:
        """Nothing: a read that refused a file made no range."""

    def close(self) -> None:
        """Nothing: what is left of the range is removed with it."""


def adopt(source: Source, settings: Settings, span: Range) -> Adopted | None:
    """Take a range in place of a read; None: there is none.

    Raises:
        RangeError: it is of no use; says why.
    """
    if span.has_landed():
        return Adopted()
    manifest = span.read()
    if manifest is None:
        return None
    try:
        if manifest["declared"] != fingerprint(source):
            raise RangeError("the source's declaration has changed since")
        landing = Landing(source.name, settings)
        has_landed, others = _look_at_loads(landing, span, str(manifest["newest"]))
        return Adopted() if has_landed else _adopt(source, settings, span, manifest, others)
    except (KeyError, TypeError, ValueError):
        raise RangeError("its manifest is damaged") from None


def _look_at_loads(landing: Landing, span: Range, newest: str) -> tuple[bool, list[str]]:
    """(whether one of the loads after `newest` is the range's own, those of them that are of other runs than the batch's)."""
    loads = landing.loads(after=newest)
    records = landing.records(loads)
    others = [load for load in loads if records.get(load, {}).get("batch") != span.batch]
    own = [records[load] for load in loads if load not in others]
    return any(record.get("span") == span.span for record in own), others


def _adopt(source: Source, settings: Settings, span: Range, manifest: dict[str, Any], others: list[str]) -> Adopted:
    """The range, if loads of other runs have no newer version of a row of it, which older ones must not follow."""
    landing = Landing(source.name, settings)
    noted = landing.remembered()
    newest = landing.newest(after=str(noted.get("after", "")))
    read_at = max(datetime.fromisoformat(at) for at in (manifest["read_at"], noted.get("read_at")) if at)
    found = Adopted(newest, list(manifest["notes"]), dict(manifest["unasked"]))
    memories = {
        name: _memory(source.tables[name], table, noted.get("resources", {}).get(name, {}))
        for name, table in manifest["tables"].items()
    }
    for name, table in manifest["tables"].items():
        paths = span.fetch(table["files"])
        if is_overtaken(source, name, span, paths.values(), others):
            raise RangeError("another run has landed versions of its rows since")
        if not table["has_news"]:
            continue
        rows = [_Rows(paths[file["file"]], file["table"], bool(file["whole"])) for file in table["files"]]
        kept = _Kept(name, memories[name], newest, read_at if table["landed"] else None)
        found.made += _resources(source.tables[name], kept, rows, list(table["withdrawn"]), settings.clock())
        if table["landed"]:
            found.landed[name] = int(table["landed"])
    return found


@dataclass(frozen=True)
class _Rows:
    """A file of a range. `whole`: it was an Arrow table on its way, and is one again."""

    path: Path
    table: str
    whole: bool

    def item(self, name: str) -> Any:
        return ToLand(self.table, pq.read_table(self.path) if self.whole else self.path).item(name)


@dataclass(frozen=True)
class _Kept:
    """What is to be remembered of a table."""

    name: str
    memory: dict[str, Any]
    newest: str
    read_at: datetime | None

    def after(self, rows: Iterable[_Rows]) -> Iterator[Any]:
        yield from (found.item(self.name) for found in rows)
        keep_memory(self.name, self.memory, self.newest, self.read_at)


def _resources(table: Table, kept: _Kept, rows: list[_Rows], gone: list[str], now: datetime) -> list[DltResource]:
    """The resources that the read itself would have made."""
    if not table.files:
        return [resource(kept.after(rows), kept.name, write_disposition="append")]
    shapes: dict[str, list[Path]] = {}
    for found in rows:
        shapes.setdefault(found.table, []).append(found.path)
    return resources_of(kept.after([]), kept.name, gone, now, shapes)


def _memory(table: Table, read: Mapping[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """What is to be remembered of a table: what is remembered of it now, with what the read changed.

    Raises:
        RangeError: what the read went by has changed since.
    """
    before, after = dict(read["before"]), dict(read["after"])
    if not table.files:
        if _of_connector(now) != _of_connector(before):
            raise RangeError("what is remembered of the table has changed since")
        return _of_connector(after) | {name: value for name, value in now.items() if name in cursor.OWN}
    if {**now, "files": 0} != {**before, "files": 0}:
        raise RangeError("what is remembered of the table has changed since")
    known, then, found = now.get("files", {}), before.get("files", {}), after.get("files", {})
    changed = [name for name in {*known, *then} if known.get(name) != then.get(name)]
    if _places(table, changed) & _places(table, read["looked"]):
        raise RangeError("a file that it goes by has landed since")
    merged = {name: entry for name, entry in known.items() if name not in then or name in found}
    return {**now, "files": merged | {name: entry for name, entry in found.items() if entry != then.get(name)}}


def _of_connector(memory: Mapping[str, Any]) -> dict[str, Any]:
    """What the connector remembers; not how far the reads have come, which a span neither goes by nor changes."""
    return {name: value for name, value in memory.items() if name not in cursor.OWN}


def _places(table: Table, names: Iterable[str]) -> set[str]:
    """Files, and the months that they hold: of a month one file counts, whatever its format."""
    return {place for name in names for place in (name, month_of(table.files, name)) if place}

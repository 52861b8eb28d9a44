"""Read a span of a source ahead of its turn, into a range: beside whatever run is under way, whose places it leaves alone."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from settings import Settings, SettingsError

from ..declared.declaration import Source
from ..declared.source_kinds import FilesSource
from ..stores.lake import Landing
from ..stores.ranges import Range, RangeError, fingerprint
from .connect import find_address
from .connectors.candidate import is_http
from .explained import explained
from .file_read import FileRead
from .reading import Reading
from .reread import TableRead
from .row_files import ToLand

T = TypeVar("T")
RECENT = timedelta(days=2)
"""So long before its read a span must have ended. A row that changes while ranges are read leaves one for the present: spans that
reach up to it are read after all others, in their turn. Days of two, since clocks differ by one.
"""
_TRIES = 5


def why_in_its_turn(source: Source, span: Range) -> str:
    """Why a span is read in its turn and not ahead of it; empty: it may be read ahead."""
    if span.until + RECENT > span.settings.moment():
        return "rows may still come to it"
    if isinstance(source.declared, FilesSource) and not _is_published_by_months(source, span.settings):
        return "the first piece reads all new files, whatever the days"
    return ""


def _is_published_by_months(source: Source, settings: Settings) -> bool:
    """Whether the days of a span choose the files: nothing lists what is behind HTTP, and a folder or bucket is read whole."""
    with contextlib.suppress(SettingsError):
        return is_http(find_address(source, settings))
    return True  # its read says that the address is not set


def read_range(source: Source, settings: Settings, span: Range) -> dict[str, int]:
    """Read a span into its range, if it is not there.

    Returns:
        The rows that it has, per table.

    Raises:
        RangeError: the span is not one to read ahead. SourceError, SettingsError: as of `land`; there is no range then.
    """
    if why := why_in_its_turn(source, span):
        raise RangeError(why)
    declared = fingerprint(source)
    with contextlib.suppress(RangeError):
        if (found := span.read()) and found["declared"] == declared:
            return {name: int(table["landed"]) for name, table in found["tables"].items() if table["landed"]}
    span.clear()
    span.begin()
    landing = Landing(source.name, settings)
    # before what reads remember is looked up: a load that comes between the two counts as one that came after
    newest = _patiently(lambda: landing.newest(after=str(landing.remembered().get("after", ""))))
    reading = _patiently(lambda: Reading(source, settings, span.since, span.until, work=span.work))
    try:
        with explained(source, settings):
            reading.begin()
            tables = {read.name: _put(read, span) for read in reading.reads}
            reading.refuse()
        read = {"read_at": reading.read_at.isoformat(), "notes": reading.notes, "unasked": reading.unasked}
        span.write({"declared": declared, "newest": newest, **read, "tables": tables})
    finally:
        reading.close()
    return reading.landed


def _put(read: TableRead | FileRead, span: Range) -> dict[str, Any]:
    """Move the rows of one table into the range; returns what its manifest says of the table."""
    files = [_put_rows(found, span, number) for number, found in enumerate(_rows(read))]
    return {
        "landed": read.landed,
        "has_news": bool(read.has_news),
        "before": read.before,
        "after": read.request.memory,
        "looked": sorted(read.request.looked),
        "withdrawn": read.request.withdrawn,
        "files": files,
    }


def _rows(read: TableRead | FileRead) -> Iterator[ToLand]:
    return iter(read.to_land()) if read.has_news else iter(())


def _put_rows(found: ToLand, span: Range, number: int) -> dict[str, Any]:
    path, whole = found.rows, not isinstance(found.rows, Path)
    if isinstance(path, pa.Table):
        rows, path = path, span.work / f"{number}.rows"
        pq.write_table(rows, path, compression="zstd")
    return span.put(path) | {"table": found.table, "whole": whole}


def _patiently(work: Callable[[], T]) -> T:
    """Look at the landing while a run may be landing: a file that it has just removed is not missing at the next look."""
    for again in range(_TRIES):
        try:
            return work()
        except FileNotFoundError:
            if again == _TRIES - 1:
                raise
            time.sleep(0.2)
    raise AssertionError

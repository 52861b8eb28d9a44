"""Land: what a source has that it did not have at the last read, as it is, appended to the lake.

A read covers everything, or with a cursor everything since the last read less the overlap. Rows equal to rows of the
read before are not landed again; so a read of the same thing twice lands nothing, and late or corrected rows inside the
overlap land once. dlt commits the rows together with the new cursor.
"""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import dlt
from dlt.extract.resource import DltResource

from foundation.work_ahead import Ahead
from settings import Settings

from ..declared.declaration import Source
from ..declared.declaration_error import DeclarationError
from ..declared.redact import has_private
from ..stores import destination, pipelines, withdrawn
from ..stores.lake import Landing
from ..stores.ranges import Range, RangeError
from .adopt import Adopted, adopt
from .ahead import load_connectors, servers
from .explained import explained
from .read_range import why_in_its_turn
from .reading import Reading


def land(
    source: Source,
    settings: Settings,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    files: Sequence[str] = (),
    notes: list[str] | None = None,
    unasked: dict[str, dict[str, str]] | None = None,
    begun: Reading | None = None,
    batch: str = "",
) -> dict[str, int]:
    """Read every table of a source and append what is new or changed to its landing folder.

    Args:
        since, until, files: as of `Reading`.
        notes: gets what people should know of the read, though nothing is wrong.
        unasked: gets, per table of a database, the columns that its contract does not name, with their types.
        begun: the read, where somebody has looked already.
        batch: of a piece of a backfill: takes a range that was read ahead under this name in place of a read, if it can.

    Returns:
        Rows landed per table; an empty dict when nothing was new.

    Raises:
        SourceError: the source did not answer as declared. Of a failed read nothing has landed; of files, those that
            could be read have.
        SettingsError: its address is not set, or cannot be one.
    """
    notes = [] if notes is None else notes
    span = Range(source.name, batch, since, until, settings) if batch and since and until else None
    adopted = _adopt(source, settings, span, notes) if span else None
    reading = adopted or begun or Reading(source, settings, since, until, files)
    try:
        with explained(source, settings):
            reading.begin()
            if made := reading.resources():  # most reads bring nothing, and dlt takes its time
                with _marked(span):
                    _append(source, settings, made, reading.newest, has_private(source.contracts.values()))
            notes += reading.notes
            if unasked is not None:
                unasked |= reading.unasked
            reading.keep()
            reading.refuse()
    finally:
        reading.close()
    if span:
        span.finish()
    return reading.landed


def _adopt(source: Source, settings: Settings, span: Range, notes: list[str]) -> Adopted | None:
    """The range of a span, where there is one that can be used; else the span is read, and a note says why."""
    try:
        found = adopt(source, settings, span)
    except RangeError as error:
        notes.append(f"{source.name}: {span} was read ahead, and {error}; it is read again")
        span.clear()
        return None
    if found is None and not why_in_its_turn(source, span):
        notes.append(f"{source.name}: {span} was not read ahead; it is read now")
    return found


@contextlib.contextmanager
def _marked(span: Range | None) -> Iterator[None]:
    """Let the record of a load that the block commits say of which piece of which batch it is."""
    from ..stores.commit import MARKS

    token = MARKS.set({"batch": span.batch, "span": span.span} if span else {})
    try:
        yield
    finally:
        MARKS.reset(token)


def read_ahead(
    sources: Mapping[str, Source],
    names: Collection[str],
    settings: Settings,
    since: datetime | None = None,
    until: datetime | None = None,
    files: Sequence[str] = (),
) -> Ahead[Reading]:
    """Begin to read sources side by side, those of them that threads may read."""
    places = servers(sources, names, settings)
    if len(places) < 2:
        places = {}
    load_connectors([sources[name] for name in places], settings)

    def look(name: str) -> Reading:
        return Reading(sources[name], settings, since, until, files).look()

    return Ahead(look, places, settings.readers, cancel=_cancel, drop=Reading.close)


def _cancel() -> None:
    """End the queries of readers that nobody waits for any more: a server would not notice before it has an answer."""
    from .connectors.postgres import cancel_all

    cancel_all()


def _append(source: Source, settings: Settings, made: list[DltResource], newest: str, private: bool) -> None:
    """Append the rows of dlt's resources to the landing, in one load, with what reads remember."""

    @dlt.source(name=source.name)
    def everything() -> Any:
        return made

    landing = Landing(source.name, settings)
    if not landing.exists():
        landing.begin()
    folder = settings.workplace(source.name) / "dlt"
    pipe = pipelines.pipeline(
        f"land_{source.name}", destination.lake(settings), source.name, settings, folder=folder
    )  # it remembers what its committed loads say
    pipelines.run(pipe, everything(), newest=newest, private=private, loader_file_format="parquet")


def withdraw(source: Source, file: str, settings: Settings) -> list[str]:
    """Mark a file of a source as withdrawn: the next refine removes its rows, and it counts again when it comes with other content.

    Returns:
        The tables whose file it is; none when it was withdrawn before.

    Raises:
        DeclarationError: no table knows such a file; the ones that are known are named.
    """
    landing = Landing(source.name, settings)
    noted = landing.remembered()
    memory = noted.get("resources", {})
    known = {name: memory.get(name, {}).get("files", {}) for name, table in source.extracted.items() if table.files}
    tables = [name for name, files in known.items() if file in files]
    if not tables:
        names = sorted(name for files in known.values() for name in files)
        close = ", ".join(difflib.get_close_matches(file, names, 5, 0.3) or names[:5])
        raise DeclarationError(
            f"{source.name}: no file {file!r} has landed; "
            + (f"{len(names)} are known, such as {close}" if names else "it has landed no file at all")
        )
    if sunk := [name for name in tables if "postgres" in source.tables[name].sinks]:
        raise DeclarationError(
            f"{source.name}: {sunk[0]} also goes to the operational Postgres, which keeps what it was sent; deliver {file} with"
            " corrected rows instead"
        )
    tables = [name for name in tables if not known[name][file].get(withdrawn.MARK)]
    if not tables:
        return []

    def remembered(name: str) -> Iterator[Any]:
        dlt.current.resource_state(name).setdefault("files", {})[file] = known[name][file] | {withdrawn.MARK: True}
        yield from ()

    made = [
        resource
        for name in tables
        for resource in (
            pipelines.resource(remembered(name), name),
            withdrawn.resource_of(name, [file], settings.clock()),
        )
    ]
    newest = landing.newest(after=str(noted.get("after", "")))
    _append(source, settings, made, newest, has_private(source.contracts.values()))
    return tables

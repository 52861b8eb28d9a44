"""Land: what a source has that it did not have at the last read, as it is, appended to the lake.

A read covers everything, or with a cursor everything since the last read less the overlap. Rows equal to rows of the
read before are not landed again; so a read of the same thing twice lands nothing, and late or corrected rows inside the
overlap land once. dlt commits the rows together with the new cursor.
"""

from __future__ import annotations

import copy
import difflib
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dlt
from dlt.extract.resource import DltResource

from foundation.parts import Part, add, gathered, part
from settings import Settings

from . import destination, pipelines, withdrawn
from .addressed import check_address
from .ahead import Ahead, load_connectors, servers
from .declaration import Source
from .declaration_error import DeclarationError
from .file_names import matches
from .file_read import FileRead
from .lake import Landing
from .redact import has_private
from .request import Request, declared_paths
from .reread import TableRead
from .source_error import Lasting, SourceError, explain
from .source_yml import FilesSource
from .turn import in_room


class Reading:
    """One read of every table of a source, from its beginning to the first rows that land.

    Args:
        since, until: read this span of the tables with a cursor instead (a backfill); the cursors stay where they are.
        files: read these files only (names in the source's folder, or addresses).

    Raises:
        SettingsError: the source's address is not set, or cannot be one.
        DeclarationError, SourceError: there is nothing to read in this way.
    """

    def __init__(
        self,
        source: Source,
        settings: Settings,
        since: datetime | None = None,
        until: datetime | None = None,
        files: Sequence[str] = (),
    ) -> None:
        if not files and any(table.rows is None for table in source.extracted.values()):
            check_address(source, settings)
        landing, self.work = Landing(source.name, settings), _workplace(source, settings)
        noted = landing.remembered()
        self.reads = _reads(source, settings, self.work, noted.get("resources", {}), since, until, files)
        self.newest, read_at = landing.newest(after=str(noted.get("after", ""))), _moment(settings, noted)
        for read in self.reads:
            read.request.newest, read.request.read_at = self.newest, read_at
        self.news: list[TableRead | FileRead] = []
        self.failure: Exception | None = None
        self.parts: dict[tuple[str, str], Part] = {}

    def look(self) -> Reading:
        """Read before it is the source's turn, no more than a little; what goes wrong is kept for who lands it."""
        for read in self.reads:
            read.request.ahead = True
        try:
            with gathered() as self.parts, in_room():
                for read in self.reads:
                    with part(read.name, "read ahead"):
                        read.begin()
        except Exception as error:
            self.failure = error
        for read in self.reads:
            read.request.ahead = False
        return self

    def begin(self) -> None:
        """Read, or go on from where the look ended.

        Raises:
            Exception: whatever went wrong, also in the look.
        """
        add(self.parts)
        if self.failure:
            raise self.failure
        for read in self.reads:
            if read.has_news is None:
                with part(read.name, "read"):
                    read.begin()
        self.news = [read for read in self.reads if read.has_news]

    def close(self) -> None:
        """End the read, wherever it is, and remove what it has brought and nobody has taken."""
        for read in self.reads:
            read.close()
        shutil.rmtree(self.work, ignore_errors=True)

    @property
    def notes(self) -> list[str]:
        """What people should know of the read, though nothing is wrong."""
        return [text for read in self.reads for text in read.request.notes]

    @property
    def unasked(self) -> dict[str, dict[str, str]]:
        """Per table of a database, the columns that its contract does not name, with their types."""
        return {read.name: read.request.unasked for read in self.reads if read.request.unasked}

    def refuse(self) -> None:
        """Raise an error where files could not be read; the others have landed.

        Raises:
            SourceError: which, and why.
        """
        if refused := [text for read in self.reads for text in read.refused]:
            raise SourceError(
                f"{self.reads[0].request.source.name}: {'; '.join(refused)}. Other files have landed; the next run tries"
                " these again",
                lasting=any(isinstance(text, Lasting) for text in refused),
            )


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
) -> dict[str, int]:
    """Read every table of a source and append what is new or changed to its landing folder.

    Args:
        since, until, files: as of `Reading`.
        notes: gets what people should know of the read, though nothing is wrong.
        unasked: gets, per table of a database, the columns that its contract does not name, with their types.
        begun: the read, where somebody has looked already.

    Returns:
        Rows landed per table; an empty dict when nothing was new.

    Raises:
        SourceError: the source did not answer as declared. Of a failed read nothing has landed; of files, those that
            could be read have.
        SettingsError: its address is not set, or cannot be one.
    """
    private = has_private(source.contracts.values())
    reading = begun or Reading(source, settings, since, until, files)
    try:
        reading.begin()
        if reading.news:  # most reads bring nothing, and dlt takes its time
            made = [resource for read in reading.news for resource in read.resources()]
            _append(source, settings, made, reading.newest, private)
        if notes is not None:
            notes += reading.notes
        if unasked is not None:
            unasked |= reading.unasked
        for read in reading.reads:
            if since is None:
                read.remember()
        reading.refuse()
    except (pipelines.StoreError, DeclarationError):
        raise
    except Exception as error:
        reason = explain(error, source.name)
        if private and isinstance(reason, SourceError):  # what it quotes may be personal
            raise reason.without_values(declared_paths(source, settings)) from None
        raise reason from error
    finally:
        reading.close()
    return {read.name: read.landed for read in reading.reads if read.landed}


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


def _workplace(source: Source, settings: Settings) -> Path:
    """An empty folder for what is read, which nobody else can look into."""
    for place in (f"land_{source.name}", f"reading/{source.name}", f"refine/{source.name}"):
        shutil.rmtree(
            settings.dlt / place, ignore_errors=True
        )  # where raw rows were on their way before there was `workplace`
    work = settings.workplace(source.name) / "reading"
    shutil.rmtree(work, ignore_errors=True)
    pipelines.keep_private(work, settings)
    return work


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


def _moment(settings: Settings, noted: dict[str, Any]) -> datetime:
    """When this read is, naive UTC: now, but never before the read before it, whose clock may have been ahead."""
    now = settings.moment()
    before = datetime.fromisoformat(noted["read_at"]) if "read_at" in noted else now
    return now if now >= before else before + timedelta(microseconds=1)


def _reads(
    source: Source,
    settings: Settings,
    work: Path,
    memory: dict[str, Any],
    since: datetime | None,
    until: datetime | None,
    files: Sequence[str],
) -> list[TableRead | FileRead]:
    """What to read; with `since` only tables that have a cursor, with `files` only those the files belong to."""
    reads: list[TableRead | FileRead] = []
    for name, table in source.extracted.items():
        known = copy.deepcopy(memory.get(name, {}))
        request = Request(
            source, name, table, since, until or settings.clock(), settings, work, known, only=list(files)
        )
        request.upto = until.date() if since and until else None
        if isinstance(source.declared, FilesSource) and table.files:
            if not files or any(matches(table.files, file) for file in files):
                reads.append(FileRead(request, source.declared))
        elif (since is None or table.cursor) and not files:
            reads.append(TableRead(request))
    patterns = [pattern for table in source.extracted.values() for pattern in table.files]
    for file in files:
        if not matches(patterns, file):
            known = ", ".join(patterns) or "it does not read files"
            raise DeclarationError(f"{source.name}: {file} belongs to none of its tables ({known})")
    if not reads:
        raise SourceError(f"{source.name}: no table has a cursor, so there is no span to fill; every run reads it all")
    return reads


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

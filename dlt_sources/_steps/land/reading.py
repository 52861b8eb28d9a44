"""One read of a source: which of its tables and files it covers, from when on, and what it found."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from dlt.extract.resource import DltResource

from foundation.parts import Part, add, gathered, part
from settings import Settings

from ..declared.declaration import Source
from ..declared.declaration_error import DeclarationError
from ..declared.file_names import matches
from ..declared.source_error import Lasting, SourceError
from ..declared.source_kinds import FilesSource
from ..stores import pipelines
from ..stores.lake import Landing
from . import parents
from .addressed import check_address
from .file_read import FileRead
from .request import Request
from .reread import TableRead
from .turn import in_room


class Reading:
    """One read of every table of a source, from its beginning to the first rows that land.

    Args:
        since, until: read this span of the tables with a cursor instead (a backfill); the cursors stay where they are.
        files: read these files only (names in the source's folder, or addresses).
        work: where what is read is on its way; None: the source's own place, which belongs to whoever has the lock.

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
        work: Path | None = None,
    ) -> None:
        if not files and any(table.rows is None for table in source.extracted.values()):
            check_address(source, settings)
        self.since, landing = since, Landing(source.name, settings)
        self.work = work or _workplace(source, settings)
        pipelines.keep_private(self.work, settings)
        noted = landing.remembered()
        self.reads = _reads(source, settings, self.work, noted.get("resources", {}), since, until, files)
        self.newest, self.read_at = landing.newest(after=str(noted.get("after", ""))), _moment(settings, noted)
        for read in self.reads:
            read.request.newest, read.request.read_at = self.newest, self.read_at
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

    def resources(self) -> list[DltResource]:
        """What was read as the resources of a dlt source."""
        return [resource for read in self.news for resource in read.resources()]

    def keep(self) -> None:
        """Now that the rows are committed: remove what earlier reads saw."""
        for read in self.reads:
            if self.since is None:
                read.remember()

    @property
    def landed(self) -> dict[str, int]:
        """Rows that landed, per table."""
        return {read.name: read.landed for read in self.reads if read.landed}

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


def _workplace(source: Source, settings: Settings) -> Path:
    """An empty folder for what is read, which nobody else can look into."""
    for place in (f"land_{source.name}", f"reading/{source.name}", f"refine/{source.name}"):
        shutil.rmtree(
            settings.dlt / place, ignore_errors=True
        )  # where raw rows were on their way before there was `workplace`
    work = settings.workplace(source.name) / "reading"
    shutil.rmtree(work, ignore_errors=True)
    return work


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
    links = parents.of_source(source.extracted, source.contracts)
    for name, table in source.extracted.items():
        known = copy.deepcopy(memory.get(name, {}))
        request = Request(
            source, name, table, since, until or settings.clock(), settings, work, known, only=list(files), links=links
        )
        request.upto = until.date() if since and until else None
        if isinstance(source.declared, FilesSource) and table.files:
            if not files or any(matches(table.files, file) for file in files):
                reads.append(FileRead(request, source.declared))
        elif not files and (since is None or table.cursor or any(read.name == table.for_each for read in reads)):
            reads.append(made := TableRead(request))
            for child in request.children:
                child.finish = made.finish
    patterns = [pattern for table in source.extracted.values() for pattern in table.files]
    for file in files:
        if not matches(patterns, file):
            known = ", ".join(patterns) or "it does not read files"
            raise DeclarationError(f"{source.name}: {file} belongs to none of its tables ({known})")
    if not reads:
        raise SourceError(f"{source.name}: no table has a cursor, so there is no span to fill; every run reads it all")
    return reads

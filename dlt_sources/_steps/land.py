"""Land: what a source has that it did not have at the last read, as it is, appended to the lake.

A read covers everything, or with a cursor everything since the last read less the overlap. Rows equal to rows of the
read before are not landed again; so a read of the same thing twice lands nothing, and late or corrected rows inside the
overlap land once. dlt commits the rows together with the new cursor.
"""

from __future__ import annotations

import copy
import hashlib
import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import dlt
import pyarrow.parquet as pq
from dlt.extract.resource import DltResource

from settings import Settings

from . import destination, pipelines
from .addressed import check_address
from .connectors import files as file_connector
from .declaration import DeclarationError, Source
from .lake import Landing
from .request import Request
from .reread import TableRead
from .source_error import Lasting, SourceError, explain
from .source_yml import FilesSource


def land(
    source: Source, settings: Settings, *, since: datetime | None = None, until: datetime | None = None,
    files: Sequence[str] = (),
) -> dict[str, int]:  # fmt: skip
    """Read every table of a source and append what is new or changed to its landing folder.

    Args:
        since, until: read this span of the tables with a cursor instead (a backfill); the cursors stay where they are.
        files: read these files only (names in the source's folder, or addresses).

    Returns:
        Rows landed per table; an empty dict when nothing was new.

    Raises:
        SourceError: the source did not answer as declared. Of a failed read nothing has landed; of files, those that
            could be read have.
        SettingsError: its address is not set, or cannot be one.
    """
    if not files and any(table.rows is None for table in source.extracted.values()):
        check_address(source, settings)
    pipe = _pipeline(source, settings)
    work = settings.dlt / "reading" / source.name
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    memory = pipe.state.get("sources", {}).get(source.name, {}).get("resources", {})
    reads = _reads(source, settings, work, memory, since, until, files)

    @dlt.source(name=source.name)
    def everything() -> Any:
        return [resource for read in reads for resource in read.resources()]

    try:
        pipelines.run(pipe, everything(), loader_file_format="parquet")
    except (pipelines.StoreError, DeclarationError):
        raise
    except Exception as error:
        raise explain(error, source.name) from error
    refused = [text for read in reads for text in read.refused]
    for read in reads:
        if since is None:
            read.remember()
    shutil.rmtree(work, ignore_errors=True)
    if refused:
        raise SourceError(
            f"{source.name}: {'; '.join(refused)}. Other files have landed; the next run tries these again",
            lasting=any(isinstance(text, Lasting) for text in refused),
        )
    return {read.name: read.landed for read in reads if read.landed}


def _pipeline(source: Source, settings: Settings) -> dlt.Pipeline:
    """The source's landing pipeline, with nothing of an earlier run pending and its state known."""
    pipe = pipelines.pipeline(f"land_{source.name}", destination.lake(settings), source.name, settings)
    if not Landing(source.name, settings).exists():
        pipe.drop()  # the lake is gone: a remembered cursor would skip what was in it
    pipelines.prepare(pipe, settings)
    return pipe


def _reads(
    source: Source, settings: Settings, work: Path, memory: dict[str, Any],
    since: datetime | None, until: datetime | None, files: Sequence[str],
) -> list[TableRead | FileRead]:  # fmt: skip
    """What to read; with `since` only tables that have a cursor, with `files` only those the files belong to."""
    reads: list[TableRead | FileRead] = []
    for name, table in source.extracted.items():
        known = copy.deepcopy(memory.get(name, {}))
        request = Request(
            source, name, table, since, until or settings.clock(), settings, work, known, only=list(files)
        )
        if isinstance(source.declared, FilesSource) and table.files:
            if not files or any(file_connector.matches(table.files, file) for file in files):
                reads.append(FileRead(request, source.declared))
        elif (since is None or table.cursor) and not files:
            reads.append(TableRead(request))
    patterns = [pattern for table in source.extracted.values() for pattern in table.files]
    for file in files:
        if not file_connector.matches(patterns, file):
            known = ", ".join(patterns) or "it does not read files"
            raise DeclarationError(f"{source.name}: {file} belongs to none of its tables ({known})")
    if not reads:
        raise SourceError(f"{source.name}: no table has a cursor, so there is no span to fill; every run reads it all")
    return reads


class FileRead:
    """One look at a table's files: each new or changed one becomes one landed file."""

    def __init__(self, request: Request, declared: FilesSource) -> None:
        self.request, self.name, self.declared = request, request.name, declared
        self.landed = 0
        self.refused: list[str] = []

    def resources(self) -> list[DltResource]:
        """The files' rows as resources that hand Parquet files to dlt, which puts them into the lake as they are.

        dlt rewrites a file that has other columns than its table. Columns come and go between files, so there is a dlt
        table, and a folder of the landing, per set of columns: ``<table>__<hash>``.
        """
        from dlt.common.libs.pyarrow import py_arrow_to_table_schema_columns

        shapes: dict[str, list[Path]] = {}
        for path in file_connector.read(self.request, self.declared.connection, self.refused):
            shape = str(pq.read_schema(path).remove_metadata())
            shapes.setdefault(hashlib.sha256(shape.encode()).hexdigest()[:8], []).append(path)
        made = [dlt.resource(self._remember_files(), name=self.name)]
        for shape, paths in shapes.items():
            columns: Any = py_arrow_to_table_schema_columns(pq.read_schema(paths[0]))
            name = f"{self.name}__{shape}"
            made.append(dlt.resource(self._rows(paths), name=name, columns=columns, write_disposition="append"))
        return made

    def _rows(self, paths: list[Path]) -> Iterator[Any]:
        for path in paths:
            count = pq.read_metadata(path).num_rows
            self.landed += count
            if count:
                yield dlt.mark.with_file_import(str(path), "parquet", count)

    def _remember_files(self) -> Iterator[Any]:
        dlt.current.resource_state(self.name).update(self.request.memory)  # commits with the rows
        yield from ()

    def remember(self) -> None:
        """Nothing: what was read is in dlt's state."""

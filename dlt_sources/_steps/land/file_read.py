"""One look at the files of a table: what is new or changed lands file by file, as it is."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import dlt
import pyarrow.parquet as pq
from dlt.extract.resource import DltResource

from ..declared.source_kinds import FilesSource
from ..stores import pipelines, withdrawn
from ..stores.lake import shaped
from .connectors import files as file_connector
from .request import Request
from .row_files import ToLand
from .turn import MORE


class FileRead:
    """One look at a table's files: each new or changed one becomes one landed file."""

    def __init__(self, request: Request, declared: FilesSource) -> None:
        self.request, self.name, self.declared = request, request.name, declared
        self.landed = 0
        self.refused: list[str] = []
        self.shapes: dict[str, list[Path]] = {}
        self.before = copy.deepcopy(request.memory)
        self.has_news: bool | None = None
        self._files = file_connector.read(request, declared.connection, self.refused)

    def begin(self) -> None:
        """Read the files, and find out whether there is anything to land or to remember: `has_news`.

        Before the source's turn perhaps not all: called again in its turn, it goes on from there.
        """
        for path in self._files:
            if path is MORE:
                return
            self.shapes.setdefault(shaped(self.name, pq.read_schema(path)), []).append(path)
        self.landed = sum(pq.read_metadata(path).num_rows for paths in self.shapes.values() for path in paths)
        self.has_news = bool(self.shapes or self.request.withdrawn or self.request.memory != self.before)

    def resources(self) -> list[DltResource]:
        """The read as the resources of a dlt source."""
        marks = (self.name, self.request.withdrawn, self.request.settings.clock())
        return resources_of(self._remember_files(), *marks, self.shapes)

    def to_land(self) -> Iterator[ToLand]:
        """The rows that land."""
        for name, paths in self.shapes.items():
            yield from (ToLand(name, path) for path in paths)

    def _remember_files(self) -> Iterator[Any]:
        self.request.keep_memory(bool(self.landed))
        yield from ()

    def remember(self) -> None:
        """Nothing: what was read is in dlt's state."""

    def close(self) -> None:
        """End the read, wherever it is."""
        self._files.close()


def resources_of(
    remember: Iterator[Any], name: str, gone: list[str], now: datetime, shapes: Mapping[str, list[Path]]
) -> list[DltResource]:
    """Files' rows as resources that hand Parquet files to dlt, which puts them into the lake as they are.

    dlt rewrites a file that has other columns than its table. Columns come and go between files, so there is a dlt
    table, and a folder of the landing, per set of columns: ``<table>__<hash>``.

    Args:
        remember: keeps what is to be remembered of the table `name`, and yields nothing.
        gone: files whose rows count no longer. shapes: files by their dlt table.
    """
    from dlt.common.libs.pyarrow import py_arrow_to_table_schema_columns

    made = [pipelines.resource(remember, name)]
    if gone:
        made.append(withdrawn.resource_of(name, gone, now))
    for shape, paths in shapes.items():
        columns: Any = py_arrow_to_table_schema_columns(pq.read_schema(paths[0]))
        made.append(pipelines.resource(_rows(paths), shape, columns=columns, write_disposition="append"))
    return made


def _rows(paths: list[Path]) -> Iterator[Any]:
    for path in paths:
        if count := pq.read_metadata(path).num_rows:
            yield dlt.mark.with_file_import(str(path), "parquet", count)

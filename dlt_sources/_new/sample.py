"""A bounded sample of a table, as its rows would land; nothing is written to the lake or the warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from settings import Settings

from .._steps.contracts.contract import PAYLOAD
from .._steps.contracts.text import text_of
from .._steps.declared.connections import FilesConnection
from .._steps.declared.declaration import Source
from .._steps.declared.source_error import SourceError, explain
from .._steps.declared.source_kinds import FilesSource
from .._steps.land import cursor
from .._steps.land.connect import connect
from .._steps.land.connectors import files as file_connector
from .._steps.land.connectors.candidate import NotPublishedError
from .._steps.land.connectors.tabular import as_parquet
from .._steps.land.connectors.text_files import FileError
from .._steps.land.parents import Parents
from .._steps.land.request import Request, UnchangedError
from .._steps.land.row_files import RowFiles, write_file
from .sample_error import SampleError

ROWS, PAGES, FILES = 10_000, 5, 3
"""Of a sample at most: rows, pages of an API, files."""
HEAD = 64 * 2**20
"""Bytes of a long text of which the sample is made."""
LOAD = "1700000000.0"
"""The load that a sample's files seem to be of."""
_DELIMITERS = ",;\t|"


@dataclass
class Sample:
    """Rows as they would land.

    Attributes:
        files: Parquet files of them, named as landed ones.
        notes: what people should know of the read. pages: of an API.
    """

    files: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    pages: int = 0
    names: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many there are."""
        return sum(pq.read_metadata(path).num_rows for path in self.files)


def read_sample(
    source: Source,
    name: str,
    settings: Settings,
    work: Path,
    *,
    rows: int = ROWS,
    pages: int = PAGES,
    links: dict[str, Parents] | None = None,
) -> Sample:
    """Read a sample of a table by its connector.

    Args:
        links: what endpoints with `for_each` are asked with, one for all tables of a source.

    Raises:
        SourceError: the source did not answer as declared.
        SampleError: no file could be read.
    """
    table = source.tables[name]
    work.mkdir(parents=True, exist_ok=True)
    since = cursor.since({}, table, settings.clock()) if table.cursor else None
    request = Request(source, name, table, since, settings.clock(), settings, work, most=rows, links=links or {})
    sample = Sample()
    try:
        if isinstance(source.declared, FilesSource) and table.files:
            _read_files(request, source.declared.connection, sample, rows)
        else:
            _read_rows(request, sample, rows, pages)
    except (SourceError, SampleError):
        raise
    except Exception as error:
        raise explain(error, source.name, "nothing was landed") from error
    sample.notes += request.notes
    return sample


def _read_rows(request: Request, sample: Sample, rows: int, pages: int) -> None:
    """Records or columns as the connector gives them."""
    records: list[Any] = []
    first = 0
    for part in _parts(request):
        if isinstance(part, pa.Table):
            sample.files.append(_land(part.slice(0, rows - first), first, request, len(sample.files)))
            first += part.num_rows
        elif request.pages <= pages:
            records.append(part)
        if first >= rows or len(records) >= rows or request.pages > pages:
            break
    sample.pages = min(request.pages, pages)
    if records:
        texts = pa.table({PAYLOAD: pa.array(map(text_of, records), pa.string())})
        sample.files.append(_land(texts, 0, request, 0))


def _parts(request: Request) -> Iterator[Any]:
    parts: Iterable[Any] = connect(request)
    try:
        for part in parts:
            if isinstance(part, RowFiles):
                for path in part.files:
                    yield from (pa.Table.from_batches([batch]) for batch in pq.ParquetFile(path).iter_batches(ROWS))
            else:
                yield part
    except UnchangedError:
        return


def _land(rows: pa.Table, first: int, request: Request, number: int) -> Path:
    """Rows with their marks as a file that is named as a landed one."""
    count = rows.num_rows
    marked = rows.append_column("_row", pa.array(range(first, first + count), pa.int64()))
    marked = marked.append_column("_deleted", pa.array([False] * count))
    marked = marked.append_column("_read_at", pa.array([request.read_at] * count, pa.timestamp("us")))
    return write_file(marked, request.work).rename(request.work / f"{LOAD}.{number}.parquet")


def _read_files(request: Request, connection: FilesConnection, sample: Sample, rows: int) -> None:
    """The newest files by their names, the head of a long text."""
    found = list(islice(file_connector.candidates(request, connection), 1000))
    first, refused = 0, []
    for number, candidate in enumerate(reversed(found)):
        path, target = request.work / "file", request.work / f"{LOAD}.{number}.parquet"
        try:
            candidate.fetch(path, None)
            _cut(path, candidate.name)
            as_parquet(
                path,
                target,
                candidate.name,
                request.contract,
                connection,
                request.read_at,
                first,
                request.settings.memory,
            )
        except (FileError, NotPublishedError) as error:
            refused.append(f"{candidate.name}: {error}")
            continue
        if pq.read_metadata(target).num_rows > rows - first:
            pq.write_table(pq.read_table(target).slice(0, rows - first), target)
        sample.files.append(target)
        sample.names.append(candidate.name)
        first += pq.read_metadata(target).num_rows
        if first >= rows or len(sample.files) >= FILES:
            break
    sample.notes += refused
    if not sample.files:
        patterns = ", ".join(request.table.files)
        raise SampleError(
            "; ".join(refused)
            or f"{request.name}: no file is called {patterns}; correct the address, or deliver a file first"
        )


def _cut(path: Path, name: str) -> None:
    """Leave the head of a text that is longer than a sample needs, up to the end of a line."""
    if not name.lower().endswith((".csv", ".txt", ".jsonl", ".ndjson")) or path.stat().st_size <= HEAD:
        return
    with path.open("r+b") as file:
        head = file.read(HEAD)
        file.truncate(head.rfind(b"\n") + 1 or HEAD)

"""Rows of the read before that a full read of a table lacks: they were deleted, if it is not the answer that is broken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from warehouse.quote import literal

from ..declared.source_error import SourceError
from ..judge.raw_rows import value_of, values_at
from .remembered import HASH

if TYPE_CHECKING:
    from .reread import TableRead


def refuse_shrinking(read: TableRead, con: duckdb.DuckDBPyConnection, rows: int) -> None:
    """Refuse a read with so few rows that deletions do not explain it.

    Raises:
        SourceError: it has less than the declared share of the rows of the read before.
    """
    before = _count(con, "SELECT 1 FROM previous")
    if read.previous.is_file() and rows < before * read.table.shrink_floor:
        raise SourceError(
            f"{read.request.source.name}.{read.name}: {rows} rows where the last read had {before}; taking this for a broken"
            " answer, not for deletions. If it is right, lower `shrink_floor` in source.yml for one run"
        )


def find_vanished(read: TableRead, con: duckdb.DuckDBPyConnection) -> Iterator[pa.Table]:
    """What is remembered of the rows of the previous full read whose key this one lacks, marked deleted."""
    if read.previous.is_file():
        rows = query_vanished(read, con)
        vanished = read.number(con, f"SELECT * EXCLUDE ({HASH}){_renamed(read, con)}, TRUE AS _deleted FROM ({rows})")
        yield from map(read.remembered.of, vanished)


def query_vanished(read: TableRead, con: duckdb.DuckDBPyConnection) -> str:
    """SQL: the rows of the previous read whose key is not in what this one saw, which becomes the view `seen`."""
    if not read.previous.is_file():
        return "SELECT * FROM previous LIMIT 0"
    con.execute(f"CREATE OR REPLACE VIEW seen AS SELECT * FROM read_parquet({literal(read.seen)})")
    names = [f"k{n}" for n in range(len(read.table.key))]
    same = " AND ".join(f"gone.{name} = now.{name}" for name in names)
    known = " AND ".join(f"gone.{name} IS NOT NULL" for name in names)
    return (
        f"SELECT * EXCLUDE ({', '.join(names)}) FROM (SELECT *, {_key(read, con, 'previous')} FROM previous)"
        f" AS gone ANTI JOIN (SELECT {_key(read, con, 'seen')} FROM seen) AS now ON {same} WHERE {known}"
    )


def _key(read: TableRead, con: duckdb.DuckDBPyConnection, rows: str) -> str:
    """SQL: the key's values in raw rows, as k0, k1 and so on."""
    paths = read.request.paths
    return ", ".join(f"{value_of(con, rows, paths[name])} AS k{n}" for n, name in enumerate(read.table.key))


def _renamed(read: TableRead, con: duckdb.DuckDBPyConnection) -> str:
    """Columns of the key that have another name now, under that name: so the contract finds the key of what vanished."""
    paths = read.request.paths
    pairs = [[values_at(con, rows, paths[name])[:1] for rows in ("previous", "seen")] for name in read.table.key]
    return "".join(f", {old[0]} AS {new[0]}" for old, new in pairs if old and new and old != new)


def has_vanished(read: TableRead, con: duckdb.DuckDBPyConnection) -> bool:
    """Whether a row of the read before is not among what this one saw."""
    return _count(con, query_vanished(read, con)) > 0


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(con.execute(f"SELECT count(*) FROM ({query})").fetchall()[0][0])

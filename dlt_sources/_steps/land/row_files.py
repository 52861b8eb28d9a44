"""Rows that a connector wrote to Parquet files, compared and landed as files: no row of them becomes a Python object or an Arrow page."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dlt
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.quote import identifier, literal

from ..contracts.contract import MARKS
from ..judge.raw_rows import as_json, values_at
from . import cursor
from .named import refuse_names
from .remembered import HASH

if TYPE_CHECKING:
    from .reread import TableRead

FILE_SIZE = 128 * 2**20
"""Bytes of a landed file, about: what engines read best."""
_MARKS = [mark for mark in MARKS if mark != "_load_id"]


@dataclass(frozen=True)
class RowFiles:
    """Files of one read, all of the same columns.

    Attributes:
        numbered: as rows land, with their marks.
        plain: columns whose moments are without a zone where they come from: what lands has them in UTC.
    """

    files: list[Path]
    numbered: bool = False
    plain: tuple[str, ...] = ()

    @property
    def sql(self) -> str:
        """The rows as a DuckDB query, with their marks only where they are `numbered`."""
        return f"SELECT * FROM read_parquet([{', '.join(map(literal, self.files))}])"

    def __len__(self) -> int:
        return sum(pq.read_metadata(path).num_rows for path in self.files)


def changed_files(
    read: TableRead, con: duckdb.DuckDBPyConnection, rows: RowFiles, seen: Path, known: str
) -> Iterator[Path]:
    """Write what was seen of a table to `seen`, and yield the rows whose hash is not `known`, as files.

    Rows are hashed only where a later read will compare them.
    """
    own = f" EXCLUDE ({', '.join(_MARKS)})" if rows.numbered else ""
    plain = ", ".join(f"make_timestamp(epoch_us({n})) AS {n}" for n in map(identifier, rows.plain))
    replaced = f" REPLACE ({plain})" if plain else ""
    con.execute(f"CREATE OR REPLACE VIEW page AS SELECT *{own}{replaced} FROM ({rows.sql})")
    refuse_names(read.request, [row[0] for row in con.execute("DESCRIBE page").fetchall()])
    read.read = len(rows)
    read.newest = cursor.newest_in(con, read.request)
    read.look_back(con)
    compares = bool(con.execute(f"SELECT 1 FROM ({known}) LIMIT 1").fetchall())
    hashed = f"SELECT page.*, md5(CAST({as_json(con)} AS VARCHAR)) AS {HASH} FROM page"
    if not read.backfill:
        asked_again = "TRUE" if compares else _asked_again(read, con)
        there = [row[0] for row in con.execute(f"DESCRIBE {hashed}").fetchall()]
        kept = ", ".join(map(identifier, read.remembered.columns(there, sees_deletes=read.table.sees_deletes)))
        con.execute(f"COPY (SELECT {kept} FROM ({hashed} WHERE {asked_again})) TO {literal(seen)} (FORMAT parquet)")
    if compares or not rows.numbered:
        rows = _numbered(read, con, rows, known if compares else None)
    for path in rows.files:
        count = pq.read_metadata(path).num_rows
        read.landed += count
        if count:
            yield path


@dataclass(frozen=True)
class ToLand:
    """Rows on their way into a table of the landing: a table as it is, or a file that becomes a landed one."""

    table: str
    rows: pa.Table | Path

    def item(self, resource: str) -> Any:
        """The rows as a resource of dlt yields them."""
        if isinstance(self.rows, Path):
            return import_file(self.rows, self.table)
        return self.rows if self.table == resource else dlt.mark.with_table_name(self.rows, self.table)


def import_file(path: Path, table: str) -> Any:
    """A file of rows as what dlt puts into the folder of a table, as it is."""
    from dlt.common.libs.pyarrow import py_arrow_to_table_schema_columns

    columns: Any = py_arrow_to_table_schema_columns(pq.read_schema(path))
    hints = dlt.mark.make_hints(table_name=table, columns=columns, write_disposition="append")
    return dlt.mark.with_file_import(str(path), "parquet", pq.read_metadata(path).num_rows, hints)


def _numbered(read: TableRead, con: duckdb.DuckDBPyConnection, rows: RowFiles, known: str | None) -> RowFiles:
    """The rows with their marks; of those that are compared the ones whose hash is not `known`."""
    target = read.request.work / f"{read.name}.changed.parquet"
    new = f" WHERE md5(CAST({as_json(con)} AS VARCHAR)) NOT IN ({known})" if known else ""
    columns = {row[0]: row[1] for row in con.execute("DESCRIBE page").fetchall()}
    values = [
        f"{in_utc(n) if kind == 'TIMESTAMP' else n} AS {n}"
        for n, kind in zip(map(identifier, columns), columns.values(), strict=True)
    ]
    query = f"SELECT {', '.join(values)}, {marks('row_number() OVER () - 1', read.request.read_at)} FROM page{new}"
    con.execute(f"COPY ({query}) TO {literal(target)} (FORMAT parquet, COMPRESSION zstd)")
    return RowFiles([target], numbered=True)


def marks(number: str, read_at: datetime) -> str:
    """SQL: the marks of rows that land. `number`: SQL of a row's number in its load."""
    return f"FALSE AS _deleted, {number} AS _row, TIMESTAMPTZ '{read_at}+00' AS _read_at"


def in_utc(moment: str) -> str:
    """SQL: a moment without a zone as the same in UTC, also one that is infinite."""
    return (
        f"CASE WHEN isfinite({moment}) THEN make_timestamptz(epoch_us({moment})) ELSE CAST({moment} AS TIMESTAMPTZ) END"
    )


def _asked_again(read: TableRead, con: duckdb.DuckDBPyConnection) -> str:
    """SQL: whether the next read will ask for a row of `page` again.

    A table without a cursor is always read whole. With one, whole days are kept: a date has no time.
    """
    table = read.table
    if not table.cursor or table.sees_deletes or read.newest is None:
        return "TRUE"
    asked = min(read.newest, read.settings.clock()) - table.overlap - timedelta(days=1)
    day = asked.astimezone(UTC).date().isoformat()
    read.covers = max(filter(None, (read.covers, datetime.combine(asked.astimezone(UTC).date(), time(), UTC))))
    moments = values_at(con, "page", read.request.paths[table.cursor])
    return " OR ".join(f"{moment} IS NULL OR {moment} >= '{day}'" for moment in moments) or "TRUE"


def write_file(rows: pa.Table, folder: Path) -> Path:
    """Rows with their marks as a file in the form in which they land."""
    columns = [
        column.cast(pa.timestamp(column.type.unit, "UTC"))
        if pa.types.is_timestamp(column.type) and column.type.tz is None
        else column
        for column in rows.columns
    ]
    path = folder / f"{secrets.token_hex(8)}.parquet"
    pq.write_table(pa.table(columns, rows.column_names), path, compression="zstd")
    return path

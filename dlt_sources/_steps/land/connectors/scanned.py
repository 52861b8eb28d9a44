"""Large tables of Postgres, read by DuckDB's own scanner: several sessions of one snapshot, in binary, straight into Parquet.

It reads about twice as fast as COPY's text, and not every value as it is: NaN becomes 0, `char(n)` loses its blanks. So it is asked
only for types of which it is known what it makes, and its result counts only where it has none of the values that it changes. In
every other case COPY reads the table (copied.py).
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import psycopg2.extensions
import pyarrow as pa

from warehouse.quote import identifier, literal

from ...contracts.contract import RESERVED
from ..row_files import FILE_SIZE, RowFiles, in_utc, marks
from .copied import PgColumn

LARGE = 16 * 2**20
"""Bytes of a table from which on it is worth while: to load the scanner takes 0.1 s."""
SESSIONS = 4
"""The most of them at a time: the server is somebody else's."""
_SEEN = {
    "bool": "BOOLEAN",
    "int2": "SMALLINT",
    "int4": "INTEGER",
    "int8": "BIGINT",
    "float4": "FLOAT",
    "float8": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMP WITH TIME ZONE",
    "text": "VARCHAR",
    "varchar": "VARCHAR",
    "uuid": "UUID",
    "json": "VARCHAR",
    "jsonb": "VARCHAR",
}
"""Per type of Postgres that of the scanner."""
_EQUAL = {
    "int2": "CAST({} AS BIGINT)",
    "int4": "CAST({} AS BIGINT)",
    "float4": "CAST(CAST({} AS VARCHAR) AS DOUBLE)",
    "uuid": "CAST({} AS VARCHAR)",
    "timestamp": in_utc("{}"),
}
"""What makes of it the value that COPY gives, as it lands."""
_DAYS = "BETWEEN '0001-01-01' AND '9999-12-31'"


def scan(
    parameters: Mapping[str, Any],
    schema: str,
    table: str,
    columns: list[PgColumn],
    folder: Path,
    read_at: datetime,
    memory: str,
) -> RowFiles | None:
    """Write the rows of a table to Parquet files in a folder; None: the scanner cannot be trusted with this table.

    Args:
        parameters: of libpq, for sessions of the scanner's own.
        read_at: when this read is, naive UTC.
        memory: that DuckDB may hold, as in the settings.
    """
    if not all(column.type in _SEEN or pa.types.is_decimal(column.arrow) for column in columns):
        return None
    if RESERVED.intersection(column.name for column in columns):
        return None  # refused later, with what to do
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        with _attached(parameters, schema, folder, memory) as con:
            place = f"pg.{identifier(schema)}.{identifier(table)}"
            con.execute("BEGIN")  # one snapshot for the rows and for what is asked about them
            if _is_trusted(con, place, columns):
                _write(con, place, columns, folder, read_at)
                if not _has_changed_values(con, schema, table, columns, folder):
                    plain = tuple(column.name for column in columns if column.type == "timestamp")
                    return RowFiles(sorted(folder.glob("rows/*.parquet")), numbered=True, plain=plain)
    except duckdb.Error:
        pass  # COPY will say what is wrong, if anything is
    shutil.rmtree(folder, ignore_errors=True)
    return None


def _attached(parameters: Mapping[str, Any], schema: str, folder: Path, memory: str) -> duckdb.DuckDBPyConnection:
    """A DuckDB in memory with the database as `pg`. By the wheel's file: nothing is downloaded."""
    con = duckdb.connect(config={"autoinstall_known_extensions": "false", "memory_limit": memory})
    con.execute("SET TimeZone = 'UTC'")
    con.execute(f"SET temp_directory = {literal(folder / 'spill')}")
    con.execute(f"SET threads = {min(SESSIONS, os.cpu_count() or 1)}")
    con.execute(f"LOAD {literal(extension())}")
    dsn = psycopg2.extensions.make_dsn(**parameters)
    con.execute(f"ATTACH {literal(dsn)} AS pg (TYPE postgres, READ_ONLY, SCHEMA {literal(schema)})")
    return con


def extension() -> Path:
    """The file of the scanner: its wheel's, so that nothing is downloaded.

    Raises:
        duckdb.Error: the wheel is not installed.
    """
    found = importlib.util.find_spec("duckdb_extension_postgres_scanner")
    if found is None or not found.submodule_search_locations:
        raise duckdb.Error("the scanner's wheel is not installed")
    [base] = found.submodule_search_locations
    return Path(base, "extensions", f"v{duckdb.__version__}", "postgres_scanner.duckdb_extension")


def _is_trusted(con: duckdb.DuckDBPyConnection, place: str, columns: list[PgColumn]) -> bool:
    """Whether every column is of the type that is expected: a domain's, say, is another."""
    names = ", ".join(identifier(column.name) for column in columns)
    found = [row[1] for row in con.execute(f"DESCRIBE SELECT {names} FROM {place}").fetchall()]
    return found == [_seen(column) for column in columns]


def _seen(column: PgColumn) -> str:
    if pa.types.is_decimal(column.arrow):
        return f"DECIMAL({column.arrow.precision},{column.arrow.scale})"
    return _SEEN[column.type]


def _write(
    con: duckdb.DuckDBPyConnection, place: str, columns: list[PgColumn], folder: Path, read_at: datetime
) -> None:
    """Numbers come from a sequence: a window over all rows would not run side by side."""
    con.execute("CREATE TEMP SEQUENCE numbers MINVALUE 0 START 0")
    values = ", ".join(
        f"{_EQUAL.get(c.type, '{}').replace('{}', identifier(c.name))} AS {identifier(c.name)}" for c in columns
    )
    own = marks("nextval('numbers')", read_at)
    con.execute(
        f"COPY (SELECT {values}, {own} FROM {place})"
        f" TO {literal(folder / 'rows')} (FORMAT parquet, COMPRESSION zstd, FILE_SIZE_BYTES {FILE_SIZE})"
    )


def _has_changed_values(
    con: duckdb.DuckDBPyConnection, schema: str, table: str, columns: list[PgColumn], folder: Path
) -> bool:
    """Whether a value is not what the server holds, or has no form in its type as COPY reads it.

    A NaN would be a zero now: the server is asked about the columns that hold one.
    """
    rows = f"read_parquet({literal(folder / 'rows' / '*.parquet')})"
    moments = [identifier(c.name) for c in columns if pa.types.is_temporal(c.arrow)]
    numbers = [c.name for c in columns if pa.types.is_decimal(c.arrow)]
    asked = [f"count(*) FILTER (NOT {m} {_DAYS})" for m in moments] + [
        f"count(*) FILTER ({identifier(n)} = 0)" for n in numbers
    ]
    if not asked:
        return False
    found = con.execute(f"SELECT {', '.join(asked)} FROM {rows}").fetchall()[0]
    if any(found[: len(moments)]):
        return True
    zeros = [name for name, count in zip(numbers, found[len(moments) :], strict=True) if count]
    if not zeros:
        return False
    wrong = " OR ".join(f"{identifier(name)} = 'NaN'" for name in zeros)
    query = f"SELECT 1 AS found FROM {identifier(schema)}.{identifier(table)} WHERE {wrong} LIMIT 1"
    return bool(con.execute(f"SELECT * FROM postgres_query('pg', {literal(query)})").fetchall())

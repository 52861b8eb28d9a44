"""Rows into tables of the warehouse, several tables in one transaction: by the engine itself, from Parquet files.

Rows that come take the place of those that they match. Either everything of a call is there afterwards, or nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .connection import Connection, WarehouseError, connect
from .quote import identifier, literal, redshift_literal

if TYPE_CHECKING:
    from settings import Settings

Statement = tuple[str, Sequence[object]]


@dataclass(frozen=True)
class Rows:
    """Rows for one table.

    Attributes:
        file: Parquet, with the table's columns by name.
        columns: the file's columns in their order, each with its type in the warehouse.
        match: the columns by which they take the place of rows that are there.
        keeps_deleted: whether rows with ``_deleted`` are kept; else they only take others away.
    """

    table: str
    file: Path
    columns: dict[str, str]
    match: list[str]
    keeps_deleted: bool = True


@contextmanager
def transaction(settings: Settings) -> Iterator[Connection]:
    """The warehouse, in a transaction that commits when the block ends well and is undone when it does not.

    Raises:
        WarehouseError: it cannot be opened, or refuses a statement. LockError: the lock of this run is gone.
    """
    import duckdb

    from runtime.lock import ensure_held

    with connect(settings) as con:
        con.execute("BEGIN")
        try:
            yield con
            ensure_held()
            con.execute("COMMIT")
        except duckdb.Error as error:
            raise WarehouseError(f"the warehouse {settings.warehouse} could not be written: {_first(error)}") from error
        except BaseException:
            with contextlib.suppress(Exception):
                con.execute("ROLLBACK")
            raise


def replace(schema: str, rows: Sequence[Rows], statements: Sequence[Statement], settings: Settings) -> None:
    """Put rows into tables of a schema, and run statements with them.

    Raises:
        WarehouseError: it could not be done; nothing of it is.
    """
    with _reachable(schema, rows, settings) as places, transaction(settings) as con:
        for part, place in zip(rows, places, strict=True):
            _replace(con, schema, part, place, settings)
        for query, values in statements:
            con.execute(query, values)


def _replace(con: Connection, schema: str, rows: Rows, place: str, settings: Settings) -> None:
    came = identifier(f"_came_{rows.table}")
    if settings.aws:
        columns = ", ".join(f"{identifier(n)} {kind}" for n, kind in rows.columns.items())
        con.execute(f"CREATE TEMP TABLE {came} ({columns})")
        role = redshift_literal(settings.redshift_role)
        con.execute(f"COPY {came} FROM {redshift_literal(place)} IAM_ROLE {role} FORMAT AS PARQUET")
    else:
        con.execute(f"CREATE TEMP VIEW {came} AS SELECT * FROM read_parquet({literal(place)})")
    target, own = f"{identifier(schema)}.{identifier(rows.table)}", identifier(rows.table)
    same = " AND ".join(f"{came}.{n} = {own}.{n}" for n in map(identifier, rows.match))
    con.execute(f"DELETE FROM {target} USING {came} WHERE {same}")
    names = ", ".join(map(identifier, rows.columns))
    kept = "" if rows.keeps_deleted else " WHERE NOT _deleted"
    con.execute(f"INSERT INTO {target} ({names}) SELECT {names} FROM {came}{kept}")
    con.execute(f"DROP {'TABLE' if settings.aws else 'VIEW'} {came}")


@contextmanager
def _reachable(schema: str, rows: Sequence[Rows], settings: Settings) -> Iterator[list[str]]:
    """Where the warehouse finds each file: here, or on S3 for as long as the block runs."""
    if not settings.aws:
        yield [str(part.file) for part in rows]
        return
    import secrets

    import fsspec

    from runtime.aws import storage_options

    lake = fsspec.filesystem("s3", **storage_options(settings))
    folder = f"{settings.lake}/staging/{schema}/{secrets.token_hex(8)}"
    places = [f"{folder}/{part.table}.parquet" for part in rows]
    try:
        if rows:
            lake.put([str(part.file) for part in rows], places)
        yield places
    finally:
        with contextlib.suppress(Exception):  # what is left expires by the lake's lifecycle
            lake.rm(places)


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]

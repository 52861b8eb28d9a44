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

from foundation.parts import part

from .connection import Connection, WarehouseError, connect
from .quote import identifier, redshift_literal

if TYPE_CHECKING:
    from settings import Settings

Statement = tuple[str, Sequence[object]]


@dataclass(frozen=True)
class Rows:
    """Rows for one table.

    Attributes:
        query: SQL that gives them, over files of this machine, with the table's columns by name.
        columns: its columns in their order, each with its type in the warehouse.
        match: the columns by which they take the place of existing rows.
        keeps_deleted: whether rows with ``_deleted`` are kept; else they only take others away.
        file: on AWS the Parquet file of the same rows, which the warehouse gets by S3.
    """

    table: str
    query: str
    columns: dict[str, str]
    match: list[str]
    keeps_deleted: bool = True
    file: Path | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is certainly no row, which is known on AWS: six statements less, each of which takes its time there."""
        import pyarrow.parquet as pq

        return self.file is not None and not pq.read_metadata(self.file).num_rows


@contextmanager
def transaction(settings: Settings) -> Iterator[Connection]:
    """The warehouse, in a transaction that commits when the block ends well and is undone when it does not.

    Raises:
        WarehouseError: it cannot be opened, or refuses a statement. LockError: the lock of this run is gone.
    """
    import duckdb

    from foundation.lock import ensure_held

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
        for some in rows:
            with part(some.table, "stage"):
                _replace(con, schema, some, places.get(some.table, ""), settings)
        if rows and settings.aws:
            con.execute(f"DROP TABLE {', '.join(map(_came, rows))}")
        elif rows:
            con.execute("; ".join(f"DROP VIEW {_came(some)}" for some in rows))
        for query, values in statements:
            con.execute(query, values)


def _came(rows: Rows) -> str:
    """What holds the rows that came for a table, until they are in it."""
    return identifier(f"_came_{rows.table}")


def _replace(con: Connection, schema: str, rows: Rows, place: str, settings: Settings) -> None:
    came = _came(rows)
    if settings.aws:
        columns = ", ".join(f"{identifier(n)} {kind}" for n, kind in rows.columns.items())
        con.execute(f"CREATE TEMP TABLE {came} ({columns})")
        role = redshift_literal(settings.redshift_role)
        con.execute(f"COPY {came} FROM {redshift_literal(place)} IAM_ROLE {role} FORMAT AS PARQUET")
    else:
        con.execute(f"CREATE TEMP VIEW {came} AS {rows.query}")
    put_in_place(con, schema, rows, settings)


def put_in_place(con: Connection, schema: str, rows: Rows, settings: Settings) -> None:
    """Put rows that came, which are in ``_came_<table>``, into their table, and take those that they match out of it.

    Existing rows and those that came may be many of one value, as of a file that comes again: each existing one is met once,
    not once for each that came. DuckDB does so by a join with each value once, for which it reads only what may hold one of
    them, as it does not for EXISTS; Redshift by EXISTS, as it takes tables in USING, and no queries.
    """
    came, own = _came(rows), identifier(rows.table)
    target = f"{identifier(schema)}.{own}"
    same = " AND ".join(f"{came}.{n} = {own}.{n}" for n in map(identifier, rows.match))
    if settings.aws:
        con.execute(f"DELETE FROM {target} WHERE EXISTS (SELECT 1 FROM {came} WHERE {same})")
    elif con.execute(f"SELECT 1 FROM {target} LIMIT 1").fetchall():  # no need to look at all that came
        once = f"SELECT DISTINCT {', '.join(map(identifier, rows.match))} FROM {came}"
        con.execute(f"DELETE FROM {target} USING ({once}) AS {came} WHERE {same}")
    names = ", ".join(map(identifier, rows.columns))
    kept = "" if rows.keeps_deleted else " WHERE NOT _deleted"
    con.execute(f"INSERT INTO {target} ({names}) SELECT {names} FROM {came}{kept}")


@contextmanager
def _reachable(schema: str, rows: Sequence[Rows], settings: Settings) -> Iterator[dict[str, str]]:
    """Where on S3 the warehouse finds each table's file, for as long as the block runs. On this machine it reads them itself."""
    if not settings.aws:
        yield {}
        return
    import secrets

    import fsspec

    from foundation.aws import storage_options

    lake = fsspec.filesystem("s3", **storage_options(settings))
    folder = f"{settings.lake}/staging/{schema}/{secrets.token_hex(8)}"
    places = {some.table: f"{folder}/{some.table}.parquet" for some in rows}
    try:
        if rows:
            lake.put([str(some.file) for some in rows], list(places.values()))
        yield places
    finally:
        with contextlib.suppress(Exception):  # what is left expires by the lake's lifecycle
            lake.rm(list(places.values()))


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]

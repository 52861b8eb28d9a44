"""Tables and views of Postgres, read by COPY in one transaction: one snapshot, one session whose settings are known."""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow as pa
import sqlalchemy as sa
from psycopg2 import sql

from ...declared.connections import SqlConnection
from ...declared.source_error import NEXT, RefusedError
from ..request import Request
from ..row_files import RowFiles
from ..turn import LITTLE, MORE, Postponed
from . import scanned
from .copied import BLOCK, LARGEST_BLOCK, MOMENTS, LongerError, PgColumn, copy, holds_bytes, pages
from .pg_errors import connection_error, query_error
from .relation import choose, cursor_column, end_of, missing_table, no_cursor

_SESSION = """SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL IntervalStyle = 'postgres';
SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 3"""
_RELATION = """SELECT c.oid, n.nspname, has_schema_privilege(n.oid, 'USAGE'),
COALESCE(pg_relation_size(c.oid), 0) FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname = %(table)s AND c.relkind IN ('r', 'v', 'm', 'f', 'p')
AND CASE WHEN %(schema)s IS NULL THEN pg_table_is_visible(c.oid) ELSE n.nspname = %(schema)s END"""
_RELATIONS = """SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p')
AND CASE WHEN %(schema)s IS NULL THEN pg_table_is_visible(c.oid) AND n.nspname !~ '^(pg_|information_schema$)'
ELSE n.nspname = %(schema)s END"""
_COLUMNS = """WITH RECURSIVE typed (place, name, type, modifier) AS (
SELECT attnum, attname, atttypid, atttypmod FROM pg_attribute WHERE attrelid = %(oid)s AND attnum > 0 AND NOT attisdropped
UNION ALL SELECT place, name, typbasetype, CASE WHEN modifier = -1 THEN typtypmod ELSE modifier END
FROM typed JOIN pg_type ON pg_type.oid = type WHERE typtype = 'd')
SELECT name, CASE WHEN nspname = 'pg_catalog' THEN typname ELSE '' END, modifier,
has_column_privilege(%(oid)s, place::int2, 'SELECT')
FROM typed JOIN pg_type t ON t.oid = type JOIN pg_namespace n ON n.oid = t.typnamespace WHERE typtype <> 'd' ORDER BY place"""


_OPEN: weakref.WeakSet[Any] = weakref.WeakSet()
"""Connections that rows are read through now, by any thread."""


def read(request: Request, connection: SqlConnection, url: str) -> Iterator[pa.Table | RowFiles | Postponed]:
    """The rows of a table, exactly as the server holds them: as files, or pages where bytes of theirs may be text.

    Before the source's turn no connection stays open: what is too long is cut off, and read from its beginning in its turn.

    Raises:
        RefusedError: there is no such table, it lacks a column that the contract needs, or the login may not read it.
        SourceError: the database cannot be reached, or gave up.
    """
    target = request.work / f"{request.name}.copied.parquet"
    try:
        found, is_little = _read(request, connection, url, target), True
    except LongerError:
        is_little = False
    if not is_little:
        target.unlink(missing_ok=True)
        yield MORE
        found = _read(request, connection, url, target)
    if found is None and holds_bytes(target):
        yield from pages(target, connection.chunk_size)
    elif found or target.exists():
        yield found or RowFiles([target])


def cancel_all() -> None:
    """Ask the servers to give up what is read from them now, without waiting for their answers."""
    for con in list(_OPEN):
        threading.Thread(target=_cancel, args=(con,), daemon=True).start()


def _cancel(con: Any) -> None:
    with contextlib.suppress(psycopg2.Error):  # it is closed by now, or the server is away
        con.cancel()


def _read(request: Request, connection: SqlConnection, url: str, target: Path) -> RowFiles | None:
    """Write a table's rows to `target` by COPY, or to the files that are returned by the scanner."""
    with contextlib.closing(connect(request.source.name, url)) as con:
        _OPEN.add(con)
        try:
            with con.cursor() as cursor:
                cursor.execute(_SESSION)
                reading = _Reading(request, connection.schema_, cursor)
                found = reading.scan(_parameters(url), request.work / f"{request.name}.scanned")
                if found is None:
                    reading.copy(target)
                return found
        except psycopg2.Error as error:
            raise query_error(f"{request.source.name}.{request.name}", error) from None
        finally:
            _OPEN.discard(con)


def connect(source: str, url: str) -> Any:
    """A connection for one snapshot; every parameter of the DSN goes to libpq.

    Raises:
        RefusedError: the login or a parameter of the DSN is wrong.
        SourceError: the server cannot be reached.
    """
    try:
        con = psycopg2.connect(**_parameters(url))
        con.set_session(isolation_level="REPEATABLE READ", readonly=True)
        con.set_client_encoding("UTF8")
    except psycopg2.Error as error:
        raise connection_error(source, error, url) from None
    return con


def _parameters(url: str) -> dict[str, Any]:
    """Of libpq, by the address."""
    parsed = sa.make_url(url)
    _, parameters = parsed.get_dialect()().create_connect_args(parsed)
    return {"connect_timeout": 30, "fallback_application_name": "millrace", **parameters}


class _Reading:
    """One read of one table through an open cursor."""

    def __init__(self, request: Request, schema: str | None, cursor: Any) -> None:
        self.request, self.cursor = request, cursor
        self.where = f"{request.source.name}.{request.name}"
        self.encoding = cursor.connection.info.parameter_status("server_encoding")
        self.ascii = self.encoding == "SQL_ASCII"
        oid, self.schema, self.size = self._find(schema)
        cursor.execute(_COLUMNS, {"oid": oid})
        there = {row[0]: PgColumn(*row) for row in cursor.fetchall()}
        self.columns = [there[name].native for name in choose(request, {n: c.type or "text" for n, c in there.items()})]
        if hidden := [column.name for column in self.columns if not column.readable]:
            raise self._refused(f"columns {', '.join(hidden)}")
        name = cursor_column(request, [column.name for column in self.columns])
        self.bound = there[name] if name else None
        if self.bound and self.bound.type not in MOMENTS:
            raise no_cursor(request, self.bound.name, self.bound.type or "of a type of its own")

    def _find(self, schema: str | None) -> tuple[int, str, int]:
        """The table's number, its schema and its bytes: 0 of a view."""
        asked = {"table": self.request.table.table, "schema": schema}
        self.cursor.execute(_RELATION, asked)
        found = self.cursor.fetchone()
        if found is None:
            self.cursor.execute(_RELATIONS, asked)
            raise missing_table(self.request, schema, [name for (name,) in self.cursor.fetchall()])
        if not found[2]:
            raise self._refused(f"schema {found[1]}")
        return found[0], found[1], found[3]

    def _refused(self, what: str) -> RefusedError:
        self.cursor.execute("SELECT current_user")
        [user] = self.cursor.fetchone()
        return RefusedError(
            f"{self.where}: the login {user} may not read {what} of the table {self.request.table.table}; its owner has to"
            f" GRANT it USAGE on the schema and SELECT on the table. {NEXT}"
        )

    @property
    def is_whole(self) -> bool:
        """Whether all rows of the table are read."""
        return not (self.request.most or self.request.since or self.request.upto)

    def scan(self, parameters: Mapping[str, Any], folder: Path) -> RowFiles | None:
        """The rows by DuckDB's scanner, where all of a large table is wanted; None: COPY has to read it."""
        request = self.request
        if request.ahead and self.is_whole and self.size > LITTLE:
            raise LongerError
        if not self.is_whole or self.encoding != "UTF8" or self.size < scanned.LARGE:
            return None
        return scanned.scan(
            parameters,
            self.schema,
            str(request.table.table),
            self.columns,
            folder,
            request.read_at,
            request.settings.memory,
        )

    def copy(self, target: Path) -> None:
        """Write the rows to a Parquet file: first as native columns, and if a value has no native form, as text where needed."""
        if self.ascii:  # whose server takes any bytes for text, and checks them for a client that wants UTF-8
            self.cursor.execute("SET LOCAL client_encoding = 'SQL_ASCII'")
        block, tries, most = BLOCK, 4, LITTLE if self.request.ahead else None
        while tries:
            try:
                copy(self.cursor, self._query(), self.columns, target, block, most)
                tries = 0
            except pa.ArrowInvalid as error:
                target.unlink(missing_ok=True)
                tries -= 1
                if not tries:
                    raise
                if "straddling" in str(error):
                    block = LARGEST_BLOCK
                else:
                    self._loosen()

    def _loosen(self) -> None:
        """Read as text the columns that hold values without a native form; as bytes the texts of a database without an encoding."""
        odd = self._odd()
        kind = pa.binary() if self.ascii else pa.string()
        self.columns = [
            replace(column, arrow=pa.string() if column.form else kind)
            if column.name in odd or pa.types.is_string(column.arrow)
            else column
            for column in self.columns
        ]

    def _odd(self) -> set[str]:
        formed = [column for column in self.columns if column.form]
        if not formed:
            return set()
        checks = [
            sql.SQL("bool_or({name}::text !~ {form})").format(name=sql.Identifier(c.name), form=sql.SQL(c.form))
            for c in formed
        ]
        self.cursor.execute(self._select(sql.SQL(", ").join(checks)))
        found = {c.name for c, is_odd in zip(formed, self.cursor.fetchone(), strict=True) if is_odd}
        return found or {c.name for c in formed}  # a view may send digits that its type does not name

    def _query(self) -> str:
        values = sql.SQL(", ").join(map(_value, self.columns))
        return str(self._select(values).as_string(self.cursor))

    def _select(self, what: sql.Composable) -> sql.Composed:
        """A query of the table's rows within the bounds of this read."""
        bounds: list[sql.Composable] = []
        name = sql.Identifier(self.bound.name) if self.bound else sql.SQL("")
        if self.bound and self.request.upto:
            bounds.append(sql.SQL("{} < {}").format(name, self._moment(end_of(self.request))))
        if self.bound and self.request.since:
            # a row without a time could be new; a span of days has none
            recent = "{} >= {}" if self.request.upto else "({0} >= {1} OR {0} IS NULL)"
            bounds.append(sql.SQL(recent).format(name, self._moment(self.request.since)))
        where = sql.SQL(" WHERE {}").format(sql.SQL(" AND ").join(bounds)) if bounds else sql.SQL("")
        table: sql.Composable = sql.Identifier(self.schema, str(self.request.table.table))
        if self.request.most:
            table = sql.SQL("(SELECT * FROM {}{} LIMIT {}) AS sample").format(
                table, where, sql.Literal(self.request.most)
            )
            where = sql.SQL("")
        return sql.SQL("SELECT {} FROM {}{}").format(what, table, where)

    def _moment(self, moment: datetime) -> sql.Literal:
        assert self.bound is not None
        utc = moment.astimezone(UTC)
        value: date = {"date": utc.date(), "timestamp": utc.replace(tzinfo=None)}.get(self.bound.type, utc)
        return sql.Literal(value)


def _value(column: PgColumn) -> sql.Composable:
    """A column as COPY has to write it."""
    name = sql.Identifier(column.name)
    if column.type == "money":  # written as the server's locale writes money
        return sql.SQL("{}::numeric").format(name)
    if column.zoned and pa.types.is_string(column.arrow):
        return sql.SQL("regexp_replace({}::text, {}, {})").format(name, sql.Literal("[+]00"), sql.Literal("+00:00"))
    return name

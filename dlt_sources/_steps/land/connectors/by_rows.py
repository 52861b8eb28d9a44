"""SQLite, MySQL and MariaDB: rows as their drivers give them, value by value, so that none is rounded or stops the read.

connectorx makes doubles of decimals, and ends at a value that is not of its column's type: of SQLite any may be, of MySQL a date
such as 0000-00-00. Here such a value reaches the contract as it is.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from foundation.environment import ROOT, folder_of

from ...declared.source_error import NEXT, RefusedError, SourceError

DIALECTS = ("sqlite", "mysql", "mariadb")
DRIVERS = {"postgresql": "postgresql+psycopg2", "postgres": "postgresql+psycopg2"} | {
    name: f"{name}+pymysql" for name in ("mysql", "mariadb")
}
"""Per kind of database the driver that this project installs."""
_PLAIN = (str, int, float, Decimal, datetime, date, type(None))
"""Types of values that JSON, or a text that is exactly the value, can say."""
_REFUSED = {
    1044: "the login may not use this database",
    1045: "the login was refused",
    1049: "there is no such database",
    1142: "the login may not read this table",
    1698: "the login was refused",
}
"""Errors of MySQL that do not heal by themselves."""
_AWAY = 2003
"""MySQL's error of a server that cannot be connected to; why is in brackets at its end."""
_PORT = 3306


def is_read_by_rows(url: str) -> bool:
    """Whether a database is one that this module reads."""
    return sa.make_url(url).get_backend_name() in DIALECTS


def engine_of(source: str, url: str) -> sa.Engine:
    """An engine whose sessions only read a SQLite file, and have times of a MySQL server in UTC.

    Raises:
        RefusedError: there is no such file.
    """
    where = sa.make_url(url)
    if where.get_backend_name() != "sqlite":
        engine = sa.create_engine(where)
        sa.event.listen(engine, "connect", _in_utc)
        return engine
    path = folder_of(where.database or "", ROOT)
    if not Path(path).is_file():
        raise RefusedError(
            f"{source}: {path} is not a file; an address of SQLite is sqlite:///path/to/file.db (four slashes for a path"
            f" from the root). {NEXT}"
        )
    engine = sa.create_engine(f"sqlite:///file:{_escaped(Path(path))}?mode=ro&uri=true")
    sa.event.listen(engine, "connect", _keep_bytes)
    return engine


def explain_refused(source: str, url: str, error: sa.exc.SQLAlchemyError) -> SourceError | None:
    """The error of a login that is refused, or of a server that is away, in words; None for any other."""
    said = getattr(getattr(error, "orig", None), "args", ())
    if not said or not is_read_by_rows(url):
        return None
    where = sa.make_url(url)
    if said[0] == _AWAY:
        reason = re.search(r"\((?:\[Errno -?\d+\] )?(.*)\)$", str(said[1]))
        why = reason[1].lower() if reason else "no answer"
        return SourceError(f"{source}: {where.host}:{where.port or _PORT} could not be reached ({why}); {NEXT}")
    if said[0] not in _REFUSED:
        return None
    what, remedy = _REFUSED[said[0]], "check the address and the rights"
    if "SHOW VIEW" in str(said[1:]):
        what, remedy = "the login may not see a view's columns", f"GRANT SHOW VIEW ON {where.database}.* to it"
    return RefusedError(f"{source}: {where.host}/{where.database}: {what}; {remedy}. {NEXT}")


def as_it_is(query: Any, table: sa.Table, names: Iterable[str]) -> Any:
    """The query for these columns as the driver gives them: SQLAlchemy's own types stop at one that is not what its column says."""
    plain = (sa.type_coerce(table.c[name], sa.types.NullType()).label(name) for name in names)
    return query.with_only_columns(*plain)


def time_of(column: sa.Column[Any], dialect: str) -> Any:
    """A column as it can be compared with a `bound`: SQLite has times as texts, written in several ways."""
    return sa.func.datetime(column) if dialect == "sqlite" else column


def bound(moment: datetime, dialect: str, *, by_day: bool) -> Any:
    """A moment, aware UTC, as a column of times or days is compared with it."""
    if dialect not in DIALECTS:
        return moment.date() if by_day else moment
    plain = moment.replace(tzinfo=None)
    if dialect == "sqlite":
        return f"{moment:%Y-%m-%d} 00:00:00" if by_day else f"{plain:%Y-%m-%d %H:%M:%S}"
    return plain.date() if by_day else plain


def rows_of(resource: Iterable[dict[str, Any]], types: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows with texts for the values that JSON has no form for: bytes as Postgres writes them, times of day and spans."""
    bits = {name for name, kind in types.items() if isinstance(kind, mysql.BIT)}
    for row in resource:
        for name, value in row.items():
            if not isinstance(value, _PLAIN):
                row[name] = _text(value, name in bits)
        yield row


def _text(value: Any, is_bits: bool) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return int.from_bytes(value) if is_bits else f"\\x{bytes(value).hex()}"
    if isinstance(value, timedelta):
        sign, micros = ("-" if value < timedelta(0) else ""), abs(value) // timedelta(microseconds=1)
        seconds, fraction = divmod(micros, 1_000_000)
        text = f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        return f"{text}.{fraction:06}" if fraction else text
    return value


def _in_utc(connection: Any, _: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+00:00'")


def _keep_bytes(connection: sqlite3.Connection, _: Any) -> None:
    """Texts that are not UTF-8 become ones that the contract rejects, not the end of the read."""
    connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")


def _escaped(path: Path) -> str:
    """A path as a URI of SQLite has it."""
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")

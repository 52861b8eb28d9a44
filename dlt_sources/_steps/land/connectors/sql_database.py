"""Databases: Postgres as columns by its own COPY (postgres.py), every other through dlt's ``sql_database``: SQLite, MySQL and
MariaDB by rows (by_rows.py), the rest as columns by connectorx.

Only the columns that the contract names are asked for; one that is missing is an error before anything lands.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from ...declared.connections import SqlConnection
from ...declared.placeholders import expand
from ...declared.source_error import NEXT, RefusedError
from ..request import Request
from . import by_rows, postgres
from .relation import choose, cursor_column, end_of, missing_table, no_cursor


def read(request: Request, connection: SqlConnection) -> Iterable[Any]:
    """The rows of a table as Arrow tables.

    Raises:
        RefusedError: there is no such table, it lacks a column that the contract needs, or the login may not read it.
        SourceError: the database cannot be reached, or gave up.
    """
    url = driver(expand(connection.url, request.settings))
    if is_postgres(url):
        return postgres.read(request, connection, url)
    return _read_by_dlt(request, connection, url)


def _read_by_dlt(request: Request, connection: SqlConnection, url: str) -> Iterable[Any]:
    from dlt.sources.sql_database import sql_table

    table = request.table.table or ""
    engine = open_engine(request.source.name, url)
    dialect = engine.dialect.name
    try:
        known = sa.inspect(engine)
        names = [*known.get_table_names(connection.schema_), *known.get_view_names(connection.schema_)]
        if table not in names:
            raise missing_table(request, connection.schema_, names)
        types = {column["name"]: column["type"] for column in known.get_columns(table, connection.schema_)}
    except sa.exc.SQLAlchemyError as error:
        raise by_rows.explain_refused(request.source.name, url, error) or error from None
    finally:
        engine.dispose()
    chosen = choose(request, {name: str(kind) for name, kind in types.items()})
    cursor = cursor_column(request, chosen)
    if cursor and dialect != "sqlite" and not isinstance(types[cursor], sa.Date | sa.DateTime):
        raise no_cursor(request, cursor, str(types[cursor]))

    is_by_rows = by_rows.is_read_by_rows(url)
    rows = sql_table(
        engine if is_by_rows else url,
        table=table,
        schema=connection.schema_,
        included_columns=chosen,
        backend="sqlalchemy" if is_by_rows else "connectorx",
        backend_kwargs={} if is_by_rows else {"return_type": "arrow_stream"},
        chunk_size=connection.chunk_size,
        query_adapter_callback=_asks(request, chosen, cursor, types, dialect),
    )
    return by_rows.rows_of(rows, types) if is_by_rows else rows


def _asks(
    request: Request, chosen: list[str], cursor: str | None, types: Mapping[str, Any], dialect: str
) -> Callable[[Any, sa.Table], Any]:
    """What makes dlt's query one for the rows that this read is for."""

    def asked(query: Any, selected: sa.Table) -> Any:
        query = by_rows.as_it_is(query, selected, chosen) if dialect in by_rows.DIALECTS else query
        if request.most:
            query = query.limit(request.most)
        if cursor is None:
            return query
        moment, by_day = by_rows.time_of(selected.c[cursor], dialect), isinstance(types[cursor], sa.Date)
        if request.upto:
            query = query.where(moment < by_rows.bound(end_of(request), dialect, by_day=by_day))
        if request.since:
            recent = moment >= by_rows.bound(request.since, dialect, by_day=by_day)
            # a row without a time could be new; a span of days has none
            query = query.where(recent if request.upto else sa.or_(recent, moment.is_(None)))
        return query

    return asked


def open_engine(source: str, url: str) -> sa.Engine:
    """An engine for a DSN with its driver.

    Raises:
        RefusedError: the driver is not installed, or there is no such file.
    """
    warnings.filterwarnings("ignore", "Did not recognize type", sa.exc.SAWarning)  # of columns that nobody asks for
    try:
        return by_rows.engine_of(source, url) if by_rows.is_read_by_rows(url) else sa.create_engine(url)
    except (ImportError, sa.exc.NoSuchModuleError) as error:
        raise RefusedError(
            f"{source}: the driver of {sa.make_url(url).drivername} is not installed ({error}); add it to the dependencies of"
            f" pyproject.toml and run `uv sync`. {NEXT}"
        ) from None


def reach(source: str, url: str) -> str:
    """Log in and out; returns where, without the password.

    Raises:
        SourceError: it did not work.
    """
    url = driver(url)
    if is_postgres(url):
        postgres.connect(source, url).close()
    else:
        engine = open_engine(source, url)
        try:
            engine.connect().close()
        except sa.exc.SQLAlchemyError as error:
            raise by_rows.explain_refused(source, url, error) or error from None
        finally:
            engine.dispose()
    return sa.make_url(url).render_as_string(hide_password=True)


def refuse_address(url: str) -> str:
    """What a database's address must be, where this one is none that an installed driver takes."""
    example = "must be a database URL such as postgresql://user:password@host:5432/database"
    try:
        sa.make_url(driver(url)).get_dialect().import_dbapi()
    except (sa.exc.SQLAlchemyError, ValueError):
        return example
    except ImportError as error:
        return f"{example}; the driver of this one is not installed ({error.name})"
    return ""


def is_postgres(url: str) -> bool:
    return sa.make_url(url).get_backend_name() == "postgresql"


def driver(url: str) -> str:
    """A DSN with the driver this project installs, where it names none."""
    parsed = sa.make_url(url)
    parsed = parsed.set(drivername=by_rows.DRIVERS.get(parsed.drivername, parsed.drivername))
    return parsed.render_as_string(hide_password=False)

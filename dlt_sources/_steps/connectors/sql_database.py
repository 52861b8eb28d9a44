"""Databases, as columns: Postgres by its own COPY (postgres.py), every other through dlt's ``sql_database`` and connectorx.

Only the columns that the contract names are asked for; one that is missing is an error before anything lands.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from ..connections import SqlConnection
from ..request import Request, expand
from . import postgres
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
    engine = sa.create_engine(url)
    try:
        known = sa.inspect(engine)
        names = [*known.get_table_names(connection.schema_), *known.get_view_names(connection.schema_)]
        if table not in names:
            raise missing_table(request, connection.schema_, names)
        types = {column["name"]: column["type"] for column in known.get_columns(table, connection.schema_)}
    finally:
        engine.dispose()
    chosen = choose(request, {name: str(kind) for name, kind in types.items()})
    cursor = cursor_column(request, chosen)
    if cursor and not isinstance(types[cursor], sa.Date | sa.DateTime):
        raise no_cursor(request, cursor, str(types[cursor]))

    def only_since(query: Any, selected: sa.Table) -> Any:
        if request.most:
            query = query.limit(request.most)
        if cursor is None:
            return query
        column, by_day = selected.c[cursor], isinstance(types[cursor], sa.Date)
        if request.upto:
            query = query.where(column < (end_of(request).date() if by_day else end_of(request)))
        if request.since:
            recent = column >= (request.since.date() if by_day else request.since)
            # a row without a time could be new; a span of days has none
            query = query.where(recent if request.upto else sa.or_(recent, column.is_(None)))
        return query

    return sql_table(
        url,
        table=table,
        schema=connection.schema_,
        included_columns=chosen,
        backend="connectorx",
        backend_kwargs={"return_type": "arrow_stream"},
        chunk_size=connection.chunk_size,
        query_adapter_callback=only_since,
    )


def reach(source: str, url: str) -> str:
    """Log in and out; returns where, without the password.

    Raises:
        SourceError: it did not work.
    """
    url = driver(url)
    if is_postgres(url):
        postgres.connect(source, url).close()
    else:
        with sa.create_engine(url).connect():
            pass
    return sa.make_url(url).render_as_string(hide_password=True)


def is_postgres(url: str) -> bool:
    return sa.make_url(url).get_backend_name() == "postgresql"


def driver(url: str) -> str:
    """A Postgres DSN with the driver this project installs."""
    parsed = sa.make_url(url)
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg2")
    return parsed.render_as_string(hide_password=False)

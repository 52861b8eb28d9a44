"""Databases, through dlt's ``sql_database`` and connectorx: as columns from the driver on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from ..request import Request, expand
from ..source_yml import SqlConnection


def read(request: Request, connection: SqlConnection) -> Iterable[Any]:
    """The rows of a table as Arrow tables."""
    from dlt.sources.sql_database import sql_table

    cursor, since = request.table.cursor, request.since

    def only_since(query: Any, selected: sa.Table) -> Any:
        if cursor and since:
            column = selected.c[cursor]
            return query.where(sa.or_(column >= since, column.is_(None)))  # a row without a time could be new
        return query

    return sql_table(
        driver(expand(connection.url, request.settings)),
        table=request.table.table or "",
        schema=connection.schema_,
        backend="connectorx",
        backend_kwargs={"return_type": "arrow_stream"},
        chunk_size=connection.chunk_size,
        query_adapter_callback=only_since,
    )


def driver(url: str) -> str:
    """A Postgres DSN with the driver this project installs."""
    parsed = sa.make_url(url)
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg2")
    return parsed.render_as_string(hide_password=False)

"""Databases, through dlt's ``sql_database`` and connectorx: as columns from the driver on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from ..columns import columns_of
from ..request import Request, expand
from ..source_error import NEXT, SourceError
from ..source_yml import SqlConnection


def read(request: Request, connection: SqlConnection) -> Iterable[Any]:
    """The rows of a table as Arrow tables."""
    from dlt.sources.sql_database import sql_table

    since = request.since

    def only_since(query: Any, selected: sa.Table) -> Any:
        if request.table.cursor is None:
            return query
        column = _cursor(request, selected)
        if since is None:
            return query
        from_ = since.date() if isinstance(column.type, sa.Date) else since
        return query.where(sa.or_(column >= from_, column.is_(None)))  # a row without a time could be new

    return sql_table(
        driver(expand(connection.url, request.settings)),
        table=request.table.table or "",
        schema=connection.schema_,
        backend="connectorx",
        backend_kwargs={"return_type": "arrow_stream"},
        chunk_size=connection.chunk_size,
        query_adapter_callback=only_since,
    )


def _cursor(request: Request, selected: sa.Table) -> sa.Column[Any]:
    """The column that the cursor's field is read from: the first of its names that the table has.

    Raises:
        SourceError: it has none of them, or the column is not a date or time.
    """
    [field] = [c for c in columns_of(request.contract, stored=False) if c.name == request.table.cursor]
    names = [str(path[0]) for path in field.paths]
    where = f"{request.source.name}.{request.name}: cursor {field.name}"
    column = next((selected.c[name] for name in names if name in selected.c), None)
    if column is None:
        raise SourceError(
            f"{where}: the table {selected.name} has no column {' or '.join(names)}; if it was renamed, add the new name"
            f" to the field's `path` in contract.py. {NEXT}"
        )
    if not isinstance(column.type, sa.Date | sa.DateTime):
        raise SourceError(
            f"{where}: the column {column.name} is {column.type}, not a date or timestamp: it cannot be asked for what is"
            f" new. Remove `cursor`, and the table is read whole. {NEXT}"
        )
    return column


def driver(url: str) -> str:
    """A Postgres DSN with the driver this project installs."""
    parsed = sa.make_url(url)
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg2")
    return parsed.render_as_string(hide_password=False)

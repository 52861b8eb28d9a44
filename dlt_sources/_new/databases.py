"""What a database says of a table itself: its columns, their types, what may be NULL, the primary key."""

from __future__ import annotations

import difflib

import sqlalchemy as sa

from settings import Settings

from .._steps.declared.placeholders import expand
from .._steps.declared.source_error import explain
from .._steps.land.connectors.by_rows import explain_refused
from .._steps.land.connectors.sql_database import driver, open_engine, reach
from .origin import Origin
from .sample_error import SampleError


def inspect(origin: Origin, settings: Settings) -> tuple[dict[str, tuple[str, bool]], list[str]]:
    """(columns by name: type in SQL's words, whether NULL is allowed; the primary key).

    Raises:
        SampleError: the address is not one of a database, or there is no such table; names those that there are.
        SourceError: the database cannot be reached.
    """
    url, schema, table = (
        expand(origin.connection["url"], settings),
        origin.connection.get("schema"),
        origin.place["table"],
    )
    try:
        engine = open_engine(origin.setting or "the database", driver(url))
    except sa.exc.ArgumentError:
        raise SampleError(
            "--from must be the address of a database, such as postgresql://user:password@host:5432/database,"
            " mysql://user:password@host/database or sqlite:///path/to/file.db; files and http(s):// addresses are read, too"
        ) from None
    try:
        reach(origin.setting or "the database", url)
        known = sa.inspect(engine)
        there = sorted([*known.get_table_names(schema), *known.get_view_names(schema)])
        if table not in there:
            raise _no_table(table, schema, there, sorted(known.get_schema_names()))
        columns = {
            str(c["name"]): (str(c["type"]).upper(), bool(c["nullable"])) for c in known.get_columns(table, schema)
        }
        return columns, list(known.get_pk_constraint(table, schema)["constrained_columns"])
    except sa.exc.SQLAlchemyError as error:
        raise explain_refused(origin.setting or "the database", driver(url), error) or explain(
            error, origin.table or "the database", "check the address and the login, and that it is up"
        ) from None
    finally:
        engine.dispose()


def _no_table(table: str, schema: str | None, there: list[str], schemas: list[str]) -> SampleError:
    close = difflib.get_close_matches(table, there, n=1)
    of = f"schema {schema}" if schema else "the login's own schema"
    wanted = f"there is no table {table!r} in {of}" if table else "--table says which table, and is missing"
    meant = f"; did you mean {close[0]!r}?" if close else "."
    others = [name for name in schemas if name not in ("information_schema", "pg_catalog", schema)]
    listed = f" In {of} there are {', '.join(there[:20])}." if there else f" In {of} there is none."
    more = f" One of another schema ({', '.join(others[:10])}) is --table SCHEMA.TABLE" if others else ""
    return SampleError(f"{wanted}{meant}{listed}{more}")

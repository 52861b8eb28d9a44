"""Read-only questions to what was published and to the warehouse: `runner.py sql` and `runner.py preview`."""

from __future__ import annotations

import csv
import difflib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import ExitCode, MillraceError
from foundation.console import Console
from warehouse.connection import RunInProgressError, WarehouseError, connect
from warehouse.quote import identifier
from warehouse.staging import STAGING

from .record import looking

if TYPE_CHECKING:
    from settings import Settings

WIDEST = 8
"""Columns that fit beside one another."""
_TABLES = (
    "SELECT table_schema, table_name FROM information_schema.tables"
    " WHERE table_schema NOT IN ('information_schema', 'pg_catalog', 'main', 'public')"
    " AND table_schema NOT LIKE 'pg!_%' ESCAPE '!' AND table_schema NOT LIKE 'sqlmesh%'"
    " AND table_schema NOT LIKE '%!_staging' ESCAPE '!' ORDER BY 1, 2"
)


class QueryError(MillraceError):
    """A question that cannot be asked: it would change something, or names what is not there."""

    exit_code = ExitCode.CONFIGURATION


def show_query(query: str, settings: Settings, *, of_warehouse: bool, most: int, as_json: bool, as_csv: bool) -> None:
    """Print what a query answers: as a table of at most so many rows, or all of them as JSON or CSV.

    Args:
        of_warehouse: ask staging and gold as they are in the warehouse; else what dashboards read.

    Raises:
        QueryError: it is not one statement that only reads, or the database refuses it; says why.
        RunInProgressError: a run has the warehouse.
    """
    statement = only_reads(query, settings)
    with _reading(settings, of_warehouse=of_warehouse) as con:
        names, rows = _ask(con, statement)
    if as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([names, *rows])
        return
    console = Console(as_json)
    found = [dict(zip(names, row, strict=True)) for row in rows]
    if as_json:
        console.json(found)
        return
    console.table(f"{len(rows):,} rows" if len(rows) != 1 else "1 row", _fit(found[:most]), "none")
    if len(rows) > most:
        console.note(f"the first {most} of {len(rows):,} rows; --rows, --csv and --json show more")


def preview(table: str | None, settings: Settings, *, most: int, as_json: bool) -> None:
    """Print the first rows of a table of staging (in the warehouse) or of gold (as it is published), and how many it has;
    without a name the tables there are.

    Raises:
        QueryError: there is no such table; names those that come close.
        RunInProgressError: it is a table of staging, and a run has the warehouse.
    """
    console = Console(as_json)
    if table is None:
        known = [{"table": name} for name in (*tables(settings, of_warehouse=False), *_staging(settings))]
        console.json(known) if as_json else console.table("Tables", known, "nothing is published yet")
        return
    of_warehouse = table.startswith(STAGING)
    known_names = tables(settings, of_warehouse=of_warehouse)
    if table not in known_names:
        near = difflib.get_close_matches(table, known_names, 3) or known_names[:8]
        raise QueryError(
            f"there is no table {table!r}; "
            + (f"there are {', '.join(near)}" if near else "there is none yet: `python runner.py run` comes first")
        )
    name = ".".join(map(identifier, table.split(".", 1)))
    with _reading(settings, of_warehouse=of_warehouse) as con:
        [[count]] = _ask(con, f"SELECT COUNT(*) FROM {name}")[1]
        names, rows = _ask(con, f"SELECT * FROM {name} LIMIT {int(most)}")
    found = [dict(zip(names, row, strict=True)) for row in rows]
    if as_json:
        console.json({"table": table, "rows": count, "first": found})
    else:
        console.table(f"{table}: {count:,} rows", _fit(found), "no row")


def tables(settings: Settings, *, of_warehouse: bool) -> list[str]:
    """The tables of the warehouse, or of what was published, as ``schema.table``."""
    if not (settings.aws or _file(settings, of_warehouse).exists()):
        return []
    with _reading(settings, of_warehouse=of_warehouse) as con:
        return [f"{schema}.{table}" for schema, table in _ask(con, _TABLES)[1]]


def only_reads(query: str, settings: Settings) -> str:
    """The query, if it is one statement and reads only.

    Raises:
        QueryError: it is not, or cannot be parsed.
    """
    import sqlglot
    from sqlglot import exp

    dialect = "redshift" if settings.aws else "duckdb"
    try:
        statements = [statement for statement in sqlglot.parse(query, dialect=dialect) if statement is not None]
    except sqlglot.errors.SqlglotError as error:
        raise QueryError(f"the query cannot be read: {str(error).splitlines()[0]}") from None
    if len(statements) != 1:
        raise QueryError(f"one statement at a time: these are {len(statements)}")
    [statement] = statements
    asks = isinstance(statement, (exp.Query, exp.Describe, exp.Show, exp.Summarize))
    if not asks or any(
        statement.find_all(exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Into, exp.Command)
    ):
        raise QueryError("`sql` only reads: a SELECT, DESCRIBE or SHOW")
    return query.strip().rstrip(";")


def _fit(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows as a table of a terminal's width: one of many columns on its side, a line a column, for the first three rows."""
    if not rows or len(rows[0]) <= WIDEST:
        return rows
    return [
        {"column": name} | {f"row {number}": str(row[name]) for number, row in enumerate(rows[:3], 1)}
        for name in rows[0]
    ]


def _staging(settings: Settings) -> list[str]:
    try:
        found = tables(settings, of_warehouse=True)
    except RunInProgressError:
        return []
    return [name for name in found if name.startswith(STAGING) and not name.startswith("stg_ops.")]


def _ask(con: Any, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """(the names of the columns, the rows)."""
    import duckdb

    try:
        answer = con.execute(query)
        return [column[0] for column in answer.description or []], answer.fetchall()
    except (duckdb.Error, WarehouseError) as error:
        raise QueryError(str(error).strip()) from None


def _file(settings: Settings, of_warehouse: bool) -> Path:
    return settings.warehouse if of_warehouse else settings.serving


@contextmanager
def _reading(settings: Settings, *, of_warehouse: bool) -> Iterator[Any]:
    """A connection that can change nothing, nor read files."""
    import duckdb

    if settings.aws:
        from warehouse.redshift import Redshift

        database = settings.redshift_database if of_warehouse else settings.redshift_serving
        with Redshift.connect(settings, database) as con:
            con.execute("BEGIN")
            try:
                yield con
            finally:
                con.execute("ROLLBACK")
        return
    path = _file(settings, of_warehouse)
    if not path.exists():
        raise QueryError(f"{path} does not exist yet: `python runner.py run` comes first")
    if of_warehouse:
        with looking(settings), connect(settings) as con:
            yield con
        return
    with duckdb.connect(str(path.resolve()), read_only=True, config={"enable_external_access": "false"}) as con:
        con.execute("SET lock_configuration = true")
        yield con

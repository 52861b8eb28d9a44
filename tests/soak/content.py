"""What a project holds: the rows of every layer with how often each occurs, without what differs from run to run."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import Any

import duckdb
import psycopg2

from tests.soak.project import Project

Content = dict[str, Counter[Any]]
VOLATILE = {"_load_id", "load_id", "_read_at", "_refine_id", "_row", "row_number", "refined_at", "rejected_at"}
"""Ids and times of loads and refines, and the place of a row in its load."""


def content(project: Project) -> Content:
    """Everything that is compared: published gold, staging with rejected rows, silver, the operational Postgres, loads."""
    found = {f"gold {name}": rows for name, rows in published(project).items()}
    with duckdb.connect(str(project.data / "warehouse.duckdb"), read_only=True) as con:
        for schema, table in _tables(con):
            if not schema.startswith("stg_") or schema == "stg_ops" or table == "_state":
                continue
            if table == "_loads":
                counts = con.execute(
                    f"SELECT table_name, sum(landed), sum(accepted), sum(rejected) FROM {schema}._loads GROUP BY ALL"
                ).fetchall()
                kinds = ("landed", "accepted", "rejected")
                found[f"loads {schema}"] = Counter(
                    {(t, kind): int(n) for t, *numbers in counts for kind, n in zip(kinds, numbers, strict=True) if n}
                )
            else:
                without = VOLATILE | ({"id"} if table == "_rejected" else set())
                found[f"staging {schema}.{table}"] = _rows(con, f'{schema}."{table}"', without)
        running = con.execute("SELECT count(*) FROM stg_ops.runs WHERE status = 'running'").fetchall()
        found["runs left running"] = Counter({"running": running[0][0]} if running[0][0] else {})
    return found | _silver(project) | _operational(project)


def published(project: Project) -> Content:
    """What dashboards read, without the pipeline's own record."""
    with duckdb.connect(str((project.data / "serving.duckdb").resolve()), read_only=True) as con:
        return {f"{s}.{t}": _rows(con, f'{s}."{t}"', set()) for s, t in _tables(con) if s != "ops"}


def compare(expected: Content, found: Content) -> tuple[Counter[str], Counter[str]]:
    """(rows that are missing, rows that are too many), per table."""
    lost: Counter[str] = Counter()
    extra: Counter[str] = Counter()
    for table in expected.keys() | found.keys():
        wanted, there = expected.get(table, Counter()), found.get(table, Counter())
        lost[table] = (wanted - there).total()
        extra[table] = (there - wanted).total()
    return +lost, +extra


def _tables(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    return con.execute(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = current_database() ORDER BY ALL"
    ).fetchall()


def _rows(con: duckdb.DuckDBPyConnection, table: str, without: set[str]) -> Counter[Any]:
    names = [row[0] for row in con.execute(f"DESCRIBE {table}").fetchall()]
    listed = ", ".join(f'"{name}"' for name in sorted(names) if name not in without)
    return Counter(con.execute(f"SELECT {listed} FROM {table}").fetchall())


def _silver(project: Project) -> Content:
    from pyiceberg.catalog.sql import SqlCatalog

    folder = project.data / "lake/silver"
    catalog = SqlCatalog("silver", uri=f"sqlite:///{folder}/catalog.db", warehouse=folder.as_uri())
    found = {}
    try:
        for space in catalog.list_namespaces():
            for name in catalog.list_tables(space):
                rows = catalog.load_table(name).scan().to_arrow()
                kept = sorted(set(rows.column_names) - VOLATILE)
                columns = [rows[column].to_pylist() for column in kept]
                found[f"silver {'.'.join(name)}"] = Counter(zip(*columns, strict=True))
    finally:
        catalog.engine.dispose()
    return found


def _operational(project: Project) -> Content:
    found = {}
    dsn = project.upstream.environment(project.database)["ELT_POSTGRES_URL"]
    with closing(psycopg2.connect(dsn)) as con, con.cursor() as cursor:
        cursor.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema NOT LIKE 'pg_%'"
            " AND table_schema <> 'information_schema' AND table_schema NOT LIKE '%_staging' AND table_name NOT LIKE '_dlt%'"
        )
        for schema, table in cursor.fetchall():
            cursor.execute(f'SELECT * FROM "{schema}"."{table}"')
            names = [column.name for column in cursor.description or ()]
            kept = [n for n, name in enumerate(names) if name not in VOLATILE and not name.startswith("_dlt")]
            found[f"postgres {schema}.{table}"] = Counter(tuple(row[n] for n in kept) for row in cursor.fetchall())
    return found

"""What a project holds: the rows of every layer with how often each occurs, without what differs from run to run.

Queries are in words that DuckDB, PostgreSQL and so the stand-in of Redshift have in common.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from contextlib import closing
from typing import Any

import psycopg2

Content = dict[str, Counter[Any]]
Query = Callable[[str], list[tuple[Any, ...]]]
"""The rows of a query on one database."""
VOLATILE = {"_load_id", "load_id", "_read_at", "_refine_id", "_row", "row_number", "refined_at", "rejected_at"}
"""Ids and times of loads and refines, and the place of a row in its load."""
_OTHERS = ("ops", "public", "information_schema")


def published(query: Query) -> Content:
    """What dashboards read, by schema and table, without the pipeline's own record and what the stand-in of Redshift keeps."""
    return {
        f"{s}.{t}": _rows(query, s, t, set()) for s, t in _tables(query) if s not in _OTHERS and not s.startswith("rs")
    }


def staged(query: Query) -> Content:
    """Staging with rejected rows, the number of rows per load, and runs that count as running."""
    found = {}
    for schema, table in _tables(query):
        if not schema.startswith("stg_") or schema == "stg_ops" or table == "_state":
            continue
        if table == "_loads":
            counts = query(f"SELECT table_name, landed, accepted, rejected FROM {schema}._loads")
            kinds = ("landed", "accepted", "rejected")
            loads: Counter[Any] = Counter()
            for name, *numbers in counts:
                loads.update({(name, kind): int(n) for kind, n in zip(kinds, numbers, strict=True)})
            found[f"loads {schema}"] = +loads
        else:
            without = VOLATILE | ({"id"} if table == "_rejected" else set())
            found[f"staging {schema}.{table}"] = _rows(query, schema, table, without)
    [(running,)] = query("SELECT count(*) FROM stg_ops.runs WHERE status = 'running'")
    return found | {"runs left running": +Counter({"running": running})}


def gathering(query: Query) -> set[str]:
    """The sources of which a rebuild was cut short: what it has gathered stays, and the next rebuild goes on with it."""
    return {schema.removeprefix("rebuild_") for schema, _ in _tables(query) if schema.startswith("rebuild_")}


def silver(catalog: Any, gathers: Collection[str], prefix: str = "") -> Content:
    """Every Iceberg table of a catalog whose databases are named by a prefix and the source, but for those of a rebuild that
    gathers.
    """
    found = {}
    for (space,) in catalog.list_namespaces():
        for _, table in catalog.list_tables((space,)):
            if table.endswith("__rebuild") and space.removeprefix(prefix) in gathers:
                continue
            rows = catalog.load_table((space, table)).scan().to_arrow()
            kept = sorted(set(rows.column_names) - VOLATILE)
            columns = [rows[column].to_pylist() for column in kept]
            found[f"silver {space.removeprefix(prefix)}.{table}"] = Counter(zip(*columns, strict=True))
    return found


def operational(dsn: str) -> Content:
    """The tables of the operational Postgres, without dlt's own."""
    found = {}
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


def compare(expected: Content, found: Content) -> tuple[Counter[str], Counter[str]]:
    """(rows that are missing, rows that are too many), per table."""
    lost: Counter[str] = Counter()
    extra: Counter[str] = Counter()
    for table in expected.keys() | found.keys():
        wanted, there = expected.get(table, Counter()), found.get(table, Counter())
        lost[table] = (wanted - there).total()
        extra[table] = (there - wanted).total()
    return +lost, +extra


def _tables(query: Query) -> list[tuple[Any, ...]]:
    return query(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_catalog = current_database()"
        " AND table_schema NOT LIKE 'pg!_%' ESCAPE '!' ORDER BY 1, 2"
    )


def _rows(query: Query, schema: str, table: str, without: set[str]) -> Counter[Any]:
    names = query(
        f"SELECT column_name FROM information_schema.columns WHERE table_catalog = current_database()"
        f" AND table_schema = '{schema}' AND table_name = '{table}'"
    )
    listed = ", ".join(f'"{name}"' for (name,) in sorted(names) if name not in without)
    return Counter(query(f'SELECT {listed} FROM {schema}."{table}"'))

"""The tables of schema ``stg_ops``: created where they are missing, and given the columns that were added since.

A warehouse may be years older than this code. What is here only adds: no column is removed or narrowed, so an older
version of the code can still write.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from . import drift, waiting
from .connection import Connection, WarehouseError
from .quote import identifier, literal
from .run import cut

if TYPE_CHECKING:
    from settings import Settings

SCHEMA = "stg_ops"
VALUES = 10_000
"""Values of one statement: Redshift's driver counts to 32,767."""
LENGTH = 4 * 2**20
"""Characters of the texts of one statement, about: Redshift takes 16 MB."""
_STAMP = "run_id VARCHAR(40), checked_at TIMESTAMP, layer VARCHAR(10), scope VARCHAR(100), dataset VARCHAR(100), column_name VARCHAR(100), check_name VARCHAR(1000)"
_DECLARED = {
    "runs": "run_id VARCHAR(40), started_at TIMESTAMP, finished_at TIMESTAMP, command VARCHAR(20), target VARCHAR(10),"
    " sources VARCHAR(1000), status VARCHAR(20), exit_code INTEGER, landed BIGINT, accepted BIGINT, rejected BIGINT,"
    " published BOOLEAN, error VARCHAR(65535), ended BOOLEAN",
    "steps": "run_id VARCHAR(40), step_number INTEGER, step VARCHAR(20), subject VARCHAR(100), started_at TIMESTAMP,"
    " seconds DOUBLE PRECISION, outcome VARCHAR(20), handled BIGINT, refused BIGINT, detail VARCHAR(4000),"
    " cpu_seconds DOUBLE PRECISION, read_bytes BIGINT, written_bytes BIGINT",
    "check_results": f"{_STAMP}, check_type VARCHAR(40), severity VARCHAR(10), outcome VARCHAR(20),"
    " measured DOUBLE PRECISION, failing BIGINT, tested BIGINT, allowed VARCHAR(100), failing_sql VARCHAR(65535)",
    "failed_rows": f"{_STAMP}, row_number INTEGER, row_key VARCHAR(4000)",
    "progress": "source VARCHAR(100), ran_at TIMESTAMP, published_refine_id VARCHAR(32), sent_refine_id VARCHAR(32),"
    " held_refine_id VARCHAR(32), held_by VARCHAR(65535), held_in VARCHAR(10), held_why VARCHAR(4000)",
    "looks": "source VARCHAR(100), table_name VARCHAR(100), looked_at TIMESTAMP",
    "backfills": "source VARCHAR(100), resume VARCHAR(400)",
    "builds": "pair VARCHAR(32), number BIGINT",
    "troubles": "source VARCHAR(100), error VARCHAR(65535)",
    **waiting.TABLES,
    **drift.TABLES,
}
TABLES = {
    table: dict(column.strip().split(" ", 1) for column in declared.split(",")) for table, declared in _DECLARED.items()
}
"""Per table: its columns and their types, in words that DuckDB and Redshift know."""
_WIDENED = {("runs", "status"): 20, ("progress", "held_by"): 65535, ("waiting_domains", "sources"): 65535}
"""Texts that were once declared shorter: DuckDB does not count, Redshift does."""


def ensure(con: Connection, settings: Settings) -> None:
    """Create what is missing. One look at the catalog where nothing is."""
    query = (
        "SELECT table_name, column_name, character_maximum_length FROM information_schema.columns WHERE table_schema ="
        f" {literal(SCHEMA)}"  # a value, not a parameter: for the first of those DuckDB loads pandas, a third of a second
    )
    found = {(table, column): length for table, column, length in con.execute(query).fetchall()}
    tables = {table for table, _ in found}
    if not tables:
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    for table, columns in TABLES.items():
        if table not in tables:
            listed = ", ".join(f"{identifier(name)} {kind}" for name, kind in columns.items())
            con.execute(f"CREATE TABLE IF NOT EXISTS {SCHEMA}.{table} ({listed})")
            continue
        for name, kind in columns.items():
            if (table, name) not in found:
                con.execute(f"ALTER TABLE {SCHEMA}.{table} ADD COLUMN {identifier(name)} {kind}")
    for (table, name), length in _WIDENED.items():
        if settings.aws and table in tables and int(found.get((table, name)) or length) < length:
            with contextlib.suppress(WarehouseError):  # some encodings forbid it: then only a text that long is refused
                con.execute(f"ALTER TABLE {SCHEMA}.{table} ALTER COLUMN {name} TYPE VARCHAR({length})")


def insert(con: Connection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows in few statements (Redshift takes as long for one row as for all), texts as long as their columns hold."""
    columns = TABLES[table]
    for some in _portions([[fit(kind, row.get(name)) for name, kind in columns.items()] for row in rows]):
        places = ", ".join([f"({marks(columns)})"] * len(some))
        values = [value for row in some for value in row]
        con.execute(f"INSERT INTO {SCHEMA}.{table} ({', '.join(columns)}) VALUES {places}", values)


def replace(con: Connection, table: str, names: Collection[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Put rows in the place of those of the sources `names`, as one commit: each takes Redshift its time."""
    con.execute("BEGIN")
    con.execute(f"DELETE FROM {SCHEMA}.{table} WHERE source IN ({marks(names)})", list(names))
    insert(con, table, rows)
    con.execute("COMMIT")


def _portions(rows: Iterable[list[Any]]) -> Iterator[list[list[Any]]]:
    """The rows in their order, as many at a time as one statement may have."""
    some: list[list[Any]] = []
    count = length = 0
    for row in rows:
        long = sum(len(value) for value in row if isinstance(value, str))
        if some and (count + len(row) > VALUES or length + long > LENGTH):
            yield some
            some, count, length = [], 0, 0
        some.append(row)
        count, length = count + len(row), length + long
    if some:
        yield some


def marks(values: Collection[str]) -> str:
    """The places of these values in a statement."""
    return ", ".join("?" * len(values))


def fit(kind: str, value: Any) -> Any:
    """A value as a column of this type holds it: of a text its first bytes."""
    return (
        cut(value, int(kind[len("VARCHAR(") : -1])) if isinstance(value, str) and kind.startswith("VARCHAR") else value
    )

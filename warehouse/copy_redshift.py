"""Copy a domain of gold into what dashboards read on Redshift, inside the transaction of a publish.

A small table's rows are deleted and inserted. Of a large one, whose rows are stored, only those that differ are: rows are
compared by hash, since reading columns costs a fraction of writing them, sorting them and reclaiming what was deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from . import published
from .published import Layouts
from .quote import identifier, redshift_literal
from .redshift import Redshift

Columns = list[tuple[str, str]]
"""The columns of a table, in order, with their types as Redshift's catalog has them."""

_INSTEAD_OF_NULL = {
    "character": "''",
    "character varying": "''",
    "boolean": "FALSE",
    "date": "DATE '2000-01-01'",
    "timestamp without time zone": "TIMESTAMP '2000-01-01 00:00:00'",
    "timestamp with time zone": "TIMESTAMPTZ '2000-01-01 00:00:00+00'",
} | dict.fromkeys(("smallint", "integer", "bigint", "numeric", "real", "double precision"), "0")
"""Per type that can be compared a value: what FNV_HASH makes of NULL is not documented."""


def copy_domain(
    serving: Redshift,
    database: str,
    domain: str,
    wanted: Mapping[str, Columns],
    there: Mapping[str, Columns],
    layouts: Layouts,
    stored: Collection[str],
) -> int:
    """Make a schema hold the tables and rows of the same schema of another database; returns how many rows.

    Args:
        wanted, there: the tables of both with their columns. stored: those whose rows are stored.
    """
    schema = identifier(domain)
    serving.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    for table in sorted(there.keys() - wanted.keys()):
        serving.execute(f"DROP TABLE {schema}.{identifier(table)}")
    held = _count(serving, schema, [table for table in wanted if table in stored and there.get(table) == wanted[table]])
    for table, columns in sorted(wanted.items()):
        name = f"{schema}.{identifier(table)}"
        source = f"{identifier(database)}.{name}"
        if table in there and there[table] != columns:
            serving.execute(f"DROP TABLE {name}")
        if there.get(table) != columns:
            declared = ", ".join(f"{identifier(column)} {kind}" for column, kind in columns)
            keys = _keys(layouts.get(f"{domain}.{table}", {}), columns)
            serving.execute(f"CREATE TABLE {name} ({declared}){keys}")
        elif held.get(table, 0) >= published.LARGE and _replace_rows(serving, name, source, columns):
            continue
        else:
            serving.execute(f"DELETE FROM {name}")
        listed = ", ".join(identifier(column) for column, _ in columns)
        serving.execute(f"INSERT INTO {name} ({listed}) SELECT {listed} FROM {source}")
    return sum(_count(serving, schema, wanted).values())


def _replace_rows(serving: Redshift, name: str, source: str, columns: Columns) -> bool:
    """Replace the rows that differ from the source's; False where the table must be copied whole to equal it."""
    hashed = _hash(columns)
    if not hashed:
        return False
    sums = f"SELECT count(*), sum({hashed}) FROM {{}}"
    [wanted] = serving.execute(sums.format(source)).fetchall()
    if serving.execute(sums.format(name)).fetchall() == [wanted]:
        return True
    listed = ", ".join(identifier(column) for column, _ in columns)
    serving.execute(f"DELETE FROM {name} WHERE {hashed} NOT IN (SELECT {hashed} FROM {source})")
    serving.execute(
        f"INSERT INTO {name} ({listed}) SELECT {listed} FROM {source} WHERE {hashed} NOT IN (SELECT {hashed} FROM {name})"
    )
    # Of equal rows there may be more, or fewer, than before: by their hashes none of them differs.
    return serving.execute(sums.format(name)).fetchall() == [wanted]


def _hash(columns: Columns) -> str:
    """SQL: a number that says what a row holds; empty where a column's type has none.

    Each value's hash is the seed of the next one's. The hash of texts one after the other is that of the text that they make
    together, so their lengths go before them.
    """
    hashed = ""
    for column, kind in columns:
        name, base = identifier(column), kind.partition("(")[0]
        if base not in _INSTEAD_OF_NULL:
            return ""
        known = (
            f"NVL(LEN({name}), -1)" if base.startswith("character") else f"CASE WHEN {name} IS NULL THEN 0 ELSE 1 END"
        )
        hashed = f"FNV_HASH({known}, {hashed})" if hashed else f"FNV_HASH({known})"
        hashed = f"FNV_HASH(NVL({name}, {_INSTEAD_OF_NULL[base]}), {hashed})"
    return hashed


def _count(serving: Redshift, schema: str, tables: Collection[str]) -> dict[str, int]:
    """How many rows tables of a schema hold."""
    if not tables:
        return {}
    counts = (
        f"SELECT {redshift_literal(table)} AS name, count(*) AS n FROM {schema}.{identifier(table)}"
        for table in sorted(tables)
    )
    return {name: int(n) for name, n in serving.execute(" UNION ALL ".join(counts)).fetchall()}


def _keys(layout: Mapping[str, str], columns: Columns) -> str:
    """SQL: how a new table is distributed and sorted. A column that the table lacks, as its model was edited, is left out."""
    known = {column for column, _ in columns}
    said = ""
    if (key := layout.get("distkey")) in known:
        said += f" DISTKEY ({identifier(str(key))})"
    elif layout.get("diststyle", "").upper() in ("ALL", "EVEN"):
        said += f" DISTSTYLE {layout['diststyle'].upper()}"
    if (key := layout.get("sortkey")) in known:
        said += f" SORTKEY ({identifier(str(key))})"
    return said

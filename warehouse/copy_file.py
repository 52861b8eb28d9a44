"""Copy a domain of gold into the draft of what dashboards read on a laptop.

A small table, and one that is a query, is copied whole. A large one is first compared, slice by slice, by sums of its rows'
hashes, which costs a sixth of the copy: only slices that differ are replaced. A few slices are compared before the others:
where most of them differ, the table is copied whole and the others are not looked at. Rows that differ all over the table are
not looked for one by one: to find them costs as much as the copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import published
from .connection import Connection
from .quote import identifier

_SHARE = 3
"""A table of which more than one row in so many is to be replaced is copied whole."""
_FIRST = 3
"""So many slices, spread over the table, are compared before the others."""


def copy_domain(con: Connection, domain: str, slices: Mapping[str, str]) -> int:
    """Make the schema of a domain in `serving` hold the same tables and rows as gold's; returns how many rows.

    Args:
        slices: per table that is built slice by slice the column of its slices.
    """
    schema = identifier(domain)
    con.execute(f"CREATE SCHEMA IF NOT EXISTS serving.{schema}")
    there, wanted = _names(con, "'serving'", domain), _names(con, "current_database()", domain)
    for table in sorted(there - wanted):
        con.execute(f"DROP TABLE serving.{schema}.{identifier(table)}")
    if large := _large(con, domain) & wanted:
        large = published.read_stored(con, domain, large)
    rows = 0
    for table in sorted(wanted):
        name = f"{schema}.{identifier(table)}"
        if not (table in large and _replace_slices(con, name, slices.get(f"{domain}.{table}", ""))):
            con.execute(f"CREATE OR REPLACE TABLE serving.{name} AS SELECT * FROM {name}")
        rows += con.execute(f"SELECT count(*) FROM serving.{name}").fetchall()[0][0]
    return rows


def _replace_slices(con: Connection, name: str, column: str) -> bool:
    """Replace the slices of a published table that differ from gold's; False, and nothing is done, where a copy is cheaper.

    Args:
        name: of the table in both, quoted. column: of its slices; without one the table is one slice.
    """
    columns, same = (_columns(con, place) for place in (name, f"serving.{name}"))
    if columns != same:
        return False
    key, differing = _key(column, dict(columns)), "FROM temp._differing"
    [(held, places)] = con.execute(f"SELECT count(*), max(rowid) + 1 FROM serving.{name}").fetchall()
    first = _first_slices(con, name, key, places) if column in dict(columns) and held else []
    is_first = f"{key} IN ({', '.join('?' for _ in first)})" if first else "FALSE"
    compare = _comparison(name, key, columns, is_first)
    con.execute(f"CREATE OR REPLACE TEMP TABLE _differing AS {compare}", [*first, *first])
    [(count,)] = con.execute(f"SELECT count(*) {differing}").fetchall()
    if count * 2 > len(first):
        return False
    compare = _comparison(name, key, columns, f"({is_first}) IS NOT TRUE")
    con.execute(f"INSERT INTO temp._differing {compare}", [*first, *first])
    [(count, rows, without)] = con.execute(f"SELECT count(*), sum(n), count(*) - count(slice) {differing}").fetchall()
    if not count:
        return True
    if without or rows * _SHARE > held or (places - held) * _SHARE > held:  # rows that were removed leave holes
        return False
    con.execute(f"DELETE FROM serving.{name} WHERE {key} IN (SELECT slice {differing})")
    con.execute(f"INSERT INTO serving.{name} SELECT * FROM {name} WHERE {key} IN (SELECT slice {differing})")
    return True


def _first_slices(con: Connection, name: str, key: str, places: int) -> list[Any]:
    """The slices of a few rows that lie far apart."""
    rows = [places * (2 * number + 1) // (2 * _FIRST) for number in range(_FIRST)]
    query = f"SELECT DISTINCT {key} FROM serving.{name} WHERE rowid IN ({', '.join(map(str, rows))})"
    return [value for (value,) in con.execute(query).fetchall() if value is not None]


def _comparison(name: str, key: str, columns: list[tuple[str, str]], condition: str) -> str:
    """SQL: which slices differ in the rows that fulfil a condition, and how many such rows each has."""
    hashed = f"sum(hash({', '.join(identifier(column) for column, _ in columns)})::HUGEINT)"
    new, old = (
        f"(SELECT {key} AS slice, count(*) AS n, {hashed} AS hashes FROM {table} WHERE {condition} GROUP BY 1)"
        for table in (name, f"serving.{name}")
    )
    return (
        f"SELECT coalesce(new.slice, old.slice) AS slice, greatest(new.n, old.n) AS n FROM {new} AS new FULL JOIN {old} AS old"
        " ON new.slice IS NOT DISTINCT FROM old.slice WHERE (new.n, new.hashes) IS DISTINCT FROM (old.n, old.hashes)"
    )


def _key(column: str, types: Mapping[str, str]) -> str:
    """SQL: which slice a row is in."""
    if column not in types:
        return "0"
    return f"{identifier(column)}::DATE" if types[column].startswith("TIMESTAMP") else identifier(column)


def _columns(con: Connection, name: str) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in con.execute(f"DESCRIBE {name}").fetchall()]


def _names(con: Connection, catalog: str, domain: str) -> set[str]:
    query = f"SELECT table_name FROM information_schema.tables WHERE table_catalog = {catalog} AND table_schema = ?"
    return {str(name) for (name,) in con.execute(query, [domain]).fetchall()}


def _large(con: Connection, domain: str) -> set[str]:
    query = "SELECT table_name FROM duckdb_tables() WHERE database_name = 'serving' AND schema_name = ? AND estimated_size >= ?"
    return {str(name) for (name,) in con.execute(query, [domain, published.LARGE]).fetchall()}

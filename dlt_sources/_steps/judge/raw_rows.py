"""Landed rows in the engine, as JSON text or as columns: SQL for the rows, for their fields, and for what they are compared by."""

from __future__ import annotations

import json
from collections.abc import Iterable

import duckdb

from warehouse.quote import identifier, literal

from ..contracts.contract import FILE, FILE_ROW, PAYLOAD
from ..stores.lake import LOAD_OF_FILE
from .bulk import is_plain_path, json_path

Paths = tuple[tuple[str | int, ...], ...]

_WHERE_FROM = f"""'"{FILE}":' || to_json({FILE}) || ',"{FILE_ROW}":' || {FILE_ROW} || '}}'"""
_RECORD = (  # of what is not JSON, this makes something else that is not
    f"CASE WHEN starts_with({PAYLOAD}, '{{') AND ends_with({PAYLOAD}, '}}') THEN left({PAYLOAD}, -1)"
    rf" || CASE WHEN regexp_full_match({PAYLOAD}, '\{{\s*\}}') THEN '' ELSE ',' END || {_WHERE_FROM} ELSE {PAYLOAD} END"
)
_ALIKE = {
    "DECIMAL": "CAST({} AS VARCHAR)",
    "TIMESTAMP WITH TIME ZONE": "CAST({} AS VARCHAR) || ':00'",
    "BLOB": "COALESCE(TRY(decode({0})), CAST({0} AS VARCHAR))",
}
"""Per DuckDB type, the text that a reader gives for the same value when it cannot give the type."""


def landed_rows(con: duckdb.DuckDBPyConnection, files: Iterable[str]) -> str:
    """SQL for the rows of landed Parquet files, each with its ``_load_id``; a record of a file also says which file and row.

    That is put behind its own keys: of one that is repeated the last counts.
    """
    rows = f"read_parquet([{', '.join(map(literal, files))}], union_by_name = true, filename = true)"
    there = {row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()}
    record = f" REPLACE ({_RECORD} AS {PAYLOAD})" if {PAYLOAD, FILE} <= there else ""
    return f"SELECT * EXCLUDE (filename){record}, {LOAD_OF_FILE} AS _load_id FROM {rows}"


def as_json(con: duckdb.DuckDBPyConnection, rows: str = "page") -> str:
    """A row of `rows` as JSON: the same for a value read natively and for one that had to be read as text or bytes."""
    columns = [(identifier(row[0]), str(row[1])) for row in con.execute(f"DESCRIBE {rows}").fetchall() if row[0]]
    alike = {
        name: _ALIKE[kind.partition("(")[0]].format(name) for name, kind in columns if kind.partition("(")[0] in _ALIKE
    }
    return f"to_json(struct_pack({', '.join(f'{name} := {alike.get(name, name)}' for name, _ in columns)}))"


def value_of(con: duckdb.DuckDBPyConnection, rows: str, paths: Paths) -> str:
    """A field of landed rows as text: at the first of its paths that the rows have."""
    values = [f"CAST({value} AS VARCHAR)" for value in values_at(con, rows, paths)]
    return f"COALESCE({', '.join(values)})" if values else "NULL"


def values_at(con: duckdb.DuckDBPyConnection, rows: str, paths: Paths) -> list[str]:
    """A field's value at each of its paths that the rows may have: of JSON all, of columns those that are there."""
    there = {row[0] for row in con.execute(f"DESCRIBE {rows}").fetchall()}
    if PAYLOAD in there:
        return [_value_in(PAYLOAD, path) for path in paths]
    return [
        identifier(str(first))
        if not rest
        else _value_in(f"CAST(to_json({identifier(str(first))}) AS VARCHAR)", tuple(rest))
        for first, *rest in paths
        if first in there
    ]


def _value_in(text: str, path: tuple[str | int, ...]) -> str:
    """SQL: what a JSON text has at a path; Python looks where DuckDB does not read the text, or takes no such path."""
    by_python = f"value_at({text}, {literal(json.dumps(path))})"
    if not is_plain_path(path):
        return by_python
    return f"CASE WHEN json_valid({text}) THEN json_extract_string({text}, {literal(json_path(path))}) ELSE {by_python} END"

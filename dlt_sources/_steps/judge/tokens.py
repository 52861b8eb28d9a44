"""Landed JSON records taken apart in the engine: the token of each column, of each record or of each element of its list.

DuckDB reads JSON in its own way: not half a surrogate pair, of a repeated key the first value, fractions as doubles.
A record of which it might say something else than Python has no tokens here, so that Pydantic is asked about it.
"""

from __future__ import annotations

import duckdb
from duckdb.sqltypes import BIGINT, VARCHAR

from warehouse.quote import literal

from ..contracts.columns import Column
from ..contracts.contract import INDEX, MARKS, PAYLOAD
from ..stores.judged import Judged
from . import bulk
from .checks import Check
from .explain import count_elements

_MARKS = ", ".join(MARKS)


def take_apart(
    con: duckdb.DuckDBPyConnection, columns: list[Column], explode: str | None, parent: Judged | None
) -> list[Check]:
    """Create the table `tokens` from the view `landed` and return each column's check over it.

    Args:
        explode: the list whose elements are the rows.
        parent: with `explode`: what became of the records.
    """
    own, above = bulk.json_paths(columns)
    if explode and parent:
        con.create_function(
            "count_elements", lambda text: count_elements(text, explode), [VARCHAR], BIGINT, side_effects=False
        )
        con.execute(f"CREATE TEMP TABLE parents AS SELECT _load_id, _row FROM ({parent.sql})")
        con.execute(f"CREATE TEMP TABLE records AS {_records(columns, explode, above)}")
        con.execute(f"CREATE TEMP TABLE tokens AS {_elements(columns, own)}")
    else:
        con.execute(f"CREATE TEMP TABLE tokens AS {_rows(columns, own)}")
    place = {INDEX: "BIGINT"} if explode else {}
    return [
        bulk.native_check(column, place)
        if place and column.paths == ((INDEX,),)
        else bulk.json_check(column, bulk.json_token(column, own, above))
        for column in columns
    ]


def count_landed(explode: str | None) -> str:
    """SQL: the rows of each load, counted in what landed and not in what was made of it."""
    if not explode:
        return "SELECT _load_id, count(*) FROM landed GROUP BY 1"
    path = literal(bulk.json_path((explode,)))
    kind = f"json_type({PAYLOAD}, {path})"
    rows = (
        f"CASE WHEN NOT {bulk.is_plain(PAYLOAD, [])} THEN count_elements({PAYLOAD})"
        f" WHEN {kind} = 'ARRAY' THEN json_array_length({PAYLOAD}, {path})"
        f" WHEN {kind} IS NULL OR {kind} = 'NULL' THEN 0 ELSE 1 END"
    )
    counted = f"SELECT _load_id, CAST(sum({rows}) AS BIGINT) AS rows FROM landed GROUP BY 1"
    return f"SELECT * FROM ({counted}) WHERE rows > 0"


def _rows(columns: list[Column], own: list[str]) -> str:
    return (
        f"SELECT {_MARKS}, _parent_ok, {_exact(columns)}, {_extract(PAYLOAD, own)} AS own, {_is_object(PAYLOAD)}"
        f" FROM (SELECT *, {bulk.is_plain(PAYLOAD, columns)} AS _is_plain FROM landed)"
    )


def _records(columns: list[Column], explode: str, above: list[str]) -> str:
    """The landed records with the rows that each makes: the elements of its list, NULL for those that only Python can tell."""
    path = bulk.json_path((explode,))
    kind = f"json_type({PAYLOAD}, {literal(path)})"
    items = (
        f"CASE WHEN NOT _is_plain THEN list_resize(CAST([] AS JSON[]), count_elements({PAYLOAD}))"
        f" WHEN {kind} = 'ARRAY' THEN json_extract(json_extract({PAYLOAD}, {literal(path)}), '$[*]')"
        f" WHEN {kind} IS NULL OR {kind} = 'NULL' THEN [] ELSE [CAST(NULL AS JSON)] END"
    )
    return (
        f"SELECT {_MARKS}, {_exact(columns)}, {items} AS items, {_extract(PAYLOAD, above)} AS parent"
        f" FROM (SELECT *, {bulk.is_plain(PAYLOAD, columns, parent=True)} AS _is_plain FROM landed)"
    )


def _elements(columns: list[Column], own: list[str]) -> str:
    return (
        f"SELECT {_MARKS}, {INDEX}, parent, {bulk.EXACT}, {_extract('item', own)} AS own, {_is_object('item')},"
        " (_load_id, _row) IN (SELECT (_load_id, _row) FROM parents) AS _parent_ok"
        f" FROM (SELECT *, COALESCE({bulk.is_plain('item', columns)}, FALSE) AS _is_plain FROM ("
        f"SELECT *, unnest(items) AS item, CAST(generate_subscripts(items, 1) - 1 AS BIGINT) AS {INDEX} FROM records))"
    )


def _exact(columns: list[Column]) -> str:
    needed = any(column.rule.type == "decimal" for column in columns)
    return f"{bulk.is_exact(PAYLOAD) if needed else 'TRUE'} AS {bulk.EXACT}"


def _extract(text: str, paths: list[str]) -> str:
    return f"CASE WHEN _is_plain THEN json_extract({text}, [{', '.join(map(literal, paths))}]) END"


def _is_object(text: str) -> str:
    return f"CASE WHEN _is_plain THEN json_type({text}) = 'OBJECT' ELSE FALSE END AS _is_object"

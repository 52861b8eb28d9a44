"""Rejected rows that the engine writes by itself: rows that break the same rules are rejected in the same words.

Of a row whose every field is either certainly right, or certainly breaks a bound, a length, a choice or must not be null,
Pydantic's verdict follows from which of these it breaks. So it is asked about one row of each kind, and the others get
the same words. Whatever the engine is not certain of stays for `asked`: an expression may be too strict, never too loose.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa

from foundation.visible import visible
from warehouse.quote import identifier, literal

from ..contracts.columns import Column, columns_of
from ..contracts.contract import MALFORMED, MARKS, PAYLOAD, Contract
from ..contracts.core_schema import checks_rows
from ..contracts.rules import Rule
from ..contracts.text import text_of
from ..stores.judged import REJECTED_SCHEMA
from . import bulk, checks
from .asked import LONGEST, PLACE, Asker, Chunk

KINDS = 1_000
"""Kinds of broken rows that are worded in this way: a row of any other is asked about by itself."""
_WORDS = ("field", "rule", "message", "errors")
_BOUNDS = ("ge", "gt", "le", "lt")
_TYPES = (
    "int_type",
    "float_type",
    "decimal_type",
    "string_type",
    "bool_type",
    "date_type",
    "datetime_type",
    "uuid_type",
)
_LIMITS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal", "string_too_short", "string_too_long")
_FIXED = frozenset([*_TYPES, *_LIMITS, "literal_error", "missing"])
"""Pydantic's rules whose messages say nothing of the value."""
_PLAIN = r"""NOT regexp_matches({}, '["\\\x00-\x1f\x7f-\x9f\x{{61c}}\x{{200e}}\x{{200f}}\x{{2028}}-\x{{202e}}\x{{2066}}-\x{{2069}}]')"""
"""A text that JSON and a terminal show as it is."""
_SHOWN = _PLAIN.replace(r'"\\\x00-\x1f', r"\x00-\x08\x0b-\x1f")
"""A text that a terminal shows as it is."""


def word(con: duckdb.DuckDBPyConnection, asker: Asker, path: Path) -> int:
    """Write rows of the table `explain` whose reasons are known as rejected ones, and leave the others there; returns how many.

    Args:
        con: with `landed`, and for JSON `tokens`, as judge.py makes them.
        path: Parquet file for the rejected rows (`REJECTED_SCHEMA`); not made where there are none.
    """
    if asker.table.explode or asker.redaction.private or checks_rows(asker.contract) or not _mark(con, asker.contract):
        return 0
    con.register("known", _ask_about_kinds(con, asker))
    texts = {"source": asker.source, "table_name": asker.name}
    values = {name: literal(text) for name, text in texts.items()} | {
        "id": f"{literal(asker.name + '/')} || _load_id || '/' || _row",
        "load_id": "_load_id",
        "row_number": "CAST(_row AS BIGINT)",
        "raw": "_raw",
        "rejected_at": f"CAST({literal(asker.now)} AS TIMESTAMP)",
    }
    shown = ", ".join(f"{values.get(name, name)} AS {name}" for name in REJECTED_SCHEMA.names)
    rows = f"SELECT {shown} FROM worded JOIN known USING (_why)"
    counted = con.execute("SELECT count(*) FROM worded SEMI JOIN known USING (_why)").fetchall()[0][0]
    if counted:
        con.execute(f"COPY ({rows}) TO {literal(path)} (FORMAT parquet, COMPRESSION zstd)")
        con.execute(
            "CREATE OR REPLACE TABLE explain AS SELECT * FROM explain ANTI JOIN"
            " (SELECT _load_id, _row FROM worded SEMI JOIN known USING (_why)) USING (_load_id, _row)"
        )
    con.execute("DROP TABLE marked CASCADE")
    return int(counted)


def _mark(con: duckdb.DuckDBPyConnection, contract: type[Contract]) -> bool:
    """Create the view `worded` of the rows to explain: those of which it is certain what they break (``_why``), with what their
    rejections keep of them (``_raw``). False: of no row it can be.
    """
    landed = {row[0]: row[1] for row in con.execute("DESCRIBE landed").fetchall()}
    columns = [column for column in columns_of(contract, stored=False) if not column.computed]
    broken, parts = _broken(columns, landed), _parts(landed)
    if broken is None or any(name.lower().startswith(("_why", "_raw", "_part_")) for name in landed):
        return False
    found = "explain JOIN tokens USING (_load_id, _row)" if PAYLOAD in landed else "explain"
    whole = [f"{MALFORMED} IS NULL"] if MALFORMED in landed else []
    whole += ["_is_object"] if PAYLOAD in landed else []
    sure = " AND ".join(["explain._parent_ok", "NOT explain._deleted", *whole])
    named = [f"_part_{place}" for place in range(len(parts))]
    shown = ", ".join(f"{part} AS {name}" for part, name in zip(parts, named, strict=True))
    between = ", ',', "
    joined = named[0] if PAYLOAD in landed else f"concat('{{', {between.join(named)}, '}}')"  # which leaves NULLs out
    raw = f"CASE WHEN {' AND '.join(f'{name} IS NOT NULL' for name in named)} THEN {joined} END"
    try:
        con.execute(  # without filters on what is made: they would make it once more
            f"CREATE OR REPLACE TEMP TABLE marked AS SELECT * EXCLUDE ({', '.join(named)}), {raw} AS _raw FROM"
            f" (SELECT explain.*, {broken} AS _why, {shown} FROM {found} WHERE {sure})"
        )
    except duckdb.Error:  # such as a name that no statement can hold: the rows are asked about all the same
        return False
    con.execute(
        f"CREATE OR REPLACE TEMP VIEW worded AS SELECT * FROM marked WHERE _why <> '' AND strlen(_raw) <= {LONGEST}"
    )
    return True


def _ask_about_kinds(con: duckdb.DuckDBPyConnection, asker: Asker) -> pa.Table:
    """Per kind of broken row (``_why``) Pydantic's words, by one row of it; without kinds whose words are another row's own."""
    samples = con.execute(f"SELECT DISTINCT ON (_why) * FROM worded LIMIT {KINDS}").to_arrow_table()
    answer = asker.ask(Chunk(samples.drop_columns(["_why", "_raw"])))
    accepted = set(answer.accepted[PLACE].to_pylist())
    kinds = [kind for place, kind in enumerate(samples.select(["_why", "_raw"]).to_pylist()) if place not in accepted]
    known = [
        {"_why": kind["_why"]} | {name: row[name] for name in _WORDS}
        for kind, row in zip(kinds, answer.rejected.to_pylist(), strict=True)
        if kind["_raw"] == row["raw"] and all(why["rule"] in _FIXED for why in json.loads(row["errors"]))
    ]
    return pa.Table.from_pylist(known, schema=pa.schema([(name, pa.string()) for name in ("_why", *_WORDS)]))


def _broken(columns: list[Column], landed: dict[str, str]) -> str | None:
    """SQL: which rules a row certainly breaks, as a text; NULL where that is not certain of some field. None: of no row."""
    if PAYLOAD in landed:
        own, above = bulk.json_paths(columns)
        codes = [_code_of_token(column, bulk.json_token(column, own, above)) for column in columns]
    else:
        codes = [_code_of_column(column, landed) for column in columns]
    certain = [f"{literal(str(place))} || {code}" for place, code in enumerate(codes) if code]
    return " || ".join(certain) if len(certain) == len(columns) else None


def _code_of_column(column: Column, landed: dict[str, str]) -> str | None:
    name = str(column.path[0])
    is_text = len(column.paths) == 1 and landed.get(name) == "VARCHAR"
    absent = [(f"{identifier(name)} IS NULL", "n")] if column.paths == ((name,),) and name in landed else []
    return _code(column, lambda tried: bulk.native_check(tried, landed), absent, identifier(name) if is_text else "")


def _code_of_token(column: Column, token: str | None) -> str | None:
    absent = [(f"{token} IS NULL", "m"), (f"CAST({token} AS VARCHAR) = 'null'", "n")]
    alone = len(column.paths) == 1 and len(column.path) == 1
    return _code(column, lambda tried: bulk.json_check(tried, token), absent if alone else [], "")


def _code(
    column: Column, check: Callable[[Column], checks.Check], absent: list[tuple[str, str]], text: str
) -> str | None:
    """SQL: what a value breaks; an empty text where it is right, NULL where that is not certain. None: of no value."""
    rule = column.rule
    right = check(column)[1]
    if right == "FALSE":
        return None
    value, sound = check(replace(column, rule=_without_limits(rule)))
    limits = _limits(column, value)
    if rule.type == "literal" and text:
        sound, limits = f"{text} IS NOT NULL", [f"{text} IN ({', '.join(map(literal, rule.choices))})"]
    ways = [f"WHEN {right} THEN ''"]
    if limits:
        kept = " || ".join(f"CASE WHEN {limit} THEN '+' ELSE '-' END" for limit in limits)
        ways.append(f"WHEN {sound} THEN {kept}")
    ways += [f"WHEN {is_absent} THEN {literal(mark)}" for is_absent, mark in absent]
    return f"(CASE {' '.join(ways)} END)"


def _without_limits(rule: Rule) -> Rule:
    if rule.type in ("int", "float", "decimal"):
        return replace(rule, ge=None, gt=None, le=None, lt=None)
    return replace(rule, min_length=None, max_length=None) if rule.type == "str" else rule


def _limits(column: Column, value: str) -> list[str]:
    """SQL for each bound of a value that is of the right kind: unlike other rules, one that is not kept is broken for certain."""
    rule = column.rule
    if rule.type == "str":
        low = [f"length({value}) >= {rule.min_length}"] if rule.min_length else []
        return low + ([f"length({value}) <= {rule.max_length}"] if rule.max_length is not None else [])
    if rule.type not in ("int", "float", "decimal"):
        return []
    alone = [Rule(**{name: getattr(rule, name)}) for name in _BOUNDS if getattr(rule, name) is not None]
    if rule.type == "decimal":
        return [checks.bounded_decimal(replace(column, rule=one), value, "TRUE")[1] for one in alone]
    return [checks.bounded(one, value, "TRUE")[1] for one in alone]


def _parts(landed: dict[str, str]) -> list[str]:
    """SQL: the parts of the row as a rejection keeps it, JSON; NULL those that the engine would write in another way than orjson."""
    if PAYLOAD in landed:
        text = f"explain.{PAYLOAD}"
        return [f"CASE WHEN {_SHOWN.format(text)} THEN {text} END"]
    parts = []
    for name, kind in landed.items():
        if name not in (*MARKS, "_parent_ok"):
            x, key = identifier(name), visible(text_of(name)) + ":"
            parts.append(f"CASE WHEN {x} IS NULL THEN {literal(key + 'null')} {_written(x, kind, literal(key))} END")
    return parts


def _written(x: str, kind: str, key: str) -> str:
    """SQL: when a value is written as JSON behind its key, and how; nothing: only Python can tell."""
    text = f"CAST({x} AS VARCHAR)"

    def quoted(value: str) -> str:
        return f"concat({key}, '\"', {value}, '\"')"

    in_calendar = f"{x} >= '1000-01-01' AND {x} < '9999-12-31'"
    if kind in (*checks.WHOLE, "BOOLEAN"):
        return f"ELSE concat({key}, {text})"
    if kind.startswith("DECIMAL("):
        digits, places = map(int, kind[8:-1].split(","))  # of more places zero has an exponent
        return f"ELSE {quoted(text)}" if digits > places <= 6 else ""
    if kind == "DOUBLE":  # beyond, exponents are written in several ways
        return f"WHEN {x} = 0 OR abs({x}) BETWEEN 1e-3 AND 1e15 THEN concat({key}, {text})"
    if kind == "VARCHAR":
        return f"WHEN {_PLAIN.format(x)} THEN {quoted(x)}"
    if kind == "DATE":
        return f"WHEN {in_calendar} THEN {quoted(text)}"
    if kind in ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE"):
        zone, plain = "+00:00" if kind != "TIMESTAMP" else "", f"make_timestamp(epoch_us({x}))"
        parts = (
            f"strftime({plain}, '%Y-%m-%dT%H:%M:%S')",
            f"CASE WHEN epoch_us({x}) % 1000000 <> 0 THEN strftime({plain}, '.%f') END",
        )
        return f"WHEN {in_calendar} THEN {quoted(f'{parts[0]}, {parts[1]}, {literal(zone)}')}"
    return ""

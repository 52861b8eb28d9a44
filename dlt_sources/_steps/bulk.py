"""A contract as SQL: which rows are surely right, and what their values are.

Pydantic alone decides what a valid row is. Asking it row by row is slow, so this module derives from the contract, for
each column, an expression that is true only where Pydantic would certainly accept the value, and one for the value it
would produce. Rows that pass every expression are accepted in the engine, as columns; all others go to Pydantic, which
accepts or rejects them and says why. An expression may be too strict (that costs time), never too loose:
tests/dlt_sources/test_judge.py compares the two over generated rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from warehouse.quote import identifier, literal

from .contract import INDEX, PARENT, Column

# The shape of a JSON token as text. DuckDB's `\d` is ASCII only, so these are narrower than Python's own.
_INTEGER = r"^-?\d{1,18}$"
_NUMBER = r'^"?-?\d{1,15}(\.\d{1,20})?"?$'  # Pydantic reads a number from text too
_DATE = r"\d{4}-\d\d-\d\d"
_TIME = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?"
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")


def json_paths(columns: list[Column]) -> tuple[list[str], list[str]]:
    """JSON paths to take from the row and from its record (``_parent``), each path once, in order of first use."""
    own: dict[str, None] = {}
    parent: dict[str, None] = {}
    for path in (path for column in columns if not column.computed for path in column.paths):
        if path[0] == PARENT:
            parent[json_path(path[1:])] = None
        elif path != (INDEX,):
            own[json_path(path)] = None
    return list(own), list(parent)


def json_token(column: Column, own: list[str], parent: list[str]) -> str:
    """Where the column's JSON token is, over a relation with the lists `own` and `parent`: what `json_extract` found
    at the paths of `json_paths`, in that order.
    """
    tokens = [
        f"parent[{parent.index(json_path(path[1:])) + 1}]"
        if path[0] == PARENT
        else f"own[{own.index(json_path(path)) + 1}]"
        for path in column.paths
    ]
    return tokens[0] if len(tokens) == 1 else f"COALESCE({', '.join(tokens)})"


def json_check(column: Column, token: str) -> tuple[str, str]:
    """(value, is surely valid) for a JSON token: SQL over the expression `token` of type JSON."""
    text, string = f"CAST({token} AS VARCHAR)", f"json_extract_string({token}, '$')"
    quoted = f"starts_with({text}, '\"')"
    if column.kind is str:
        number = f" OR regexp_matches({text}, '{_INTEGER}')" if column.coerce_numbers_to_str else ""
        value, ok = string, f"({quoted}{number})"
    elif column.kind is bool:
        value, ok = f"({text} = 'true')", f"{text} IN ('true', 'false')"
    elif column.kind is int:
        value, ok = f"TRY_CAST({text} AS BIGINT)", f"regexp_matches({text}, '{_INTEGER}')"
    elif column.kind is float:
        value, ok = f"TRY_CAST(trim({text}, '\"') AS DOUBLE)", f"regexp_matches({text}, '{_NUMBER}')"
    elif column.kind is Decimal:
        value, ok = f"TRY_CAST({text} AS {column.sql_type})", _decimal_shape(column, text)
    elif column.kind is list:
        value, ok = "NULL", f"starts_with({text}, '[')" + _list_size(column, token)
    else:
        stamp = f"{_DATE}T{_TIME}" if column.sql_type == "TIMESTAMP" else _DATE
        value, ok = _moment(column, string, f"regexp_matches({text}, '^\"{stamp}\"$')")
    return _nullable(column, value, ok + _limits(column, value), f"{text} = 'null'", f"{token} IS NULL")


def native_check(column: Column, landed: Mapping[str, str]) -> tuple[str, str]:
    """(value, is surely valid) for a column of a landed table; `landed` maps its column names to DuckDB types."""
    name = next((str(path[0]) for path in column.paths if path[0] in landed), None)
    if name is None or len(column.path) > 1:
        absent = name is None and column.nullable and column.has_default
        return f"CAST(NULL AS {column.sql_type})", str(absent).upper()
    x, base = identifier(name), landed[name].split("(")[0]
    value, ok = x, "FALSE"
    if base == "VARCHAR" and column.kind is not str:
        value, ok = _text_check(column, x)
    elif (column.kind is str and base == "VARCHAR") or (column.kind is bool and base == "BOOLEAN"):
        ok = "TRUE"
    elif column.kind is int and base in _WHOLE:
        value, ok = f"CAST({x} AS BIGINT)", "TRUE"
    elif column.kind is int and base in ("DOUBLE", "FLOAT", "DECIMAL"):  # whole numbers that arrive as 1.0
        value, ok = f"TRY_CAST({x} AS BIGINT)", f"{x} = trunc({x}) AND abs({x}) < 1e15"
    elif column.kind is float and base in ("DOUBLE", "FLOAT"):
        value, ok = f"CAST({x} AS DOUBLE)", f"isfinite({x})"
    elif column.kind is float and base in ("DECIMAL", *_WHOLE) and base != "BIGINT":
        value, ok = f"CAST(CAST({x} AS VARCHAR) AS DOUBLE)", "TRUE"
    elif column.kind is Decimal and base in ("DECIMAL", "DOUBLE", *_WHOLE):
        plain = rf"regexp_replace(CAST({x} AS VARCHAR), '(\.\d*?)0+$', '\1')"
        text = f"regexp_replace({plain}, '\\.$', '')"
        value, ok = f"TRY_CAST({text} AS {column.sql_type})", _decimal_shape(column, text)
    elif column.sql_type == "TIMESTAMP" and base == "TIMESTAMP_NS":
        value, ok = _moment(column, f"CAST({x} AS TIMESTAMP)", f"CAST(CAST({x} AS TIMESTAMP) AS TIMESTAMP_NS) = {x}")
    elif column.sql_type == "TIMESTAMP" and base.startswith("TIMESTAMP"):
        plain = f"({x} AT TIME ZONE 'UTC')" if "ZONE" in base else f"CAST({x} AS TIMESTAMP)"
        value, ok = _moment(column, plain, f"isfinite({x})")
    elif column.sql_type == "DATE" and base == "DATE":
        value, ok = _moment(column, x, f"isfinite({x})")
    if ok == "FALSE":  # a type this module does not compare: only a NULL can be judged here
        return f"CAST(NULL AS {column.sql_type})", f"{x} IS NULL" if column.nullable else "FALSE"
    return _nullable(column, value, ok + _limits(column, value), f"{x} IS NULL", None)


def _text_check(column: Column, x: str) -> tuple[str, str]:
    """(value, is surely valid) of a text such as a CSV's cell that shall be another type."""
    if column.kind is bool:
        return f"({x} = 'true')", f"{x} IN ('true', 'false')"
    if column.kind is int:
        return f"TRY_CAST({x} AS BIGINT)", f"regexp_matches({x}, '{_INTEGER}')"
    if column.kind is float:
        return f"TRY_CAST({x} AS DOUBLE)", f"regexp_matches({x}, '{_NUMBER.replace(chr(34) + '?', '')}')"
    if column.kind is Decimal:
        return f"TRY_CAST({x} AS {column.sql_type})", _decimal_shape(column, x)
    if column.sql_type == "TIMESTAMP":
        return _moment(column, x, f"regexp_matches({x}, '^{_DATE}[T ]{_TIME}$')")
    return _moment(column, x, f"regexp_matches({x}, '^{_DATE}$')")


def json_path(path: tuple[str | int, ...]) -> str:
    """A path as DuckDB's JSON functions read it."""
    return "$" + "".join(f"[{p}]" if isinstance(p, int) else '."' + p.replace('"', '\\"') + '"' for p in path)


def _nullable(column: Column, value: str, ok: str, is_null: str, is_missing: str | None) -> tuple[str, str]:
    if column.nullable:
        value, ok = f"CASE WHEN {is_null} THEN NULL ELSE {value} END", f"({is_null} OR ({ok}))"
    if is_missing and column.nullable and column.has_default:
        ok = f"({is_missing} OR {ok})"
    return value, f"COALESCE({ok}, FALSE)"


def _limits(column: Column, value: str) -> str:
    """The contract's constraints as ``AND ...`` over the value."""
    found = []
    for operator, bound in ((">=", column.ge), (">", column.gt), ("<=", column.le), ("<", column.lt)):
        if bound is not None:
            found.append(f"{value} {operator} {literal(bound)}")
    if column.kind is str:
        if column.min_length:
            found.append(f"length({value}) >= {column.min_length}")
        if column.max_length is not None:
            found.append(f"length({value}) <= {column.max_length}")
        if column.pattern:
            found.append(f"regexp_matches({value}, {literal(column.pattern)})")
    if column.choices:
        found.append(f"{value} IN ({', '.join(literal(choice) for choice in column.choices)})")
    return "".join(f" AND {condition}" for condition in found)


def _list_size(column: Column, token: str) -> str:
    size = f"json_array_length({token})"
    low = f" AND {size} >= {column.min_length}" if column.min_length else ""
    return low + (f" AND {size} <= {column.max_length}" if column.max_length is not None else "")


def _decimal_shape(column: Column, text: str) -> str:
    digits, places = column.max_digits or 0, column.decimal_places or 0
    if digits > 15:  # a float cannot carry more digits exactly: let Pydantic look
        return "FALSE"
    fraction = rf"(\.\d{{1,{places}}})?" if places else ""
    return f"regexp_matches({text}, '^-?\\d{{1,{max(digits - places, 1)}}}{fraction}$')"


def _moment(column: Column, plain: str, shape: str) -> tuple[str, str]:
    """A date or timestamp: in shape, on the calendar and within Python's years 1 to 9999."""
    value = f"TRY_CAST({plain} AS {column.sql_type})"
    return value, f"{shape} AND {value} >= '0001-01-01' AND {value} < '9999-12-31'"

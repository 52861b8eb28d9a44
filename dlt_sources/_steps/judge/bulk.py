"""A contract as SQL that accepts only rows that Pydantic would certainly accept, and gives the values it would return.

Pydantic alone decides what a valid row is. Asking it row by row is slow, so this module derives from the contract, for
each column, an expression that is true only where Pydantic would accept the value, and one for the value it would
return. Rows that pass every expression are accepted in the engine, as columns; all others go to Pydantic, which accepts
or rejects them and says why. An expression may be too strict (that costs time), never too loose: where a rule is not
known (rules.py) it is FALSE, and tests/dlt_sources/test_judge.py compares the two over generated contracts and rows.
"""

from __future__ import annotations

from collections.abc import Mapping

from warehouse.quote import identifier, literal

from ..contracts.columns import Column
from ..contracts.contract import INDEX, PARENT
from ..contracts.fit import Unfit, fit
from ..contracts.rules import MISSING
from . import checks
from .checks import Check

EXACT = "_exact"
"""Column beside the tokens: whether DuckDB, which reads fractions as doubles, has changed no number of the record."""
_DIGITS = 16
"""A double keeps every number of fewer digits."""


def is_exact(record: str) -> str:
    """SQL: whether no number of a record's text has a fraction or an exponent and more digits than a double keeps."""
    long = "|".join(rf"\d{{{whole}}}\.\d{{{_DIGITS - whole},}}" for whole in range(1, _DIGITS))
    return rf"NOT regexp_matches({record}, '[:\[,]\s*-?(?:{long}|\d{{{_DIGITS},}}[.eE])')"


def is_plain(text: str, columns: list[Column], *, parent: bool = False) -> str:
    """SQL: whether DuckDB reads a text as every JSON parser does: it is JSON, and no object that a column looks into has
    a key twice, of which DuckDB takes the first and the others the last.

    Args:
        parent: the text is the record of list elements.
    """
    paths = [path for column in columns if _can_extract(column) for path in column.paths]
    inside = [path[1:] if parent else path for path in paths if (path[0] == PARENT) == parent]
    objects = dict.fromkeys(["$", *(json_path(path[:length]) for path in inside for length in range(1, len(path)))])
    keys = [f"json_keys({text}, {literal(path)})" for path in objects]
    unique = " AND ".join(f"COALESCE(list_unique({found}) = len({found}), TRUE)" for found in keys)
    return f"CASE WHEN json_valid({text}) THEN {unique} ELSE FALSE END"


def json_paths(columns: list[Column]) -> tuple[list[str], list[str]]:
    """JSON paths to take from the row and from its record (``_parent``), each path once, in order of first use."""
    own: dict[str, None] = {}
    parent: dict[str, None] = {}
    for path in (path for column in columns if _can_extract(column) for path in column.paths):
        if path[0] == PARENT:
            parent[json_path(path[1:])] = None
        else:
            own[json_path(path)] = None
    return list(own), list(parent)


def json_token(column: Column, own: list[str], parent: list[str]) -> str | None:
    """Where the column's JSON token is, over a relation with the lists `own` and `parent`: what `json_extract` found
    at the paths of `json_paths`, in that order. None: DuckDB's paths do not reach it.
    """
    if not _can_extract(column):
        return None
    tokens = [
        f"parent[{parent.index(json_path(path[1:])) + 1}]"
        if path[0] == PARENT
        else f"own[{own.index(json_path(path)) + 1}]"
        for path in column.paths
    ]
    return tokens[0] if len(tokens) == 1 else f"COALESCE({', '.join(tokens)})"


def json_path(path: tuple[str | int, ...]) -> str:
    """A path as DuckDB's JSON functions read it: one with names that its own form does not take as a JSON pointer.

    A pointer's digits are a key of an object and a place in a list alike: `value_at` tells the two apart.
    """
    if not is_plain_path(path):
        return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f'."{part}"' for part in path)


def _can_extract(column: Column) -> bool:
    """Whether DuckDB's JSON paths say where the value is."""
    return (
        all(map(is_plain_path, column.paths))
        and not column.computed
        and (INDEX,) not in column.paths
        and all(len(p) > 1 for p in column.paths if p[0] == PARENT)
    )


def is_plain_path(path: tuple[str | int, ...]) -> bool:
    """Whether DuckDB's own form of paths, ``$."name"[0]``, takes every part."""
    return all(part >= 0 if isinstance(part, int) else part and not set(part) & set('"\\*\0') for part in path)


def json_check(column: Column, token: str | None) -> Check:
    """The check of a JSON token: SQL over the expression `token` of type JSON."""
    if token is None:
        return _unknown(column)
    text = f"CAST({token} AS VARCHAR)"
    string = f"json_extract_string({token}, '$')"
    is_text = f"starts_with({text}, '\"')"
    check = _json_value(column, text, string, is_text)
    return _with_nulls(column, check, f"{token} IS NOT NULL", f"{text} = 'null'", f"{token} IS NULL")


def _json_value(column: Column, text: str, string: str, is_text: str) -> Check:
    """The check of a token that is there and not null."""
    rule = column.rule
    match rule.type:
        case "str":
            number = f" OR regexp_matches({text}, '{checks.INTEGER}')" if rule.numbers_to_text else ""
            return checks.text(rule, string, f"({is_text}{number})", stored=column.stored and column.pii != "hash")
        case "literal" | "enum":
            return checks.choice(rule, text, string, is_text)
        case "bool":
            return f"({text} = 'true')", f"{text} IN ('true', 'false')"
        case "int":
            return checks.bounded(rule, f"TRY_CAST({text} AS BIGINT)", f"regexp_matches({text}, '{checks.INTEGER}')")
        case "float":
            shape = checks.NUMBER if rule.strict else checks.QUOTED_NUMBER
            return checks.bounded(rule, f"TRY_CAST(trim({text}, '\"') AS DOUBLE)", f"regexp_matches({text}, '{shape}')")
        case "decimal" if not rule.strict:
            value, exact = checks.decimal_of_text(column, text, 38)
            return value, f"({EXACT} OR regexp_matches({text}, '^-?\\d+$')) AND {exact}"  # DuckDB rounds fractions only
        case "uuid" if not rule.strict:
            return string, f"{is_text} AND regexp_matches({string}, '{checks.UUID}')"
        case "datetime" | "date" if not rule.strict:
            value, ok = checks.time_of_text(rule, string)
            number = f" OR regexp_matches({text}, '{checks.INTEGER}')" if rule.epoch or rule.formats else ""
            return value, f"({is_text}{number}) AND {ok}"
        case "list":
            size = f"json_array_length({text})"
            low = f" AND {size} >= {rule.min_length}" if rule.min_length else ""
            high = f" AND {size} <= {rule.max_length}" if rule.max_length is not None else ""
            return "NULL", f"starts_with({text}, '[')" + low + high
        case "dict":
            return "NULL", f"starts_with({text}, '{{')"
        case "any":
            return "NULL", "TRUE"
    return _unknown(column)


def native_check(column: Column, landed: Mapping[str, str]) -> Check:
    """The check of a column of a landed table; `landed` maps its column names to DuckDB types."""
    path = next((path for path in column.paths if path[0] in landed), None)
    if path is None:
        value = _default(column)
        return (value, "TRUE") if value is not None else _unknown(column)
    if len(path) > 1:
        return _unknown(column)
    name = str(path[0])
    x, base = identifier(name), landed[name].split("(")[0]
    check = _cell(column, x) if base == "VARCHAR" else _native_value(column, x, base, landed[name])
    return _with_nulls(column, check, "TRUE" if column.rule.type == "any" else f"{x} IS NOT NULL", f"{x} IS NULL")


def _native_value(column: Column, x: str, base: str, kind: str) -> Check:
    """The check of a value, not NULL, of a column whose type is not text."""
    rule = column.rule
    match rule.type:
        case "bool" if base == "BOOLEAN":
            return x, "TRUE"
        case "int" if base in checks.WHOLE:
            return checks.bounded(rule, f"CAST({x} AS BIGINT)", "TRUE")
        case "int" if base in ("DOUBLE", "FLOAT", "DECIMAL") and not rule.strict:  # whole numbers that arrive as 1.0
            return checks.bounded(rule, f"TRY_CAST({x} AS BIGINT)", f"{x} = trunc({x}) AND abs({x}) < 1e15")
        case "float" if base in ("DOUBLE", "FLOAT"):
            return checks.bounded(rule, f"CAST({x} AS DOUBLE)", f"isfinite({x})")
        case "float" if base in ("DECIMAL", *checks.WHOLE) and base != "BIGINT" and not rule.strict:
            return checks.bounded(rule, f"CAST(CAST({x} AS VARCHAR) AS DOUBLE)", "TRUE")
        case "decimal" if base in ("DECIMAL", *checks.WHOLE) and (base == "DECIMAL" or not rule.strict):
            return checks.bounded_decimal(column, *checks.exact_decimal(column, x, kind))
        case "decimal" if base == "DOUBLE" and not rule.strict:
            plain = rf"regexp_replace(CAST({x} AS VARCHAR), '(\.\d*?)0+$', '\1')"
            text = f"regexp_replace({plain}, '\\.$', '')"
            return checks.decimal_of_text(column, text, 15)
        case "datetime" if base == "TIMESTAMP_NS" and rule.zone != "aware":
            return checks.moment(rule, f"CAST({x} AS TIMESTAMP)", f"CAST(CAST({x} AS TIMESTAMP) AS TIMESTAMP_NS) = {x}")
        case "datetime" if base in ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS") and rule.zone != "aware":
            return checks.moment(rule, f"CAST({x} AS TIMESTAMP)", f"isfinite({x})")
        case "datetime" if base == "TIMESTAMP WITH TIME ZONE" and rule.zone != "naive" and not checks.has_bounds(rule):
            plain = f"make_timestamp(epoch_us({x}))"  # what AT TIME ZONE 'UTC' gives, without looking zones up
            return checks.moment(rule, plain, f"isfinite({x})")
        case "datetime" | "date" if (
            base in checks.WHOLE
            and rule.epoch
            and not rule.strict
            and not (rule.zone == "aware" and checks.has_bounds(rule))
        ):
            return checks.counted(rule, x)
        case "date" if base == "DATE":
            return checks.moment(rule, x, f"isfinite({x})")
    return _unknown(column)


def _cell(column: Column, x: str) -> Check:
    """The check of a text, not NULL, such as a CSV's cell."""
    rule = column.rule
    match rule.type:
        case "str":
            return checks.text(rule, x, "TRUE", stored=column.stored and column.pii != "hash")
        case "literal" | "enum" if rule.choices and isinstance(rule.choices[0], str):
            return checks.choice(rule, "NULL", x, "TRUE")
        case "bool" if not rule.strict:
            return f"({x} = 'true')", f"{x} IN ('true', 'false')"
        case "int" if not rule.strict:
            return checks.bounded(rule, f"TRY_CAST({x} AS BIGINT)", f"regexp_matches({x}, '{checks.INTEGER}')")
        case "float" if not rule.strict:
            return checks.bounded(rule, f"TRY_CAST({x} AS DOUBLE)", f"regexp_matches({x}, '{checks.NUMBER}')")
        case "decimal" if not rule.strict:
            return checks.decimal_of_text(column, x, 38)
        case "uuid" if not rule.strict:
            return x, f"regexp_matches({x}, '{checks.UUID}')"
        case "datetime" | "date" if not rule.strict:
            return checks.time_of_text(rule, x)
    return _unknown(column)


def _unknown(column: Column) -> Check:
    """Only Pydantic can tell."""
    return _null(column), "FALSE"


def _null(column: Column) -> str:
    return f"CAST(NULL AS {column.clear_type})" if column.stored else "NULL"


def _default(column: Column) -> str | None:
    """SQL for the value of a field that the row lacks; None: Pydantic has to be asked."""
    default = column.rule.default
    if default is MISSING or (default is not None and not column.stored):
        return None
    if default is None:
        return _null(column) if column.nullable or not column.stored else None
    try:
        value = fit(column, default)
        return f"CAST({literal(value)} AS {column.clear_type})"
    except (Unfit, ValueError):
        return None


def _with_nulls(column: Column, check: Check, there: str, is_null: str, missing: str | None = None) -> Check:
    """The check with what becomes of a null, and of a value that is missing.

    Args:
        there: whether the value is neither, as far as the check itself does not see to it.
    """
    value, ok = check
    if ok != "FALSE":
        ok = f"{there} AND {ok}"
    if column.rule.nullable:
        value, ok = f"CASE WHEN {is_null} THEN NULL ELSE {value} END", f"({is_null} OR ({ok}))"
    if missing and (default := _default(column)) is not None:
        value, ok = f"CASE WHEN {missing} THEN {default} ELSE {value} END", f"({missing} OR ({ok}))"
    return value, "FALSE" if ok == "FALSE" else f"COALESCE({ok}, FALSE)"

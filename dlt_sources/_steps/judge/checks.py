"""What a rule says of a value, as SQL: (the value that Pydantic would return, whether it would certainly accept it)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from functools import cache

import duckdb

from warehouse.column_types import LONGEST_TEXT
from warehouse.quote import literal

from ..contracts.columns import Column
from ..contracts.rules import Rule
from ..contracts.times import MICROSECONDS, parts_of

Check = tuple[str, str]
"""SQL for (the value, whether Pydantic certainly accepts it)."""

# The shape of a number or a time as text. DuckDB's `\d` is ASCII only, so these are narrower than Python's own.
INTEGER = r"^-?\d{1,18}$"
NUMBER = r"^-?\d{1,15}(\.\d{1,20})?$"
QUOTED_NUMBER = r'^("-?\d{1,15}(\.\d{1,20})?"|-?\d{1,15}(\.\d{1,20})?)$'  # Pydantic reads a number from text, too
_DATE = r"\d{4}-\d\d-\d\d"
_TIME = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?"
_FIXED = {"%Y": r"\d{4}", "%m": r"\d\d", "%d": r"\d\d", "%H": r"([01]\d|2[0-3])", "%M": r"[0-5]\d", "%S": r"[0-5]\d"}
_BETWEEN = set("-/.:_, T")
"""What may stand between the parts of a time that DuckDB and Python read alike."""
_FIRST, _LAST = datetime(1, 1, 2), datetime(9999, 12, 31)
_MIDNIGHT = r"([T ]00:00:00(\.0{1,6})?Z?)?"  # a day that a system keeps as a moment
_ZONE = r"(Z|[+-](0\d|1[0-3]):[0-5]\d)"
UUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_BLANK = r"\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
"""What Rust's `trim`, and so Pydantic's `strip_whitespace`, takes for white space."""
WHOLE = {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 19, "UTINYINT": 3, "USMALLINT": 5, "UINTEGER": 10}
"""DuckDB's whole numbers that a BIGINT holds, and their most digits."""


def has_bounds(rule: Rule) -> bool:
    return any(bound is not None for bound in (rule.ge, rule.gt, rule.le, rule.lt))


def bounded(rule: Rule, value: str, ok: str) -> Check:
    """The check with the rule's bounds over its value."""
    found = [ok]
    for operator, bound in ((">=", rule.ge), (">", rule.gt), ("<=", rule.le), ("<", rule.lt)):
        if bound is not None:
            found.append(f"{value} {operator} {literal(bound)}")
    if rule.multiple_of:
        found.append(f"{value} % {rule.multiple_of} = 0")
    return value, " AND ".join(found)


def bounded_decimal(column: Column, value: str, ok: str) -> Check:
    """The check with the rule's bounds over a value of the column's own type, each as the nearest number that this type holds.

    DuckDB would round a bound of more places to that type, whichever way.
    """
    rule, digits, places = column.rule, column.max_digits or 0, column.decimal_places or 0
    most = Decimal(10) ** (digits - places)
    found = [ok]
    for operator, bound, way in (
        (">=", rule.ge, ROUND_CEILING),
        (">", rule.gt, ROUND_FLOOR),
        ("<=", rule.le, ROUND_FLOOR),
        ("<", rule.lt, ROUND_CEILING),
    ):
        if bound is None:
            continue
        nearest = Decimal(bound).quantize(Decimal(1).scaleb(-places), way, Context(prec=100))
        if abs(nearest) < most:
            found.append(f"{value} {operator} {literal(f'{nearest:f}')}")
        elif (nearest > 0) == (operator in (">=", ">")):  # no value of the type is as large, or as small
            found.append("FALSE")
    return bounded(Rule(multiple_of=rule.multiple_of), value, " AND ".join(found))


def text(rule: Rule, value: str, ok: str, *, stored: bool) -> Check:
    """The check of a text. What would be stripped or changed in a way that depends on the alphabet is left to Pydantic."""
    found = [ok]
    if rule.strip:
        found.append(f"NOT regexp_matches({value}, '^[{_BLANK}]|[{_BLANK}]$')")
    if rule.min_length:
        found.append(f"length({value}) >= {rule.min_length}")
    if rule.max_length is not None:
        found.append(f"length({value}) <= {rule.max_length}")
    if stored and (rule.max_length is None or rule.max_length * 4 > LONGEST_TEXT):
        found.append(f"strlen({value}) <= {LONGEST_TEXT}")
    if rule.pattern is not None:
        found.append(f"regexp_matches({value}, {literal(rule.pattern)})" if _compiles(rule.pattern) else "FALSE")
    if rule.lower or rule.upper:
        found.append(f"strlen({value}) = length({value})")  # ASCII only
        value = f"{'upper' if rule.upper else 'lower'}({value})"
    return value, " AND ".join(found)


@cache
def _compiles(pattern: str) -> bool:
    """Whether DuckDB can use the pattern."""
    try:
        duckdb.connect().execute("SELECT regexp_matches('', ?)", [pattern]).fetchall()
    except duckdb.Error:
        return False
    return True


def choice(rule: Rule, text: str, string: str, is_text: str) -> Check:
    """The check of a literal or an enumeration: the very value, of the very type."""
    known = ", ".join(map(literal, rule.choices))
    if rule.strict and rule.type == "enum":
        return "NULL", "FALSE"
    if isinstance(rule.choices[0], str):
        return string, f"{is_text} AND {string} IN ({known})"
    if isinstance(rule.choices[0], bool):
        return f"({text} = 'true')", f"{text} IN ({', '.join(literal(str(choice).lower()) for choice in rule.choices)})"
    value = f"TRY_CAST({text} AS BIGINT)"
    return value, f"regexp_matches({text}, '{INTEGER}') AND {value} IN ({known})"


def decimal_type(column: Column) -> str:
    return f"DECIMAL({column.max_digits},{column.decimal_places})"


def decimal_of_text(column: Column, text: str, most: int) -> Check:
    """The check of a decimal written out; `most` as in `decimal_shape`."""
    return bounded_decimal(column, f"TRY_CAST({text} AS {decimal_type(column)})", decimal_shape(column, text, most))


def decimal_shape(column: Column, text: str, most: int) -> str:
    """Whether a text is a decimal of the column's digits.

    Args:
        most: digits that are certainly those that the source sent: 15 where a double came between.
    """
    digits, places = column.max_digits or 0, column.decimal_places or 0
    if not digits or digits > most:
        return "FALSE"
    fraction = rf"(\.\d{{1,{places}}})?" if places else ""
    if digits == places:  # not even a zero may stand before the point, so that 0 itself is refused
        return rf"regexp_matches({text}, '^-?0\.\d{{0,{places - 1}}}[1-9]$')"
    return rf"regexp_matches({text}, '^-?\d{{1,{digits - places}}}{fraction}$')"


def exact_decimal(column: Column, x: str, kind: str) -> Check:
    """The check of an exact number: its column's own type proves its digits, or a cast and back does."""
    precision, scale = _digits(kind)
    digits, places = column.max_digits or 0, column.decimal_places or 0
    value = f"TRY_CAST({x} AS {decimal_type(column)})"
    if not digits:
        return value, "FALSE"
    if scale <= places and precision - scale < digits - places:
        return f"CAST({x} AS {decimal_type(column)})", "TRUE"
    if max(scale, places) + max(precision - scale, digits - places) > 38:
        return value, "FALSE"
    return value, f"{value} = {x}" + (f" AND {x} <> 0" if digits == places else "")


def _digits(kind: str) -> tuple[int, int]:
    """(digits, of them decimal places) of a DuckDB number's type."""
    if kind in WHOLE:
        return WHOLE[kind], 0
    precision, scale = kind.removeprefix("DECIMAL(").removesuffix(")").split(",")
    return int(precision), int(scale)


def shape_of_time(rule: Rule) -> str:
    """A date or a moment as text; with a zone only where it is compared with nothing."""
    if rule.type == "date":
        return f"{_DATE}{_MIDNIGHT}"
    zone = {"aware": _ZONE, "naive": ""}.get(rule.zone or "", f"{_ZONE}?")
    if has_bounds(rule):  # bounds that are known here have no zone, and Python does not compare the two
        zone = "" if rule.zone != "aware" else "(?:never)"
    return f"{_DATE}[T ]{_TIME}{zone}"


def moment(rule: Rule, plain: str, shape: str) -> Check:
    """A date or timestamp: in shape, on the calendar and within Python's years 1 to 9999."""
    value = f"TRY_CAST({plain} AS {'DATE' if rule.type == 'date' else 'TIMESTAMP'})"
    last = date(9999, 12, 31)
    return bounded(rule, value, f"{shape} AND {value} >= '0001-01-02' AND {value} < '{last}'")


def time_of_text(rule: Rule, text: str) -> Check:
    """A date or moment as text, in whatever way its contract allows; a whole number is one only with an epoch or a format."""
    if rule.formats:
        return _written(rule, text)
    value, ok = moment_of_text(rule, text)
    if not rule.epoch or (rule.zone == "aware" and has_bounds(rule)):
        return value, ok
    whole = f"regexp_matches({text}, '{INTEGER}')"
    number, in_range = counted(rule, f"TRY_CAST({text} AS BIGINT)")
    return f"CASE WHEN {whole} THEN {number} ELSE {value} END", f"CASE WHEN {whole} THEN {in_range} ELSE {ok} END"


def counted(rule: Rule, number: str) -> Check:
    """A whole number that counts from 1970."""
    unit = MICROSECONDS[rule.epoch or "s"]
    low, high = (int((day - datetime(1970, 1, 1)).total_seconds()) * 1_000_000 // unit for day in (_FIRST, _LAST))
    value = f"make_timestamp(CASE WHEN {number} BETWEEN {low} AND {high} THEN CAST({number} AS BIGINT) * {unit} END)"
    return moment(rule, value, f"{number} % {86_400_000_000 // unit} = 0" if rule.type == "date" else "TRUE")


def _written(rule: Rule, text: str) -> Check:
    """A date or moment in formats of fixed width without a zone; others are left to Pydantic."""
    tried = []
    for parts in map(parts_of, rule.formats):
        shape = "".join(_FIXED.get(part, f"[{part}]" if part in _BETWEEN else "?") for part in parts)
        timed = {"%H", "%M", "%S"} & set(parts)
        if (
            "?" in shape
            or not {"%Y", "%m", "%d"} <= set(parts)
            or (timed and rule.type == "date")
            or rule.zone == "aware"
        ):
            return moment(rule, text, "FALSE")
        tried.append(
            f"CASE WHEN regexp_matches({text}, '^{shape}$') THEN try_strptime({text}, {literal(''.join(parts))}) END"
        )
    return moment(rule, f"COALESCE({', '.join(tried)})", "TRUE")


def moment_of_text(rule: Rule, text: str) -> Check:
    """A date or moment written out; one with an offset becomes UTC."""
    ok = f"regexp_matches({text}, '^{shape_of_time(rule)}$')"
    if rule.type == "date":
        return moment(rule, f"substr({text}, 1, 10)", ok)
    if rule.zone == "naive":
        return moment(rule, text, ok)
    in_utc = (
        f"TRY_CAST({text} AS TIMESTAMP WITH TIME ZONE) AT TIME ZONE 'UTC'"  # dear, and a plain cast ignores the offset
    )
    return moment(
        rule, f"CASE WHEN substr({text}, -6, 1) IN ('+', '-') THEN {in_utc} ELSE TRY_CAST({text} AS TIMESTAMP) END", ok
    )

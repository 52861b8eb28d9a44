"""Names and values in a contract that Soda does not know, and would pass over: a check that was meant, and never runs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


CONTRACT = _names(
    "dataset description variables filter columns checks check_attributes kind scopes soda_agent soda_runner"
)
_VALIDITY = _names(
    "missing_values missing_format invalid_values invalid_format valid_values valid_format valid_min valid_max"
    " valid_length valid_min_length valid_max_length valid_reference_data"
)
COLUMN = _VALIDITY | _names(
    "name description optional checks data_type character_maximum_length numeric_precision numeric_scale"
    " datetime_precision column_expression"
)
CHECK = _names("name qualifier scope filter store_failed_rows attributes column_expression threshold")
"""Of a check of any kind."""
_ROWS = _names("expression query keys_query rows_tested_query key_column_mapping")
_MEASURE = frozenset(("expression", "query"))
KINDS: Mapping[str, frozenset[str]] = {
    "row_count": frozenset(),
    "schema": frozenset(("allow_extra_columns", "allow_other_column_order")),
    "freshness": frozenset(("column", "now_variable")),
    "duplicate": frozenset(("columns",)),
    "failed_rows": _ROWS,
    "metric": _MEASURE | _VALIDITY,
}
"""Kinds of check of a table, with the keys of their own."""
KINDS_OF_COLUMN: Mapping[str, frozenset[str]] = {
    "missing": _VALIDITY,
    "invalid": _VALIDITY,
    "aggregate": _VALIDITY | {"function"},
    "duplicate": _VALIDITY,
    "failed_rows": _ROWS,
    "metric": _MEASURE | _VALIDITY,
}
_BOUNDS = frozenset(("greater_than", "greater_than_or_equal", "less_than", "less_than_or_equal"))
_LIMITS = frozenset(f"must_be_{bound}" for bound in _BOUNDS) | {"must_be", "must_not_be"}
_RANGES = frozenset(("must_be_between", "must_be_not_between"))
_CHOICES = {
    "level": ("fail", "warn"),
    "metric": ("count", "percent"),
    "unit": ("minute", "hour", "day"),
}
THRESHOLD = _LIMITS | _RANGES | frozenset(_CHOICES) | {"additional"}
NAMES = (
    CONTRACT
    | COLUMN
    | CHECK
    | THRESHOLD
    | _BOUNDS
    | {*KINDS, *KINDS_OF_COLUMN}.union(*KINDS.values(), *KINDS_OF_COLUMN.values())
)
"""Every name, wherever it may be."""


def find_mistakes(content: Any) -> Iterator[str]:
    """What Soda would pass over in a contract: each mistake with its place and, where a name is near, the fix.

    Args:
        content: the contract as YAML has it; what is not a mapping is left to Soda, which refuses it.
    """
    if not isinstance(content, dict):
        return
    yield from _unknown("", content, CONTRACT)
    yield from _in_checks("", content.get("checks"), KINDS)
    columns = content.get("columns")
    for column in columns if isinstance(columns, list) else ():
        if isinstance(column, dict):
            place = f"column {column.get('name')}"
            yield from _unknown(f"{place}: ", column, COLUMN)
            yield from _in_checks(f"{place}, ", column.get("checks"), KINDS_OF_COLUMN)


def _in_checks(place: str, checks: Any, kinds: Mapping[str, frozenset[str]]) -> Iterator[str]:
    if checks is None:
        return
    if not isinstance(checks, list):
        yield f"{place}`checks:` is not a list; write `- ` before each check"
        return
    for number, check in enumerate(checks, 1):
        where = f"{place}check {number}"
        if not isinstance(check, dict):
            colon = f"; write `- {check}:`, with a colon" if isinstance(check, str) and check in kinds else ""
            yield f"{where}: {check!r} is not a check{colon or _hint(str(check), kinds)}"
        elif len(check) != 1:
            yield f"{where}: a check has one kind, not {len(check)} ({', '.join(map(str, check)) or 'none'})"
        else:
            [(kind, body)] = check.items()
            if kind not in kinds:
                yield f"{where}: {kind!r} is not a kind of check of a {'column' if place else 'table'}{_hint(str(kind), kinds)}"
            else:
                yield from _in_body(f"{where} ({kind})", body, CHECK | kinds[kind])


def _in_body(where: str, body: Any, known: frozenset[str]) -> Iterator[str]:
    if body is None:
        return
    if not isinstance(body, dict):
        yield f"{where}: {body!r} is not keys with values, such as `threshold:`"
        return
    yield from _unknown(f"{where}: ", body, known)
    if "threshold" in body:
        yield from _in_threshold(f"{where}, threshold: ", body["threshold"])


def _in_threshold(place: str, threshold: Any) -> Iterator[str]:
    if not isinstance(threshold, dict):
        yield f"{place}{threshold!r} is not keys with values, such as `must_be_less_than: 5`"
        return
    yield from _unknown(place, threshold, THRESHOLD)
    for key, value in threshold.items():
        if key in _LIMITS:
            yield from _not_a_number(place, key, value)
        elif key in _CHOICES and value not in _CHOICES[key]:
            yield f"{place}`{key}` is {value!r}{_hint(str(value), _CHOICES[key])}"
        elif key in _RANGES and isinstance(value, dict):
            yield from _unknown(f"{place}{key}: ", value, _BOUNDS)
            for bound in value.keys() & _BOUNDS:
                yield from _not_a_number(f"{place}{key}: ", bound, value[bound])
        elif key in _RANGES:
            yield f"{place}`{key}` is {value!r}; it takes keys: {', '.join(sorted(_BOUNDS))}"
        elif key == "additional":
            yield from _in_threshold(f"{place}additional: ", value)


def _not_a_number(place: str, key: str, value: Any) -> Iterator[str]:
    """A limit that is not a number is not compared; a variable of the contract may become one."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number and "${" not in str(value):
        yield f"{place}`{key}` is {value!r}, not a number"


def _unknown(place: str, found: Mapping[Any, Any], known: frozenset[str]) -> Iterator[str]:
    for key in found:
        if key not in known:
            yield f"{place}unknown key {key!r}{_hint(str(key), known)}"


def _hint(word: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(names)}"

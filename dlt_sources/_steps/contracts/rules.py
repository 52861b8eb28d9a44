"""What Pydantic checks of a field, read from the schema that it validates with.

Pydantic compiles every contract to a *core schema*: annotations, grouped metadata, `Field(...)`, decorators and
`model_config` all end there (core_schema.py), so it says everything that a value has to pass. `rule_of` turns a field's schema into a
`Rule`, in words that bulk.py can check in the engine. It knows a list of schema types and of their keys; whatever is
not on the list makes the rule unknown, and then Pydantic is asked, row by row. So a feature that this module has never
heard of costs time, and is never skipped.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from pydantic import BaseModel

from .core_schema import FIELD, Schema, config_of, field_schema, has_unknown
from .times import TimeReader

MISSING: Any = object()
"""The default of a field that has none, or none that is known beforehand."""

_BOUNDS = {"ge", "gt", "le", "lt"}
_KNOWN: dict[str, set[str]] = {
    "str": {
        "min_length",
        "max_length",
        "pattern",
        "strip_whitespace",
        "to_lower",
        "to_upper",
        "regex_engine",
        "strict",
        "coerce_numbers_to_str",
    },
    "int": {*_BOUNDS, "multiple_of", "strict"},
    "float": {*_BOUNDS, "allow_inf_nan", "strict"},
    "decimal": {*_BOUNDS, "allow_inf_nan", "max_digits", "decimal_places", "strict"},
    "bool": {"strict"},
    "date": {*_BOUNDS, "strict"},
    "datetime": {*_BOUNDS, "strict", "tz_constraint", "microseconds_precision"},
    "literal": {"expected"},
    "enum": {"cls", "members", "sub_type", "missing", "strict"},
    "uuid": {"strict"},
    "list": {"items_schema", "min_length", "max_length", "strict"},
    "dict": {"keys_schema", "values_schema", "strict"},
    "any": set(),
}
_DEFAULT = {
    "schema",
    "default",
    "default_factory",
    "default_factory_takes_data",
    "copy_default",
    "on_error",
    "validate_default",
}
"""All of them concern values that are missing or wrong: a value that is proven right is the same without them."""

# Patterns that RE2 (DuckDB) and Rust's regex (Pydantic) read alike, or RE2 more narrowly: literals, classes of literals
# and ranges, \d and \w outside of negated classes, groups, alternatives, anchors and small counts.
_CLASS = r"\[(?:\^(?:[^\[\]\\&~^-]|\\[\].^\\/-]|[0-9A-Za-z]-[0-9A-Za-z])+|(?:[^\[\]\\&~^-]|\\[dw\].^\\/-]|[0-9A-Za-z]-[0-9A-Za-z])+)-?\]"
_PLAIN_PATTERN = re.compile(
    rf"(?:{_CLASS}|\((?:\?:|(?!\?))|\)|[|^$.*+?]|\{{\d{{1,3}}(?:,\d{{0,3}})?\}}|\\[dw.\-+*?()\[\]{{}}^$|/\\]|[A-Za-z0-9 _:/@,;=<>!%\"'#-])*"
)


@dataclass(frozen=True)
class Rule:
    """What a field's value must be, as far as the engine can check it.

    Attributes:
        type: the core schema's type; empty: not known here, so that only Pydantic can tell.
        default: the value of a field that the row lacks; `MISSING`: Pydantic has to be asked.
        choices: of a literal or an enumeration: the plain values.
        zone: "aware" or "naive" where a datetime must be one of them.
        epoch, formats: what else than ISO 8601 is read as a time (times.py).
    """

    type: str = ""
    nullable: bool = False
    default: Any = MISSING
    strict: bool = False
    ge: Any = None
    gt: Any = None
    le: Any = None
    lt: Any = None
    multiple_of: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    strip: bool = False
    lower: bool = False
    upper: bool = False
    numbers_to_text: bool = False
    infinite: bool = False
    max_digits: int | None = None
    decimal_places: int | None = None
    zone: str | None = None
    epoch: str | None = None
    formats: tuple[str, ...] = ()
    choices: tuple[Any, ...] = field(default=())


def rule_of(contract: type[BaseModel], name: str) -> Rule:
    """The rule of a field; one without a type where only Pydantic can tell."""
    described = field_schema(contract, name)
    if has_unknown(described, FIELD):
        return Rule()
    return _rule(described["schema"], config_of(contract))


def demands(schema: Schema, config: Schema) -> Rule:
    """What the schema of a value demands of it, whether or not the engine could check it."""
    return Rule(
        **{key: schema[key] for key in ("ge", "gt", "le", "lt", "max_digits", "decimal_places") if key in schema},
        min_length=schema.get("min_length", config.get("str_min_length") if schema["type"] == "str" else None),
        max_length=schema.get("max_length", config.get("str_max_length") if schema["type"] == "str" else None),
        pattern=schema["pattern"] if isinstance(schema.get("pattern"), str) else None,
        choices=_choices(schema) or (),
    )


def _rule(schema: Schema, config: Schema) -> Rule:
    kind = schema["type"]
    if kind == "default":
        if has_unknown(schema, _DEFAULT):
            return Rule()
        unchecked = not schema.get("validate_default", config.get("validate_default"))
        return replace(
            _rule(schema["schema"], config), default=schema.get("default", MISSING) if unchecked else MISSING
        )
    if kind == "nullable" and not has_unknown(schema, {"schema"}):
        return replace(_rule(schema["schema"], config), nullable=True)
    if kind == "function-before" and not has_unknown(schema, {"schema", "function"}):
        reader = schema["function"].get("function")
        if type(reader) is not TimeReader:
            return Rule()
        return replace(_rule(schema["schema"], config), epoch=reader.epoch, formats=reader.formats)
    if kind not in _KNOWN or has_unknown(schema, _KNOWN[kind]):
        return Rule()
    return _value_rule(kind, schema, config)


def _value_rule(kind: str, schema: Schema, config: Schema) -> Rule:
    """The rule of a plain value; one without a type where a bound or a pattern is of a kind that the engine reads in another way."""
    rule = replace(
        demands(schema, config),
        type=kind,
        strict=bool(schema.get("strict", config.get("strict"))),
        multiple_of=schema.get("multiple_of"),
        strip=bool(schema.get("strip_whitespace", config.get("str_strip_whitespace"))),
        lower=bool(schema.get("to_lower", config.get("str_to_lower"))),
        upper=bool(schema.get("to_upper", config.get("str_to_upper"))),
        numbers_to_text=bool(schema.get("coerce_numbers_to_str", config.get("coerce_numbers_to_str"))),
        infinite=bool(schema.get("allow_inf_nan", config.get("allow_inf_nan", kind == "float"))),
        zone=schema.get("tz_constraint"),
        nullable=kind == "literal" and None in schema["expected"],
    )
    if kind == "decimal":
        rule = replace(rule, **{name: _as_decimal(getattr(rule, name)) for name in _BOUNDS})
    engine = schema.get("regex_engine", config.get("regex_engine", "rust-regex"))
    bounds = [bound for bound in (rule.ge, rule.gt, rule.le, rule.lt, rule.multiple_of) if bound is not None]
    comparable = all(_comparable(kind, bound) for bound in bounds) and rule.multiple_of != 0
    readable = schema.get("pattern") is None or (
        engine == "rust-regex" and rule.pattern is not None and _PLAIN_PATTERN.fullmatch(rule.pattern) is not None
    )
    return rule if comparable and readable and _plain(kind, schema) else Rule(nullable=rule.nullable)


def _plain(kind: str, schema: Schema) -> bool:
    """Whether the schema's other words mean what they do by default."""
    match kind:
        case "literal" | "enum":
            return _choices(schema) is not None
        case "datetime":
            return bool(schema.get("microseconds_precision", "truncate") == "truncate")
        case "list":
            return bool(schema.get("items_schema", {"type": "any"})["type"] == "any")
        case "dict":
            parts = (schema.get(part, {"type": "any"}) for part in ("keys_schema", "values_schema"))
            return all(part["type"] == "any" for part in parts)
    return True


def _comparable(kind: str, bound: Any) -> bool:
    """Whether the engine compares a value with the bound as Python does."""
    exact = type(bound) is int and abs(bound) < 2**53
    if kind == "int":
        return exact
    if kind == "float":
        return exact or (type(bound) is float and math.isfinite(bound))
    if kind == "decimal":
        return exact or (type(bound) is Decimal and bound.is_finite() and len(f"{bound:f}") <= 30)
    if kind == "datetime":
        return type(bound) is datetime and bound.tzinfo is None
    return kind == "date" and type(bound) is date


def _as_decimal(bound: Any) -> Any:
    """A decimal's bound as Pydantic compares with it: one that is a float as it is written."""
    return Decimal(repr(bound)) if type(bound) is float else bound


def _choices(schema: Schema) -> tuple[Any, ...] | None:
    """The plain values of a literal or an enumeration of one type; None where they are not plain or not of one."""
    if schema["type"] == "literal":
        values = [value for value in schema["expected"] if value is not None]
    elif schema["type"] == "enum":
        values = [member.value for member in schema["members"]]
    else:
        return None
    kinds = {type(value) for value in values}
    if len(kinds) != 1 or not kinds <= {str, int, bool} or not all(map(_quotable, values)):
        return None
    return tuple(values)


def _quotable(value: str | int) -> bool:
    """Whether a statement can hold the value."""
    if isinstance(value, int):
        return abs(value) < 2**62
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def plain(value: Any) -> Any:
    """An enumeration's member as its value; any other value as it is."""
    return value.value if isinstance(value, Enum) else value

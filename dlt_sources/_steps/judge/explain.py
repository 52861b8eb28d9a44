"""Ask Pydantic about one row: its values, or why not."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import SchemaValidator

from ..contracts.columns import Column
from ..contracts.contract import INDEX, MALFORMED, MARKS, PARENT, PAYLOAD, Contract
from ..contracts.core_schema import config_of, field_schema
from ..contracts.fit import Unfit, fit
from ..contracts.text import Exact, parse

UNREPRESENTABLE = "unrepresentable"
"""Rule of a row that Pydantic accepts and no column can hold, or that cannot be judged at all."""

_OWN = frozenset((*MARKS, "_parent_ok"))
"""What a landed row has besides its record."""


class NotAListError(ValueError):
    """What should be the list of a table's rows is something else."""


def raw_of(row: dict[str, Any], explode: str | None) -> Any:
    """The landed row as Pydantic shall see it: the record as it came, or the element of its list `explode` with its place.

    Raises:
        NotAListError: the list is something else.
    """
    if PAYLOAD not in row or row.get(MALFORMED):
        return {k: v for k, v in row.items() if k not in _OWN and k != PAYLOAD}
    record = _parse(row[PAYLOAD]) if explode else parse(row[PAYLOAD])
    if explode is None:
        return record
    listed = record[explode]
    if not isinstance(listed, list):
        raise NotAListError
    element = listed[row[INDEX]]
    if not isinstance(element, dict):
        return element
    return element | {PARENT: {k: v for k, v in record.items() if k != explode}, INDEX: row[INDEX]}


def count_elements(text: str, explode: str) -> int:
    """How many rows a record's list makes: one where it is not a list, which is then rejected; none where it is null or missing."""
    try:
        listed = parse(text)[explode]
    except (ValueError, RecursionError, TypeError, LookupError):
        return 0
    if isinstance(listed, list):
        return len(listed)
    return 0 if listed is None else 1


@lru_cache(maxsize=1)
def _parse(text: str) -> Any:
    """The record of many elements, one after the other."""
    return parse(text)


def ask(
    contract: type[Contract], columns: list[Column], raw: Any, parent_ok: bool
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Pydantic's verdict on one row: (the values of its stored columns, why not); exactly one of them is empty.

    Whatever Pydantic, or the contract's own code, raises is a reason to reject this row and no other.
    """
    if isinstance(raw, dict) and (why := raw.get(MALFORMED)):
        return {}, [_reason("", "malformed_line", str(why))]
    try:
        dumped = contract.model_validate(raw).model_dump(by_alias=False, warnings=False)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False, include_context=False)
        return {}, [_reason(".".join(map(str, e["loc"])), e["type"], e["msg"]) for e in details]
    except Exception as error:
        return {}, [_reason("", UNREPRESENTABLE, f"judging it raised {type(error).__name__}: {error}")]
    if not parent_ok:
        return {}, [_reason("", "parent_rejected", "the record it is part of was rejected")]
    values: dict[str, Any] = {}
    reasons: list[dict[str, str]] = []
    for column in (column for column in columns if column.stored and not column.computed):
        try:
            value = dumped.get(column.name)
            if column.kind is int and isinstance(sent := _sent(raw, column), Exact) and value == sent:
                value = sent.whole()
            values[column.name] = fit(column, value)
        except Unfit as error:
            reasons.append(_reason(column.name, UNREPRESENTABLE, str(error)))
    return ({}, reasons) if reasons else (values, [])


def _sent(raw: Any, column: Column) -> Any:
    """What the source sent for a column."""
    for path in column.paths:
        found = raw
        for part in path:
            found = found[part] if _holds(found, part) else None
        if found is not None:
            return found
    return None


def _holds(container: Any, part: str | int) -> bool:
    if isinstance(container, dict):
        return part in container
    return isinstance(container, list) and isinstance(part, int) and part < len(container)


def _reason(field: str, rule: str, message: str) -> dict[str, str]:
    return {"field": field, "rule": rule, "message": message}


@cache
def validator_of(contract: type[Contract], names: tuple[str, ...]) -> SchemaValidator:
    """What checks some fields of the contract by their own rules, whatever the others hold."""
    schema: Any = {"type": "model-fields", "fields": {name: field_schema(contract, name) for name in names}}
    whole: Any = contract.__pydantic_core_schema__
    if whole["type"] == "definitions":
        schema = whole | {"schema": schema}
    return SchemaValidator(schema, config_of(contract))  # type: ignore[arg-type]


def ask_of_vanished(
    contract: type[Contract], columns: list[Column], key: list[str], raw: Any
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Like `ask`, for a row that is deleted: only its key counts. Of the rest personal values are None, and all when one is
    not right.
    """
    kept = [column for column in columns if column.stored and not column.computed]
    failure = ""
    for known in ([c.name for c in kept if c.name in key or not c.private], key):
        try:
            values, _, _ = validator_of(contract, tuple(known)).validate_python(raw)
            return {c.name: fit(c, values[c.name]) if c.name in known else None for c in kept}, []
        except Exception as error:
            failure = f"its key cannot be judged: {type(error).__name__}"
    return {}, [_reason("", UNREPRESENTABLE, failure)]

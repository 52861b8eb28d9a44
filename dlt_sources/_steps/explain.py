"""Ask Pydantic about one row: its values, or why not."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import SchemaValidator

from .columns import Column
from .contract import INDEX, MALFORMED, MARKS, PARENT, PAYLOAD, Contract
from .fit import Unfit, fit
from .rules import config_of, field_schema
from .text import parse

UNREPRESENTABLE = "unrepresentable"
"""Rule of a row that Pydantic accepts and no column can hold, or that cannot be judged at all."""


def raw_of(row: dict[str, Any], explode: str | None) -> Any:
    """The landed row as Pydantic shall see it: the record as it came, with its place when it is an element of the list `explode`."""
    if PAYLOAD not in row:
        return {k: v for k, v in row.items() if k not in (*MARKS, "_parent_ok")}
    record = parse(row[PAYLOAD])
    if PARENT in row and isinstance(record, dict):
        parent = parse(row[PARENT])
        record |= {PARENT: {k: v for k, v in parent.items() if k != explode}, INDEX: row[INDEX]}
    return record


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
            values[column.name] = fit(column, dumped.get(column.name))
        except Unfit as error:
            reasons.append(_reason(column.name, UNREPRESENTABLE, str(error)))
    return ({}, reasons) if reasons else (values, [])


def _reason(field: str, rule: str, message: str) -> dict[str, str]:
    return {"field": field, "rule": rule, "message": message}


@cache
def _validator_of(contract: type[Contract], names: tuple[str, ...]) -> SchemaValidator:
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
            values, _, _ = _validator_of(contract, tuple(known)).validate_python(raw)
            return {c.name: fit(c, values[c.name]) if c.name in known else None for c in kept}, []
        except Exception as error:
            failure = f"its key cannot be judged: {type(error).__name__}"
    return {}, [_reason("", UNREPRESENTABLE, failure)]

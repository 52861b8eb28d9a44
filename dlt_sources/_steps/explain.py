"""Ask Pydantic about one row: its values, or why not."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from pydantic import Field, ValidationError, create_model

from .contract import INDEX, MALFORMED, MARKS, PARENT, PAYLOAD, Contract, columns_of
from .text import parse


def raw_of(row: dict[str, Any]) -> Any:
    """The landed row as Pydantic shall see it: the record as it came, with its place when it is a list element."""
    if PAYLOAD not in row:
        return {k: v for k, v in row.items() if k not in (*MARKS, "_parent_ok")}
    record = parse(row[PAYLOAD])
    if PARENT in row and isinstance(record, dict):
        parent = parse(row[PARENT])
        record |= {PARENT: {k: v for k, v in parent.items() if not isinstance(v, list)}, INDEX: row[INDEX]}
    return record


def ask(contract: type[Contract], raw: Any, parent_ok: bool) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Pydantic's verdict on one row: (its values, why not); exactly one of them is empty."""
    if isinstance(raw, dict) and (why := raw.get(MALFORMED)):
        return {}, [{"field": "", "rule": "malformed_line", "message": str(why)}]
    try:
        values = contract.model_validate(raw).model_dump()
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False, include_context=False)
        return {}, [{"field": ".".join(map(str, e["loc"])), "rule": e["type"], "message": e["msg"]} for e in details]
    if not parent_ok:
        return {}, [{"field": "", "rule": "parent_rejected", "message": "the record it is part of was rejected"}]
    for name, value in values.items():
        if isinstance(value, datetime) and value.tzinfo:
            values[name] = value.astimezone(UTC).replace(tzinfo=None)
    return values, []


@cache
def key_only(contract: type[Contract], key: tuple[str, ...]) -> type[Contract]:
    """The contract of a row that vanished: its key must be right; what else its last version said does not matter."""
    loose: dict[str, Any] = {
        name: (Any, Field(default=None, validation_alias=field.validation_alias, exclude=field.exclude))
        for name, field in contract.model_fields.items()
        if name not in key
    }
    made: type[Contract] = create_model(contract.__name__, __base__=contract, **loose)
    return made


def ask_of_vanished(
    contract: type[Contract], key: list[str], raw: Any
) -> tuple[dict[str, Any], list[dict[str, str]]]:  # fmt: skip
    """Like `ask`, for a row that is deleted: only its key counts. Of the rest personal values are None, and all when one is
    not right.
    """
    unprivate = [c.name for c in columns_of(contract, stored=False) if c.name in key or not c.private]
    for known in (unprivate, key):
        values, reasons = ask(key_only(contract, tuple(known)), raw, True)
        if not reasons:
            break
    return {name: value if name in known else None for name, value in values.items()}, reasons

"""Ask Pydantic about one row: its values, or why not."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from pydantic import Field, ValidationError, create_model

from .contract import INDEX, MALFORMED, MARKS, PARENT, PAYLOAD, Column, Contract
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
    """Like `ask`, for a row that is deleted: only its key counts, the other values are None."""
    values, reasons = ask(key_only(contract, tuple(key)), raw, True)
    return {name: value if name in key else None for name, value in values.items()}, reasons


def redact(raw: Any, columns: list[Column]) -> Any:
    """The raw row as people may read it: landing keeps the original.

    Of a contract with personal fields only the values of its other fields stay. What it does not name may be personal,
    too (a street beside a city), and so may a value that is not where it should be.
    """
    if not any(column.private for column in columns):
        return raw
    kept: dict[str, Any] = {}
    for column in (column for column in columns if not column.private):
        for path in column.paths:
            inside = raw
            for part in path:
                inside = inside[part] if _holds(inside, part) else None
            if inside is not None:
                kept[".".join(map(str, path))] = "***" if isinstance(inside, dict | list) else inside
    return kept | {"": "*** personal fields, and what the contract does not name"}


def told(reasons: list[dict[str, str]], columns: list[Column]) -> list[dict[str, str]]:
    """Why a row was rejected, without the text of a malformed line when that may hold personal fields."""
    if any(column.private for column in columns):
        return [reason | {"message": reason["message"].split(" | ")[0]} for reason in reasons]
    return reasons


def _holds(container: Any, part: str | int) -> bool:
    if isinstance(container, dict):
        return part in container
    return isinstance(container, list) and isinstance(part, int) and part < len(container)

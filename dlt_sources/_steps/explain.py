"""Ask Pydantic about one row: its values, or why not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

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


def redact(raw: Any, columns: list[Column]) -> Any:
    """The raw row without what is tagged as personal: a rejected row is read by people. Landing keeps the original."""
    for column in columns:
        for *way, last in column.paths if column.pii in ("hash", "drop") else ():
            inside = raw
            for part in way:
                inside = inside[part] if _holds(inside, part) else None
            if _holds(inside, last):
                inside[last] = "***"
    return raw


def _holds(container: Any, part: str | int) -> bool:
    if isinstance(container, dict):
        return part in container
    return isinstance(container, list) and isinstance(part, int) and part < len(container)

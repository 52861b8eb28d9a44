"""What the backend answers, in Redshift's words and type numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import wire

if TYPE_CHECKING:
    from .plan import Plan
    from .session import Session

_HIDDEN = {
    "standard_conforming_strings",
    "in_hot_standby",
    "default_transaction_read_only",
    "scram_iterations",
    "search_path",
}
_BYTES = re.compile(r"rs_(bytes|chars)_(\d+)_")
_SPACES = re.compile(rb'("(?:[^"\\]|\\.)*")|\s+')
_OVERFLOW = re.compile(r"numeric field overflow", re.I)


@dataclass
class Shape:
    """What the rows that follow look like."""

    supers: list[int] = field(default_factory=list)


def client_name(startup: dict[str, str]) -> str:
    """Which library a client uses, as far as its login tells."""
    if "client_protocol_version" in startup or "driver_version" in startup:
        return "redshift-connector"
    name = startup.get("application_name", "")
    if name:
        return name
    return "psycopg" if "client_encoding" in startup.get("options", "") else "psycopg2"


def shown(kind: bytes, body: bytes, shape: Shape, unicode: str = "UTF8") -> bytes:
    """A message of the backend as the client sees it."""
    if kind == b"S":
        name, value = body[:-1].decode().split("\0")[:2]
        if name in _HIDDEN:
            return b""
        value = {"server_version": "8.0.2", "client_encoding": unicode}.get(name, value)
        return wire.pack(b"S", wire.strings(name, value))
    if kind == b"T":
        shape.supers = [at for at, oid in enumerate(wire.columns(body)) if oid == wire.JSONB]
        return wire.pack(b"T", wire.described(body))
    if kind == b"D" and shape.supers:
        values = wire.row(body)
        for at in shape.supers:
            values[at] = _compact(values[at])
        return wire.pack(b"D", wire.data_row(values))
    return wire.pack(kind, body)


def _compact(value: bytes | None) -> bytes | None:
    """Redshift prints SUPER without spaces."""
    if value is None or value[:1] == b"\x01":
        return value
    return _SPACES.sub(rb"\1", value)


def reworded(failure: dict[str, str]) -> dict[str, str]:
    """An error's fields in Redshift's words."""
    message, code = failure.get("M", ""), failure.get("C", "XX000")
    name = _BYTES.search(failure.get("n", "") if code == "23514" else "")
    if name:
        kind = "character varying" if name[1] == "bytes" else "character"
        return {"S": "ERROR", "C": "22001", "M": f"value too long for type {kind}({name[2]})"}
    if code == "23502" and "c" in failure:
        return {"S": "ERROR", "C": code, "M": f"Cannot insert a NULL value into column {failure['c']}"}
    if code == "22003" and _OVERFLOW.search(message):
        return {"S": "ERROR", "C": code, "M": "Numeric data overflow (result precision)", "D": failure.get("D", "")}
    if code == "42883" and message.startswith("function "):
        return failure | {"H": f"The stand-in does not know this {message}"[:200]}
    return failure


def steps(session: Session, plan: Plan) -> str:
    """Carry out a plan, step after step; the command's tag."""
    for step in plan.before:
        _step(session, step)
    tag = plan.work(session) if plan.work else session.relayed(plan.run, plan.tag)
    for step in plan.after:
        _step(session, step)
    return tag


def _step(session: Session, step: object) -> None:
    if isinstance(step, str):
        session.internal(step)
    else:
        step(session)  # type: ignore[operator]

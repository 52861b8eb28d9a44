"""The parts of a step: what it did to each table, and what that took.

A step gathers them while it runs. What another thread did for it before, a read ahead, gathers its own, and the step adds
them: its seconds are not the step's, and CPU and bytes, which are counted for the whole process, are those of the step alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from .used import used


@dataclass
class Part:
    """What a step did to one table, all batches together.

    Attributes:
        did: in a word, such as ``judge`` or ``silver``.
        rows: that it was about; None where they are not counted.
        cpu_seconds, read_bytes, written_bytes: as of `StepDone`.
    """

    table: str
    did: str
    seconds: float = 0
    rows: int | None = None
    cpu_seconds: float = 0
    read_bytes: int | None = None
    written_bytes: int | None = None

    def count(self, rows: int) -> None:
        """Add rows."""
        self.rows = _sum(self.rows, rows)


_PARTS: ContextVar[dict[tuple[str, str], Part] | None] = ContextVar("parts", default=None)


@contextmanager
def gathered() -> Iterator[dict[tuple[str, str], Part]]:
    """Gather the parts of what is done while the block runs."""
    parts: dict[tuple[str, str], Part] = {}
    token = _PARTS.set(parts)
    try:
        yield parts
    finally:
        _PARTS.reset(token)


def add(parts: dict[tuple[str, str], Part]) -> None:
    """Add to the step that is running, if one is, what another thread did for it before."""
    found = _PARTS.get()
    if found is not None:
        found |= {key: replace(done, cpu_seconds=0, read_bytes=None, written_bytes=None) for key, done in parts.items()}


@contextmanager
def part(table: str, did: str) -> Iterator[Part]:
    """Count the block as a part of the step that is running, if one is; gives the part, whose rows the block may add."""
    parts = _PARTS.get()
    if parts is None:
        yield Part(table, did)
        return
    found, began, before = parts.setdefault((table, did), Part(table, did)), time.monotonic(), used()
    try:
        yield found
    finally:
        took = used().since(before)
        found.seconds += time.monotonic() - began
        found.cpu_seconds += took.cpu
        found.read_bytes = _sum(found.read_bytes, took.read)
        found.written_bytes = _sum(found.written_bytes, took.written)


def _sum(before: int | None, more: int | None) -> int | None:
    return before if more is None else (before or 0) + more

"""The memory that DuckDB may hold, where sources are refined side by side: small ones share it, a large one has it alone."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import duckdb

from foundation.causes import causes
from foundation.setting_types import bytes_of
from settings import Settings

T = TypeVar("T")
SMALL = 4 * 2**20
"""Landed bytes up to which a batch of loads is small: as rows they take some fifty megabytes."""
LEAST = 128 * 10**6
"""Bytes that each of the small ones has."""


class Room:
    """The memory of all that are refined at a time, in equal parts. Whoever asks first is served first.

    Args:
        parts: how many small ones share it.
    """

    def __init__(self, parts: int) -> None:
        self.parts = self._free = parts
        self._asked: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Let what this thread refines while the block runs share the memory."""
        token = _room.set(self)
        try:
            yield
        finally:
            _room.reset(token)

    @contextmanager
    def take(self, parts: int) -> Iterator[None]:
        """Have so many parts of the memory while the block runs; waits until they are free."""
        ticket = object()
        with self._changed:
            self._asked.append(ticket)
            self._changed.wait_for(lambda: self._asked[0] is ticket and self._free >= parts)
            self._asked.popleft()
            self._free -= parts
            self._changed.notify_all()
        token = _share.set((parts, self.parts))
        try:
            yield
        finally:
            _share.reset(token)
            with self._changed:
                self._free += parts
                self._changed.notify_all()


_room: ContextVar[Room | None] = ContextVar("_room", default=None)
_share: ContextVar[tuple[int, int]] = ContextVar("_share", default=(1, 1))


def refined_at_a_time(settings: Settings) -> int:
    """How many sources are refined side by side."""
    return max(1, min(settings.readers, bytes_of(settings.memory) // LEAST))


def share_of(memory: str) -> str:
    """What this thread may hold of an amount of memory such as 2GB."""
    parts, of = _share.get()
    return memory if parts == of else f"{bytes_of(memory) * parts // of}B"


def with_memory(size: int, work: Callable[[], T]) -> T:
    """Do work on so many landed bytes with this thread's part of the memory; with all of it where it is large, or turns out to be.

    Args:
        work: can be done again from its beginning.
    """
    room = _room.get()
    if room is None:
        return work()
    if size <= SMALL:
        try:
            with room.take(1):
                return work()
        except Exception as error:
            if not any(isinstance(cause, duckdb.OutOfMemoryException) for cause in causes(error)):
                raise
    with room.take(room.parts):
        return work()

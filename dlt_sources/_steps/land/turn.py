"""What a read may do before it is its source's turn: wait for the source, and no more work than there are cores for.

Sources are read side by side because most of the time of a small one is a wait (ahead.py). A large one is work, for which
the engine takes every core and much memory: it is put off until its turn, and nothing of it is open meanwhile.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from itertools import islice
from typing import Final, TypeVar

T = TypeVar("T")
LITTLE = 8 * 2**20
"""Bytes of one read that are taken before its turn: of 200 sources at a time they fit on any disk."""


class Postponed(Enum):
    """In place of rows: there is more than a little. What comes next is for the source's turn."""

    MORE = "more"


MORE: Final = Postponed.MORE
_ROOM = threading.Semaphore(os.cpu_count() or 1)
_held = threading.local()


@contextmanager
def in_room() -> Iterator[None]:
    """Do what a thread does before its source's turn while it has one of the rooms, as many as there are cores."""
    with _ROOM:
        _held.room = True
        try:
            yield
        finally:
            _held.room = False


@contextmanager
def leave_room() -> Iterator[None]:
    """Wait for a source, and leave the room to others meanwhile. Whoever has none, as in the source's turn, just waits."""
    if not getattr(_held, "room", False):
        yield
        return
    _ROOM.release()
    _held.room = False
    try:
        yield
    finally:
        _ROOM.acquire()
        _held.room = True


def await_pieces(begin: Callable[[], Iterable[T]]) -> Iterator[T]:
    """What comes of a source, each piece waited for with `leave_room`."""
    with leave_room():
        items = iter(begin())
    while True:
        with leave_room():
            piece = list(islice(items, 1))
        if not piece:
            return
        yield from piece

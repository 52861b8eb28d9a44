"""Sessions of a run in Redshift, kept for what asks next: a login takes as long as some statements, and each step asks often.

Only a session whose last use ended well is kept, and it is used by one at a time.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from foundation import permit

IDLE = 60.0
"""Seconds after which an idle session is not used again: what is between here and there may have forgotten it."""


class _Kept(NamedTuple):
    key: tuple[str, ...]
    connection: Any
    since: float


_lock = threading.Lock()
_idle: list[_Kept] | None = None
"""The sessions that nobody uses; None: none are kept."""


@contextmanager
def kept() -> Iterator[None]:
    """Keep sessions until the block ends."""
    global _idle
    with _lock:
        _idle = []
    try:
        yield
    finally:
        with _lock:
            left, _idle = _idle or [], None
        for one in left:
            close(one.connection)


@contextmanager
def session(key: tuple[str, ...], log_in: Callable[[], Any], socket_of: Callable[[Any], int]) -> Iterator[Any]:
    """A session for the block: one that was kept, or a new one.

    Args:
        key: what sessions must have in common to stand in for each other.
        socket_of: a session's file descriptor.

    Raises:
        StoppedError: this thread works for a run that has ended. One that ends while the thread waits for an answer cuts the
            session.
    """
    connection = _take(key, socket_of) or log_in()
    try:
        with permit.cut_by(lambda: _cut(socket_of(connection))):
            yield connection
    except BaseException:  # it may be in a transaction, or in the middle of an answer
        close(connection)
        raise
    with _lock:
        if _idle is not None:
            _idle.append(_Kept(key, connection, time.monotonic()))
            return
    close(connection)


def close(connection: Any) -> None:
    """Close a session, whatever became of it."""
    with contextlib.suppress(Exception):  # it is gone: that is what we wanted
        connection.close()


def _cut(descriptor: int) -> None:
    """End a session in whose answer another thread waits: nothing more can be asked of it, a commit neither."""
    with socket.socket(fileno=os.dup(descriptor)) as copy:
        copy.shutdown(socket.SHUT_RDWR)


def _take(key: tuple[str, ...], socket_of: Callable[[Any], int]) -> Any:
    """The session that was used last, which the server has not ended; None where there is none."""
    while True:
        with _lock:
            found = [one for one in _idle or () if one.key == key]
            if _idle is None or not found:
                return None
            _idle.remove(found[-1])
        if time.monotonic() - found[-1].since < IDLE and not _has_ended(socket_of(found[-1].connection)):
            return found[-1].connection
        close(found[-1].connection)


def _has_ended(descriptor: int) -> bool:
    """Whether there is something to read though nothing was asked: the server said goodbye, or has just gone."""
    return descriptor < 0 or bool(select.select([descriptor], [], [], 0)[0])

"""A permit to go on with work that was given to another thread, by which whoever gave it can stop it.

A thread cannot be ended from outside. One whose permit is withdrawn commits nothing more: what it waits for is cut, and what
it would begin is refused.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from errors import ExitCode, MillraceError


class StoppedError(MillraceError):
    """The work of this thread was stopped."""

    exit_code = ExitCode.STORE


class Permit:
    """What threads work under. It is valid until it is withdrawn."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._cuts: list[Callable[[], None]] = []
        self._withdrawn = False

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Let this thread work under the permit while the block runs."""
        token = _held.set(self)
        try:
            yield
        finally:
            _held.reset(token)

    @contextmanager
    def cut_by(self, cut: Callable[[], None]) -> Iterator[None]:
        """Let `cut` be called if the permit is withdrawn while the block runs.

        Raises:
            StoppedError: it was withdrawn before.
        """
        with self._lock:
            self.check()
            self._cuts.append(cut)
        try:
            yield
        finally:
            with self._lock:  # what is cut stays usable until it has been cut
                self._cuts.remove(cut)

    def check(self) -> None:
        """Refuse to go on without a permit.

        Raises:
            StoppedError: it was withdrawn.
        """
        if self._withdrawn:
            raise StoppedError("the run that gave this work to a thread has ended: the thread commits nothing more")

    def withdraw(self) -> None:
        """Stop the threads that work under the permit."""
        with self._lock:
            self._withdrawn = True
            for cut in self._cuts:
                with contextlib.suppress(Exception):  # it has ended by itself
                    cut()


_held: ContextVar[Permit | None] = ContextVar("_held", default=None)
"""What this thread works under; None: nobody gave it its work."""


def check() -> None:
    """Refuse to go on in a thread whose permit was withdrawn.

    Raises:
        StoppedError: it was.
    """
    if permit := _held.get():
        permit.check()


@contextmanager
def cut_by(cut: Callable[[], None]) -> Iterator[None]:
    """Let `cut` be called if this thread's permit is withdrawn while the block runs; nothing where it needs none.

    Raises:
        StoppedError: it was withdrawn before.
    """
    with permit.cut_by(cut) if (permit := _held.get()) else contextlib.nullcontext():
        yield

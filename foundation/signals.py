"""How a command ends for SIGINT and SIGTERM: the first abandons the step that is under way, the second ends the process at once.

Whatever is abandoned is finished by the next run, as after a kill: every step may be cut anywhere.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

GRACE = 8.0
"""Seconds from the first signal to the end of the process, whatever it waits for: who sends one kills after ten."""


class Interrupted(BaseException):
    """A signal asks the command to end. Not an `Exception`: nothing that handles errors may take it for one.

    Attributes:
        exit_code: 130 for SIGINT, 143 for SIGTERM, as shells number them.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by {signal.Signals(number).name}; the next run finishes what was begun")
        self.exit_code = 128 + number


class _Receiver:
    """What has been received.

    Python drops what is raised while it runs a finalizer or a callback of a weak reference, and only reports it
    (https://docs.python.org/3/library/sys.html#sys.unraisablehook); an `Interrupted` that was dropped is raised again.
    """

    def __init__(self) -> None:
        self.number = 0
        self.dropped = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.dropped:
            self.dropped = False
            raise Interrupted(self.number)
        code = 128 + (self.number or number)
        if self.number:
            os._exit(code)
        self.number = number
        deadline = threading.Timer(GRACE, os._exit, [code])
        deadline.daemon = True
        deadline.start()
        raise Interrupted(number)

    def tell_unraisable(self, unraisable: Any) -> None:
        """Raise an `Interrupted` that was dropped again, a moment later; report all else as Python does."""
        if not isinstance(unraisable.exc_value, Interrupted):
            sys.__unraisablehook__(unraisable)
            return
        self.dropped = True
        again = threading.Timer(0.01, signal.pthread_kill, [threading.main_thread().ident, self.number])
        again.daemon = True
        again.start()


_receiver = _Receiver()


@contextmanager
def interruptible() -> Iterator[None]:
    """Let the first signal raise `Interrupted` in the block; the process then ends within `GRACE` seconds in any case.

    Inside another such block, and outside of the main thread, it changes nothing.
    """
    numbers = (signal.SIGINT, signal.SIGTERM)
    if signal.getsignal(signal.SIGTERM) is _receiver or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _receiver) for number in numbers}
    told = sys.unraisablehook
    sys.unraisablehook = _receiver.tell_unraisable
    try:
        yield
    finally:
        if not _receiver.number:  # else a second signal still ends it at once
            sys.unraisablehook = told
            for number, handler in before.items():
                signal.signal(number, handler)


def raise_if_interrupted(error: BaseException) -> None:
    """Raise `Interrupted` where a signal has come: a library may have turned it into an error of its own."""
    if _receiver.number:
        raise Interrupted(_receiver.number) from error

"""Staying resident: look at the schedule again and again in one process, for sources that are due every minute."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

from .health import Heartbeat


def serve(turn: Callable[[], int], every: float, heart: Heartbeat | None = None) -> None:
    """Call `turn` now and then whenever `every` seconds of the day have passed: with 60, on each full minute, however long the
    turn before took; until SIGTERM or SIGINT, and a turn that is under way is finished first.

    A turn that fails has reported itself; the next one comes all the same.

    Args:
        heart: what `runtime.health` listens to; in the data folder unless it is given.
    """
    heart = heart or Heartbeat()
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    while not stop.is_set():
        heart.beat(at_work=True, every=every)
        try:
            turn()
        except Exception as error:
            if not hasattr(error, "exit_code"):
                raise
            print(f"error: {error}", flush=True)
        heart.beat(at_work=False, every=every)
        stop.wait(every - time.time() % every)
    heart.end()

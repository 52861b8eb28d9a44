"""Staying resident: look at the schedule again and again in one process, for sources that are due every minute."""

from __future__ import annotations

import time
from collections.abc import Callable

from errors import MillraceError
from foundation.signals import Interrupted, interruptible, raise_if_interrupted

from .health import Heartbeat


def serve(turn: Callable[[], int], every: float, heart: Heartbeat | None = None) -> None:
    """Call `turn` now and then whenever `every` seconds of the day have passed: with 60, on each full minute, however long the
    turn before took; until SIGTERM or SIGINT, which end a turn that is under way.

    A turn that fails has reported itself; the next one comes all the same.

    Args:
        heart: what `runtime.health` listens to; in the data folder unless it is given.
    """
    heart = heart or Heartbeat()
    with interruptible():
        try:
            while True:
                heart.beat(in_turn=True, every=every)
                _take(turn)
                heart.beat(in_turn=False, every=every)
                time.sleep(every - time.time() % every)
        except Interrupted:
            heart.end()
            raise


def _take(turn: Callable[[], int]) -> None:
    try:
        turn()
    except Exception as error:
        raise_if_interrupted(error)
        if not isinstance(error, MillraceError):
            raise
        print(f"error: {error}", flush=True)

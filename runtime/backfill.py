"""A backfill too large for one run, in pieces: each lands, is refined and published by itself, and one that failed is where to go on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from .work import Work


def pieces(since: datetime, until: datetime, days: int) -> Iterator[Work]:
    """A span of days in pieces of so many, oldest first; the first and the last day of a piece belong to it.

    Args:
        since, until: midnight of the first and of the last day.
    """
    while since <= until:
        last = min(since + timedelta(days=days - 1), until)
        yield Work(since=since, until=last)
        since = last + timedelta(days=1)


def run_pieces(source: str, since: datetime, until: datetime, days: int, run: Callable[[Work], int]) -> int:
    """Run the pieces one after the other, up to the first that fails; returns its exit code, or 0.

    Between two pieces the lock is free: other sources' runs need not wait for the end. However a piece ends, by a signal, too,
    the command that goes on from it is printed.

    Args:
        run: runs one piece; returns its exit code.
    """
    for work in pieces(since, until, days):
        finished = False
        try:
            print(f"{source}: {work.since:%Y-%m-%d} to {work.until:%Y-%m-%d}", flush=True)
            code = run(work)
            finished = code == 0
        finally:
            if not finished:
                print(
                    f"{source}: stopped; what came before is done. Go on with: python runner.py backfill {source}"
                    f" --since {work.since:%Y-%m-%d} --until {until:%Y-%m-%d} --days {days}",
                    file=sys.stderr,
                )
        if code:
            return code
    return 0

"""A backfill too large for one run, in pieces: each lands, is refined and published by itself, and one that failed is where to go on.

Where that is, is printed, and is in the record: a process that is killed prints nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from warehouse.connection import Connection

from .record import rows
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


def command(source: str, since: datetime, until: datetime | None, days: int | None = None) -> str:
    """The command that reads a span."""
    words = ["python runner.py backfill", source, f"--since {since:%Y-%m-%d}"]
    words += [f"--until {until:%Y-%m-%d}"] if until else []
    return " ".join(words + ([f"--days {days}"] if days else []))


def run_pieces(source: str, since: datetime, until: datetime, days: int, run: Callable[[Work], int]) -> int:
    """Run the pieces one after the other, up to the first that fails; returns its exit code, or 0.

    Between two pieces the lock is free: other sources' runs need not wait for the end. However a piece ends, by a signal, too,
    the command that goes on from it is printed.

    Args:
        run: runs one piece; returns its exit code.
    """
    every = list(pieces(since, until, days))
    resumes = [command(source, work.since, until, days) for work in every if work.since]
    for work, resume, rest in zip(every, resumes, [*resumes[1:], ""], strict=True):
        finished = False
        try:
            print(f"{source}: {work.since:%Y-%m-%d} to {work.until:%Y-%m-%d}", flush=True)
            code = run(replace(work, resume=resume, rest=rest))
            finished = code == 0
        finally:
            if not finished:
                print(f"{source}: stopped; what came before is done. Go on with: {resume}", file=sys.stderr)
        if code:
            return code
    return 0


def find_unfinished(con: Connection | None) -> list[dict[str, str]]:
    """The backfills that did not come to their end, with the command that goes on with each.

    Args:
        con: of the record; None: there is none yet.
    """
    found = rows(con, "SELECT source, resume FROM stg_ops.backfills ORDER BY 1")
    return [
        {
            "source": row["source"],
            "what": "backfill",
            "text": f"the backfill of {row['source']} is not finished; `{row['resume']}` goes on",
        }
        for row in found
    ]

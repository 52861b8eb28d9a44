"""A backfill too large for one run, in pieces: each lands, is refined and published by itself, and one that failed is where to go on.

Where that is, is printed, and is in the record: a process that is killed prints nothing. Pieces may be read ahead of their turn,
side by side: by processes of this one, or by others that name the same batch.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from warehouse.connection import Connection

from .record import rows
from .work import Work


@dataclass(frozen=True)
class Named:
    """The batch that pieces are read ahead into, and the options that name it in the command that goes on."""

    batch: str = ""
    more: str = ""


def pieces(since: datetime, until: datetime, days: int) -> Iterator[Work]:
    """A span of days in pieces of so many, oldest first; the first and the last day of a piece belong to it.

    Args:
        since, until: midnight of the first and of the last day.
    """
    while since <= until:
        last = min(since + timedelta(days=days - 1), until)
        yield Work(since=since, until=last)
        since = last + timedelta(days=1)


def command(source: str, since: datetime, until: datetime | None, days: int | None = None, more: str = "") -> str:
    """The command that reads a span. `more`: its other options."""
    words = ["python runner.py backfill", source, f"--since {since:%Y-%m-%d}"]
    words += [f"--until {until:%Y-%m-%d}"] if until else []
    return " ".join(words + ([f"--days {days}"] if days else []) + ([more] if more else []))


def refuse_options(
    until: datetime | None,
    days: int | None,
    at_once: int | None,
    batch: str | None,
    *,
    read_ahead: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Refuse options that do not go together.

    Raises:
        typer.BadParameter: says which, and what to do.
    """
    import typer

    from dlt_sources.door import BATCH

    if batch is not None and not BATCH.fullmatch(batch):
        raise typer.BadParameter(f"--batch {batch}: at most 40 lower-case letters, digits and hyphens")
    if read_ahead and (batch is None or until is None or days or at_once or dry_run or as_json):
        raise typer.BadParameter("--read-ahead reads one piece: give --until and --batch, and no other option")
    if days is None and not read_ahead and (at_once or batch is not None or dry_run):
        raise typer.BadParameter("--at-once, --batch and --dry-run are about the pieces of a span: give --days, too")
    if at_once and batch is not None:
        raise typer.BadParameter("--at-once reads into a batch of its own: leave out --batch")
    if dry_run and (at_once or batch is not None):
        raise typer.BadParameter("--dry-run names a batch of its own: leave out --batch and --at-once")
    if days and as_json:
        raise typer.BadParameter("--json prints the result of one run; leave out --days")


def run_pieces(
    source: str,
    since: datetime,
    until: datetime,
    days: int,
    run: Callable[[Work], int],
    batch: str = "",
    at_once: int = 0,
) -> int:
    """Run the pieces one after the other, up to the first that fails; returns its exit code, or 0.

    Between two pieces the lock is free: other sources' runs need not wait for the end. However a piece ends, by a signal, too,
    the command that goes on from it is printed.

    Args:
        run: runs one piece; returns its exit code.
        batch: lands what was read ahead under this name, and removes what is left of it at the end.
        at_once: reads so many pieces ahead, by processes of its own; 0: none.
    """
    every = list(pieces(since, until, days))
    if at_once:
        return _read_ahead(source, every, at_once, lambda named, ready: _run(source, every, days, run, named, ready))
    if not batch:
        return _run(source, every, days, run)
    return _finish_batch(source, every, days, run, batch)


def _run(
    source: str,
    every: list[Work],
    days: int,
    run: Callable[[Work], int],
    named: Named = Named(),
    ready: Callable[[Work], None] = lambda work: None,
) -> int:
    """Run pieces.

    Args:
        ready: waits until one may begin.
    """
    until = every[-1].until if every else None
    resumes = [command(source, work.since, until, days, named.more) for work in every if work.since]
    for work, resume, rest in zip(every, resumes, [*resumes[1:], ""], strict=True):
        finished = False
        try:
            ready(work)
            print(f"{source}: {work.since:%Y-%m-%d} to {work.until:%Y-%m-%d}", flush=True)
            code = run(replace(work, batch=named.batch, resume=resume, rest=rest))
            finished = code == 0
        finally:
            if not finished:
                print(f"{source}: stopped; what came before is done. Go on with: {resume}", file=sys.stderr)
        if code:
            return code
    return 0


def _read_ahead(
    source: str, every: list[Work], at_once: int, run: Callable[[Named, Callable[[Work], None]], int]
) -> int:
    """Run pieces while others are read ahead of them."""
    import settings as configuration
    from dlt_sources.door import load_sources, own_batch
    from foundation.place import owner_only
    from foundation.signals import interruptible

    from .readers import Readers

    settings = configuration.load()
    with (
        interruptible(),
        owner_only(),
        own_batch(source, settings) as batch,
        Readers(load_sources().get(source), batch, [_days(work) for work in every], at_once, settings) as readers,
    ):

        def ready(work: Work) -> None:
            if trouble := readers.wait(_days(work)):
                print(f"{source}: could not be read ahead: {trouble}", flush=True)

        return run(Named(batch, f"--at-once {at_once}"), ready)


def _finish_batch(source: str, every: list[Work], days: int, run: Callable[[Work], int], batch: str) -> int:
    """Run the pieces of a batch that others have read ahead: of one that was cut short, from the last on that has landed."""
    import settings as configuration
    from dlt_sources.door import Range, remove_batch

    settings = configuration.load()
    landed = [n for n, work in enumerate(every) if Range(source, batch, *_days(work), settings).has_landed()]
    if landed:
        every = every[max(landed) :]
    if code := _run(source, every, days, run, Named(batch, f"--batch {batch}")):
        return code
    remove_batch(source, batch, settings)
    return 0


def _days(work: Work) -> tuple[datetime, datetime]:
    assert work.since and work.until
    return work.since, work.until


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

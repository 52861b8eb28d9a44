"""Which sources are due, by their own cron expressions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dlt_sources.door import Source
    from warehouse.ops import Progress

_TICK = timedelta(microseconds=1)


def due(sources: Mapping[str, Source], progress: Mapping[str, Progress], now: datetime) -> list[str]:
    """Names of the sources whose latest slot has not had its run: also the one missed during an outage, once.

    Args:
        progress: per source, among others when its last successful turn began.
        now: aware UTC. A slot counts from its very second on. A turn that began after now had a clock that was ahead: it
            does not stand for the slots until then.
    """
    names = []
    for name, source in sources.items():
        ran = progress[name].ran_at
        if ran is None or ran > now or _latest(source.declared.schedule, now) > ran:
            names.append(name)
    return names


def late_hours(schedule: str, ran: datetime | None, now: datetime) -> float:
    """Hours since the first slot that had no successful run; 0 when the source is up to date.

    Args:
        schedule: the source's cron expression.
        ran: when its last successful turn began, aware UTC; None: it has had none, and counts from its latest slot.
        now: aware UTC.
    """
    from croniter import croniter

    latest = _latest(schedule, now)
    if ran is not None and latest <= ran <= now:
        return 0.0
    if ran is not None and ran > now:
        ran = None
    missed = latest if ran is None else croniter(schedule, ran).get_next(datetime)
    return float((now - missed).total_seconds() / 3600)


def _latest(schedule: str, now: datetime) -> datetime:
    """The newest slot that has begun."""
    from croniter import croniter

    slot: datetime = croniter(schedule, now + _TICK).get_prev(datetime)
    return slot

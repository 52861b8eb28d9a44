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


def of_schedule(sources: Mapping[str, Source], schedule: str) -> list[str]:
    """Names of the sources that run at the times of a cron expression, however theirs is written: `@daily` is `0 0 * * *`.

    Raises:
        SettingsError: no source runs then; says when they do.
    """
    from croniter.croniter import CroniterError

    from settings import SettingsError

    said = sorted({source.declared.schedule for source in sources.values()})
    try:
        wanted = _times(schedule)
    except (CroniterError, ValueError) as error:
        raise SettingsError(f"--schedule {schedule!r} is not a cron expression: {error}") from None
    found = [name for name, source in sources.items() if _times(source.declared.schedule) == wanted]
    if not found:
        raise SettingsError(
            f"no source has the schedule {schedule!r}; source.yml says {', '.join(map(repr, said))}."
            " On AWS: apply Terraform, which reads them"
        )
    return found


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


def _times(schedule: str) -> list[frozenset[object]]:
    """What each field of a cron expression allows."""
    from croniter import croniter

    return [frozenset(field) for field in croniter(schedule).expanded]


def _latest(schedule: str, now: datetime) -> datetime:
    """The newest slot that has begun."""
    from croniter import croniter

    slot: datetime = croniter(schedule, now + _TICK).get_prev(datetime)
    return slot

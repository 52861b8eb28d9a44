"""Which sources are due, by their own cron expressions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dlt_sources.door import Declared, Source
    from settings import Settings
    from warehouse.ops import Progress

_TICK = timedelta(microseconds=1)


def due(sources: Mapping[str, Source], progress: Mapping[str, Progress], now: datetime) -> list[str]:
    """Names of the sources whose latest slot has not had its run: also the one missed during an outage, once. A source that
    is switched off is never due.

    Args:
        progress: per source, among others when its last successful turn began.
        now: aware UTC. A slot counts from its very second on. A turn that began after now had a clock that was ahead: it
            does not stand for the slots until then.
    """
    names = []
    for name, source in sources.items():
        if source.declared.enabled and _is_due(source.declared.schedule, progress[name].ran_at, now):
            names.append(name)
    return names


def show_due(sources: Declared, names: Collection[str], settings: Settings, as_json: bool) -> None:
    """Print which of these sources are due, why, and when the others will be; nothing runs.

    Raises:
        RunInProgressError: a run is in progress, and what it has done cannot be seen yet.
    """
    from foundation.console import Console
    from warehouse.connection import RunInProgressError

    from .record import record, rows

    with record(settings) as seen:
        if not seen.live:
            raise RunInProgressError(f"{seen.why}: what is due is known when it has ended")
        found = rows(seen.con, "SELECT source, ran_at FROM stg_ops.progress WHERE ran_at IS NOT NULL")
    ran = {row["source"]: datetime.fromisoformat(row["ran_at"]) for row in found}
    console, now = Console(as_json), settings.clock()
    shown = [
        explain(name, source.declared.schedule, ran.get(name), now)
        for name, source in sources.items()
        if name in names and name not in sources.off
    ]
    shown += [
        {"source": name, "schedule": "", "due": "no", "why": f"its declaration is broken: {reason}"}
        for name, reason in sources.broken.items()
        if name in names and name not in sources.off
    ]
    shown += [
        {"source": name, "schedule": "", "due": "no", "why": "it is switched off: its source.yml says `enabled: false`"}
        for name in sorted(sources.off)
        if name in names
    ]
    if as_json:
        console.json(shown)
    else:
        console.table("What a run would do now", shown, "no source is declared")


def explain(name: str, schedule: str, ran: datetime | None, now: datetime) -> dict[str, str]:
    """Whether a source is due, and why, as it is shown.

    Args:
        ran: when its last successful turn began, aware UTC.
    """
    from croniter import croniter

    is_due = _is_due(schedule, ran, now)
    if ran is None:
        why = "it has had no successful run"
    elif ran > now:
        why = f"its last run began at {ran:%Y-%m-%d %H:%M}, which is yet to come: the clock was ahead then"
    elif is_due:
        why = f"its time was {_latest(schedule, now):%Y-%m-%d %H:%M}, its last run began at {ran:%Y-%m-%d %H:%M}"
    else:
        why = f"its last run began at {ran:%Y-%m-%d %H:%M}; next at {croniter(schedule, now).get_next(datetime):%Y-%m-%d %H:%M}"
    return {"source": name, "schedule": schedule, "due": "yes" if is_due else "no", "why": why}


def _is_due(schedule: str, ran: datetime | None, now: datetime) -> bool:
    return ran is None or ran > now or _latest(schedule, now) > ran


def of_schedule(sources: Mapping[str, Source], schedule: str) -> list[str]:
    """Names of the sources that run at the times of a cron expression, however theirs is written: `@daily` is `0 0 * * *`.
    None, where all that did are switched off.

    Raises:
        SettingsError: no source runs then; says when they do.
    """
    from croniter.croniter import CroniterError

    from settings import SettingsError

    said = sorted({source.declared.schedule for source in sources.values() if source.declared.enabled})
    try:
        wanted = _times(schedule)
    except (CroniterError, ValueError) as error:
        raise SettingsError(f"--schedule {schedule!r} is not a cron expression: {error}") from None
    found = {name: s.declared.enabled for name, s in sources.items() if _times(s.declared.schedule) == wanted}
    if not found:
        raise SettingsError(
            f"no source has the schedule {schedule!r}; source.yml says {', '.join(map(repr, said))}."
            " On AWS: apply Terraform, which reads them"
        )
    return [name for name, enabled in found.items() if enabled]


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

"""Which sources are due, by their own cron expressions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dlt_sources.door import Source


def due(
    sources: Mapping[str, Source], progress: Mapping[str, tuple[datetime | None, str | None]], now: datetime
) -> list[str]:
    """Names of the sources whose latest slot has not had its run: also the one missed during an outage, once.

    Args:
        progress: per source, first: when its last successful turn was (aware UTC); absent or None: never.
        now: aware UTC.
    """
    from croniter import croniter

    names = []
    for name, source in sources.items():
        ran, _ = progress.get(name, (None, None))
        if ran is None or croniter(source.declared.schedule, now).get_prev(datetime) >= ran:
            names.append(name)
    return names

"""What a run says to machines that watch it: a line of JSON per run and per source, which log filters make metrics of."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from .schedule import late_hours

if TYPE_CHECKING:
    from dlt_sources.door import Source
    from warehouse.ops import Progress, Run


def report(
    run: Run, seconds: float, sources: Mapping[str, Source], progress: Mapping[str, Progress] | None, now: datetime
) -> None:
    """Write the lines to stderr, beside what people read.

    Args:
        seconds: how long the run took.
        progress: per source, as after the run; None when the warehouse could not be asked.
        now: aware UTC.
    """
    _say(
        "run",
        run_id=run.run_id,
        command=run.command,
        sources=run.sources,
        exit_code=run.exit_code,
        landed=run.landed,
        accepted=run.accepted,
        rejected=run.rejected,
        published=run.published,
        seconds=round(seconds, 1),
    )
    if progress is None:
        return
    for name, source in sources.items():
        if not source.declared.enabled:
            continue
        hours = late_hours(source.declared.schedule, progress[name].ran_at, now)
        _say("source", source=name, late_hours=round(hours, 2))


def _say(event: str, **facts: object) -> None:
    print(json.dumps({"event": event, **facts}), file=sys.stderr, flush=True)

"""What one run of the flow is to do with its sources."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Work:
    """By default: land what is new, refine it, and bring it to the dashboards.

    Attributes:
        since, until: read this span of the source again.
        files: read these files and no other.
        replay: send landed loads from this one on through the contract again, and land nothing.
        withdraw: take this landed file's rows out again, and land nothing.
        rebuild: rebuild silver and staging of these tables (none named: of all), and land nothing.
        restate: rebuild these deployed models; of `plan`.
        batch: of a backfill's piece: land what was read ahead of it under this name, where that can be used.
        resume, rest: of a backfill the command that does this piece and what comes after it, and that for what comes after
            it; empty: nothing does.
    """

    since: datetime | None = None
    until: datetime | None = None
    files: tuple[str, ...] = ()
    replay: str | None = None
    withdraw: str | None = None
    rebuild: tuple[str, ...] | None = None
    restate: tuple[str, ...] = ()
    batch: str = ""
    resume: str = ""
    rest: str = ""

    @property
    def lands(self) -> bool:
        """Whether the source is read."""
        return self.replay is None and self.withdraw is None and self.rebuild is None

    @property
    def is_whole(self) -> bool:
        """Whether it takes the place of the schedule's next turn."""
        return self == Work()

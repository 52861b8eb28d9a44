"""Whom a run's end is news to: found while the run holds the lock, sent when it no longer does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .alert import alert, alert_drift, alert_sources, find_addresses

if TYPE_CHECKING:
    from dlt_sources.door import Alerts
    from settings import Settings
    from warehouse.ops import Ops, Run


@dataclass(frozen=True)
class News:
    """What people hear of a run.

    Attributes:
        failed: it failed, and the run before it did not fail in the same words.
        addresses: the addresses of its own that each source of the run names.
        sources: those of them with something to say: a new trouble, or a run without one.
    """

    run: Run
    failed: bool
    addresses: Mapping[str, Alerts]
    sources: list[str]

    def send(self, settings: Settings) -> None:
        """Send it; what cannot be delivered is logged."""
        if self.failed:
            alert(self.run, settings)
        alert_sources(self.run, {name: self.addresses[name] for name in self.sources}, settings)
        alert_drift(self.run, self.addresses, settings)


def find_news(run: Run, ops: Ops) -> News:
    """What is new about how a run ended, by the record of those before it."""
    repeated = bool(run.problems) and ops.repeats(run)
    addresses = find_addresses(run)
    sources = ops.note_troubles(run, addresses)
    if run.broken and not run.sources and not repeated:
        ops.try_record(run)  # so that the next look at the schedule knows that the team has been told
    return News(run, bool(run.problems) and not repeated, addresses, list(sources))

"""Domains whose gold is built and not published: why, until when, and what is checked again."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from warehouse.waiting import INTERRUPTED, Waiting

if TYPE_CHECKING:
    from settings import Settings
    from warehouse.ops import Run

    from .console import Console

NEXT = "Correct the model or the check, then `python runner.py plan`"


class Unpublished:
    """What of gold waits to be published, as one run finds and leaves it."""

    def __init__(self, run: Run, settings: Settings, console: Console) -> None:
        self.run, self.console, self.waiting = run, console, Waiting(settings)
        self._noted: dict[str, set[str]] = {}

    def hold(self, domain: str, feeds: Collection[str], reasons: Collection[str], *, checked: bool = True) -> None:
        """Note that a domain was built and is not published.

        Args:
            feeds: the sources that it is built from. checked: whether its own checks failed.
        """
        from soda_checks.door import fingerprint

        text = f"{domain} is not published; dashboards keep the last good data. {NEXT if checked else ''}"
        self.console.note(text.rstrip())
        self.waiting.hold({domain: feeds}, "; ".join(reasons), fingerprint(domain) if checked else "")

    def begin(self, domains: dict[str, set[str]]) -> None:
        """Note the domains that a plan is about to change: should it be killed, the next run checks and publishes them."""
        known = self.waiting.domains()
        self._noted = {name: feeds for name, feeds in domains.items() if name not in known}
        self.waiting.hold(self._noted, INTERRUPTED)

    def end(self, changed: Collection[str]) -> None:
        """Forget the domains that the plan left as they were."""
        self.waiting.release(self._noted.keys() - set(changed))

    def release(self) -> None:
        """Forget the domains that the run has published."""
        self.waiting.release(self.run.published)

    def take_up(
        self, done: Collection[str], held: set[str], check: Callable[[str, Collection[str]], list[str]], *, again: bool = False
    ) -> None:  # fmt: skip
        """Check the domains that an earlier run or plan could not publish; those that pass may be published now.

        Args:
            done: domains that this run has built and checked. held: sources that nothing is published from.
            check: runs a domain's checks, given its sources; returns what stops there.
            again: run checks that have failed, also where neither they nor the domain's sources are of this run.
        """
        from soda_checks.door import fingerprint

        for domain, waiting in self.waiting.domains().items():
            if domain in done or waiting.sources & held:
                continue
            own = again or bool(waiting.sources & set(self.run.sources))
            if not own and waiting.checks == fingerprint(domain):
                since = f"{waiting.since:%Y-%m-%d %H:%M}"
                self.console.note(f"{domain} is built and not published since {since}: {waiting.reason}. {NEXT}")
            elif reasons := check(domain, waiting.sources):
                self.hold(domain, waiting.sources, reasons)
            else:
                self.run.published.append(domain)

    def has_corrected_checks(self) -> bool:
        """Whether a check that holds a domain was edited since it failed: then there is something to do, whatever is due."""
        from soda_checks.door import fingerprint

        return any(held.checks != fingerprint(name) for name, held in self.waiting.domains().items() if held.checks)

"""What was built and is not published: why, until when, and what a run tries again.

A source is remembered with the refine that was tried (`Progress.held`), a gold domain with the checks that it failed
(`Held`). A run answers for its own sources, and leaves alone what belongs to others; a check that was corrected is tried
again by whatever runs next, and `plan` tries everything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from errors import ExitCode
from warehouse.run import Hold, Progress, waiting
from warehouse.waiting import INTERRUPTED, Held, Waiting

if TYPE_CHECKING:
    from dlt_sources.door import StagingProgress
    from foundation.console import Console
    from settings import Settings
    from warehouse.ops import Run
    from warehouse.published import Published

    from .faults import Faults

NEXT = "Correct the model or the check, then `python runner.py plan`; corrected data is published by the next run"


class Unpublished:
    """What waits to be published, as one run finds and leaves it.

    Attributes:
        passed: the domains whose checks passed: the run publishes them.
    """

    def __init__(self, run: Run, settings: Settings, console: Console) -> None:
        self.run, self.console, self.waiting = run, console, Waiting(settings)
        self.passed: list[str] = []
        self._noted: dict[str, set[str]] = {}
        self._left: dict[str, Progress] = {}

    def leave(self, changed: Mapping[str, str], progress: Mapping[str, Progress]) -> set[str]:
        """The sources that this run leaves alone: what is new of them was tried, and would only fail again.

        Args:
            changed: per source that is not published: its newest refine.
        """
        corrected = {source for held in self._corrected().values() for source in held.sources}
        left = waiting(changed, progress, {*self.run.sources, *corrected})
        self._left = {name: progress[name] for name in sorted(left)}
        return left

    def hold(self, domain: str, feeds: Collection[str], reasons: Collection[str], *, checked: bool = True) -> None:
        """Note that a domain was built and is not published.

        Args:
            feeds: the sources that it is built from. checked: whether its own checks failed.
        """
        from soda_checks.door import fingerprint

        text = f"{domain} is not published; dashboards keep the last good data. {NEXT if checked else ''}"
        self.console.note(text.rstrip())
        reason = "; ".join(text.splitlines()[0] for text in reasons)
        self.waiting.hold({domain: feeds}, reason, fingerprint(domain) if checked else "")

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
        self,
        done: Collection[str],
        held: set[str],
        check: Callable[[str, Collection[str]], list[str]],
        *,
        again: bool = False,
    ) -> None:
        """Check the domains that an earlier run or plan could not publish; those that pass may be published now.

        Args:
            done: domains that this run has built and checked. held: sources that nothing is published from.
            check: runs a domain's checks, given its sources; returns what stops there.
            again: run checks that have failed, also where neither they nor the domain's sources are of this run.
        """
        others: dict[str, Held] = {}
        corrected = self._corrected()
        for domain, waits in self.waiting.domains().items():
            if domain in done:
                continue
            failed = bool(waits.checks) and domain not in corrected
            if waits.sources & self._left.keys() or (failed and not again and not waits.sources & {*self.run.sources}):
                others[domain] = waits
            elif waits.sources & held:
                continue
            elif reasons := check(domain, waits.sources):
                self.hold(domain, waits.sources, reasons)
            else:
                self.passed.append(domain)
        domains, sources = each_once(others, self._left)
        for text in describe(domains, sources):
            self.console.note(text)

    def has_corrected_checks(self) -> bool:
        """Whether a check that holds a domain was edited since it failed: then there is something to do, whatever is due."""
        return bool(self._corrected())

    def _corrected(self) -> dict[str, Held]:
        """The domains whose checks were edited since they failed."""
        from soda_checks.door import fingerprint

        waiting_now = self.waiting.domains().items()
        return {name: held for name, held in waiting_now if held.checks and held.checks != fingerprint(name)}


def find_changed(
    staged: Mapping[str, StagingProgress], progress: Mapping[str, Progress]
) -> tuple[dict[str, str], set[str]]:
    """(the newest refine of each source whose staging is not published; those of them that were rebuilt since)."""
    changed = {n: found.refine_id for n, found in staged.items() if found.refine_id != progress[n].published}
    return changed, {n for n in changed if staged[n].rebuilt > (progress[n].published or "")}


def explain_hold(run: Run, name: str, refine_id: str, stopped: Collection[str], is_unsound: bool) -> Hold:
    """Why a source is not published.

    Args:
        refine_id: its newest refine.
        stopped: the sources that stopped it.
        is_unsound: its staging failed, not what is built on it.
    """
    why = next(iter(run.troubles.get(name, [])), f"it waits for {', '.join(sorted(stopped))}").splitlines()[0]
    return Hold(refine_id, stopped, "staging" if is_unsound else "gold", why)


def each_once(
    domains: Mapping[str, Held], sources: Mapping[str, Progress]
) -> tuple[dict[str, Held], dict[str, Progress]]:
    """(the domains, the sources) to speak of, so that nothing is said twice: a domain that only waits for rows that failed
    their checks is left to its source, and a source that only waits for a domain to the domain.
    """
    unsound = {name for name, held in sources.items() if held.held_in == "staging"}
    domains = {name: held for name, held in domains.items() if held.checks or not held.sources & unsound}
    said = {source for held in domains.values() for source in held.sources} - unsound
    return domains, {name: held for name, held in sources.items() if name not in said}


def describe(domains: Mapping[str, Held], sources: Mapping[str, Progress]) -> list[str]:
    """A sentence for each: what waits, since when, why, and what to do next."""
    texts = []
    for name, held in domains.items():
        again = (
            NEXT if held.checks else "`python runner.py plan`, or the next run of what it is built from, tries again"
        )
        texts.append(f"{name} is built and not published since {held.since:%Y-%m-%d %H:%M}: {held.reason}. {again}")
    for name, progress in sources.items():
        again = f"python runner.py run {' '.join(sorted(progress.held_by or {name}))}"
        texts.append(f"{name} is not published: {progress.held_why}; `{again}` tries again")
    return texts


def report_restored(done: Published, faults: Faults) -> None:
    """Report what dashboards should have found and did not."""
    if done.restored or done.damaged:
        what = done.damaged or "a domain that was published"
        names = ", ".join(done.restored)
        faults.console.note(
            f"what dashboards read was missing or damaged: {what}; restored from gold: {names or 'nothing'}"
        )
    for domain in done.missing:
        faults.report(
            ExitCode.STORE,
            f"{domain} is missing from what dashboards read, and its gold has not passed its checks; `python runner.py"
            " status` says what it waits for",
        )

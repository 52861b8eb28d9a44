#!/usr/bin/env python
"""Millrace: land, refine, check, model, check, publish.

Without a command it runs what is due, as `run` does: safe to call from cron.
"""

from __future__ import annotations

import contextlib
import sys
from time import monotonic
from typing import TYPE_CHECKING

from runtime.steps import Steps
from runtime.unpublished import explain_hold, find_changed
from runtime.work import Work

if TYPE_CHECKING:  # the libraries behind these take seconds to import: each step imports what it needs
    from collections.abc import Callable, Collection, Mapping

    from dlt_sources.door import Declared
    from foundation.console import Console
    from settings import Settings
    from sqlmesh_project.door import ModelRun
    from warehouse.ops import Ops, Run
    from warehouse.run import Progress


class Flow(Steps):
    """One run of the flow over some sources.

    Attributes:
        stopped: per source that is not published: the sources, itself among them, that stopped it.
    """

    def __init__(self, run: Run, sources: Declared, settings: Settings, ops: Ops, console: Console) -> None:
        super().__init__(run, sources, settings, ops, console)
        self.stopped: dict[str, set[str]] = {}

    def choose(self, names: Collection[str] | None, among: Collection[str] | None) -> Mapping[str, Progress] | None:
        """Set the sources of the run: `names`, or what is due, of `among` where that is given.

        Returns:
            The sources' progress, where it was asked for what is due.
        """
        from runtime.schedule import due

        wanted = set(among or self.sources.on) if names is None else set(names)
        self.leave_out(wanted)
        progress = None
        if names is None:
            progress = self.ops.progress()
            scheduled = {name: self.sources[name] for name in self.sources if name in wanted}
            names = due(scheduled, progress, self.settings.clock())
        self.run.sources = [name for name in self.sources if name in names]
        return progress

    def begin(self, command: str, work: Work) -> None:
        """Do what there is to do: the sources' work, or a plan; nothing, where nothing is due and nothing was corrected or lost."""
        from warehouse.publish import is_lost

        if self.run.sources:
            self.execute(work)
        elif command == "plan":
            self.deploy(work)
        elif command in ("run", "serve") and (self.unpublished.has_corrected_checks() or is_lost(self.settings)):
            self.execute(work)

    def execute(self, work: Work) -> None:
        """Land and refine the run's sources, then bring everything that changed to the dashboards."""
        self.ops.begin(self.run)
        if work.withdraw:
            self.withdraw(self.run.sources[0], work.withdraw)
        landed = self.land_all(work) if work.lands else self.run.sources
        if work.rebuild is not None:
            self.rebuild(self.run.sources[0], work.rebuild)
        refined = self.refine_all(work)
        ran = [name for name in landed if work.is_whole and name in refined]
        if ran:
            self.ops.look(self.run, {name: list(self.sources[name].tables) for name in ran})

        staged, progress, held = self.staged(), self.ops.progress(), self.faults.held
        held |= self.unknown(progress)
        changed, rebuilt = find_changed(staged, progress)
        left = self.unpublished.leave(changed, progress)
        held |= {name for name in left if progress[name].held_in == "staging"}
        changed = {name: refine_id for name, refine_id in changed.items() if name not in left}
        unsound = self.check_staging(changed, progress)
        unsent = {name: found.refine_id for name, found in staged.items() if found.refine_id != progress[name].sent}
        self.sink_all({name: refine_id for name, refine_id in unsent.items() if name not in held})

        built: Collection[str] = ()
        if changed:
            self.ops.create_union_views()
            models = self.model(set(changed), held, rebuilt - left)
            built = models.domains
            held |= self.check_built(models, held)
        else:
            self.note_pending()
        self.unpublished.take_up(built, held, self.check_gold)
        self.ops.finish(self.run, ran)
        self.settle(changed, unsound)

    def deploy(self, work: Work) -> None:
        """Bring edited models to prod, and what they changed or an earlier run could not publish to the dashboards."""
        self.ops.begin(self.run)
        self.follow_contracts()
        staged, progress, held = self.staged(), self.ops.progress(), self.faults.held
        held |= self.unknown(progress)
        changed, rebuilt = find_changed(staged, progress)
        unsound = self.check_staging(changed, progress)

        if staged:
            self.ops.create_union_views()
        models = self.plan(work)
        if changed:  # rows that no build has seen yet: a domain is published whole
            built = self.model(set(changed), held, rebuilt)
            models.domains |= built.domains
            models.broken |= built.broken
            models.pending = built.pending
        else:
            self.report_waiting(models)
        held |= self.check_built(models, held)
        self.unpublished.take_up(models.domains, held, self.check_gold, again=True)
        self.ops.finish(self.run, [])
        self.settle(changed, unsound)

    def unknown(self, progress: Mapping[str, Progress]) -> set[str]:
        """Sources whose staging cannot be checked here: their declaration is broken, or it is gone and their checks failed."""
        from warehouse.run import unsound

        return set(self.sources.broken) | (unsound(progress) - set(self.sources))

    def check_staging(self, changed: Collection[str], progress: Mapping[str, Progress]) -> set[str]:
        """Check the staging of changed sources, and hold those whose checks fail; returns all of them that are held."""
        published = {name: progress[name].published for name in changed if name not in self.faults.held}
        self.look(published)
        for name, refine_id in published.items():
            if not self.check("staging", name, published=refine_id):
                self.faults.held.add(name)
        if published:
            self.ops.write_recent()
        return self.faults.held & set(changed)

    def land_all(self, work: Work) -> list[str]:
        """Read the run's sources, whose answers are awaited side by side; returns those that could be read."""
        from dlt_sources.door import read_ahead

        span = (work.since, work.until, work.files)
        with read_ahead(self.sources, self.run.sources, self.settings, *span) as ahead:
            return [name for name in self.run.sources if self.land(name, work, ahead)]

    def refine_all(self, work: Work) -> list[str]:
        """Refine what has landed of the run's sources; returns those of which that worked."""
        from dlt_sources.door import find_settled, make_stagings, read_stagings, refine_abreast
        from warehouse.drift_notes import Notes

        sources = [self.sources[name] for name in self.run.sources]
        known, done = {}, set()
        if work.replay is None:
            with contextlib.suppress(Exception):  # what is broken says so in its own refine
                known = read_stagings(sources, self.settings)
                done = find_settled(sources, known, self.settings)
                known |= make_stagings([source for source in sources if source.name not in known], self.settings)
        rest = [name for name in self.run.sources if name not in done]
        notes = Notes(self.run.sources, self.settings)
        with refine_abreast(self.sources, rest, known, self.settings, work.replay) as abreast:
            refined = [n for n in self.run.sources if self.refine(n, work, abreast, notes, settled=n in done)]
        with self.faults.isolate("drift", *self.run.sources, holds=False):
            notes.write()
        return refined

    def check_built(self, models: ModelRun, held: set[str]) -> set[str]:
        """Check the domains that were built; what passes may be published. Returns the sources of what does not."""
        failed: set[str] = set()
        for domain, feeds in models.domains.items():
            blockers = feeds & (held | failed)
            unsound = bool(blockers) or domain in models.broken
            if blockers:
                reasons = [f"{', '.join(sorted(blockers))} waits"]
            elif unsound:
                reasons = models.failed or ["a file of its models cannot be read"]
            else:
                reasons = self.check_gold(domain, feeds)
            if reasons:
                self.unpublished.hold(domain, feeds, reasons, checked=not unsound)
                failed |= feeds
                for name in feeds:
                    self.stopped.setdefault(name, set()).update(blockers or feeds)
            else:
                self.unpublished.passed.append(domain)
        if models.domains:
            self.ops.write_recent()
        return failed

    def settle(self, changed: dict[str, str], unsound: Collection[str]) -> None:
        """Publish what passed, and remember why the other sources wait.

        Args:
            changed: per source that this run tried to publish: its newest refine.
            unsound: those of which staging failed.
        """
        from warehouse.publish import is_lost

        held = sorted(self.faults.held & set(changed))
        if changed or self.unpublished.passed or is_lost(self.settings):
            self.publish({name: refine_id for name, refine_id in changed.items() if name not in held})
        if held:
            stopped = {name: self.stopped.get(name, {name}) for name in held}
            self.ops.hold({n: explain_hold(self.run, n, changed[n], stopped[n], n in unsound) for n in held})


def run_flow(
    command: str,
    names: list[str] | None,
    work: Work | Callable[[Settings], Work] | None = None,
    *,
    wait: float = 0,
    as_json: bool = False,
    among: list[str] | None = None,
    profile: bool = False,
) -> int:
    """Run the flow once under the lock. `names` None: what is due, of `among` where that is given. Returns the exit code.

    Args:
        work: what to do, or what finds that out, once the lock is held.
    """
    import settings as configuration
    from dlt_sources.door import load_sources
    from foundation.console import Console
    from runtime.news import find_news
    from runtime.telemetry import report
    from runtime.under_lock import under_lock
    from warehouse.ops import Ops, Run

    settings, start = configuration.load(), monotonic()
    ops = Ops(settings)
    with under_lock(command, names, settings, wait, as_json) as log:
        console, sources, progress = Console(as_json, log), load_sources(), None
        run = Run(command=command, sources=list(sources), target=settings.target)
        flow = Flow(run, sources, settings, ops, console)
        console.on_step = lambda step: ops.add_step(run, step)
        work = work(settings) if callable(work) else work or Work()
        run.resume, run.rest = work.resume, work.rest
        with flow.faults.recorded(ops):
            progress = flow.choose(names, among)
            flow.begin(command, work)
        ops.close(run)
        moved = run.sources or run.problems or run.published or command == "plan"
        console.summary(run if moved else None, profile=profile)
        news = find_news(run, ops)
        if settings.aws:
            told = ops.try_progress() if run.sources else progress
            report(run, monotonic() - start, sources, told, settings.clock())
    news.send(settings)
    flow.faults.show_mistakes()
    return run.exit_code


def main() -> None:
    """Run the command line; known errors end in one clear line and their exit code."""
    from foundation.garbage import collect_rarely

    collect_rarely()  # before the libraries are imported
    from foundation.exits import say_and_exit
    from foundation.signals import Interrupted
    from foundation.visible import replace_what_cannot_be_shown
    from runtime.commands import app

    replace_what_cannot_be_shown()
    try:
        app(obj=run_flow)
    except Interrupted as signal:
        print(signal, file=sys.stderr)
        sys.exit(signal.exit_code)
    except Exception as error:
        say_and_exit(error)


if __name__ == "__main__":
    main()

"""The steps of a run: each does one thing to one source or domain, shows it on the console, and reports what goes wrong."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from errors import ExitCode

from .faults import Faults
from .unpublished import Unpublished, report_restored

if TYPE_CHECKING:  # the libraries behind these take seconds to import: each step imports what it needs
    from collections.abc import Collection

    from dlt_sources.door import Abreast, Counts, Declared, Reading, StagingProgress
    from foundation.console import Console
    from foundation.work_ahead import Ahead
    from settings import Settings
    from soda_checks.door import CheckResult, Looked
    from sqlmesh_project.door import ModelRun
    from warehouse.drift_notes import Notes
    from warehouse.ops import Ops, Run

    from .work import Work


class Steps:
    """What a run can do to its sources and to gold. What goes wrong in one source does not stop the others.

    Attributes:
        pending: models that wait for a plan.
        slices: of the models that are built slice by slice, the column of the slices.
        stops: what the last check found that stops here.
        looked, counts: per source what its staging holds, and its rows, where it was looked up for many at once.
        unasked: per source and table of a database, the columns that its contract does not name, with their types.
    """

    def __init__(self, run: Run, sources: Declared, settings: Settings, ops: Ops, console: Console) -> None:
        self.run, self.sources, self.settings, self.ops, self.console = run, sources, settings, ops, console
        self.faults, self.unpublished = Faults(run, console), Unpublished(run, settings, console)
        self.pending: list[str] = []
        self.slices: dict[str, str] = {}
        self.stops: list[str] = []
        self.looked: dict[str, Looked] = {}
        self.counts: dict[str, Counts] = {}
        self.unasked: dict[str, dict[str, dict[str, str]]] = {}

    def leave_out(self, wanted: set[str]) -> None:
        """Report sources whose declaration is broken: a problem where they were to run, else a note."""
        for name, reason in self.sources.broken.items():
            if name in wanted:
                self.run.broken.append(name)
                self.faults.report(
                    ExitCode.CONFIGURATION, f"{name} is left out, its declaration is broken: {reason}", name
                )
            elif name not in self.sources.off:
                self.console.note(f"the declaration of {name} is broken: {reason}")

    def follow_contracts(self) -> None:
        """Let staging follow changed contracts, as the edited models expect it."""
        from dlt_sources.door import follow_contract, read_staging_progress

        for name in read_staging_progress(list(self.sources.values()), self.settings):
            with self.faults.isolate("staging", name):
                for note in follow_contract(self.sources[name], self.settings):
                    self.console.note(note)

    def withdraw(self, name: str, file: str) -> None:
        """Mark a landed file as withdrawn; refine then removes its rows."""
        from dlt_sources.door import withdraw

        with self.faults.isolate("withdraw", name), self.console.step("withdraw", name) as step:
            step.done({f"files of {table}": 1 for table in withdraw(self.sources[name], file, self.settings)})

    def land(self, name: str, work: Work, ahead: Ahead[Reading]) -> bool:
        """Append what is new in the source to the lake; False when it could not be read."""
        from dlt_sources.door import land

        notes: list[str] = []
        with self.faults.isolate("land", name, holds=False), self.console.step("land", name) as step:
            unasked = self.unasked.setdefault(name, {})
            span: dict[str, Any] = {"since": work.since, "until": work.until, "files": work.files}
            begun = ahead.get(name)
            told: dict[str, Any] = {"notes": notes, "unasked": unasked}
            step.done(land(self.sources[name], self.settings, **span, **told, begun=begun, batch=work.batch))
            for note in notes:
                self.console.note(note)
            return True
        return False

    def rebuild(self, name: str, tables: Collection[str]) -> None:
        """Rebuild silver and staging of a source's tables from landing, beside what is in use until they are whole."""
        from dlt_sources.door import rebuild

        with self.faults.isolate("rebuild", name), self.console.step("rebuild", name) as step:
            rebuilt = rebuild(self.sources[name], tables, self.settings, progress=step.progress)
            step.done(rebuilt.accepted, rebuilt.rejected)
            for table, rows in rebuilt.carried.items():
                self.console.note(f"{table}: the raw rows of {rows:,} have expired; they were carried over from silver")

    def refine(self, name: str, work: Work, abreast: Abreast, notes: Notes, *, settled: bool) -> bool:
        """Send landed loads through their contracts into silver, staging and rejected rows; False when that failed.

        Args:
            abreast: has begun it, or does it now.
            notes: gets how its rows depart from their contracts.
            settled: there is nothing to do.
        """
        from dlt_sources.door import Refined

        from .drift import note as note_drift

        with self.faults.isolate("refine", name), self.console.step("refine", name) as step:
            refined = Refined() if settled else abreast.refine(name, step.progress)
            step.done(refined.accepted, refined.rejected)
            for note in refined.notes:
                self.console.note(note)
            counts = (refined.landed.total(), refined.accepted.total(), refined.rejected.total())
            self.run.counts[name] = counts
            self.run.landed += counts[0]
            self.run.accepted += counts[1]
            self.run.rejected += counts[2]
            if work.is_whole:
                with self.faults.isolate("drift", name, holds=False):
                    note_drift(self.sources[name], refined, self.unasked.get(name, {}), self.run, notes)
            return True
        return False

    def staged(self) -> dict[str, StagingProgress]:
        """Sources whose staging holds rows, with how far it is; those whose staging is half done are held.

        Not only this run's: what an earlier run refined before it failed is picked up here. Where an earlier run was
        killed between landing and staging, nothing is built on that source until its own next run.
        """
        from dlt_sources.door import StagingProgress, is_behind, make_stagings, open_progress, read_staging_progress

        staged = {}
        found = read_staging_progress(list(self.sources.values()), self.settings)
        with contextlib.suppress(Exception):  # what cannot be made says so below
            made = make_stagings([source for name, source in self.sources.items() if name not in found], self.settings)
            found |= {name: StagingProgress() for name in made}
        for name, source in self.sources.items():
            with self.faults.isolate("staging", name):
                progress = found.get(name) or open_progress(source, self.settings)
                if name not in self.run.sources and is_behind(source, progress, self.settings):
                    self.faults.held.add(name)
                    self.console.note(
                        f"{name}: what landed is not in staging yet; what is built on it waits for its next run"
                    )
                elif progress.refine_id.strip("0"):
                    staged[name] = progress
        return staged

    def check(self, layer: str, scope: str, feeds: Collection[str] = (), published: str | None = None) -> bool:
        """Run the checks of a source's staging or of a gold domain; False when one of them stops here.

        Args:
            feeds: the sources that a domain is built from.
            published: the refine of a source that is published.
        """
        from dlt_sources.door import check_bases, count_rejected, row_keys
        from soda_checks.door import check
        from soda_checks.limits import rejected_rows

        stops: list[CheckResult] | None = None
        guard = self.faults.isolate(f"check {layer}", scope, holds=layer == "staging")
        with guard, self.console.step(f"check {layer}", scope) as step:
            source = self.sources[scope] if layer == "staging" else None
            keys, bases = (row_keys(source), check_bases(source)) if source else ({}, {})
            looked, counts = self.looked.get(scope), self.counts.get(scope)
            results = check(layer, scope, self.settings, keys, self.pending, published or "", bases, looked)
            if source:
                counted = count_rejected(source, published, self.settings, counts)
                results += rejected_rows(scope, counted, self.settings)
            stops = [result for result in results if result.stops]
            step.done({"checks": len(results)}, {"failed": len(stops)})
            self.ops.add_checks(self.run, layer, scope, results)
        self.stops = [f"check failed: {result}" for result in stops or []]
        for text in self.stops:
            self.faults.report(ExitCode.CHECK_FAILED, text, *(feeds or [scope]))
        return stops == []

    def look(self, published: dict[str, str | None]) -> None:
        """Look up for many sources at once what their checks need to know of staging.

        Args:
            published: per source its refine that is published.
        """
        from dlt_sources.door import count_refined
        from soda_checks.door import look_at

        with contextlib.suppress(Exception):  # where one cannot be looked at, its own check says so
            looked, counts = look_at(published, self.settings), count_refined(published, self.settings)
            self.looked, self.counts = looked, counts

    def check_gold(self, domain: str, feeds: Collection[str]) -> list[str]:
        """Run the checks of a domain that is built from the sources `feeds`; returns what stops here."""
        return [] if self.check("gold", domain, feeds) else self.stops or ["its checks could not run"]

    def sink_all(self, refines: dict[str, str]) -> None:
        """Send what is new in staging to the operational Postgres, for tables that also go there.

        Args:
            refines: per source its newest refine.
        """
        sunk = {name: refine_id for name, refine_id in refines.items() if self.sources[name].operational}
        for name, refine_id in sunk.items():
            self.sink(name, refine_id)
        if others := {name: refine_id for name, refine_id in refines.items() if name not in sunk}:
            with self.faults.isolate("sink", *others, holds=False):  # nothing to send: one commit for all of them
                self.ops.mark(sent=others)

    def sink(self, name: str, refine_id: str) -> None:
        """Send what is new in a source's staging to the operational Postgres."""
        from dlt_sources.door import sink

        with self.faults.isolate("sink", name, holds=False):
            with self.console.step("sink", name) as step:
                step.done(sink(self.sources[name], self.settings))
            self.ops.mark(sent={name: refine_id})

    def plan(self, work: Work) -> ModelRun:
        """Bring edited models to prod, and rebuild the deployed ones that are named; returns what was built."""
        from sqlmesh_project.door import deploy_pending, restate_models

        def prepare(domains: dict[str, set[str]]) -> set[str]:
            self.unpublished.begin(domains)
            return self.faults.held

        with self.console.step("plan", "prod") as step:
            models = deploy_pending(self.settings, prepare)
            step.done({"models built": len(models.ran)}, {"failed": len(models.failed)})
        self.slices |= models.slices
        self.unpublished.end(models.domains)
        for failure in models.failed:
            self.faults.report(ExitCode.CHECK_FAILED, f"model failed, prod is as it was: {failure}")
        if work.restate:
            with self.console.step("restate", "prod") as step:
                again = restate_models(work.restate, self.settings, prepare)
                step.done({"models built": len(again.ran)}, {"failed": len(again.failed)})
            self.slices |= again.slices
            self.unpublished.end(again.domains)
            for failure in again.failed:
                self.faults.report(ExitCode.CHECK_FAILED, f"model failed: {failure}")
            models.domains, models.broken = models.domains | again.domains, models.broken | again.broken
        return models

    def model(self, changed: set[str], blocked: set[str], rebuilt: set[str]) -> ModelRun:
        """Build gold from what changed in staging, leaving out what is built on a blocked source; of rebuilt ones from the beginning."""
        from sqlmesh_project.door import run_models

        with self.console.step("model", "gold") as step:
            models = run_models(changed, blocked, rebuilt, self.settings)
            step.done({"models": len(models.ran)}, {"failed": len(models.failed)})
        self.slices |= models.slices
        for failure in models.failed:
            broken = {source for domain in models.broken for source in models.domains.get(domain, ())}
            self.faults.report(ExitCode.CHECK_FAILED, f"model failed: {failure}", *broken)
        self.report_waiting(models)
        return models

    def report_waiting(self, models: ModelRun) -> None:
        """Report files of models that are left out, and models that wait for a plan."""
        from sqlmesh_project.door import pending_models

        for reason in models.unreadable.values():
            self.faults.report(ExitCode.CONFIGURATION, f"what is deployed stays without {reason}")
        self.note_pending(pending_models(self.settings, models))

    def note_pending(self, pending: list[str] | None = None) -> None:
        """Name the models that wait for a plan; where nothing was built, as far as the models can be read."""
        from sqlmesh_project.door import ModelError, pending_models

        with contextlib.suppress(ModelError):  # `status` and the next build say why
            pending = pending_models(self.settings) if pending is None else pending
        if pending:
            self.pending = pending
            self.console.note(f"changed models wait for `python runner.py plan`: {', '.join(pending)}")

    def publish(self, sources: dict[str, str]) -> None:
        """Switch what dashboards read to the new gold of the domains that passed; the pipeline's own record always."""
        from sqlmesh_project.door import table_layouts
        from warehouse.publish import publish

        with self.console.step("publish", "serving") as step:
            passed, held = self.unpublished.passed, self.unpublished.waiting.domains()
            publishes = self.run.run_id if passed else ""
            done = publish({*passed, "ops"}, self.settings, held, publishes, table_layouts, self.slices)
            self.run.published = passed
            self.ops.finish(self.run, [])  # not before: what is recorded as published can be read
            step.done(done.rows)
        report_restored(done, self.faults)
        self.unpublished.release()
        self.ops.mark(published=sources)

"""Millrace: land, refine, check, model, check, publish.

Without a command it runs what is due, as `run` does: safe to call from cron.
"""

from __future__ import annotations

import contextlib
import sys
from time import monotonic
from typing import TYPE_CHECKING, Any

import typer

from errors import ExitCode
from runtime.options import (
    Days,
    Every,
    File,
    Files,
    Json,
    Keep,
    LoadedSince,
    Now,
    Object,
    Preview,
    Profile,
    Rejected,
    Remove,
    Restate,
    Rows,
    RunId,
    Scale,
    Schedule,
    Seed,
    Since,
    Source,
    Sources,
    Tables,
    Until,
    Wait,
)
from runtime.work import Work
from superset.cli import app as dashboards

if TYPE_CHECKING:  # the libraries behind these take seconds to import: each command imports what it needs
    from collections.abc import Callable, Collection, Mapping

    from dlt_sources.door import Ahead, Declared, Reading, StagingProgress
    from runtime.console import Console
    from settings import Settings
    from soda_checks.door import CheckResult
    from sqlmesh_project.door import ModelRun
    from warehouse.ops import Ops, Run
    from warehouse.publish import Published
    from warehouse.run import Progress


class Flow:
    """One run of the flow over some sources. What goes wrong in one source does not stop the others."""

    def __init__(self, run: Run, sources: Declared, settings: Settings, ops: Ops, console: Console) -> None:
        from runtime.faults import Faults
        from runtime.unpublished import Unpublished

        self.run, self.sources, self.settings, self.ops, self.console = run, sources, settings, ops, console
        self.faults, self.unpublished = Faults(run, console), Unpublished(run, settings, console)
        self.pending: list[str] = []
        self.stops: list[str] = []
        self.stopped: dict[str, set[str]] = {}
        """Per source that is not published: the sources, itself among them, that stopped it."""
        self.unasked: dict[str, dict[str, dict[str, str]]] = {}

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
        staged = self.staged()
        held = self.faults.held
        progress = self.ops.progress()
        held |= self.unknown(progress)
        changed, rebuilt = changed_since(staged, progress)
        left = self.unpublished.leave(changed, progress)
        held |= {name for name in left if progress[name].held_in == "staging"}
        changed, rebuilt = {name: changed[name] for name in changed if name not in left}, rebuilt - left
        held |= {name for name in changed if name not in held and not self.check("staging", name)}
        unsound = held & set(changed)
        for name, found in staged.items():
            if name not in held and found.refine_id != progress[name].sent:
                self.sink(name, found.refine_id)
        done: Collection[str] = ()
        if changed:
            self.ops.unite()
            models = self.model(set(changed), held, rebuilt)
            done = models.domains
            held |= self.passed(models, held)
        else:
            self.note_pending()
        self.unpublished.take_up(done, held, self.check_gold)
        self.ops.finish(self.run, ran)
        self.settle(changed, unsound)

    def leave_out(self, wanted: set[str]) -> None:
        """Report sources whose declaration is broken: a problem where they were to run, else a note."""
        for name, reason in self.sources.broken.items():
            if name in wanted:
                self.run.broken.append(name)
                self.faults.report(
                    ExitCode.CONFIGURATION, f"{name} is left out, its declaration is broken: {reason}", name
                )
            else:
                self.console.note(f"the declaration of {name} is broken: {reason}")

    def deploy(self, work: Work) -> None:
        """Bring edited models to prod, and what they changed or an earlier run could not publish to the dashboards."""
        from sqlmesh_project.door import deploy_pending, restate_models

        self.ops.begin(self.run)
        self.follow_contracts()
        staged, progress, held = self.staged(), self.ops.progress(), self.faults.held
        held |= self.unknown(progress)
        changed, rebuilt = changed_since(staged, progress)
        held |= {name for name in changed if name not in held and not self.check("staging", name)}
        unsound = held & set(changed)

        def prepare(domains: dict[str, set[str]]) -> set[str]:
            self.unpublished.begin(domains)
            return held

        if staged:
            self.ops.unite()
        with self.console.step("plan", "prod") as step:
            models = deploy_pending(self.settings, prepare)
            step.done({"models built": len(models.ran)}, {"failed": len(models.failed)})
        self.unpublished.end(models.domains)
        for failure in models.failed:
            self.faults.report(ExitCode.CHECK_FAILED, f"model failed, prod is as it was: {failure}")
        if work.restate:
            with self.console.step("restate", "prod") as step:
                again = restate_models(work.restate, self.settings, prepare)
                step.done({"models built": len(again.ran)}, {"failed": len(again.failed)})
            self.unpublished.end(again.domains)
            for failure in again.failed:
                self.faults.report(ExitCode.CHECK_FAILED, f"model failed: {failure}")
            models.domains, models.broken = models.domains | again.domains, models.broken | again.broken
        if changed:  # rows that no build has seen yet: a domain is published whole
            built = self.model(set(changed), held, rebuilt)
            models.domains, models.broken, models.pending = (
                models.domains | built.domains,
                models.broken | built.broken,
                built.pending,
            )
        else:
            self.report_waiting(models)
        held |= self.passed(models, held)
        self.unpublished.take_up(models.domains, held, self.check_gold, again=True)
        self.ops.finish(self.run, [])
        self.settle(changed, unsound)

    def unknown(self, progress: Mapping[str, Progress]) -> set[str]:
        """Sources whose staging cannot be checked here: their declaration is broken, or it is gone and their checks failed."""
        from warehouse.run import unsound

        return set(self.sources.broken) | (unsound(progress) - set(self.sources))

    def follow_contracts(self) -> None:
        """Let staging follow changed contracts, as the edited models expect it."""
        from dlt_sources.door import Staging, follow_contract

        for name in Staging.of_all(list(self.sources.values()), self.settings):
            with self.faults.alone("staging", name):
                for note in follow_contract(self.sources[name], self.settings):
                    self.console.note(note)

    def passed(self, models: ModelRun, held: set[str]) -> set[str]:
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
        return failed

    def land_all(self, work: Work) -> list[str]:
        """Read the run's sources, side by side those that are asked over HTTP; returns those that could be read."""
        from dlt_sources.door import read_ahead

        span = (work.since, work.until, work.files)
        with read_ahead(self.sources, self.run.sources, self.settings, *span) as ahead:
            return [name for name in self.run.sources if self.land(name, work, ahead)]

    def land(self, name: str, work: Work, ahead: Ahead[Reading]) -> bool:
        """Append what is new in the source to the lake; False when it could not be read."""
        from dlt_sources.door import land

        notes: list[str] = []
        with self.faults.alone("land", name, holds=False), self.console.step("land", name) as step:
            unasked = self.unasked.setdefault(name, {})
            span: dict[str, Any] = {"since": work.since, "until": work.until, "files": work.files}
            begun = ahead.get(name)
            step.done(land(self.sources[name], self.settings, **span, notes=notes, unasked=unasked, begun=begun))
            for note in notes:
                self.console.note(note)
            return True
        return False

    def withdraw(self, name: str, file: str) -> None:
        """Mark a landed file as withdrawn; refine then removes its rows."""
        from dlt_sources.door import withdraw

        with self.faults.alone("withdraw", name), self.console.step("withdraw", name) as step:
            step.done({f"files of {table}": 1 for table in withdraw(self.sources[name], file, self.settings)})

    def rebuild(self, name: str, tables: Collection[str]) -> None:
        """Build silver and staging of a source's tables anew from landing, beside what is in use until they are whole."""
        from dlt_sources.door import rebuild

        with self.faults.alone("rebuild", name), self.console.step("rebuild", name) as step:
            rebuilt = rebuild(self.sources[name], tables, self.settings, progress=step.progress)
            step.done(rebuilt.accepted, rebuilt.rejected)
            for table, rows in rebuilt.carried.items():
                self.console.note(f"{table}: the raw rows of {rows:,} have expired; they were carried over from silver")

    def refine_all(self, work: Work) -> list[str]:
        """Refine what has landed of the run's sources; returns those of which that worked."""
        from dlt_sources.door import settled

        done: set[str] = set()
        if work.replay is None:
            with contextlib.suppress(Exception):  # what is broken says so in its own refine
                done = settled([self.sources[name] for name in self.run.sources], self.settings)
        return [name for name in self.run.sources if self.refine(name, work, settled=name in done)]

    def refine(self, name: str, work: Work, *, settled: bool) -> bool:
        """Send landed loads through their contracts into silver, staging and rejected rows; False when that failed.

        Args:
            settled: there is nothing to do.
        """
        from dlt_sources.door import Refined, refine
        from runtime.drift import note as note_drift

        with self.faults.alone("refine", name), self.console.step("refine", name) as step:
            given = self.sources[name], self.settings
            refined = Refined() if settled else refine(*given, since=work.replay, progress=step.progress)
            step.done(refined.accepted, refined.rejected)
            for note in refined.notes:
                self.console.note(note)
            counts = (refined.landed.total(), refined.accepted.total(), refined.rejected.total())
            self.run.counts[name] = counts
            self.run.landed += counts[0]
            self.run.accepted += counts[1]
            self.run.rejected += counts[2]
            if work.is_whole:
                with self.faults.alone("drift", name, holds=False):
                    note_drift(self.sources[name], refined, self.unasked.get(name, {}), self.run, self.settings)
            return True
        return False

    def staged(self) -> dict[str, StagingProgress]:
        """Sources whose staging holds rows, with how far it is; those whose staging is half done are held.

        Not only this run's: what an earlier run refined before it failed is picked up here. Where an earlier run was
        killed between landing and staging, nothing is built on that source until its own next run.
        """
        from dlt_sources.door import Landing, Staging

        staged = {}
        found = Staging.of_all(list(self.sources.values()), self.settings)
        for name, source in self.sources.items():
            with self.faults.alone("staging", name):
                progress = found.get(name) or Staging(source, self.settings).progress
                cut_short = progress.swapping or Landing(name, self.settings).loads(after=progress.last_load)
                if name not in self.run.sources and cut_short:
                    self.faults.held.add(name)
                    self.console.note(
                        f"{name}: what landed is not in staging yet; what is built on it waits for its next run"
                    )
                elif progress.refine_id.strip("0"):
                    staged[name] = progress
        return staged

    def check_gold(self, domain: str, feeds: Collection[str]) -> list[str]:
        """Run the checks of a domain that is built from the sources `feeds`; returns what stops here."""
        return [] if self.check("gold", domain, feeds) else self.stops or ["its checks could not run"]

    def check(self, layer: str, scope: str, feeds: Collection[str] = ()) -> bool:
        """Run the checks of a source's staging or of a gold domain; False when one of them stops here.

        Args:
            feeds: the sources that a domain is built from.
        """
        from dlt_sources.door import count_rejected, row_keys
        from soda_checks.door import check
        from soda_checks.limits import rejected_rows

        stops: list[CheckResult] | None = None
        guard = self.faults.alone(f"check {layer}", scope, holds=layer == "staging")
        with guard, self.console.step(f"check {layer}", scope) as step:
            source = self.sources[scope] if layer == "staging" else None
            published = self.ops.progress()[scope].published if source else None
            results = check(
                layer, scope, self.settings, row_keys(source) if source else {}, self.pending, published or ""
            )
            if source:
                counted = count_rejected(source, published, self.settings)
                results += rejected_rows(scope, counted, self.settings)
            stops = [result for result in results if result.stops]
            step.done({"checks": len(results)}, {"failed": len(stops)})
            self.ops.add_checks(self.run, layer, scope, results)
        self.stops = [f"check failed: {result}" for result in stops or []]
        for text in self.stops:
            self.faults.report(ExitCode.CHECK_FAILED, text, *(feeds or [scope]))
        return stops == []

    def sink(self, name: str, refine_id: str) -> None:
        """Send what is new in staging to the operational Postgres, for tables that also go there."""
        from dlt_sources.door import sink

        with self.faults.alone("sink", name, holds=False):
            if self.sources[name].operational:
                with self.console.step("sink", name) as step:
                    step.done(sink(self.sources[name], self.settings))
            self.ops.mark(name, sent=refine_id)

    def model(self, changed: set[str], blocked: set[str], rebuilt: set[str]) -> ModelRun:
        """Build gold from what changed in staging, leaving out what is built on a blocked source; of rebuilt ones anew."""
        from sqlmesh_project.door import run_models

        with self.console.step("model", "gold") as step:
            models = run_models(changed, blocked, rebuilt, self.settings)
            step.done({"models": len(models.ran)}, {"failed": len(models.failed)})
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

    def settle(self, changed: dict[str, str], unsound: Collection[str]) -> None:
        """Publish what passed, and remember why the other sources wait.

        Args:
            changed: per source that this run tried to publish: its newest refine.
            unsound: those of which staging failed.
        """
        held = self.faults.held
        from warehouse.publish import is_lost

        if changed or self.unpublished.passed or is_lost(self.settings):
            self.publish({name: refine_id for name, refine_id in changed.items() if name not in held})
        for name in sorted(held & set(changed)):
            by = self.stopped.get(name, {name})
            why = next(iter(self.run.troubles.get(name, [])), f"it waits for {', '.join(sorted(by))}").splitlines()[0]
            layer = "staging" if name in unsound else "gold"
            self.ops.hold(name, changed[name], by=by, layer=layer, why=why)

    def publish(self, sources: dict[str, str]) -> None:
        """Switch what dashboards read to the new gold of the domains that passed; the pipeline's own record always."""
        from warehouse.publish import publish

        with self.console.step("publish", "serving") as step:
            passed, held = self.unpublished.passed, self.unpublished.waiting.domains()
            done = publish({*passed, "ops"}, self.settings, held, self.run.run_id if passed else "")
            self.run.published = passed
            self.ops.finish(self.run, [])  # not before: what is recorded as published can be read
            step.done(done.rows)
        self.report_restored(done)
        self.unpublished.release()
        for name, refine_id in sources.items():
            self.ops.mark(name, published=refine_id)

    def report_restored(self, done: Published) -> None:
        """Report what dashboards should have found and did not."""
        if done.restored or done.damaged:
            what = done.damaged or "a domain that was published"
            names = ", ".join(done.restored)
            self.console.note(
                f"what dashboards read was missing or damaged: {what}; restored from gold: {names or 'nothing'}"
            )
        for domain in done.missing:
            self.faults.report(
                ExitCode.STORE,
                f"{domain} is missing from what dashboards read, and its gold has not passed its checks; `python runner.py"
                " status` says what it waits for",
            )


def changed_since(
    staged: Mapping[str, StagingProgress], progress: Mapping[str, Progress]
) -> tuple[dict[str, str], set[str]]:
    """(the newest refine of each source whose staging is not published; those of them that were rebuilt since)."""
    changed = {n: found.refine_id for n, found in staged.items() if found.refine_id != progress[n].published}
    return changed, {n for n in changed if staged[n].rebuilt > (progress[n].published or "")}


def run_flow(
    command: str, names: list[str] | None, work: Work | Callable[[Settings], Work] | None = None, *, wait: float = 0, as_json: bool = False,
    among: list[str] | None = None, profile: bool = False,
) -> int:  # fmt: skip
    """Run the flow once under the lock. `names` None: what is due, of `among` where that is given. Returns the exit code.

    Args:
        work: what to do, or what finds that out, once the lock is held.
    """
    import settings as configuration
    from runtime.alert import addressed, alert, alert_drift, alert_sources
    from runtime.console import Console
    from runtime.faults import taken_up
    from runtime.lock import one_at_a_time
    from runtime.logs import log_to_file
    from runtime.place import owner_only
    from runtime.schedule import due
    from runtime.signals import interruptible
    from runtime.telemetry import report
    from warehouse.connection import kept_open
    from warehouse.ops import Ops, Run
    from warehouse.publish import is_lost

    settings, start = configuration.load(), monotonic()
    ops = Ops(settings)
    with (
        interruptible(),
        owner_only(),
        taken_up(command, names, settings, as_json),
        log_to_file(settings, command) as log,
        one_at_a_time(settings, wait),
        kept_open(settings),
    ):
        console, sources = Console(as_json, log), declared()
        work = work(settings) if callable(work) else work or Work()
        run = Run(command=command, sources=list(sources), target=settings.target)
        flow = Flow(run, sources, settings, ops, console)
        console.on_step = lambda step: ops.add_step(run, step)
        progress = None
        with flow.faults.recorded(ops):
            wanted = set(among or sources.names) if names is None else set(names)
            flow.leave_out(wanted)
            if names is None:
                progress = ops.progress()
                names = due({name: sources[name] for name in sources if name in wanted}, progress, settings.clock())
            run.sources = [name for name in sources if name in names]
            if run.sources or (
                command in ("run", "serve") and (flow.unpublished.has_corrected_checks() or is_lost(settings))
            ):
                flow.execute(work)
            elif command == "plan":
                flow.deploy(work)
        ops.close(run)
        moved = run.sources or run.problems or run.published or command == "plan"
        console.summary(run if moved else None, profile=profile)
        repeated = bool(run.problems) and ops.repeats(run)
        addresses = addressed(run)
        news = ops.note_troubles(run, addresses)
        if run.broken and not run.sources and not repeated:
            ops.try_record(run)  # so that the next look at the schedule knows that the team has been told
        if settings.aws:
            told = ops.try_progress() if run.sources else progress
            report(run, monotonic() - start, sources, told, settings.clock())
    if run.problems and not repeated:
        alert(run, settings)
    alert_sources(run, {name: addresses[name] for name in news}, settings)
    alert_drift(run, addresses, settings)
    flow.faults.show_mistakes()
    return run.exit_code


def declared(names: list[str] | None = None) -> Declared:
    """Every declared source, after making sure that `names` are among them, broken or not."""
    from dlt_sources.door import load_sources

    return load_sources().require(names or [])


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None, help=__doc__)
app.add_typer(dashboards, name="dashboards")


@app.callback(invoke_without_command=True)
def default(context: typer.Context) -> None:
    """Run what is due when no command is given."""
    if context.invoked_subcommand is None:
        raise SystemExit(run_flow("run", None))


@app.command()
def run(
    sources: Sources = None, now: Now = False, schedule: Schedule = None, file: Files = None, dropped: Object = None,
    wait: Wait = 0, profile: Profile = False, as_json: Json = False,
) -> None:  # fmt: skip
    """Run what is due, or the named sources now.

    Each goes through the whole flow. With --file or --object only that file of the source is read.
    """
    known = declared(sources)
    names = (sources or known.names) if sources or now else None
    if schedule:
        from runtime.schedule import of_schedule

        if names is not None:
            raise typer.BadParameter("--schedule names the sources: leave out names and --now")
        names = of_schedule(known, schedule)
    files = (*(file or ()), *(["s3://{}/{}".format(*dropped)] if dropped else ()))
    if files and len(sources or []) != 1:
        raise typer.BadParameter("--file belongs to one source: run SOURCE --file URI")
    raise SystemExit(run_flow("run", names, Work(files=files), wait=wait, as_json=as_json, profile=profile))


@app.command()
def serve(sources: Sources = None, every: Every = 60) -> None:
    """Stay and run whatever falls due.

    Of the named sources, or of all; without a process start each time.
    """
    from runtime.resident import serve as stay

    declared(sources)
    stay(lambda: run_flow("serve", None, among=sources), every)


@app.command()
def plan(preview: Preview = False, restate: Restate = None, wait: Wait = 0, as_json: Json = False) -> None:
    """Deploy edited models, check and publish the results.

    Look first with `--preview`, which changes nothing.
    """
    if preview:
        from sqlmesh_project.report import preview as look

        typer.echo(look(wait))
        return
    raise SystemExit(run_flow("plan", [], Work(restate=tuple(restate or ())), wait=wait, as_json=as_json))


@app.command()
def backfill(
    source: Source, since: Since, until: Until = None, days: Days = None, wait: Wait = 0, as_json: Json = False
) -> None:
    """Read a span of days of a source again.

    The cursor stays where it is.
    """
    declared([source])
    if until and until < since:
        raise typer.BadParameter(f"--until {until:%Y-%m-%d} is before --since {since:%Y-%m-%d}")
    if days is None:
        raise SystemExit(run_flow("backfill", [source], Work(since=since, until=until), wait=wait, as_json=as_json))
    if as_json:
        raise typer.BadParameter("--json prints the result of one run; leave out --days")
    import settings as configuration
    from runtime.backfill import run_pieces

    last = until or configuration.load().clock().replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    raise SystemExit(
        run_pieces(source, since, last, days, lambda work: run_flow("backfill", [source], work, wait=wait))
    )


@app.command()
def withdraw(source: Source, file: File, wait: Wait = 0, as_json: Json = False) -> None:
    """Take a landed file's rows out of staging, silver and gold.

    The file counts again when it comes with other content.
    """
    declared([source])
    raise SystemExit(run_flow("withdraw", [source], Work(withdraw=file), wait=wait, as_json=as_json))


@app.command()
def replay(
    source: Source, rejected: Rejected = False, since: LoadedSince = None, wait: Wait = 0, as_json: Json = False
) -> None:
    """Judge landed loads again by today's contract.

    All of them, those since a day, or those from the first rejected row on.
    """
    from runtime.replay import first_load

    known = declared([source])[source]
    raise SystemExit(
        run_flow(
            "replay",
            [source],
            lambda here: Work(replay=first_load(known, rejected, since, here)),
            wait=wait,
            as_json=as_json,
        )
    )


@app.command()
def rebuild(source: Source, tables: Tables = None, wait: Wait = 0, as_json: Json = False) -> None:
    """Rebuild silver and staging of a source from landing.

    By today's contract; models, checks and dashboards follow.
    """
    declared([source])
    raise SystemExit(run_flow("rebuild", [source], Work(rebuild=tuple(tables or ())), wait=wait, as_json=as_json))


@app.command()
def maintain(wait: Wait = 0, as_json: Json = False) -> None:
    """Compact silver and remove what is no longer needed.

    Runs do the same bit by bit; this does it all at once.
    """
    from runtime.maintain import maintain as maintain_all

    raise SystemExit(maintain_all(declared(), wait, as_json))


@app.command()
def status(run: RunId = None, as_json: Json = False) -> None:
    """Show the last runs, each source's state and what waits.

    Also why runs failed and how much disk is used; of one run every step.
    """
    from runtime.reports import status as show
    from runtime.run_report import show_run

    if run:
        show_run(run, as_json)
    else:
        show(declared(), as_json)


@app.command()
def rejected(sources: Sources = None, rows: Rows = 20, as_json: Json = False) -> None:
    """Show the rows that broke their contract, with field and rule."""
    from runtime.reports import rejected as show

    show(declared(sources), sources or [], rows, as_json)


@app.command()
def drift(sources: Sources = None, as_json: Json = False) -> None:
    """Show how sources depart from their contracts.

    With the lines to add to contract.py.
    """
    from runtime.drift import show

    show(declared(sources), sources or [], as_json)


@app.command()
def check(sources: Sources = None, as_json: Json = False) -> None:
    """Run the checks of staging and gold; no row is moved."""
    from runtime.reports import check as show

    raise SystemExit(show(declared(sources), sources or [], as_json))


@app.command()
def doctor() -> None:
    """Check what a run needs before it starts.

    Settings, folders, sources, and who holds the warehouse.
    """
    from runtime.doctor import examine

    raise SystemExit(examine())


@app.command()
def demo(scale: Scale = 1, seed: Seed = 7, keep: Keep = False, remove: Remove = False) -> None:
    """Run the pipeline over a small demo world and show the result.

    Starts the upstream systems on this machine and lets several of their days pass.
    """
    from demo.show import clear, show

    raise SystemExit(clear() if remove else show(scale, seed, keep))


def main() -> None:
    """Run the command line; known errors end in one clear line and their exit code."""
    from runtime.exits import say_and_exit
    from runtime.signals import Interrupted
    from runtime.visible import replace_what_cannot_be_shown

    replace_what_cannot_be_shown()
    try:
        app()
    except Interrupted as signal:
        print(signal, file=sys.stderr)
        sys.exit(signal.exit_code)
    except Exception as error:
        say_and_exit(error)


if __name__ == "__main__":
    main()

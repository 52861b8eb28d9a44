"""The one door to SQLMesh: deploy each domain once, then build what staging changed, and say what happened.

A domain (a schema of gold) that prod does not know yet is planned and applied by the call that brings it data. After that
a call builds with the deployed versions of its models only: an edited or added model waits until a person has looked at
it with ``sqlmesh plan``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from warehouse.connection import Connection, WarehouseError
from warehouse.staging import source_of
from warehouse.waiting import Waiting, filled_sources, read_models

from .copied import copied, declared_models
from .loading import ModelError, Project, fingerprint, load
from .pairing import begin_build

if TYPE_CHECKING:
    from sqlmesh import Context

    from settings import Settings

Lineage = dict[str, tuple[str, set[str]]]
"""Per model: (its domain, the sources whose staging it is built from, however far up)."""

__all__ = [
    "ModelColumn",
    "ModelError",
    "ModelRun",
    "deploy_pending",
    "inspect_models",
    "known_models",
    "model_columns",
    "pending_models",
    "remove_expired",
    "restate_models",
    "run_models",
    "table_layouts",
]


@dataclass
class ModelRun:
    """What one build of gold did.

    Attributes:
        ran: models that were built.
        failed: what went wrong, one text per failed model or audit.
        broken: domains with a model that failed or could not run because one before it failed.
        domains: gold domain (schema) to the sources its models depend on; ``ops`` is not among them.
        pending: models whose files differ from what prod runs.
        unreadable: per file that SQLMesh cannot read: file, line, reason and fix. Where prod has what it holds, the
            deployed version is built.
    """

    ran: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    domains: dict[str, set[str]] = field(default_factory=dict)
    pending: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)


def run_models(
    changed: Collection[str], blocked: Collection[str], rebuilt: Collection[str], settings: Settings
) -> ModelRun:
    """Build the deployed models that are built on the staging of a `changed` source and of no `blocked` one.

    Args:
        rebuilt: sources of which rows may be gone from staging: what was built on them bit by bit is rebuilt.

    Raises:
        ModelError: the project cannot be loaded or its first plan cannot be applied; the message holds SQLMesh's reason.
    """
    filled, project = _begin(settings)
    context, listener = project.context, project.listener
    try:
        _finish_deployment(context)
        lineage = _lineage(context)
        unread = project.feeds(lineage)
        lineage |= unread
        domains = {domain: feeds for domain, feeds in _domains(lineage).items() if feeds & set(changed)}
        result = ModelRun(domains=domains, unreadable=project.unreadable)
        deployed = _deployed(context)
        new = {domain for domain in ("ops", *domains) if domain not in deployed}
        partial = {domain for domain, _ in unread.values()}  # a domain is deployed whole, or not yet
        result.broken = {domain for domain in new if domain in partial or domains.get(domain, set()) & set(blocked)}
        faults = _lint(context, [n for n, (domain, _) in lineage.items() if domain in new - result.broken])
        result.broken |= {_domain(name) for name in faults}
        _deploy(context, listener, [n for n, (domain, _) in lineage.items() if domain in new - result.broken])
        wanted = [
            name
            for name, (domain, sources) in lineage.items()
            if domain in deployed and sources & set(changed) and not sources & set(blocked)
        ]
        anew = [
            name for name in wanted if lineage[name][1] & set(rebuilt) and context.get_model(name).kind.is_incremental
        ]
        _restate(context, listener, anew)
        if wanted:
            moment = _after_the_last_build(context)
            context.run(
                "prod", ignore_cron=True, select_models=wanted, no_auto_upstream=True, end=moment, execution_time=moment
            )
            _raise_store_fault(listener)
            context.state_sync.compact_intervals()  # each build adds a row per model, and each load of them reads all
        if new or Waiting(settings).models(fingerprint()) != []:
            result.pending = _pending(project, filled)
        result.ran = sorted(listener.ran)
        result.failed = [*faults.values(), *listener.failures()]
        result.broken |= {_domain(name) for name in listener.not_built}
        return result
    finally:
        context.close()


def _begin(settings: Settings) -> tuple[set[str], Project]:
    """The sources that have rows, and the models with the state of this warehouse, ready to build."""
    filled, project = filled_sources(settings), load()
    if not begin_build(project.context):
        project.context.close()
        project = load()
    return filled, project


def inspect_models(settings: Settings) -> ModelRun:
    """Models that a plan would bring to prod, files that cannot be read and what each domain is built from; nothing is
    applied.
    """
    filled = filled_sources(settings)
    with copied(settings) as configs:
        project = load(configs=configs)
        try:
            lineage = _lineage(project.context)
            domains = _domains(lineage | project.feeds(lineage))
            return ModelRun(pending=_pending(project, filled), unreadable=project.unreadable, domains=domains)
        finally:
            project.context.close()


def pending_models(settings: Settings, inspected: ModelRun | None = None) -> list[str]:
    """What `inspect_models` finds pending. The models are loaded only where that may have changed: a run with nothing to do
    asks each time.

    Args:
        inspected: what is known of it already.

    Raises:
        ModelError: the models do not load.
    """
    files, record = fingerprint(), Waiting(settings)
    if inspected is None:
        if record.models(files) == []:
            return []
        inspected = inspect_models(settings)
    record.note_models(files, inspected.pending, inspected.unreadable)
    return inspected.pending


def known_models(con: Connection) -> ModelRun | None:
    """What the last run found pending or unreadable, where that cannot have changed since; None: look at the models.

    A plan by SQLMesh's own command line brings pending models to prod and tells nobody: pending ones are looked at again.
    """
    known = read_models(con, fingerprint())
    return ModelRun(unreadable=known[1]) if known and not known[0] else None


def deploy_pending(
    settings: Settings, prepare: Callable[[dict[str, set[str]]], set[str]] = lambda _: set()
) -> ModelRun:
    """Plan what `inspect_models` finds pending and apply it to prod, which changes only when every audit of the plan passes.

    Args:
        prepare: gets the domains that the plan would change, with the sources of each, before anything is applied; returns
            the sources that must not be read. Models from which anything follows that reads them stay pending.

    Raises:
        ModelError: the models do not load, or the plan cannot be applied for another reason than its audits.
    """
    from sqlmesh.utils.errors import SQLMeshError

    filled, project = _begin(settings)
    context, listener = project.context, project.listener
    try:
        _finish_deployment(context)
        result = ModelRun(pending=_pending(project, filled), unreadable=project.unreadable)
        reach, lineage = {name: _reach(context, name) for name in result.pending}, _lineage(context)
        blocked = prepare(_changed_domains(lineage, reach.values())) if result.pending else set()
        wanted = {name: to for name, to in reach.items() if not _sources(lineage, to) & blocked}
        result.domains = _changed_domains(lineage, wanted.values())
        if wanted:
            new = [] if "ops" in _deployed(context) else [n for n, (domain, _) in lineage.items() if domain == "ops"]
            known = {_short(fqn) for fqn in context.models}
            select = [f"+{name}" if name in known else name for name in (*wanted, *new)]
            # What follows from an edited model gets a version of its own, which must be built to be switched to.
            built = sorted({*select, *(n for to in wanted.values() for n in to & known)})
            choices = {
                "select_models": select,
                "backfill_models": [name for name in built if name.lstrip("+") in known],
            }
            context.plan("prod", auto_apply=True, no_prompts=True, skip_tests=True, **choices)
        result.ran, result.pending = sorted(listener.ran), _pending(project, filled)
        return result
    except SQLMeshError as error:
        _raise_store_fault(listener)
        result.failed = listener.failures()
        if not result.failed:
            raise ModelError(f"the plan cannot be applied: {'; '.join(listener.errors) or error}") from error
        result.domains = {}  # prod is as it was
        return result
    finally:
        context.close()


def restate_models(
    names: Collection[str], settings: Settings, prepare: Callable[[dict[str, set[str]]], set[str]] = lambda _: set()
) -> ModelRun:
    """Build deployed models anew from the beginning, whatever they hold, and what follows from them.

    Args:
        prepare: as for `deploy_pending`. Models that read what must not be read are left as they are, and named in `failed`.

    Raises:
        ModelError: prod has no model of such a name, or the models cannot be loaded or built.
    """
    _, project = _begin(settings)
    context, listener = project.context, project.listener
    try:
        _finish_deployment(context)
        prod = context.state_reader.get_environment("prod")
        known = {_short(snapshot.name) for snapshot in prod.snapshots} if prod else set()
        lineage = _lineage(context)
        built = {name for name in known & lineage.keys() if lineage[name][0] != "ops"}
        if unknown := sorted(set(names) - built):
            raise ModelError(f"prod has no model {', '.join(unknown)}; it has {', '.join(sorted(built)) or 'none yet'}")
        reach = {name: _reach(context, name) for name in names}
        blocked = prepare(_changed_domains(lineage, reach.values()))
        wanted = {name: to for name, to in reach.items() if not _sources(lineage, to) & blocked}
        result = ModelRun(domains=_changed_domains(lineage, wanted.values()), unreadable=project.unreadable)
        _restate(context, listener, sorted(wanted))
        result.ran = sorted(listener.ran)
        waits = [f"{name} is not rebuilt: what it is built on waits" for name in sorted(set(names) - wanted.keys())]
        result.failed = [*waits, *listener.failures()]
        result.broken = {_domain(name) for name in listener.not_built}
        return result
    finally:
        context.close()


def remove_expired(settings: Settings) -> int:
    """Remove versions of models that nothing has used for a week, with their tables, and what SQLMesh notes of each build.

    Returns:
        How many tables and views are gone.

    Raises:
        ModelError: the models cannot be loaded.
    """
    if not settings.aws and not settings.state.exists():
        return 0
    project = load()
    try:
        project.context.run_janitor(ignore_ttl=False)
        return len(project.listener.removed)
    finally:
        project.context.close()


@dataclass(frozen=True)
class ModelColumn:
    """A column of a model: its type in DuckDB's words, and what its description says."""

    type: str
    description: str


def model_columns(settings: Settings) -> dict[str, dict[str, ModelColumn]]:
    """The columns of every model of gold as the files declare them, by model and name; no warehouse is needed.

    Raises:
        ModelError: the models do not load.
    """
    with declared_models(settings) as models:
        return {
            model.name: {
                name: ModelColumn(type.sql("duckdb"), model.column_descriptions.get(name, ""))
                for name, type in (model.columns_to_types or {}).items()
            }
            for model in models
        }


def table_layouts() -> dict[str, dict[str, str]]:
    """How each model that is a table declares to be distributed and sorted: `diststyle`, `distkey`, `sortkey`, by its name.

    None where the models do not load: a table without keys is slow, one that is not published is missing.
    """
    try:
        context = load().context
    except ModelError:
        return {}
    try:
        return {
            model.name: {name: value.name for name, value in model.physical_properties.items()}
            for model in context.models.values()
            if not model.kind.is_external
        }
    finally:
        context.close()


def _after_the_last_build(context: Context) -> datetime:
    """The time of this build, aware UTC: now, but later than that of every build before it.

    SQLMesh builds what is missing since the last build. One under a clock that was ahead would leave nothing missing until
    that time has come.
    """
    newest = max(context.state_reader.max_interval_end_per_model("prod").values(), default=0)
    built = datetime.fromtimestamp(newest / 1000, UTC)
    now = datetime.now(UTC)
    return now if now > built else built + timedelta(seconds=1)


def _deployed(context: Context) -> set[str]:
    """The domains prod has models of."""
    prod = context.state_reader.get_environment("prod")
    return {_domain(snapshot.name) for snapshot in prod.snapshots} if prod else set()


def _finish_deployment(context: Context) -> None:
    """Finish a plan that was cut short while it switched prod to what it had built.

    SQLMesh takes it for one that is still running and waits for its end, for up to six hours. Whoever is here holds the
    lock of the runs: there is none.
    """
    prod = context.state_reader.get_environment("prod")
    if prod and not prod.finalized_ts:
        choices = {"skip_backfill": True, "no_gaps": True, "skip_tests": True, "skip_linter": True}
        plan = context.plan_builder("prod", always_include_local_changes=False, **choices).build()
        plan.context_diff.is_unfinalized_environment = (
            True  # left out where local changes are: then it would do nothing
        )
        context.apply(plan)


def _lint(context: Context, models: list[str]) -> dict[str, str]:
    """What the linter does not let pass, per model; a model that ignores a rule that does not exist does not pass either."""
    from sqlmesh.utils.errors import ConfigError

    from .listener import broken_rule

    faults: dict[str, str] = {}
    for name in models:
        try:
            found = context.lint_models([name], raise_on_error=False)
            faults |= {v.model.name: broken_rule(v.model.name, v) for v in found if v.violation_type == "error"}
        except ConfigError as error:
            faults[name] = f"{context.get_model(name, raise_if_missing=True).name}: {error}"
    return faults


def _deploy(context: Context, listener: Any, models: list[str]) -> None:
    """Deploy models, with the staging tables they read, and build them. A domain is first built whole, or not yet:
    not on rows that failed their checks, not while one of its audits fails. `_lint` has looked at the models.
    """
    from sqlmesh.utils.errors import SQLMeshError

    if not models:
        return
    try:
        wanted = [f"+{name}" for name in models]
        context.plan("prod", select_models=wanted, auto_apply=True, no_prompts=True, skip_tests=True, skip_linter=True)
    except SQLMeshError as error:
        _raise_store_fault(listener)
        if not listener.failures():
            reasons = "; ".join(listener.errors) or str(error)
            raise ModelError(f"the models cannot be deployed: {reasons}") from error
        sound = {_domain(name) for name in models} - {_domain(name) for name in listener.not_built}
        if len(sound) < len({_domain(name) for name in models}):  # the others need not wait for the one that failed
            _deploy(context, listener, [name for name in models if _domain(name) in sound])


def _restate(context: Context, listener: Any, models: list[str]) -> None:
    """Build models from the beginning, as they are deployed: what is gone from staging is to be gone from them."""
    from sqlmesh.utils.errors import SQLMeshError

    if not models:
        return
    try:
        choices = {"auto_apply": True, "no_prompts": True, "skip_tests": True, "skip_linter": True, "no_gaps": True}
        context.plan("prod", restate_models=models, **choices)
    except SQLMeshError as error:
        _raise_store_fault(listener)
        if not listener.failures():
            raise ModelError(f"{', '.join(models)} cannot be rebuilt: {'; '.join(listener.errors) or error}") from error


def _raise_store_fault(listener: Any) -> None:
    """A model that failed for want of disk has no fault, and no other would fare better."""
    if listener.store_fault:
        raise WarehouseError("the models cannot be built: the warehouse cannot be written") from listener.store_fault


def _pending(project: Project, filled: Collection[str]) -> list[str]:
    """Names of models that differ from prod, changed ones themselves and not what merely depends on them.

    Of a domain that prod does not have they wait once one of its sources has rows, and none while one of the domain's files
    cannot be read: a domain is deployed whole.

    Args:
        filled: the sources that have rows.
    """
    context = project.context
    diff = (
        context.plan_builder("prod", skip_tests=True, skip_linter=True, no_auto_categorization=True)
        .build()
        .context_diff
    )
    edited = {name for name in diff.modified_snapshots if diff.directly_modified(name) or diff.metadata_updated(name)}
    names = {_short(name) for name in edited} | {_short(s.name) for s in (*diff.added, *diff.removed_snapshots)}
    lineage = _lineage(context)
    partial = {domain for domain, _ in project.feeds(lineage).values()}
    with_rows = {domain for domain, feeds in _domains(lineage).items() if not feeds or feeds & set(filled)}
    waiting = _deployed(context) | (with_rows - partial)
    return sorted(name for name in names if _domain(name) in waiting)


def _reach(context: Context, name: str) -> set[str]:
    """A model and everything that follows from it, by name; one that the files no longer have is by itself."""
    fqn = next((fqn for fqn in context.models if _short(fqn) == name), None)
    return {name} | ({_short(found) for found in context.dag.downstream(fqn)} if fqn else set())


def _sources(lineage: Lineage, names: Collection[str]) -> set[str]:
    """The sources whose staging the models of these names read."""
    staging = {source for name in names if (source := source_of(name))}
    return staging.union(*(lineage[name][1] for name in names if name in lineage))


def _changed_domains(lineage: Lineage, reach: Collection[set[str]]) -> dict[str, set[str]]:
    """The domains of these models, with the sources of each."""
    known = _domains(lineage)  # one that the files no longer have is built from nothing
    names = {_domain(name) for found in reach for name in found}
    return {name: known.get(name, set()) for name in sorted(names) if name != "ops" and not source_of(name)}


def _lineage(context: Context) -> Lineage:
    """Per model: (its domain, the sources whose staging it depends on, however indirectly)."""
    found = {}
    for fqn, model in context.models.items():
        if model.kind.is_external:
            continue
        upstream = [_short(name) for name in context.dag.upstream(fqn)]
        sources = {source for name in upstream if (source := source_of(name))}
        found[model.name] = (_domain(model.name), sources)
    return found


def _domains(lineage: Lineage) -> dict[str, set[str]]:
    domains: dict[str, set[str]] = {}
    for domain, sources in lineage.values():
        if domain != "ops":
            domains.setdefault(domain, set()).update(sources)
    return dict(sorted(domains.items()))


def _short(fqn: str) -> str:
    return ".".join(part.strip('"') for part in fqn.split(".")[-2:])


def _domain(name: str) -> str:
    return _short(name).split(".")[0]

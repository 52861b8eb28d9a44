"""The one door to SQLMesh: deploy each domain once, then build what staging changed, and say what happened.

A domain (a schema of gold) that prod does not know yet is planned and applied by the call that brings it data. After that
a call builds with the deployed versions of its models only: an edited or added model waits until a person has looked at
it with ``sqlmesh plan``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from warehouse.connection import Connection
from warehouse.waiting import Waiting, filled_sources, read_models

from .apply import after_the_last_build, deploy, deployed_domains, finish_deployment, lint, raise_store_fault, restate
from .copied import copied
from .declared import ModelColumn, model_columns, table_layouts
from .lineage import changed_domains, domain_of, domains_of, lineage_of, reach_of, short_name, slices_of, sources_of
from .loading import ModelError, Project, fingerprint, load
from .pairing import begin_build
from .pending import find_pending

if TYPE_CHECKING:
    from settings import Settings

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
        slices: per model that is built slice by slice the column of its slices.
    """

    ran: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    domains: dict[str, set[str]] = field(default_factory=dict)
    pending: list[str] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    slices: dict[str, str] = field(default_factory=dict)


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
        finish_deployment(context)
        lineage = lineage_of(context)
        unread = project.feeds(lineage)
        lineage |= unread
        domains = {domain: feeds for domain, feeds in domains_of(lineage).items() if feeds & set(changed)}
        result = ModelRun(domains=domains, unreadable=project.unreadable, slices=slices_of(context))
        deployed = deployed_domains(context)
        new = {domain for domain in ("ops", *domains) if domain not in deployed}
        partial = {domain for domain, _ in unread.values()}  # a domain is deployed whole, or not yet
        result.broken = {domain for domain in new if domain in partial or domains.get(domain, set()) & set(blocked)}
        faults = lint(context, [n for n, (domain, _) in lineage.items() if domain in new - result.broken])
        result.broken |= {domain_of(name) for name in faults}
        deploy(context, listener, [n for n, (domain, _) in lineage.items() if domain in new - result.broken])
        wanted = {
            name: sources
            for name, (domain, sources) in lineage.items()
            if domain in deployed and sources & set(changed) and not sources & set(blocked)
        }
        again = [name for name, sources in wanted.items() if sources & set(rebuilt)]
        restate(context, listener, [name for name in again if context.get_model(name).kind.is_incremental])
        if wanted:
            _build(project, list(wanted))
        if new or Waiting(settings).models(fingerprint()) != []:
            result.pending = find_pending(project, filled)
        result.ran = sorted(listener.ran)
        result.failed = [*faults.values(), *listener.failures()]
        result.broken |= {domain_of(name) for name in listener.not_built}
        return result
    finally:
        context.close()


def _build(project: Project, wanted: list[str]) -> None:
    """Build what has come for deployed models."""
    context = project.context
    moment = after_the_last_build(context)
    context.run(
        "prod", ignore_cron=True, select_models=wanted, no_auto_upstream=True, end=moment, execution_time=moment
    )
    raise_store_fault(project.listener)
    context.state_sync.compact_intervals()  # each build adds a row per model, and each load of them reads all


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
            lineage = lineage_of(project.context)
            domains = domains_of(lineage | project.feeds(lineage))
            return ModelRun(pending=find_pending(project, filled), unreadable=project.unreadable, domains=domains)
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
        finish_deployment(context)
        result = ModelRun(pending=find_pending(project, filled), unreadable=project.unreadable)
        result.slices = slices_of(context)
        reach, lineage = {name: reach_of(context, name) for name in result.pending}, lineage_of(context)
        blocked = prepare(changed_domains(lineage, reach.values())) if result.pending else set()
        wanted = {name: to for name, to in reach.items() if not sources_of(lineage, to) & blocked}
        result.domains = changed_domains(lineage, wanted.values())
        if wanted:
            new = (
                []
                if "ops" in deployed_domains(context)
                else [n for n, (domain, _) in lineage.items() if domain == "ops"]
            )
            known = {short_name(fqn) for fqn in context.models}
            select = [f"+{name}" if name in known else name for name in (*wanted, *new)]
            # What follows from an edited model gets a version of its own, which must be built to be switched to.
            built = sorted({*select, *(n for to in wanted.values() for n in to & known)})
            choices = {
                "select_models": select,
                "backfill_models": [name for name in built if name.lstrip("+") in known],
            }
            context.plan("prod", auto_apply=True, no_prompts=True, skip_tests=True, **choices)
        result.ran, result.pending = sorted(listener.ran), find_pending(project, filled)
        return result
    except SQLMeshError as error:
        raise_store_fault(listener)
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
    """Rebuild deployed models from the beginning, whatever they hold, and what follows from them.

    Args:
        prepare: as for `deploy_pending`. Models that read what must not be read are left as they are, and named in `failed`.

    Raises:
        ModelError: prod has no model of such a name, or the models cannot be loaded or built.
    """
    _, project = _begin(settings)
    context, listener = project.context, project.listener
    try:
        finish_deployment(context)
        prod = context.state_reader.get_environment("prod")
        known = {short_name(snapshot.name) for snapshot in prod.snapshots} if prod else set()
        lineage = lineage_of(context)
        built = {name for name in known & lineage.keys() if lineage[name][0] != "ops"}
        if unknown := sorted(set(names) - built):
            raise ModelError(f"prod has no model {', '.join(unknown)}; it has {', '.join(sorted(built)) or 'none yet'}")
        reach = {name: reach_of(context, name) for name in names}
        blocked = prepare(changed_domains(lineage, reach.values()))
        wanted = {name: to for name, to in reach.items() if not sources_of(lineage, to) & blocked}
        result = ModelRun(domains=changed_domains(lineage, wanted.values()), unreadable=project.unreadable)
        result.slices = slices_of(context)
        restate(context, listener, sorted(wanted))
        result.ran = sorted(listener.ran)
        waits = [f"{name} is not rebuilt: what it is built on waits" for name in sorted(set(names) - wanted.keys())]
        result.failed = [*waits, *listener.failures()]
        result.broken = {domain_of(name) for name in listener.not_built}
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

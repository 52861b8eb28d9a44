"""Plans applied to prod: a domain's first, a rebuild, and one that was cut short."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from warehouse.connection import WarehouseError

from .lineage import domain_of
from .loading import ModelError

if TYPE_CHECKING:
    from sqlmesh import Context


def finish_deployment(context: Context) -> None:
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


def lint(context: Context, models: list[str]) -> dict[str, str]:
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


def deploy(context: Context, listener: Any, models: list[str]) -> None:
    """Deploy models, with the staging tables they read, and build them. A domain is first built whole, or not yet:
    not on rows that failed their checks, not while one of its audits fails. `lint` has looked at the models.
    """
    from sqlmesh.utils.errors import SQLMeshError

    if not models:
        return
    try:
        wanted = [f"+{name}" for name in models]
        context.plan("prod", select_models=wanted, auto_apply=True, no_prompts=True, skip_tests=True, skip_linter=True)
    except SQLMeshError as error:
        raise_store_fault(listener)
        if not listener.failures():
            reasons = "; ".join(listener.errors) or str(error)
            raise ModelError(f"the models cannot be deployed: {reasons}") from error
        sound = {domain_of(name) for name in models} - {domain_of(name) for name in listener.not_built}
        if len(sound) < len({domain_of(name) for name in models}):  # the others need not wait for the one that failed
            deploy(context, listener, [name for name in models if domain_of(name) in sound])


def restate(context: Context, listener: Any, models: list[str]) -> None:
    """Build models from the beginning, as they are deployed: what is gone from staging is to be gone from them."""
    from sqlmesh.utils.errors import SQLMeshError

    if not models:
        return
    try:
        choices = {"auto_apply": True, "no_prompts": True, "skip_tests": True, "skip_linter": True, "no_gaps": True}
        context.plan("prod", restate_models=models, **choices)
    except SQLMeshError as error:
        raise_store_fault(listener)
        if not listener.failures():
            raise ModelError(f"{', '.join(models)} cannot be rebuilt: {'; '.join(listener.errors) or error}") from error


def deployed_domains(context: Context) -> set[str]:
    """The domains prod has models of."""
    prod = context.state_reader.get_environment("prod")
    return {domain_of(snapshot.name) for snapshot in prod.snapshots} if prod else set()


def after_the_last_build(context: Context) -> datetime:
    """The time of this build, aware UTC: now, but later than that of every build before it.

    SQLMesh builds what is missing since the last build. One under a clock that was ahead would leave nothing missing until
    that time has come.
    """
    newest = max(context.state_reader.max_interval_end_per_model("prod").values(), default=0)
    built = datetime.fromtimestamp(newest / 1000, UTC)
    now = datetime.now(UTC)
    return now if now > built else built + timedelta(seconds=1)


def raise_store_fault(listener: Any) -> None:
    """A model that failed for want of disk has no fault, and no other would fare better."""
    if listener.store_fault:
        raise WarehouseError("the models cannot be built: the warehouse cannot be written") from listener.store_fault

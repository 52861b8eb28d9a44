"""Which models wait for a plan."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from .apply import deployed_domains
from .lineage import domain_of, domains_of, lineage_of, short_name
from .loading import Project

if TYPE_CHECKING:
    from sqlmesh import Context


def find_pending(project: Project, filled: Collection[str]) -> list[str]:
    """Names of models that differ from prod, changed ones themselves and not what merely depends on them.

    Of a domain that prod does not have they wait once one of its sources has rows, and none while one of the domain's files
    cannot be read: a domain is deployed whole.

    Args:
        filled: the sources that have rows.
    """
    context = project.context
    if _is_deployed(context):  # a diff loads all snapshots
        return []
    diff = (
        context.plan_builder("prod", skip_tests=True, skip_linter=True, no_auto_categorization=True)
        .build()
        .context_diff
    )
    edited = {name for name in diff.modified_snapshots if diff.directly_modified(name) or diff.metadata_updated(name)}
    names = {short_name(name) for name in edited} | {short_name(s.name) for s in (*diff.added, *diff.removed_snapshots)}
    lineage = lineage_of(context)
    partial = {domain for domain, _ in project.feeds(lineage).values()}
    with_rows = {domain for domain, feeds in domains_of(lineage).items() if not feeds or feeds & set(filled)}
    waiting = deployed_domains(context) | (with_rows - partial)
    return sorted(name for name in names if domain_of(name) in waiting)


def _is_deployed(context: Context) -> bool:
    """Whether prod is made of all models as the files have them, and of nothing else."""
    from sqlmesh.core.snapshot import fingerprint_from_node

    nodes: dict[str, Any] = {**context.models, **context.standalone_audits}
    known: dict[str, Any] = {}
    prod = context.state_reader.get_environment("prod")
    wanted = {name: fingerprint_from_node(node, nodes=nodes, cache=known) for name, node in nodes.items()}
    return prod is not None and {snapshot.name: snapshot.fingerprint for snapshot in prod.snapshots} == wanted

"""What models are called, and which domain and sources each belongs to."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from warehouse.staging import source_of

if TYPE_CHECKING:
    from sqlmesh import Context

Lineage = dict[str, tuple[str, set[str]]]
"""Per model: (its domain, the sources whose staging it is built from, however far up)."""


def lineage_of(context: Context) -> Lineage:
    """Per model: (its domain, the sources whose staging it depends on, however indirectly)."""
    found = {}
    for fqn, model in context.models.items():
        if model.kind.is_external:
            continue
        upstream = [short_name(name) for name in context.dag.upstream(fqn)]
        sources = {source for name in upstream if (source := source_of(name))}
        found[model.name] = (domain_of(model.name), sources)
    return found


def domains_of(lineage: Lineage) -> dict[str, set[str]]:
    """Per domain the sources that its models depend on; ``ops`` is not among them."""
    domains: dict[str, set[str]] = {}
    for domain, sources in lineage.values():
        if domain != "ops":
            domains.setdefault(domain, set()).update(sources)
    return dict(sorted(domains.items()))


def changed_domains(lineage: Lineage, reach: Collection[set[str]]) -> dict[str, set[str]]:
    """The domains of these models, with the sources of each."""
    known = domains_of(lineage)  # one that the files no longer have is built from nothing
    names = {domain_of(name) for found in reach for name in found}
    return {name: known.get(name, set()) for name in sorted(names) if name != "ops" and not source_of(name)}


def sources_of(lineage: Lineage, names: Collection[str]) -> set[str]:
    """The sources whose staging the models of these names read."""
    staging = {source for name in names if (source := source_of(name))}
    return staging.union(*(lineage[name][1] for name in names if name in lineage))


def reach_of(context: Context, name: str) -> set[str]:
    """A model and everything that follows from it, by name; one that the files no longer have is by itself."""
    fqn = next((fqn for fqn in context.models if short_name(fqn) == name), None)
    return {name} | ({short_name(found) for found in context.dag.downstream(fqn)} if fqn else set())


def slices_of(context: Context) -> dict[str, str]:
    """Per model that is built slice by slice the column of its slices: the partition, or the time by whose days it is built."""
    from sqlglot.expressions import Column

    found = {}
    for model in context.models.values():
        columns = [model.time_column.column] if model.time_column else model.partitioned_by
        if model.kind.is_incremental and len(columns) == 1 and isinstance(columns[0], Column):
            found[model.name] = columns[0].name
    return found


def short_name(fqn: str) -> str:
    """``domain.name`` of a name as SQLMesh spells it."""
    return ".".join(part.strip('"') for part in fqn.split(".")[-2:])


def domain_of(name: str) -> str:
    """A model's domain."""
    return short_name(name).split(".")[0]

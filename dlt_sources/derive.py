"""Write what follows from the contracts: SQLMesh's external models and the reference pages.

``python -m dlt_sources.derive`` writes the files; with ``--check`` it only says which ones differ and exits 1. What follows
for the checks of staging is made when they run (check_base.py).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from foundation.derived import table as table_of
from foundation.derived import write_all
from warehouse.staging import MARKS, MEANINGS, staging_schema

from ._steps.contracts.columns import columns_of
from ._steps.declared import old_checks
from ._steps.declared.check_base import valid_values
from ._steps.declared.declaration import Source, load_sources
from ._steps.declared.source_yml import Table

ROOT = Path(__file__).resolve().parents[1]
HEAD = "# Derived from {origin} by `make derive`; do not edit.\n"


def files(source: Source) -> Iterator[tuple[Path, str]]:
    """Every derived file of a source: (path, content)."""
    yield ROOT / "sqlmesh_project" / "external_models" / f"{source.name}.yaml", external_models(source)
    yield ROOT / "docs" / "reference" / f"{source.name}.md", reference(source)


def external_models(source: Source) -> str:
    """The source's staging tables as SQLMesh external models."""
    models = []
    for name, table in source.tables.items():
        columns = {c.name: (c.sql_type, c.description) for c in columns_of(source.contracts[name])}
        columns |= {n: (kind, MEANINGS[n]) for n, kind in MARKS.items()}
        grain = [*table.key, "_load_id"] if table.mode == "scd2" else table.key
        models.append(_external(source, name, source.about(name), columns, grain))
    text: str = yaml.safe_dump(models, sort_keys=False, width=120, allow_unicode=True)
    return HEAD.format(origin=f"dlt_sources/{source.name}") + text


def _external(
    source: Source, name: str, about: str, columns: dict[str, tuple[str, str]], key: list[str]
) -> dict[str, Any]:
    return {
        "name": f"{staging_schema(source.name)}.{name}",
        "owner": source.declared.owner,
        "description": about.splitlines()[0],
        "grain": f"({', '.join(key)})",
        "columns": {n: kind for n, (kind, _) in columns.items()},
        "column_descriptions": {n: text for n, (_, text) in columns.items()},
    }


def reference(source: Source) -> str:
    """The source's page of the reference: its tables and what their columns mean."""
    declared = source.declared
    lines = [
        HEAD.format(origin=f"dlt_sources/{source.name}").replace("# ", "<!-- ", 1).rstrip() + " -->\n",
        f"# {source.name}\n",
        f"{declared.description}. Connector `{declared.connector}`, schedule `{declared.schedule}`, owner {declared.owner}.",
        f"Staging schema `{staging_schema(source.name)}`; habits and traps in [the source's README](../../dlt_sources/{source.name}/README.md).",
    ]
    for name, table in source.tables.items():
        lines += ["", f"## {name}", "", source.about(name), "", _how(table), ""]
        rows = []
        for c in columns_of(source.contracts[name], stored=False):
            kind = f"`{c.sql_type}`" if c.stored else "dropped" if c.pii == "drop" else "checked only"
            if c.computed:
                kind += ", computed"
            rule = ", ".join(
                [
                    *(r.removeprefix("valid_") for r in valid_values(c)),
                    *([f"pattern `{c.pattern}`"] if c.pattern else []),
                ]
            )
            meaning = c.description + (f" ({c.unit})" if c.unit else "") + (f" [personal: {c.pii}]" if c.pii else "")
            rows.append([c.name, kind, "yes" if c.nullable else "no", rule, meaning])
        lines += table_of(["column", "type", "null", "rule", "meaning"], rows)
    return "\n".join(lines) + "\n"


def _how(table: Table) -> str:
    said = [f"Key `({', '.join(table.key)})`", f"mode `{table.mode}`", f"deletes `{table.deletes}`"]
    if table.cursor:
        said.append(f"cursor `{table.cursor}` with {table.overlap.days} days of overlap")
    if table.files:
        said.append(f"files `{'`, `'.join(table.files)}`")
    if "postgres" in table.sinks:
        said.append("also in the operational Postgres")
    if table.from_:
        said.append(f"one row per element of `{table.explode}` in `{table.from_}`")
    return (
        ", ".join(said)
        + f"; a run fails above {table.max_rejected.share:.0%} and {table.max_rejected.rows} rejected rows."
    )


def main(check: bool, sources: Iterable[Source] | None = None) -> int:
    """Write the derived files, or with `check` only compare; returns the number of files that differ."""
    known = list(load_sources().values() if sources is None else sources)
    stale = write_all((file for source in known for file in files(source)), check=check)
    return stale + sum(old_checks.tidy(source, check=check) for source in known)


def run(check: bool) -> int:
    """Derive what can be derived; returns the exit code: 2 when a declaration is broken, 1 when a file differs."""
    sources = load_sources()
    differing = main(check, sources.values())
    for name, reason in sources.broken.items():
        print(f"{name}: nothing is derived, its declaration is broken: {reason}", file=sys.stderr)
    return 2 if sources.broken else 1 if check and differing else 0


if __name__ == "__main__":
    sys.exit(run("--check" in sys.argv[1:]))

"""Write what follows from the contracts: SQLMesh's external models, the base of the Soda checks, the reference pages.

``python -m dlt_sources.derive`` writes the files; with ``--check`` it only says which ones differ and exits 1. The
hand-written ``checks:`` part of a Soda file is kept as it is.
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

from ._steps.columns import Column, columns_of
from ._steps.declaration import Source, load_sources
from ._steps.source_yml import Table

ROOT = Path(__file__).resolve().parents[1]
HEAD = "# Derived from {origin} by `make derive`; do not edit{tail}.\n"
_NO_OWN_CHECKS = "checks:\n  - row_count:\n"


def files(source: Source) -> Iterator[tuple[Path, str]]:
    """Every derived file of a source: (path, content)."""
    yield ROOT / "sqlmesh_project" / "external_models" / f"{source.name}.yaml", external_models(source)
    for name in source.tables:
        path = ROOT / "soda_checks" / "staging" / source.name / f"{name}.yml"
        yield path, soda_base(source, name) + _own_checks(path)
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
    return HEAD.format(origin=f"dlt_sources/{source.name}", tail="") + text


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


def soda_base(source: Source, name: str) -> str:
    """The part of a staging table's Soda contract that follows from its row contract."""
    table = source.tables[name]
    lines = [
        HEAD.format(origin=f"dlt_sources/{source.name}/contract.py", tail=" above `checks:`"),
        'dataset: "warehouse/${var.path}/' + name + '"\n',
        "variables:\n  path:\n    default: stg_" + source.name + '\n  since:\n    default: "0"\n',
        *(["  fresh:\n    default: 1 = 1\n"] if _single_key(table) else []),
        f"filter: {'NOT _deleted AND ' if table.sees_deletes and not table.removes else ''}_refine_id >= '${{var.since}}'\n",
        "columns:\n",
    ]
    for column in columns_of(source.contracts[name]):
        name = column.name if yaml.safe_load(column.name) == column.name else f'"{column.name}"'  # `no` is a boolean
        lines.append(f"  - name: {name}\n")
        rules = list(_valid(column))
        lines += [f"    {rule}\n" for rule in rules]
        checks = [] if column.nullable else ["missing:"]
        checks += ["invalid:"] if rules else []
        checks += ["duplicate:\n          filter: ${var.fresh}"] if _single_key(table) == column.name else []
        if checks:
            lines += ["    checks:\n", *(f"      - {check}\n" for check in checks)]
    return "".join(lines)


def _single_key(table: Table) -> str | None:
    """The column that names one row of staging by itself, where one does."""
    return table.key[0] if len(table.key) == 1 and table.mode != "scd2" else None


def _valid(column: Column) -> Iterator[str]:
    if column.choices:
        yield f"valid_values: [{', '.join(map(repr, column.choices))}]"
        return
    if column.kind is str and column.pii != "hash":
        if column.min_length:
            yield f"valid_min_length: {column.min_length}"
        if column.max_length:
            yield f"valid_max_length: {column.max_length}"
    low, high = (column.gt if column.ge is None else column.ge), (column.lt if column.le is None else column.le)
    if low is not None:
        yield f"valid_min: {low}"
    if high is not None:
        yield f"valid_max: {high}"


def _own_checks(path: Path) -> str:
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    at = text.find("\nchecks:")
    return text[at + 1 :] if at >= 0 else _NO_OWN_CHECKS


def reference(source: Source) -> str:
    """The source's page of the reference: its tables and what their columns mean."""
    declared = source.declared
    lines = [
        HEAD.format(origin=f"dlt_sources/{source.name}", tail="").replace("# ", "<!-- ", 1).rstrip() + " -->\n",
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
                [*(r.removeprefix("valid_") for r in _valid(c)), *([f"pattern `{c.pattern}`"] if c.pattern else [])]
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
    for source in known:
        for path in undeclared(source):
            stale += 1
            own = _own_checks(path) != _NO_OWN_CHECKS
            remove = not check and not own
            print(
                f"{'removed' if remove else 'differs'}: {path.relative_to(ROOT)}: {source.name} declares no such table"
                + ("; move its checks to the table's new file or delete it" if own else "")
            )
            if remove:
                path.unlink()
    return stale


def undeclared(source: Source) -> list[Path]:
    """Derived contracts of tables that the source does not declare any more."""
    folder = ROOT / "soda_checks" / "staging" / source.name
    return [
        path
        for path in sorted(folder.glob("*.yml"))
        if path.stem not in source.tables and path.read_text(encoding="utf-8").startswith(HEAD.split("{", 1)[0])
    ]


def run(check: bool) -> int:
    """Derive what can be derived; returns the exit code: 2 when a declaration is broken, 1 when a file differs."""
    sources = load_sources()
    differing = main(check, sources.values())
    for name, reason in sources.broken.items():
        print(f"{name}: nothing is derived, its declaration is broken: {reason}", file=sys.stderr)
    return 2 if sources.broken else 1 if check and differing else 0


if __name__ == "__main__":
    sys.exit(run("--check" in sys.argv[1:]))

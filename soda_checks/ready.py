"""Which tables can be checked, and by which of their rows; the answers for the others."""

from __future__ import annotations

from collections.abc import Collection

from settings import Settings
from warehouse.connection import connect
from warehouse.quote import identifier
from warehouse.staging import staging_schema

from .contracts import Contract
from .looked import Looked
from .result import CheckResult


def schema_of(layer: str, scope: str) -> str:
    """The schema that the contracts of a source's staging, or of a gold domain, are about."""
    return staging_schema(scope) if layer == "staging" else scope


def not_built(layer: str, scope: str, settings: Settings, dataset: str = "") -> CheckResult:
    """The answer where there is nothing to check yet: of a whole source or domain, or of one of its tables."""
    text = "it is not built yet: nothing to check"
    return CheckResult(layer, scope, dataset, "", text, "built", "warn", "not_built", None, settings.moment())


def unready(
    layer: str,
    scope: str,
    contracts: list[Contract],
    looked: Looked,
    unbuilt: Collection[str],
    settings: Settings,
) -> tuple[list[CheckResult], list[Contract]]:
    """(the answers for tables that cannot be checked: not built, without rows or a column; the contracts of the others).

    Soda would say of each check of a table that it could not be evaluated.

    Args:
        looked: what there is of a source's staging.
    """
    now, schema = settings.moment(), schema_of(layer, scope)
    columns, empty = (looked.columns, looked.empty) if layer == "staging" else (_columns(schema, settings), set())
    if layer == "staging":  # a table that a source was given since its last run, which makes it
        empty |= {contract.table for contract in contracts} - columns.keys() - set(unbuilt)
    unbuilt = set(unbuilt) - (_tables(schema, settings) if unbuilt else set())
    empty |= _without_rows(schema, looked.since, settings)
    found, rest = [], []
    for contract in contracts:
        table = contract.table
        there = columns.get(table, [])
        known = {name.lower() for name in there}
        lacking = [name for name in contract.columns if name.lower() not in known] if there else []
        if table in empty:
            name = "no rows have come yet, or none since its contract changed: nothing to check"
            found.append(CheckResult(layer, scope, table, "", name, "row_count", "warn", "passed", 0, now))
        elif table in unbuilt:
            found.append(not_built(layer, scope, settings, table))
        elif lacking:
            name = f"the table has no such column; it has {', '.join(there)}"
            found += [CheckResult(layer, scope, table, n, name, "schema", "fail", "error", None, now) for n in lacking]
        else:
            rest.append(contract)
    return found, rest


def _tables(schema: str, settings: Settings) -> set[str]:
    """The tables and views that are there; Redshift knows these also of gold's views, and only their columns not."""
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = ?"
    with connect(settings) as con:
        return {name for (name,) in con.execute(query, [schema]).fetchall()}


def _columns(schema: str, settings: Settings) -> dict[str, list[str]]:
    """The columns of each table of gold, where they are known: Redshift's catalog does not know those of views, which gold is."""
    columns: dict[str, list[str]] = {}
    if not settings.aws:
        query = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = ? ORDER BY table_name, ordinal_position"
        with connect(settings) as con:
            for table, column in con.execute(query, [schema]).fetchall():
                columns.setdefault(table, []).append(column)
    return columns


def _without_rows(schema: str, since: dict[str, str], settings: Settings) -> set[str]:
    """Tables without a row since their contract changed."""
    if not since:
        return set()
    with connect(settings) as con:
        return {
            table
            for table, refine_id in since.items()
            if not con.execute(
                f"SELECT 1 FROM {identifier(schema)}.{identifier(table)} WHERE _refine_id >= ? LIMIT 1", [refine_id]
            ).fetchall()
        }

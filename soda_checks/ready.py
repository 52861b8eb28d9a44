"""Which tables can be checked, and by which of their rows; the answers for the others."""

from __future__ import annotations

from collections.abc import Collection

from settings import Settings
from warehouse.connection import connect
from warehouse.quote import identifier, literal
from warehouse.staging import LOADS, SINCE, STATE, staging_schema

from .contracts import Contract
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
    since: dict[str, str],
    unbuilt: Collection[str],
    settings: Settings,
) -> tuple[list[CheckResult], list[Contract]]:
    """(the answers for tables that cannot be checked: not built, without rows or a column; the contracts of the others).

    Soda would say of each check of a table that it could not be evaluated.
    """
    now, schema = settings.moment(), schema_of(layer, scope)
    columns, empty = _look_at(schema, settings, staging=layer == "staging")
    if layer == "staging":  # a table that a source was given since its last run, which makes it
        empty |= {contract.table for contract in contracts} - columns.keys() - set(unbuilt)
    unbuilt = set(unbuilt) - (_tables(schema, settings) if unbuilt else set())
    empty |= _without_rows(schema, since, settings)
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


def judged_since(schema: str, settings: Settings) -> dict[str, str]:
    """Per table whose contract changed: the refine from which on its rows were judged by today's. The checks that follow from
    a contract hold for these; the rows before wait for a rebuild.
    """
    with connect(settings) as con:
        query = f"SELECT 1 FROM information_schema.tables WHERE table_schema = ? AND table_name = {literal(STATE)}"
        if not con.execute(query, [schema]).fetchall():
            return {}
        query = f"SELECT name, value FROM {identifier(schema)}.{STATE} WHERE left(name, {len(SINCE)}) = {literal(SINCE)} AND value <> ''"
        return {name.removeprefix(SINCE): value for name, value in con.execute(query).fetchall()}


def _tables(schema: str, settings: Settings) -> set[str]:
    """The tables and views that are there; Redshift knows these also of gold's views, and only their columns not."""
    query = "SELECT table_name FROM information_schema.tables WHERE table_schema = ?"
    with connect(settings) as con:
        return {name for (name,) in con.execute(query, [schema]).fetchall()}


def _look_at(schema: str, settings: Settings, *, staging: bool) -> tuple[dict[str, list[str]], set[str]]:
    """(the columns of each table; of staging the tables that no row was ever landed for: they are declared before that)."""
    columns: dict[str, list[str]] = {}
    if settings.aws and not staging:  # Redshift's catalog does not know the columns of the views that gold is
        return columns, set()
    with connect(settings) as con:
        query = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = ? ORDER BY table_name, ordinal_position"
        for table, column in con.execute(query, [schema]).fetchall():
            columns.setdefault(table, []).append(column)
        if settings.aws:  # of a view over silver the catalog does not know the columns
            query = "SELECT table_name FROM information_schema.tables WHERE table_schema = ?"
            for (table,) in con.execute(query, [schema]).fetchall():
                if table not in columns:
                    seen = con.execute(f"SELECT * FROM {identifier(schema)}.{identifier(table)} LIMIT 0")
                    columns[table] = [column[0] for column in seen.description]
        if not staging or LOADS not in columns:
            return columns, set()
        landed = con.execute(
            f"SELECT DISTINCT table_name FROM {identifier(schema)}.{LOADS} WHERE landed > 0"
        ).fetchall()
    return columns, set(columns) - {name for (name,) in landed}


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

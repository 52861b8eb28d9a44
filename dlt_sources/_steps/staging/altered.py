"""Tables of staging that get today's columns: changed in place where the engine can, or by a copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from warehouse.connection import Connection
from warehouse.quote import identifier

from ..stores.shape import Changes
from . import external
from .tables import columns_for, for_redshift, redshift_keys

if TYPE_CHECKING:
    from .stage import Staging


def follow(staging: Staging, con: Connection, name: str, changes: Changes) -> dict[str, str]:
    """Change a table's columns; where the engine cannot in place, by a copy of it. Returns what to remember."""
    if staging.view(name):
        statements, state = external.placing(staging, name)
        for statement in statements:
            con.execute(statement)
        return state
    types, aws = columns_for(staging.source, name), staging.settings.aws
    same = not aws and all(types[column].startswith("VARCHAR") for column in changes.widened)
    keys = redshift_keys(staging.source, name) if aws else {}
    if (changes.widened and not same) or keys.keys() & {*changes.dropped, *changes.renamed.values()}:
        before = [column for column in staging.recorded_columns(name) if column not in changes.dropped]
        rewrite(staging, con, name, {changes.renamed.get(n, n): n for n in before})
        return {}
    table = staging.qualified(name)
    for old, new in changes.renamed.items():
        con.execute(f"ALTER TABLE {table} RENAME COLUMN {identifier(old)} TO {identifier(new)}")
    for column in changes.dropped:
        con.execute(f"ALTER TABLE {table} DROP COLUMN {identifier(column)}")
    for column in changes.added:
        kind = for_redshift(types)[column] if aws else types[column]
        con.execute(f"ALTER TABLE {table} ADD COLUMN {identifier(column)} {kind}")
    return {}


def rewrite(staging: Staging, con: Connection, name: str, kept: Mapping[str, str]) -> None:
    """Make a table again in today's shape, with its rows.

    Args:
        kept: columns of the contract that keep their values, with the name they have in the table.
    """
    fresh, columns = f"{name}__new", columns_for(staging.source, name)
    names = {n: kept.get(n, n) for n in columns if n in kept or n.startswith("_")}
    types = for_redshift(columns) if staging.settings.aws else columns
    values = ", ".join(f"CAST({identifier(old)} AS {types[new]})" for new, old in names.items())
    con.execute(f"DROP TABLE IF EXISTS {staging.qualified(fresh)}")
    con.execute(staging.create(name).replace(staging.qualified(name), staging.qualified(fresh), 1))
    con.execute(
        f"INSERT INTO {staging.qualified(fresh)} ({', '.join(map(identifier, names))}) SELECT {values} FROM {staging.qualified(name)}"
    )
    con.execute(f"DROP TABLE {staging.qualified(name)}")
    con.execute(f"ALTER TABLE {staging.qualified(fresh)} RENAME TO {identifier(name)}")

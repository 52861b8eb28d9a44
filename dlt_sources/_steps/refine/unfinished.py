"""What a person has begun with sources and not finished: contracts that wait, tables without a declaration, rebuilds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from warehouse.connection import Connection
from warehouse.quote import identifier, literal
from warehouse.staging import LOADS, STATE, source_of, staging_schema

from ..declared.declaration import Declared
from ..staging.stage import silver_lacks
from ..staging.stagings import rebuild_schema, tables_in
from ..staging.tables import SILVER
from ..stores.shape import changes_of, waiting

_OWN = "ops"
"""The schema ``stg_ops`` holds the record of runs, and no source's rows."""


@dataclass(frozen=True)
class Unfinished:
    """Something of a source that waits for a person.

    Attributes:
        what: ``contract``: its change waits, and nothing is refined until then. ``rebuild``: it was cut short. ``silver``: it
            lacks rows that staging has. ``table`` or
            ``source``: it has rows in staging and is not declared any more.
        text: what it is, and what to do next.
    """

    source: str
    what: Literal["contract", "rebuild", "silver", "table", "source"]
    text: str


def find_unfinished(sources: Declared, con: Connection) -> list[Unfinished]:
    """What waits for a person, of all sources: three questions to the warehouse at most, and nothing is made there."""
    made = tables_in(con)
    states = _states(sources, made, con)
    found = [
        Unfinished(name, "contract", text)
        for name, state in states.items()
        if (text := waiting(name, changes_of(sources[name], state)))
    ]
    found += [
        Unfinished(name, "rebuild", f"a rebuild of {name} was cut short; `python runner.py rebuild {name}` goes on")
        for name in sources
        if STATE in made.get(rebuild_schema(name), set())
    ]
    for name, state in states.items():
        lost = [table for table in sources[name].tables if state.get(f"{SILVER}{table}")]
        found += [Unfinished(name, "silver", silver_lacks(name, lost))] if lost else []
        here = made[staging_schema(name)]
        gone = sorted(table for table in here if not table.startswith("_") and table not in sources[name].tables)
        found += [
            Unfinished(
                name,
                "table",
                f"{name}.{table} is not declared any more, and its rows stay in staging; `python runner.py rebuild {name}`"
                " removes it",
            )
            for table in gone
        ]
    return found + _undeclared(sources, made, con)


def _undeclared(sources: Declared, made: dict[str, set[str]], con: Connection) -> list[Unfinished]:
    """Sources whose rows are in staging and whose declaration is not there. One that never ran has empty tables only."""
    known = {*sources.names, _OWN}
    left = {schema for schema, tables in made.items() if {STATE, LOADS} <= tables and source_of(schema) not in known}
    asked = [f"SELECT DISTINCT {literal(schema)} FROM {identifier(schema)}.{LOADS}" for schema in sorted(left)]
    rows = con.execute(" UNION ALL ".join(asked)).fetchall() if asked else []
    names = [source for (schema,) in rows if (source := source_of(schema))]
    return [
        Unfinished(
            name,
            "source",
            f"the source {name} is not declared any more; its rows stay in {staging_schema(name)}, and the models that read them"
            " as they are: remove these, then `python runner.py plan`",
        )
        for name in sorted(names)
    ]


def _states(sources: Declared, made: dict[str, set[str]], con: Connection) -> dict[str, dict[str, str]]:
    """Per declared source that has a staging: what its tables were made for, and what silver lacks of them."""
    names = [name for name in sources if STATE in made.get(staging_schema(name), set())]
    selects = [
        f"SELECT {literal(name)} AS source, name, value FROM {identifier(staging_schema(name))}.{STATE}"
        f" WHERE left(name, 6) = 'shape:' OR left(name, {len(SILVER)}) = {literal(SILVER)}"
        for name in names
    ]
    states: dict[str, dict[str, str]] = {name: {} for name in names}
    for source, name, value in con.execute(" UNION ALL ".join(selects)).fetchall() if selects else []:
        states[source][name] = value
    return states

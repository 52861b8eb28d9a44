"""How far the stagings of sources are, as committed: the questions that are asked of all of them at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from settings import Settings
from warehouse.connection import Connection, connect
from warehouse.quote import identifier, literal
from warehouse.staging import IS_STAGING, LOADS, REJECTED, STATE, staging_schema
from warehouse.united import ask_each

from ..declared.declaration import Source

NEVER = f"{0:020d}"
"""The refine id of a staging that never had a row."""


class Known(NamedTuple):
    """What was read of a staging that has all its tables.

    Attributes:
        state: what it remembers.
        swapping: whether a rebuild is about to take its place.
    """

    state: dict[str, str]
    swapping: bool


class Progress(NamedTuple):
    """How far a staging is.

    Attributes:
        last_load: the newest landed load in it.
        refine_id: its newest refine; all zeros when no row was ever refined.
        rebuilt: the refine that last rebuilt it.
        swapping: whether a rebuild is about to take its place.
    """

    last_load: str = ""
    refine_id: str = NEVER
    rebuilt: str = ""
    swapping: bool = False


def rebuild_schema(source: str) -> str:
    """The schema in which a source's staging is rebuilt, beside the one that is in use."""
    return f"rebuild_{source}"


def read_progress(sources: Iterable[Source], settings: Settings) -> dict[str, Progress]:
    """Per source whose staging has all its tables: how far it is, as committed."""
    known = read_known(sources, settings)
    return {name: progress_of(state)._replace(swapping=swapping) for name, (state, swapping) in known.items()}


def read_known(sources: Iterable[Source], settings: Settings) -> dict[str, Known]:
    """Per source whose staging has all its tables: what it remembers, and whether its rebuild is half swapped.

    Few questions to the warehouse for all sources: a run with nothing to do asks for no more.
    """
    with connect(settings) as con:
        made = tables_in(con)
        there = [
            source
            for source in sources
            if {*source.tables, REJECTED, LOADS, STATE} <= made.get(staging_schema(source.name), set())
        ]
        selects = [
            f"SELECT {literal(s.name)} AS source, name, value FROM {identifier(staging_schema(s.name))}.{STATE}"
            for s in there
        ]
        rows = ask_each(con, selects)
        swapping = {source.name for source in there if _swapping(con, source.name, made)}
    states: dict[str, dict[str, str]] = {source.name: {} for source in there}
    for source_name, name, value in rows:
        states[source_name][name] = value
    return {name: Known(state, name in swapping) for name, state in states.items()}


def progress_of(state: Mapping[str, str]) -> Progress:
    """How far a staging is that remembers this."""
    return Progress(state.get("last_load", ""), state.get("refine_id", NEVER), state.get("rebuilt", ""))


def tables_in(con: Connection, schemas: Iterable[str] = ()) -> dict[str, set[str]]:
    """The tables of these schemas, or of every staging and rebuild."""
    wanted = list(schemas)
    where = (
        f"table_schema IN ({', '.join('?' * len(wanted))})"
        if wanted
        else f"{IS_STAGING} OR left(table_schema, 8) = 'rebuild_'"
    )
    query = f"SELECT table_schema, table_name FROM information_schema.tables WHERE {where}"
    made: dict[str, set[str]] = {}
    for schema, table in con.execute(query, wanted).fetchall():
        made.setdefault(schema, set()).add(table)
    return made


def _swapping(con: Connection, source: str, made: Mapping[str, set[str]]) -> bool:
    schema = rebuild_schema(source)
    if STATE not in made.get(schema, set()):
        return False
    query = f"SELECT value FROM {identifier(schema)}.{STATE} WHERE name = 'swapping'"
    return con.execute(query).fetchall() == [("1",)]

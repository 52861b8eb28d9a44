"""The swap at the end of a rebuild: what it gathered takes the place of what is in use, in silver and in staging.

Once it has begun it is only ever finished, by whatever runs next: silver first, table by table; staging, and with it the
record of the rebuild, in one transaction at the end.
"""

from __future__ import annotations

import json

from settings import Settings
from warehouse import load
from warehouse.connection import Connection, connect
from warehouse.quote import identifier
from warehouse.staging import LOADS, MARKS, REJECTED, SINCE, STATE, staging_schema

from ..declared.declaration import Source
from ..silver.silver import Silver
from ..staging import external
from ..staging.stage import Staging
from ..staging.stagings import rebuild_schema
from ..staging.tables import SILVER, columns_for
from ..stores.shape import Shape

SWAPPING = "swapping"
"""Name in a rebuild's state: it is whole. With it go ``whole``, whether it is of all tables, and ``tables``."""


def finish_swap(source: Source, settings: Settings) -> bool:
    """Let a rebuild that is whole take the place of what is in use; whether there was one.

    Raises:
        StoreError, WarehouseError: silver or the warehouse could not be written; the next call goes on.
    """
    state = rebuild_state(source.name, settings)
    if state.get(SWAPPING) != "1":
        return False
    tables, whole = state["tables"].split(","), state["whole"] == "1"
    silver = Silver(source.name, settings)
    silver.swap(tables)
    if whole:
        silver.drop([name for name in silver.tables() if name not in tables])
    used, aside = Staging.open(source, settings), rebuild_schema(source.name)
    views: dict[str, str] = {}
    with load.transaction(settings) as con:
        for name in tables:
            views |= _move(con, used, name, json.loads(state[f"shape:{name}"]), state.get(f"{external.VIEW}{name}", ""))
        _move_records(con, used, tables, aside, whole)
        if whole:  # what is declared no more goes, views too
            views |= {mark: "" for mark in used.view_marks() if mark.removeprefix(external.VIEW) not in tables}
        for query, values in used.remember(_swapped(used, state, tables, whole) | views):
            con.execute(query, values)
        con.execute(f"DROP SCHEMA {identifier(aside)} CASCADE")
    return True


def _move(con: Connection, used: Staging, name: str, shape: Shape, view: str) -> dict[str, str]:
    """Put a table in the place of the one in use, as it was made: its contract may have changed since; or the view over its
    silver. Returns which of them to remember.
    """
    columns = {column: str(made["type"]) for column, made in shape["columns"].items()} | MARKS
    names = ", ".join(map(identifier, columns))
    if view:
        statements, state = external.placing(used, name, columns)
        for statement in statements:
            con.execute(statement)
        if state or (used.view(name) and Silver(used.source.name, used.settings).columns(name) is not None):
            return state
    con.execute(used.dropping(name))
    con.execute(used.create(name, columns))
    aside = f"{identifier(rebuild_schema(used.source.name))}.{identifier(name)}"
    con.execute(f"INSERT INTO {used.qualified(name)} ({names}) SELECT {names} FROM {aside}")
    return {f"{external.VIEW}{name}": ""} if used.view(name) else {}


def _move_records(con: Connection, used: Staging, tables: list[str], aside: str, whole: bool) -> None:
    """Put what was counted and rejected in the place of what was; of a whole source also what is declared no more goes."""
    marks = ", ".join("?" * len(tables))
    for name in (REJECTED, LOADS):
        columns = ", ".join(map(identifier, columns_for(used.source, name)))
        where = "" if whole else f" WHERE table_name IN ({marks})"
        con.execute(f"DELETE FROM {used.qualified(name)}{where}", [] if whole else tables)
        con.execute(
            f"INSERT INTO {used.qualified(name)} ({columns}) SELECT {columns} FROM {identifier(aside)}.{identifier(name)}"
        )
    if whole:
        kept = {*tables, REJECTED, LOADS, STATE}
        query = "SELECT table_name FROM information_schema.tables WHERE table_schema = ?"
        for (name,) in con.execute(query, [staging_schema(used.source.name)]).fetchall():
            if name not in kept:
                con.execute(used.dropping(name))


def _swapped(used: Staging, state: dict[str, str], tables: list[str], whole: bool) -> dict[str, str]:
    """What staging remembers after the swap: the models rebuild what was built on its rows."""
    refine_id = max(state.get("refine_id", ""), used.next_refine())
    kept = {name: value for name, value in state.items() if name.startswith("shape:")}
    kept |= {f"{mark}{name}": "" for name in tables for mark in (SINCE, SILVER)}
    if whole:
        kept |= {name: state[name] for name in ("last_load", "in_order") if name in state}
    return kept | {"refine_id": refine_id, "rebuilt": refine_id}


def rebuild_state(source: str, settings: Settings) -> dict[str, str]:
    """What a rebuild that is not over remembers; nothing where there is none."""
    schema = rebuild_schema(source)
    query = "SELECT 1 FROM information_schema.tables WHERE table_schema = ? AND table_name = ?"
    with connect(settings) as con:
        if not con.execute(query, [schema, STATE]).fetchall():
            return {}
        return dict(con.execute(f"SELECT name, value FROM {identifier(schema)}.{STATE}").fetchall())

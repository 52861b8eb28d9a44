"""What the stagings of sources hold, looked up for all of them at once: on Redshift each question takes its time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from settings import Settings
from warehouse.connection import Connection, connect
from warehouse.quote import identifier, literal
from warehouse.staging import LOADS, SINCE, STATE, staging_schema
from warehouse.united import ask_each


@dataclass(frozen=True)
class Looked:
    """What one source's staging holds.

    Attributes:
        columns: of each table, in order.
        landed: the tables that a row was ever landed for.
        since: per table whose contract changed: the refine from which on its rows were judged by today's. The checks that
            follow from a contract hold for these; the rows before wait for a rebuild.
    """

    columns: dict[str, list[str]] = field(default_factory=dict)
    landed: set[str] = field(default_factory=set)
    since: dict[str, str] = field(default_factory=dict)

    @property
    def empty(self) -> set[str]:
        """The tables that no row was ever landed for: they are declared before that."""
        return set(self.columns) - self.landed if LOADS in self.columns else set()


def look_at(sources: Collection[str], settings: Settings) -> dict[str, Looked]:
    """What the stagings of sources hold; of a source without one, nothing."""
    found = {staging_schema(name): Looked() for name in sources}
    if not found:
        return {}
    with connect(settings) as con:
        _read_columns(con, found, settings)
        since = (
            f"SELECT {literal(schema)} AS schema_name, name, value FROM {identifier(schema)}.{STATE}"
            f" WHERE left(name, {len(SINCE)}) = {literal(SINCE)} AND value <> ''"
            for schema in _having(STATE, found)
        )
        for schema, name, value in ask_each(con, since):
            found[schema].since[name.removeprefix(SINCE)] = value
        landed = (
            f"SELECT {literal(schema)} AS schema_name, table_name FROM {identifier(schema)}.{LOADS} WHERE landed > 0"
            " GROUP BY table_name"
            for schema in _having(LOADS, found)
        )
        for schema, table in ask_each(con, landed):
            found[schema].landed.add(table)
    return {name: found[staging_schema(name)] for name in sources}


def _having(table: str, found: Mapping[str, Looked]) -> list[str]:
    return [schema for schema, looked in found.items() if table in looked.columns]


def _read_columns(con: Connection, found: dict[str, Looked], settings: Settings) -> None:
    which = f"table_schema IN ({', '.join(map(literal, found))})"
    query = (
        f"SELECT table_schema, table_name, column_name FROM information_schema.columns WHERE {which}"
        " ORDER BY table_schema, table_name, ordinal_position"
    )
    for schema, table, column in con.execute(query).fetchall():
        found[schema].columns.setdefault(table, []).append(column)
    if settings.aws:  # of a view over silver the catalog does not know the columns
        query = f"SELECT table_schema, table_name FROM information_schema.tables WHERE {which}"
        for schema, table in con.execute(query).fetchall():
            if table not in found[schema].columns:
                seen = con.execute(f"SELECT * FROM {identifier(schema)}.{identifier(table)} LIMIT 0")
                found[schema].columns[table] = [column[0] for column in seen.description]

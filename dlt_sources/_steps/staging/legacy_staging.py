"""A staging that dlt wrote, as versions of Millrace before this one had it: its state is taken over, its rows stay."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from warehouse.connection import Connection
from warehouse.quote import identifier
from warehouse.staging import STATE, staging_schema

from ..stores.shape import shape_of
from .tables import columns_for

if TYPE_CHECKING:
    from ..declared.declaration import Source
    from .stage import Staging

DLT_STATE = "_dlt_pipeline_state"
_NAMES = {
    "CHARACTER VARYING": "VARCHAR",
    "DOUBLE PRECISION": "DOUBLE",
    "TIMESTAMP WITHOUT TIME ZONE": "TIMESTAMP",
    "NUMERIC": "DECIMAL",
}


def take_over(staging: Staging, con: Connection, rewrite: Callable[..., None]) -> None:
    """Put what dlt remembered into ``_state``, let go of its NOT NULLs, and remove its own tables; all in one transaction.

    Args:
        staging: whose tables dlt wrote.
        rewrite: makes a table of it again, with its rows.
    """
    source = staging.source
    columns = _columns(con, staging.schema)
    state = _state(con, source.name) | {
        f"shape:{name}": json.dumps(_shape(source, name, columns[name])) for name in source.tables if name in columns
    }
    con.execute("BEGIN")
    con.execute(staging.create(STATE))
    for query, values in staging.remember(state):
        con.execute(query, values)
    for name, found in columns.items():
        if name.startswith("_dlt_"):
            con.execute(f"DROP TABLE {staging.qualified(name)}")
        elif not staging.settings.aws:
            for column, _ in found:
                con.execute(f"ALTER TABLE {staging.qualified(name)} ALTER COLUMN {identifier(column)} DROP NOT NULL")
        elif name in source.tables and {n for n, _ in found} == set(columns_for(source, name)):
            rewrite(staging, con, name, {n: n for n, _ in found})  # Redshift drops no NOT NULL
    con.execute(f"DROP SCHEMA IF EXISTS {identifier(f'{staging.schema}_staging')} CASCADE")
    con.execute("COMMIT")


def _state(con: Connection, source: str) -> dict[str, str]:
    from dlt.common.versioned_state import decompress_state

    schema = identifier(staging_schema(source))
    row = con.execute(
        f"SELECT s.state FROM {schema}.{DLT_STATE} AS s JOIN {schema}._dlt_loads AS l ON l.load_id ="
        " s._dlt_load_id WHERE l.status = 0 AND s.pipeline_name = ? ORDER BY l.load_id DESC LIMIT 1",
        [f"stage_{source}"],
    ).fetchone()
    known = decompress_state(row[0])["sources"].get(source, {}) if row else {}
    order = {"in_order": str(int(bool(known["in_order"])))} if "in_order" in known else {"in_order": "0"}
    return {name: known[name] for name in ("last_load", "refine_id") if name in known} | order


def _columns(con: Connection, schema: str) -> dict[str, list[tuple[str, str]]]:
    """Per table of a schema: (column, type in our words; of texts without their length)."""
    query = (
        "SELECT table_name, column_name, data_type, numeric_precision, numeric_scale FROM information_schema.columns"
        " WHERE table_schema = ? ORDER BY table_name, ordinal_position"
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind, digits, places in con.execute(query, [schema]).fetchall():
        kind = str(kind).upper()
        kind = _NAMES.get(kind, kind)
        found.setdefault(table, []).append((column, f"DECIMAL({digits},{places})" if kind == "DECIMAL" else kind))
    return found


def _shape(source: Source, name: str, columns: list[tuple[str, str]]) -> dict[str, object]:
    """The shape of a table that nobody recorded: today's, where its columns do not say otherwise."""
    today = shape_of(source, name)
    nowhere = {"place": [], "pii": ""}
    today["columns"] = {
        column: known
        if (known := today["columns"].get(column)) and known["type"].startswith(kind)
        else nowhere | {"type": "VARCHAR(65535)" if kind == "VARCHAR" else kind}
        for column, kind in columns
        if not column.startswith("_")
    }
    return today

"""The tables of staging: their columns as the warehouse holds them, and by which columns a row takes the place of others.

Every column may be NULL: the contract says what must have a value, and a contract changes while its rows stay.
"""

from __future__ import annotations

from collections.abc import Mapping

from warehouse.column_types import redshift_type
from warehouse.quote import identifier
from warehouse.staging import LOADS, LOADS_COLUMNS, MARKS, REJECTED, REJECTED_COLUMNS, STATE, STATE_COLUMNS

from ..contracts.columns import columns_of
from ..declared.declaration import Source

SILVER = "silver:"
"""With a table's name behind it a name in ``_state``: silver has lost rows of it, and a rebuild brings them back."""
_OWN = {REJECTED: REJECTED_COLUMNS, LOADS: LOADS_COLUMNS, STATE: STATE_COLUMNS}


def columns_for(source: Source, name: str) -> dict[str, str]:
    """The columns of a staging table with their types, in DuckDB's words."""
    if name in _OWN:
        return _OWN[name]
    return {column.name: column.sql_type for column in columns_of(source.contracts[name])} | MARKS


def match_columns(source: Source, name: str) -> list[str]:
    """The columns by which rows that come take the place of those that are there: a row's key, or a whole load's."""
    if name == REJECTED:
        return ["id"]
    if name == LOADS:
        return ["table_name", "load_id"]
    table = source.tables[name]
    if table.explode:
        return table.parent_key
    if table.by_file:  # a file that comes again replaces its rows
        return [table.file_column(source.contracts[name])]
    return ["_load_id"] if table.mode in ("append", "scd2") else table.key


def keeps_no_deleted(source: Source, name: str) -> bool:
    """Whether rows marked as deleted only take others away, and are not kept themselves."""
    if name in _OWN:
        return name == REJECTED
    table = source.tables[name]
    return table.removes or table.explode is not None or bool(table.files)


def create_table(schema: str, name: str, columns: Mapping[str, str], keys: Mapping[str, str] | None = None) -> str:
    """The statement that makes a table.

    Args:
        columns: name to type. keys: name to what follows the type, such as ``SORTKEY``.
    """
    lines = [f"{identifier(n)} {kind} {(keys or {}).get(n, '')}".rstrip() for n, kind in columns.items()]
    return f"CREATE TABLE {identifier(schema)}.{identifier(name)} ({', '.join(lines)})"


def for_redshift(columns: Mapping[str, str]) -> dict[str, str]:
    """The columns with their types as Redshift has them."""
    return {name: redshift_type(kind) for name, kind in columns.items()}


def redshift_keys(source: Source, name: str) -> dict[str, str]:
    """How a table's rows are spread over Redshift's nodes and sorted: per column a keyword."""
    if name == STATE:
        return {}
    if name in _OWN:
        return {"load_id": "SORTKEY"}
    table = source.tables.get(name)
    if table is None:  # it is not declared any more
        return {"_refine_id": "SORTKEY"}
    spread = {table.distribute_by: "DISTKEY"} if table.distribute_by else {}
    return spread | {table.sort_by: f"{spread.get(table.sort_by, '')} SORTKEY".strip()}

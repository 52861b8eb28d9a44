"""What staging is called and what it holds besides the sources' own columns, stated once for all who write or read it.

Types are in DuckDB's words; column_types.py has the other engines'.
"""

from __future__ import annotations

STAGING = "stg_"
"""How the name of every source's schema begins; the pipeline's own record is ``stg_ops``."""
REJECTED, LOADS, STATE = "_rejected", "_loads", "_state"
SINCE = "since:"
"""With a table's name behind it a name in ``_state``: from which refine on its rows were judged by today's contract."""

_MARKS = {
    "_load_id": ("VARCHAR(32)", "Landed load the row came from"),
    "_row": ("BIGINT", "Row number in that load"),
    "_deleted": ("BOOLEAN", "Whether the source deleted the row"),
    "_read_at": ("TIMESTAMP", "When the source was read, UTC"),
    "_refine_id": ("VARCHAR(32)", "Refine that wrote the row; grows with time"),
}
MARKS = {name: kind for name, (kind, _) in _MARKS.items()}
"""What every row says of itself, with its type."""
MEANINGS = {name: meaning for name, (_, meaning) in _MARKS.items()}
JUDGED_MARKS = {name: kind for name, kind in MARKS.items() if name != "_refine_id"}
"""Those that a row has from the moment it is read; the last is written with it."""

REJECTED_COLUMNS = {
    "id": "VARCHAR(200)",
    "source": "VARCHAR(100)",
    "table_name": "VARCHAR(100)",
    "load_id": "VARCHAR(32)",
    "row_number": "BIGINT",
    "raw": "VARCHAR(65535)",
    "field": "VARCHAR(200)",
    "rule": "VARCHAR(100)",
    "message": "VARCHAR(1000)",
    "errors": "VARCHAR(65535)",
    "rejected_at": "TIMESTAMP",
    "_deleted": MARKS["_deleted"],
    "_refine_id": MARKS["_refine_id"],
}
"""Rows that broke their contract: table, load, row and place in its list as one id; the row as landed, personal fields
masked; the first field and rule that it broke (no field: the row itself), what that says to a person, and all as JSON;
``_deleted`` is set only on its way out."""
LOADS_COLUMNS = {
    "source": "VARCHAR(100)",
    "table_name": "VARCHAR(100)",
    "load_id": "VARCHAR(32)",
    "landed": "BIGINT",
    "accepted": "BIGINT",
    "rejected": "BIGINT",
    "refined_at": "TIMESTAMP",
    "_refine_id": MARKS["_refine_id"],
}
"""Landed loads per table, and what became of their rows."""
STATE_COLUMNS = {"name": "VARCHAR(200)", "value": "VARCHAR(65535)"}


def without_marks(columns: dict[str, str]) -> dict[str, str]:
    """Columns without the row's marks on itself."""
    return {name: kind for name, kind in columns.items() if name not in MARKS}


def staging_schema(source: str) -> str:
    """The schema of a source's staging."""
    return f"{STAGING}{source}"


def source_of(table: str) -> str | None:
    """The source of a staging table or schema; None: it is not one of staging."""
    schema = table.split(".")[0]
    return schema.removeprefix(STAGING) if schema.startswith(STAGING) else None


def schemas_holding(table: str) -> str:
    """The query for the staging schemas that have a table.

    Args:
        table: its name as SQL: a literal, or ``?``.
    """
    return (
        f"SELECT table_schema FROM information_schema.tables WHERE table_name = {table} AND {IS_STAGING}"
        " AND right(table_schema, 8) <> '_staging' ORDER BY 1"  # those of dlt, which wrote staging in earlier versions
    )


IS_STAGING = f"left(table_schema, {len(STAGING)}) = '{STAGING}'"
"""SQL: whether a schema of the catalog is one of staging."""

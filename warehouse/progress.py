"""How far each source is, as the pipeline remembers it in ``stg_ops.progress``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from .connection import Connection
from .ops_tables import TABLES, replace
from .run import Progress


def read(con: Connection) -> defaultdict[str, Progress]:
    """How far each source is; a source that never ran has done nothing."""
    found: defaultdict[str, Progress] = defaultdict(Progress)
    for name, row in _rows(con).items():
        ran = row["ran_at"].replace(tzinfo=UTC) if row["ran_at"] else None
        blockers = frozenset((row["held_by"] or "").split(",")) - {""}
        found[name] = Progress(
            ran,
            row["published_refine_id"],
            row["sent_refine_id"],
            row["held_refine_id"],
            blockers,
            row["held_why"] or "",
            row["held_in"] or "",
        )
    return found


def write(con: Connection, values: Mapping[str, Mapping[str, Any]]) -> None:
    """Write values of some sources' rows, as one commit: whole rows, so that each may get another value.

    Args:
        values: per source, by the names of columns.
    """
    if not values:
        return
    known = _rows(con)
    replace(con, "progress", values, [{"source": name, **known.get(name, {}), **row} for name, row in values.items()])


def _rows(con: Connection) -> dict[str, dict[str, Any]]:
    columns = list(TABLES["progress"])
    rows = con.execute(f"SELECT {', '.join(columns)} FROM stg_ops.progress").fetchall()
    return {str(row[0]): dict(zip(columns, row, strict=True)) for row in rows}

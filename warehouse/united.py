"""Many sources' stagings asked as one: by the views ``stg_ops.loads`` and ``stg_ops.rejected_rows``, and by queries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .connection import Connection, WarehouseError
from .quote import identifier
from .staging import LOADS, LOADS_COLUMNS, REJECTED, REJECTED_COLUMNS, schemas_holding, without_marks

if TYPE_CHECKING:
    from settings import Settings

UNITED = {"loads": (LOADS, LOADS_COLUMNS), "rejected_rows": (REJECTED, REJECTED_COLUMNS)}
"""Per view: the table of each source that it unites."""
TOGETHER = 100
"""So many queries are one statement of `ask_each`: what one may be made of is bounded."""
_ADDED = {"errors"}
"""Columns that a view has last: it had none of them at first, and nothing may come before what it had."""


def create_union_views(con: Connection, settings: Settings) -> None:
    """Make the views: a source that is new is among them."""
    for name, (table, columns) in UNITED.items():
        found = con.execute(schemas_holding("?"), [table]).fetchall()
        shown = ", ".join(_view_columns(columns))
        selects = [f"SELECT {shown} FROM {identifier(schema)}.{identifier(table)}" for (schema,) in found]
        late = " WITH NO SCHEMA BINDING" if settings.aws else ""  # else a table below could not be replaced
        view = f"VIEW stg_ops.{name} AS {' UNION ALL '.join(selects)}{late}"
        try:
            con.execute(f"CREATE OR REPLACE {view}")
        except WarehouseError:  # Redshift replaces a view only by one of the same columns: it is an older version's
            con.execute(f"DROP VIEW IF EXISTS stg_ops.{name}")
            con.execute(f"CREATE {view}")


def _view_columns(columns: dict[str, str]) -> list[str]:
    """What a view shows of the tables that it unites, as SQL."""
    shown = sorted(without_marks(columns), key=_ADDED.__contains__)
    return [identifier(name) if name == "raw" else name for name in shown]  # a reserved word on Redshift


def ask_each(con: Connection, queries: Iterable[str]) -> list[tuple[Any, ...]]:
    """The rows of many queries of the same columns, in few statements; none for no query."""
    asked = list(queries)
    parts = (asked[start : start + TOGETHER] for start in range(0, len(asked), TOGETHER))
    return [row for part in parts for row in con.execute(" UNION ALL ".join(part)).fetchall()]

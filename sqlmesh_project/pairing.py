"""Which warehouse SQLMesh's state is about: a state that knows of builds that the warehouse does not hold is not believed.

Both keep the number of the last build. The warehouse gets it first, so a build that was cut short leaves it ahead by one.
Anything else is a warehouse or a state that was lost, put back from a backup, or another project's: SQLMesh would take models
for built whose tables are not there, or not up to date. Then its state is begun again, and with it every model.
"""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlmesh import Context

_WAREHOUSE = "stg_ops.builds"


def begin_build(context: Context) -> bool:
    """Note that a build begins.

    Returns:
        Whether the state was about this warehouse as it is; where not, it is empty now, and the models are to be loaded again.
    """
    sync = context.state_sync.state_sync  # type: ignore[attr-defined]
    warehouse, state = context.engine_adapter, sync.engine_adapter
    kept = f"{context.config.get_state_schema(context.gateway)}.millrace_builds"
    state.create_table(kept, _columns(), exists=True)
    before, known = _read(warehouse, _WAREHOUSE), _read(state, kept)
    pair = before[0] if before else token_hex(16)
    number = max(before[1] if before else 0, known[1] if known else 0) + 1
    is_known = _belong(before, known) if before or known else _has_what_is_deployed(context)
    if not is_known:
        sync.reset(context.default_catalog)
    _write(warehouse, _WAREHOUSE, pair, number)
    _write(state, kept, pair, number)
    return is_known


def _belong(warehouse: tuple[str, int] | None, state: tuple[str, int] | None) -> bool:
    if not warehouse or not state:
        return False
    return warehouse[0] == state[0] and warehouse[1] - state[1] in (0, 1)


def _has_what_is_deployed(context: Context) -> bool:
    """Neither has a number, as before there were any: whether the schemas of all models in prod are there."""
    prod = context.state_reader.get_environment("prod")
    wanted = {snapshot.name.split(".")[-2].strip('"') for snapshot in prod.snapshots} if prod else set()
    found = context.engine_adapter.fetchall("SELECT DISTINCT table_schema FROM information_schema.tables")
    return wanted <= {str(schema) for (schema,) in found}


def _columns() -> Any:
    from sqlglot import exp

    return {"pair": exp.DataType.build("VARCHAR(32)"), "number": exp.DataType.build("BIGINT")}


def _read(adapter: Any, table: str) -> tuple[str, int] | None:
    row = adapter.fetchone(f"SELECT pair, number FROM {table}")
    return (str(row[0]), int(row[1])) if row else None


def _write(adapter: Any, table: str, pair: str, number: int) -> None:
    with adapter.transaction():
        adapter.execute(f"DELETE FROM {table}")
        adapter.execute(f"INSERT INTO {table} (pair, number) VALUES ('{pair}', {number})")

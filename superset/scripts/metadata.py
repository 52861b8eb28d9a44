"""What Superset's own metadata must allow and its migrations leave forbidden on SQLite. Runs inside Superset."""

from __future__ import annotations

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import inspect

from superset import db

TABLE, COLUMN = "tables", "table_name"
_NAMES = {"uq": "uq_%(table_name)s_%(column_0_name)s"}
"""A name for the constraint, which SQLite keeps without one: Superset's migration removes it by name and passes it over."""


def allow_equal_table_names() -> bool:
    """Let datasets of different schemas have one name, as they may on Postgres; False when they already can."""
    if db.engine.dialect.name != "sqlite":
        return False
    if not any(found["column_names"] == [COLUMN] for found in inspect(db.engine).get_unique_constraints(TABLE)):
        return False
    with db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")  # the table is copied and dropped: its charts stay
        with connection.begin():
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # the driver begins none for statements of this kind
            operations = Operations(MigrationContext.configure(connection))
            with operations.batch_alter_table(TABLE, naming_convention=_NAMES) as table:
                table.drop_constraint(_NAMES["uq"] % {"table_name": TABLE, "column_0_name": COLUMN}, type_="unique")
        connection.invalidate()  # the next one checks foreign keys again
    return True

"""Reads across databases: tables of another database appear through postgres_fdw, on demand and read only."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from .plan import Refused
from .spectrum import EXTERNAL

if TYPE_CHECKING:
    from .plan import Plan
    from .server import Redshift

_COLUMNS = """
SELECT a.attname, CASE WHEN a.atttypid = 'name'::regtype THEN 'text' ELSE format_type(a.atttypid, a.atttypmod) END
FROM pg_attribute a WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""

READER = "rs_foreign"
"""Who reads here for everybody; that a session's user may read a table is asked before."""
_MAY = """
SELECT has_schema_privilege(%s, n.oid, 'USAGE') AND has_table_privilege(%s, c.oid, 'SELECT')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass(%s)
"""


def local(database: str, schema: str) -> str:
    """The schema in which a schema of another database appears."""
    return f"rs_{database}_{schema}"


class Foreign:
    """What each database sees of the others."""

    def __init__(self, server: Redshift) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._connections: dict[str, Any] = {}
        self._known: dict[tuple[str, str, str, str], list[tuple[str, str]]] = {}

    def prepare(self, plan: Plan, database: str, user: str) -> None:
        """Make the tables of other databases that a plan reads readable, with the columns they have now."""
        for name in (name for name in plan.foreign if name[0] != EXTERNAL):
            if self._rows(name[0], _MAY, user, user, f'"{name[1]}"."{name[2]}"') == [(False,)]:
                raise Refused(f"permission denied for relation {name[2]}", "42501")
            self._known.setdefault((database, *name), [])
        mine = [key for key in self._known if key[0] == database]
        if not mine:
            return
        with self._lock:
            for key in mine:
                columns = self._rows(key[1], _COLUMNS, f'"{key[2]}"."{key[3]}"')
                if columns != self._known[key]:
                    self._make(key, columns)
                    self._known[key] = columns

    def close(self) -> None:
        """Let go of PostgreSQL."""
        for con in self._connections.values():
            with contextlib.suppress(Exception):
                con.close()
        self._connections.clear()

    def _make(self, key: tuple[str, str, str, str], columns: list[tuple[str, str]]) -> None:
        database, other, schema, table = key
        held = local(other, schema)
        name = f'"{held}"."{table}"'
        password = self._server.password.replace("'", "''")
        statements = [
            f"SELECT rs.detach(to_regclass('{name}'))",
            f"DROP FOREIGN TABLE IF EXISTS {name} CASCADE",
        ]
        if columns:
            listed = ", ".join(f'"{column}" {kind}' for column, kind in columns)
            statements = [
                "CREATE EXTENSION IF NOT EXISTS postgres_fdw",
                f'CREATE SERVER IF NOT EXISTS "rs_{other}" FOREIGN DATA WRAPPER postgres_fdw OPTIONS '
                f"(host '127.0.0.1', port '{self._server.postgres_port}', dbname '{other}', updatable 'false')",
                f'CREATE USER MAPPING IF NOT EXISTS FOR PUBLIC SERVER "rs_{other}" OPTIONS '
                f"(user '{READER}', password '{password}')",
                f'CREATE SCHEMA IF NOT EXISTS "{held}"',
                f'GRANT USAGE ON SCHEMA "{held}" TO PUBLIC',
                *statements,
                f'CREATE FOREIGN TABLE {name} ({listed}) SERVER "rs_{other}" '
                f"OPTIONS (schema_name '{schema}', table_name '{table}')",
                f"GRANT SELECT ON {name} TO PUBLIC",
                f"SELECT rs.rebind('{table}')",
            ]
        elif not self._rows(database, "SELECT 1 FROM pg_namespace WHERE nspname = %s", held):
            return
        for statement in statements:
            self._rows(database, statement)

    def _rows(self, database: str, sql: str, *values: str) -> list[Any]:
        con = self._connections.get(database)
        if con is None or con.closed:
            con = self._connections[database] = self._server.admin(database)
        with con.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []

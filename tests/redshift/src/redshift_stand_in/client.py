"""A psycopg2 connection to the stand-in, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg2

if TYPE_CHECKING:
    from .server import Redshift


class Client:
    """A connection that commits by itself, as dlt's between transactions; called with a statement, it returns the rows.

    Args:
        more: what psycopg2's login has in place of the cluster's own user, password or certificate authority.
    """

    def __init__(self, server: Redshift, database: str = "warehouse", **more: Any) -> None:
        self.con = psycopg2.connect(**login(server, database) | more)
        self.con.autocommit = True

    def __call__(self, sql: str, values: Any = None) -> list[tuple[Any, ...]]:
        """Execute a statement; the rows, or an empty list where it has none."""
        with self.con.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else []


def login(server: Redshift, database: str = "warehouse") -> dict[str, Any]:
    """What psycopg2 and psycopg want to log in as the cluster's owner."""
    return {
        "host": server.host,
        "port": server.port,
        "user": server.user,
        "password": server.password,
        "dbname": database,
        "sslmode": "verify-full",
        "sslrootcert": str(server.ca),
    }

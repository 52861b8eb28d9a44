"""A real MariaDB on a folder of its own, on a loopback port with a password."""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql

from tests import needs

_SERVERS = ("mariadbd", "mysqld")
_PLACES = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


@contextlib.contextmanager
def mariadb(folder: Path) -> Iterator[MariaDb]:
    """The server, started; a test skips where it is not installed."""
    server = next((found for name in _SERVERS if (found := shutil.which(name, path=_PLACES))), None)
    prepare = shutil.which("mariadb-install-db", path=_PLACES)
    if not server or not prepare:
        needs.lack("MariaDB is not installed", "apt-get install mariadb-server", strict=True)
    with tempfile.TemporaryDirectory(prefix="my") as sockets:  # short: a socket's path has room for 107 characters
        own = [f"--datadir={folder}", f"--user={getpass.getuser()}"]
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(
            [prepare, "--no-defaults", "--auth-root-authentication-method=normal", *own], check=True, **quiet
        )
        port = _free_port()
        listens = [f"--socket={sockets}/s", f"--port={port}", "--bind-address=127.0.0.1", "--skip-log-bin"]
        process = subprocess.Popen([server, "--no-defaults", "--default-time-zone=+05:00", *own, *listens], **quiet)
        try:
            yield _started(MariaDb(f"{sockets}/s", port), process)
        finally:
            process.terminate()
            process.wait(30)


class MariaDb:
    """A running server with a database `shop` and a user who may read it."""

    def __init__(self, sockets: str, port: int) -> None:
        self._socket, self.port, self.password = sockets, port, secrets.token_urlsafe(12)

    @property
    def dsn(self) -> str:
        """Where a source finds it."""
        return f"mysql://reader:{self.password}@127.0.0.1:{self.port}/shop"

    def execute(self, *statements: str) -> None:
        """Run statements as the server's own superuser."""
        con = pymysql.connect(unix_socket=self._socket, user="root", database="mysql", autocommit=True)
        with contextlib.closing(con), con.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


def _started(server: MariaDb, process: subprocess.Popen[bytes]) -> MariaDb:
    for _ in range(300):
        try:
            server.execute(
                "CREATE DATABASE IF NOT EXISTS shop CHARACTER SET utf8mb4",
                "DELETE FROM mysql.global_priv WHERE User = ''",  # who may come in from here without a name
                "FLUSH PRIVILEGES",
                f"CREATE USER IF NOT EXISTS reader@'%' IDENTIFIED BY '{server.password}'",
                "GRANT SELECT ON shop.* TO reader@'%'",
            )
            return server
        except pymysql.err.OperationalError:
            if process.poll() is not None:
                raise
            time.sleep(0.1)
    raise TimeoutError("MariaDB does not answer")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])

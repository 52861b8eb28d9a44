"""The upstream world for other machines: ``python -m demo.upstream``, the service `world` of compose.yaml.

The same systems as `demo.world`, but the catalogue stands in a Postgres and the file drop in a bucket that others run. Every
minute somebody signs up; every few minutes a virtual day goes by, with its new, late, corrected and removed records.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import boto3
import requests

from .deftunes import DefTunes
from .postgres import Postgres, fill
from .records import DAYS, day_of
from .sales import Sales

MINUTE = 60.0
MARK = "made by demo.upstream"
"""The comment of the schema that may be dropped at the next start."""


class ForeignSchemaError(Exception):
    """The Postgres holds a schema of that name that is somebody else's; nothing was dropped."""


class Elsewhere(Postgres):
    """A Postgres that somebody else runs.

    Args:
        dsn: a user who may make the schema `deftunes`.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    @property
    def dsn(self) -> str:
        """Where it is."""
        return self._dsn


class Upstream:
    """The systems, on their virtual day.

    Args:
        drops: the folder of the sales batches, ``s3://bucket/prefix``.
    """

    def __init__(self, postgres: Postgres, drops: str, scale: float, seed: int) -> None:
        self.postgres, self.day = postgres, 0
        self.bucket, _, self.prefix = drops.removeprefix("s3://").partition("/")
        self.tunes, self.sales = DefTunes(seed, scale), Sales(seed, scale)

    def begin(self) -> None:
        """The first day, whatever an earlier start left.

        Raises:
            ForeignSchemaError: the Postgres has a schema of that name that no earlier start made.
        """
        with self.postgres.cursor() as cursor:
            cursor.execute("SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 'deftunes'")
            there = cursor.fetchone()
            if there and there[0] != MARK:
                raise ForeignSchemaError(
                    "this Postgres has a schema `deftunes` that the demo did not make: give --postgres a database of its"
                    " own, or drop the schema yourself if it is an older demo's"
                )
            cursor.execute("DROP SCHEMA IF EXISTS deftunes CASCADE")
            cursor.execute("CREATE SCHEMA deftunes")
            cursor.execute("COMMENT ON SCHEMA deftunes IS %s", [MARK])
        self._arrive()

    def advance(self) -> None:
        """The next day, as long as the calendar has one."""
        if self.day < DAYS - 1:
            self.day += 1
            self._arrive()

    def _arrive(self) -> None:
        fill(self.postgres, self.tunes, self.day)
        store = boto3.client("s3")
        for name, content in self.sales.batches(self.day).items():
            store.put_object(Bucket=self.bucket, Key=f"{self.prefix}/{name}", Body=content)
        print(f"{day_of(self.day)}: what the upstream systems have is there", flush=True)


def live(upstream: Upstream, server: subprocess.Popen[bytes], url: str, seconds: float) -> int:
    """Let time go by until the server ends; returns its exit code.

    Args:
        seconds: how long a virtual day takes.
    """
    tomorrow = time.monotonic() + seconds
    while server.poll() is None:
        try:
            server.wait(MINUTE)
        except subprocess.TimeoutExpired:
            if time.monotonic() >= tomorrow and upstream.day < DAYS - 1:
                upstream.advance()
                requests.post(f"{url}/_control/day", json={"day": upstream.day}, timeout=10).raise_for_status()
                tomorrow = time.monotonic() + seconds
            else:
                requests.post(f"{url}/_control/tick", json={}, timeout=10).raise_for_status()
    return server.returncode


def well(url: str) -> bool:
    """Whether the server answers, which it does when everything is there."""
    try:
        return bool(requests.get(f"{url}/rankings/iems", timeout=5).ok)
    except requests.RequestException:
        return False


def main() -> int:
    """Serve until killed; ``--well`` asks the server that runs already and exits 0 or 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", help="DSN of the Postgres that gets the catalogue")
    parser.add_argument("--drops", help="where sales batches are dropped: s3://bucket/prefix")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--scale", type=float, default=0.3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--day-seconds", type=float, default=600, help="how long a virtual day takes")
    parser.add_argument("--well", action="store_true")
    options = parser.parse_args()
    url = f"http://127.0.0.1:{options.port}"
    if options.well:
        return 0 if well(url) else 1
    if not options.postgres or not options.drops:
        parser.error("--postgres and --drops say where the catalogue and the sales batches go")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the server is stopped, too
    upstream = Upstream(Elsewhere(options.postgres), options.drops, options.scale, options.seed)
    try:
        upstream.begin()  # before the server: who can reach it finds everything
    except ForeignSchemaError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    command = [sys.executable, "-m", "demo.server", "--host", options.host, "--port", str(options.port)]
    command += ["--seed", str(options.seed), "--scale", str(options.scale)]
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([*command, "--ready", str(Path(folder) / "port")])
        try:
            return live(upstream, server, url, options.day_seconds)
        finally:
            server.terminate()
            server.wait(10)


if __name__ == "__main__":
    sys.exit(main())

"""A checkout with a data folder, its command line, and copies of its state."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import duckdb

from tests import forks
from tests.small import Small
from tests.soak.content import Content, gathering, operational, published, silver, staged
from tests.soak.declared import EDITED, declare
from tests.soak.upstream import Upstream

_COMMAND = """
import os, runpy, sys
planted = os.environ.pop("SOAK_PLANTED", "")
if planted:
    runpy.run_path(os.environ.pop("SOAK_PLANTS"))["PLANTS"][planted]()
sys.argv[0] = "runner.py"
runpy.run_path("runner.py", run_name="__main__")
"""
HUNG = 124
Said = tuple[str, int, str]
"""A command, how it ended, and what it wrote to stderr."""


@dataclass
class Command:
    """A command that has begun."""

    words: tuple[str, ...]
    process: Any
    out: Path
    err: Path
    patience: float

    def signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.process.is_alive():
            os.kill(self.process.pid, number)

    def end(self) -> Said:
        """Wait for its end; what does not end is killed."""
        self.process.join(self.patience)
        hung = self.process.is_alive()
        if hung:
            self.signal(signal.SIGKILL)
            self.process.join()
        code = HUNG if hung else int(self.process.exitcode)
        if code in (-signal.SIGTERM, -signal.SIGINT):  # before it listens: what a shell calls 143 and 130
            code = 128 - code
        return " ".join(self.words), code, self.err.read_text() if self.err.exists() else ""


class Project:
    """One of the two projects that see the same days.

    Args:
        database: its operational one.

    Attributes:
        patience: seconds that a command may take.
        planted: a bug in the commands' processes; empty: none.
        window: exists while a strike finds that bug.
    """

    patience = 120.0

    def __init__(self, folder: Path, database: str, upstream: Upstream) -> None:
        self.folder, self.upstream, self.database = folder, upstream, database
        small = Small(folder)
        declare(small.code)
        self.code, self.data = small.code, small.data
        self.snapshot, self.window = folder / "snapshot", folder / "window"
        self.environment = small.environment | {"ELT_FEED_URL": upstream.url}
        self._numbers, self.planted = count(), ""
        done = forks.run(["-m", "dlt_sources.derive"], self.code, self.environment)
        assert done.returncode == 0, done.stdout + done.stderr
        upstream.create(database)

    def start(self, *words: str, planted: bool = True, **environment: str) -> Command:
        """Begin ``python runner.py WORDS``."""
        number = next(self._numbers) % 50
        out, err = self.folder / f"out{number}", self.folder / f"err{number}"
        settings = self.environment | self.upstream.environment(self.database) | environment
        if planted and self.planted:
            plants = str(Path(__file__).with_name("planted.py"))
            settings |= {"SOAK_PLANTED": self.planted, "SOAK_PLANTS": plants, "SOAK_WINDOW": str(self.window)}
        process = forks.start(["-c", _COMMAND, *words], self.code, settings, out, err)
        return Command(words, process, out, err, self.patience)

    def run(self, *words: str) -> Said:
        """The same to its end."""
        return self.start(*words).end()

    def content(self) -> Content:
        """Everything that is compared: published gold, staging with rejected rows, silver, the operational Postgres, loads."""
        from pyiceberg.catalog.sql import SqlCatalog

        found = {f"gold {name}": rows for name, rows in self.published().items()}
        with duckdb.connect(str(self.data / "warehouse.duckdb"), read_only=True) as con:
            found |= staged(lambda sql: con.execute(sql).fetchall())
            gathers = gathering(lambda sql: con.execute(sql).fetchall())
        folder = self.data / "lake/silver"
        catalog = SqlCatalog("silver", uri=f"sqlite:///{folder}/catalog.db", warehouse=folder.as_uri())
        try:
            found |= silver(catalog, gathers)
        finally:
            catalog.engine.dispose()
        return found | self.sunk()

    def published(self) -> Content:
        """What dashboards read, as of one moment."""
        with duckdb.connect(str((self.data / "serving.duckdb").resolve()), read_only=True) as con:
            return published(lambda sql: con.execute(sql).fetchall())

    def sunk(self) -> Content:
        """What the operational Postgres holds."""
        return operational(self.upstream.environment(self.database)["ELT_POSTGRES_URL"])

    def keep(self) -> None:
        """Remember the state as it is now."""
        shutil.rmtree(self.snapshot, ignore_errors=True)
        shutil.copytree(self.data, self.snapshot, symlinks=True)
        shutil.copy2(self.code / "sqlmesh_project/models" / EDITED, self.folder / "model.sql")
        self.upstream.create("kept", self.database)

    def restore(self) -> None:
        """Go back to the state that is remembered."""
        if self.data.exists():
            shutil.rmtree(self.data)
        shutil.copytree(self.snapshot, self.data, symlinks=True)
        shutil.copy2(self.folder / "model.sql", self.code / "sqlmesh_project/models" / EDITED)
        self.upstream.create(self.database, "kept")


def warm_up(folder: Path) -> float:
    """Let the process that forks commands import the libraries; returns seconds."""
    began = time.monotonic()
    out = folder / "warm"
    forks.start(["-c", "pass"], folder, dict(os.environ), out, out).join()
    return time.monotonic() - began


def has_root() -> bool:
    """Whether file systems can be mounted here: by root, on Linux, where mounts are not forbidden."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    probe = Path("/tmp") / f"soak-mount-{os.getpid()}"
    probe.mkdir()
    try:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(probe)], capture_output=True)
        if done.returncode == 0:
            subprocess.run(["umount", str(probe)], check=True)
        return done.returncode == 0
    finally:
        probe.rmdir()

"""The upstream world, started and stopped as one: the server of pages and APIs, Postgres, the file drop, the calendar."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import requests

from .audiophile import Rankings
from .deftunes import DefTunes
from .oracle import Expected, expect
from .people import RandomUsers
from .postgres import Postgres, fill
from .records import DAYS, Reason, day_of
from .sales import Sales
from .taxi import Taxi

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = (
    "ELT_DEFTUNES_API_URL",
    "ELT_DEFTUNES_DB_URL",
    "ELT_AUDIOPHILE_URL",
    "ELT_RANDOM_USERS_URL",
    "ELT_TAXI_FILES",
    "ELT_SALES_FILES",
    "ELT_POSTGRES_URL",
    "ELT_NOW",
)
"""What `World.environment` names."""


class World:
    """A context in which the upstream systems run.

    Args:
        folder: for the database and logs; made if missing.
        scale: 1 is 5,000 users, 10,000 songs and 100,000 sessions.
    """

    def __init__(self, folder: Path, scale: float = 1, seed: int = 7) -> None:
        self.folder, self.scale, self.seed, self.day = folder, scale, seed, 0
        self.postgres = Postgres(folder / "postgres")
        self.tunes = DefTunes(seed, scale)
        self.sales = Sales(seed, scale)
        self.people = RandomUsers(seed, scale)
        self.taxi = Taxi(seed, scale)
        self.others = (self.sales, Rankings(seed, scale), self.taxi, self.people)
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> World:
        self.folder.mkdir(parents=True, exist_ok=True)
        ready = self.folder / "api.port"
        ready.unlink(missing_ok=True)
        options = ["--seed", str(self.seed), "--scale", str(self.scale), "--ready", str(ready)]
        with (self.folder / "api.log").open("wb") as log:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "demo.server", *options], cwd=ROOT, stdout=log, stderr=log
            )
        try:
            self.postgres.start()
            fill(self.postgres, self.tunes, 0)
            self._drop_batches()
            while not ready.exists():
                if self._server.poll() is not None:
                    raise RuntimeError(f"the demo API did not start; {self.folder / 'api.log'} says why")
                time.sleep(0.02)
        except BaseException:
            self.stop()
            raise
        self.api_url = f"http://127.0.0.1:{ready.read_text()}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop both systems."""
        if self._server:
            self._server.terminate()
            self._server.wait(10)
        self.postgres.close()

    @property
    def environment(self) -> dict[str, str]:
        """What the pipeline must know: where the systems are and what time it is (the evening of the virtual day)."""
        return {
            "ELT_DEFTUNES_API_URL": self.api_url,
            "ELT_DEFTUNES_DB_URL": self.postgres.dsn,
            "ELT_AUDIOPHILE_URL": self.api_url,
            "ELT_RANDOM_USERS_URL": self.api_url,
            "ELT_TAXI_FILES": f"{self.api_url}/trip-data",
            "ELT_SALES_FILES": str(self.folder / "sales"),
            "ELT_POSTGRES_URL": self.postgres.operational,
            "ELT_NOW": f"{day_of(self.day).isoformat()}T23:30:00",
        }

    @property
    def last_day(self) -> bool:
        """Whether the calendar ends today."""
        return self.day == DAYS - 1

    def advance(self) -> None:
        """Let the next virtual day come: new, late, corrected and removed records."""
        self.day += 1
        fill(self.postgres, self.tunes, self.day)
        self._drop_batches()
        self.control("day", day=self.day)

    def _drop_batches(self) -> None:
        """The day's sales batches, dropped whole: written aside, then renamed."""
        folder = self.folder / "sales"
        folder.mkdir(exist_ok=True)
        for name, content in self.sales.batches(self.day).items():
            (folder / f".{name}").write_bytes(content)
            (folder / f".{name}").rename(folder / name)

    def control(self, what: str, **order: Any) -> dict[str, Any]:
        """Tell the API something (see demo.server) and return what it answers."""
        answer = requests.post(f"{self.api_url}/_control/{what}", json=order, timeout=10)
        answer.raise_for_status()
        return dict(answer.json())

    def fault(self, path: str, kind: str, times: int = 1, **details: Any) -> None:
        """Make the next requests of a path fail: kind status, delay, truncated, empty, no_rows, object or html."""
        self.control("fault", path=path, kind=kind, times=times, **details)

    @cached_property
    def _oracles(self) -> dict[int, Expected]:
        return {}

    def oracle(self) -> Expected:
        """What a correct pipeline has of DeFtunes by the end of today, had it run every day."""
        if self.day not in self._oracles:
            self._oracles[self.day] = expect(self.tunes, self.day)
        return self._oracles[self.day]

    def expected(self) -> list[tuple[str, str, list[tuple[Any, ...]]]]:
        """The other systems' answers: (what, query over published gold, its rows) by the end of today."""
        return [answer for system in self.others for answer in system.expected(self.day)]

    def rejected(self) -> Counter[Reason]:
        """How many rows each (table, field, rule) rejects of all systems, over all days so far."""
        found: Counter[Reason] = Counter()
        found.update(self.oracle().rejected)
        for system in self.others:
            found.update(system.rejected(self.day))
        return found

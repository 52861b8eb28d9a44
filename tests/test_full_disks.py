"""A disk that is full, or a folder that cannot be written, ends a run with exit code 4, the folder's name and one alert; the
next run, with space again, is right.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.alerts import listening
from tests.small import Small

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.getuid() != 0, reason="only root can mount the small disks of this test"),
]
PLACES = {  # place: where it is, and whether a run writes enough there to fail when nothing is left
    "data": (".", True),
    "landing": ("lake/landing", True),
    "silver": ("lake/silver", True),
    "serving": ("serving", True),
    "dlt": ("dlt", False),
    "logs": ("logs", False),
    "models' cache": ("sqlmesh_cache", False),
    "temp": ("../tmp", False),
}
SIZE = 32_000_000


class Disks(Small):
    """A small source whose places each have a disk of their own, and the alerts that its runs sent."""

    def __init__(self, folder: Path, heard: list[Any], port: int) -> None:
        super().__init__(folder, "shop")
        self.heard, self.expected, self.mounted = heard, {}, []
        self.environment |= {"ELT_ALERT_URLS": f"json://127.0.0.1:{port}", "TMPDIR": str(folder / "tmp")}
        for name in PLACES:
            place = self.place(name)
            place.mkdir(parents=True, exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", place], check=True)
            self.mounted.append(place)

    def close(self) -> None:
        for place in reversed(self.mounted):
            subprocess.run(["umount", place], check=True)

    def place(self, name: str) -> Path:
        return (self.data / PLACES[name][0]).resolve()

    def news(self, seed: str) -> None:
        """Deliver rows that are new and rows that changed."""
        found = random.Random(seed)
        rows = {found.randrange(1, 5000): f"{seed[:8]} {found.randrange(10**6)}" for _ in range(500)}
        self.deliver(
            "shop", f"{len(self.expected)}-{found.randrange(10**6)}.csv", *(f"{i},{n}" for i, n in rows.items())
        )
        self.expected |= rows

    def run_in_trouble(self, place: Path) -> int:
        """A run that may fail for want of this place; how it ended."""
        self.heard.clear()
        done = self.run("run", "--now", "--json", code=None)
        if done.returncode == 0:
            return 0
        assert done.returncode == 4, (done.returncode, done.stderr)
        assert "Traceback" not in done.stderr and len(self.heard) == 1, done.stderr
        summary = json.loads(done.stdout)
        [problem] = summary["problems"]
        assert str(place) in problem and " free)" in problem and problem in done.stderr.replace("\n", " ")
        assert summary["exit_code"] == 4 and summary["published"] == []
        assert problem in self.heard[0]["message"]
        newest = self.status()["runs"][0]
        assert newest["status"] != "running" and (newest["status"] == "ok") <= (newest["run"] != summary["run_id"])
        return 4

    def run_again(self) -> None:
        """A run without trouble."""
        self.run("run", "--now")
        assert dict(self.gold("shop")) == self.expected
        assert self.query("SELECT count(*) FROM stg_ops.runs WHERE status = 'running'", "warehouse.duckdb") == [(0,)]
        assert self.status()["runs"][0]["status"] == "ok"


@pytest.fixture(scope="module")
def disks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disks]:
    with listening(lambda path, body: json.loads(body)) as (port, heard):
        disks = Disks(tmp_path_factory.mktemp("disks"), heard, port)
        try:
            disks.news("first")
            disks.run_again()
            yield disks
        finally:
            disks.close()


@pytest.mark.parametrize(
    ("name", "level"),
    [
        *((name, 0) for name in PLACES),
        ("data", 20_000),
        *(("data", seed) for seed in range(1, 3)),
        ("landing", 1),
        ("serving", 1),
    ],
)
def test_a_full_disk(disks: Disks, name: str, level: int) -> None:
    left = level if level == 0 or level > 1000 else random.Random(f"{name} {level}").randrange(10_000, 1_500_000)
    place, ballast = disks.place(name), disks.place(name) / ".ballast"
    disks.news(f"{name} {level}")
    with ballast.open("wb") as file:
        about = os.statvfs(place)
        file.write(b"x" * max(0, about.f_bavail * about.f_frsize - left))
    try:
        code = disks.run_in_trouble(place)
    finally:
        ballast.unlink()
    assert code == 4 or not PLACES[name][1] or left, (name, left)
    disks.run_again()


@pytest.mark.parametrize("name", ["data", "landing", "silver", "serving", "logs"])
def test_a_read_only_disk(disks: Disks, name: str) -> None:
    place = disks.place(name)
    disks.news(f"{name} read-only")
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)
    try:
        code = disks.run_in_trouble(place)
    finally:
        subprocess.run(["mount", "-o", "remount,rw", place], check=True)
    assert code == (4 if PLACES[name][1] else 0)
    disks.run_again()

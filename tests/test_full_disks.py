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
PLACES = {
    "data": ".",
    "landing": "lake/landing",
    "silver": "lake/silver",
    "serving": "serving",
    "dlt": "dlt",
    "logs": "logs",
    "models' cache": "sqlmesh_cache",
    "temp": "../tmp",
}
UNNEEDED = "dlt, logs, models' cache, temp"
"""What a run can do without."""
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
        return (self.data / PLACES[name]).resolve()

    def news(self, seed: str) -> None:
        """Deliver rows that are new and rows that changed."""
        found = random.Random(seed)
        rows = {found.randrange(1, 5000): f"name {found.randrange(10**9)}" for _ in range(500)}
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
        for problem in summary["problems"]:
            assert str(place) in problem and " free)" in problem and problem in done.stderr.replace("\n", " ")
            assert problem in self.heard[0]["message"]
        assert summary["problems"] and summary["exit_code"] == 4 and summary["published"] == []
        if self.record() in ((summary["run_id"], "running"), (summary["run_id"], "ok")):
            assert self.status()["runs"][0]["status"] == "interrupted"  # its end could not be recorded
        return 4

    def run_again(self) -> None:
        """A run without trouble."""
        self.run("run", "--now")
        assert dict(self.gold("shop")) == self.expected
        assert self.record()[1] == "ok"
        assert self.query("SELECT count(*) FROM stg_ops.runs WHERE status = 'running'", "warehouse.duckdb") == [(0,)]

    def record(self) -> tuple[str, str]:
        """The newest run in the record, and its status there."""
        query = "SELECT run_id, status FROM stg_ops.runs ORDER BY started_at DESC LIMIT 1"
        return self.query(query, "warehouse.duckdb")[0]


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


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("names", "left"),
    [
        ("data", 0),
        ("data", 20_000),
        ("data", "random 1"),
        ("data", "random 2"),
        ("landing", 0),
        ("silver", 0),
        ("serving", 0),
        (UNNEEDED, 0),
    ],
)
def test_a_full_disk(disks: Disks, names: str, left: int | str) -> None:
    free = random.Random(left).randrange(30_000, 600_000) if isinstance(left, str) else left
    places = [disks.place(name) for name in names.split(", ")]
    disks.news(f"{names} {left}")
    for place in places:
        about = os.statvfs(place)
        (place / ".ballast").write_bytes(b"x" * max(0, about.f_bavail * about.f_frsize - free))
    try:
        code = disks.run_in_trouble(places[0])
    finally:
        for place in places:
            (place / ".ballast").unlink()
    assert code == (0 if names == UNNEEDED else 4) or isinstance(left, str)
    disks.run_again()


@pytest.mark.few(1)
@pytest.mark.parametrize("names", ["data", "serving", "logs"])
def test_a_read_only_disk(disks: Disks, names: str) -> None:
    place = disks.place(names)
    disks.news(f"{names} read-only")
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)
    try:
        code = disks.run_in_trouble(place)
    finally:
        subprocess.run(["mount", "-o", "remount,rw", place], check=True)
    assert code == (0 if names == "logs" else 4)
    disks.run_again()

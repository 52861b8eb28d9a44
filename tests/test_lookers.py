"""Looking at the pipeline, with any command and at any moment, neither ends nor holds up a run; nor does a run end a look."""

from __future__ import annotations

import itertools
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests import forks
from tests.alerts import listening
from tests.small import Small

pytestmark = pytest.mark.slow
LOOKS = (
    ("status",),
    ("doctor",),
    ("rejected",),
    ("drift",),
    ("check",),
    ("status", "last"),
    ("status", "--json"),
    ("check", "--json"),
    ("drift", "--json"),
    ("rejected", "--json"),
    ("status", "last", "--json"),
)
GIVES_WAY = 5
HOLD = """
import sys, time, duckdb
con = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
open(sys.argv[4], "w").close()
time.sleep(float(sys.argv[3]))
"""


class Watched(Small):
    """A small source, and what others do beside its runs."""

    def hold(self, file: str, how: str, seconds: float) -> Any:
        """Let another process open a database, to ``read`` or to ``write``; returns once it has."""
        ready, out = self.folder / f"ready-{time.monotonic_ns()}", self.folder / "held"
        arguments = ["-c", HOLD, str(self.data / file), how, str(seconds), str(ready)]
        process = forks.start(arguments, self.code, self.environment, out, out)
        while not ready.exists():
            time.sleep(0.01)
        return process

    def begin(self, *arguments: str) -> tuple[Any, Path, Path]:
        """Start a command; (its process, its standard output, its standard error)."""
        out, err = self.folder / f"out-{time.monotonic_ns()}", self.folder / f"err-{time.monotonic_ns()}"
        return forks.start(["runner.py", *arguments], self.code, self.environment, out, err), out, err


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    shop = Watched(tmp_path_factory.mktemp("lookers"), "shop")
    shop.deliver("shop", "0.csv", "1,one", "0,bad")
    shop.run("run", "--now")
    return shop


def test_runs_beside_every_looking_command(shop: Watched) -> None:
    over, looks = threading.Event(), []

    def poll() -> None:
        for arguments in itertools.cycle(LOOKS):
            if over.is_set():
                return
            looks.append((arguments, shop.run(*arguments, code=None)))

    with listening(lambda path, body: json.loads(body)) as (port, heard):
        shop.environment["ELT_ALERT_URLS"] = f"json://127.0.0.1:{port}"
        poller = threading.Thread(target=poll)
        poller.start()
        try:
            for number in range(12):
                if number % 6 == 0:
                    shop.deliver("shop", f"{number + 1}.csv", f"{number + 2},more")
                done = shop.run("run", "shop", code=None)
                assert done.returncode == 0, (number, done.stdout, done.stderr)
        finally:
            over.set()
            poller.join()
            del shop.environment["ELT_ALERT_URLS"]
        assert heard == []
    assert len(shop.gold("shop")) == 3
    assert {arguments for arguments, _ in looks} == set(LOOKS)
    for arguments, done in looks:
        said = done.stdout + done.stderr
        assert "Traceback" not in said, (arguments, said)
        if done.returncode:
            assert done.returncode == GIVES_WAY and arguments[0] in ("check", "doctor"), (arguments, said)
            assert "a run is in progress" in said, (arguments, said)
        elif "--json" in arguments:
            json.loads(done.stdout)


@pytest.mark.few(1)
@pytest.mark.parametrize("file", ["warehouse.duckdb", "state.duckdb"])
def test_a_run_waits_for_a_reader_that_passes(shop: Watched, file: str) -> None:
    shop.deliver("shop", f"{file}.csv", f"{len(file) * 10},{file}")
    reader = shop.hold(file, "read", 60)
    run, _, err = shop.begin("run", "shop")
    while not (err.exists() and "waiting up to 30 s" in err.read_text()):
        assert run.is_alive(), err.read_text()
        time.sleep(0.05)
    assert f"{file} is open in another process" in err.read_text()
    reader.kill()
    run.join()
    assert run.exitcode == 0, err.read_text()
    assert (len(file) * 10, file) in shop.gold("shop")


@pytest.mark.few(1)
@pytest.mark.parametrize("command", [("replay", "shop", "--rejected"), ("maintain",)])
def test_who_waits_for_a_run_waits_to_its_end(shop: Watched, command: tuple[str, ...]) -> None:
    first, *_ = shop.begin("replay", "shop")
    while not (status := shop.status())["running"]:
        assert first.is_alive()
    assert status["runs"] and status["tables"][0]["landed"] > 0  # as last published
    done = shop.run(*command, "--wait", "90")
    first.join()
    assert first.exitcode == 0 and "in progress" not in done.stderr

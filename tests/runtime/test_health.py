"""A resident process that hangs is found, one that works for long is not, and a command that ends by itself is well."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from foundation.signals import Interrupted
from runtime import resident
from runtime.health import GRACE, TURN, Heartbeat
from tests.harness import ROOT, Pipeline


def health(folder, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "runtime.health", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "ELT_DATA_DIR": str(folder), **environment},
    )


def beat(folder, age, **words):
    said = {"host": socket.gethostname(), "at": time.time() - age, "in_turn": False, "every": 60.0} | words
    (folder / "heartbeat.json").write_text(json.dumps(said))


@pytest.mark.parametrize(
    ("age", "words", "code"),
    [
        (1, {}, 0),
        (60 + GRACE - 10, {}, 0),
        (60 + GRACE + 10, {}, 1),
        (3600, {"every": 7200.0}, 0),
        (3600, {"in_turn": True}, 0),
        (TURN + 10, {"in_turn": True}, 1),
        (TURN + 10, {"in_turn": True, "host": "another-container"}, 0),
    ],
)
def test_what_is_overdue_is_unhealthy(age, words, code, tmp_path):
    beat(tmp_path, age, **words)
    result = health(tmp_path)
    assert result.returncode == code, result.stdout + result.stderr
    assert ("hangs" in result.stdout) == bool(code)


def test_how_long_a_turn_may_take_is_an_option(tmp_path):
    beat(tmp_path, 600, in_turn=True)
    assert health(tmp_path, "--turn", "300").returncode == 1


def test_without_a_heartbeat_it_is_healthy_and_a_torn_one_is_unhealthy(tmp_path):
    assert health(tmp_path).returncode == 0
    (tmp_path / "heartbeat.json").write_text("{")
    assert health(tmp_path).returncode == 1


def test_it_asks_nobody_for_secrets(tmp_path):
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_REGION": "us-east-1", "ELT_TARGET": "aws"}
    result = health(tmp_path, ELT_PII_SALT="secret:millrace/salt", ELT_LAKE_URL="secret:x#y", **nowhere)
    assert result.returncode == 0, result.stderr


def test_the_loop_beats_around_every_turn_and_a_turn_that_hangs_is_unhealthy(tmp_path):
    heart, turns, go_on = Heartbeat(tmp_path), [], threading.Event()

    def turn():
        turns.append(json.loads(heart.path.read_text())["in_turn"])
        if len(turns) == 3:
            go_on.wait(30)
            raise Interrupted(signal.SIGTERM)
        return 0

    def stay():
        with contextlib.suppress(Interrupted):
            resident.serve(turn, 0.05, heart)

    loop = threading.Thread(target=stay)
    loop.start()
    try:
        deadline = time.monotonic() + 20
        while len(turns) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert turns == [True, True, True] and not heart.find_fault(turn=60)
        time.sleep(0.3)
        assert "hangs" in heart.find_fault(turn=0.2)
    finally:
        go_on.set()
        loop.join(20)
    assert not heart.path.exists()  # it ended as it was told to


def test_a_heartbeat_that_cannot_be_written_stops_nothing(tmp_path):
    (tmp_path / "file").touch()
    Heartbeat(tmp_path / "file").beat(in_turn=True, every=1)


def test_a_heartbeat_of_an_earlier_release_counts_as_healthy(tmp_path):
    """Its process goes on until it is restarted; what it writes has other names."""
    heart = Heartbeat(tmp_path)
    heart.beat(in_turn=True, every=1)
    beat = json.loads(heart.path.read_text())
    del beat["in_turn"]
    heart.path.write_text(json.dumps(beat))
    assert heart.find_fault(turn=0) == ""


@pytest.mark.slow
def test_serving_a_source_that_there_is_not_is_exit_code_2(tmp_path):
    result = Pipeline(tmp_path / "data", {})("serve", "nosuch")
    assert result.code == 2 and "no source 'nosuch'" in result.err

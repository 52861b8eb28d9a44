"""Rows that Pydantic is asked about in several processes: the verdicts are the same, and no process outlives the one that asks."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dlt_sources._steps.declared import own_code
from dlt_sources._steps.judge import asked, judge
from dlt_sources.door import load_sources
from tests.dlt_sources.judging import LOAD
from tests.harness import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.samples]
ROWS = 400


@pytest.fixture
def many(tmp_path, monkeypatch):
    """A landed file of people, every other one wrong in one of several ways; and what decides that they are many."""
    monkeypatch.setattr(asked, "MANY", 1)
    monkeypatch.setattr(judge, "CHUNK", 30)
    right = (  # though it takes Pydantic to know that the date is
        '{"login": {"uuid": "0b4ed5e6-6f5c-4c4b-9a53-0c1f4e0b7a01"}, "name": {"first": "A", "last": "B"},'
        ' "location": {"country": "C"}, "registered": {"date": "2020-01-02t03:04:05z"}, "email": "a@b.c"}'
    )
    wrong = ['{"a": 1}', "[]", "{", '{"id": "\\u0000"}', "null"]
    texts = [wrong[n // 2 % len(wrong)] if n % 2 else right for n in range(ROWS)]
    table = pa.table(
        {
            "_payload": texts,
            "_row": pa.array(range(ROWS), pa.int64()),
            "_deleted": pa.array([False] * ROWS),
            "_read_at": pa.array([datetime(2020, 1, 1)] * ROWS, pa.timestamp("us")),
        }
    )
    path = tmp_path / f"{LOAD}.a.parquet"
    pq.write_table(table, path)
    return path


def judged(folder: Path, landed: Path) -> tuple[list[object], list[object]]:
    """(accepted rows, rejected rows) of the records as users of the API, in the order in which they were written."""
    source = load_sources()["random_users"]
    [name] = source.extracted
    made = judge.Judge(source.name, folder, "salt", datetime(2020, 1, 1, tzinfo=UTC), "1GB")
    result = made.judge(name, source.tables[name], source.contracts[name], [str(landed)])
    read = [
        [row for path in paths for row in pq.read_table(path).to_pylist()]
        for paths in (result.accepted, result.rejected)
    ]
    assert len(result.accepted) == 2 and [len(rows) for rows in read] == [ROWS / 2, ROWS / 2]
    return read[0], read[1]


def here(monkeypatch, folder, landed):
    """The verdicts of this process alone."""
    with monkeypatch.context() as patched:
        patched.setattr(asked, "MANY", ROWS + 1)
        return judged(folder, landed)


def refuse(*_):
    raise AssertionError("this process asked")


def test_several_processes_say_what_one_says(tmp_path, many, monkeypatch):
    alone = here(monkeypatch, tmp_path / "alone", many)
    monkeypatch.setattr(asked, "_answer", lambda asker, chunk, future: (chunk, future.result()))  # by nobody else
    assert judged(tmp_path / "shared", many) == alone


def test_a_process_that_is_killed_is_stood_in_for(tmp_path, many, monkeypatch):
    alone = here(monkeypatch, tmp_path / "alone", many)
    answer = asked._answer

    def kill(*values):
        for child in multiprocessing.active_children():
            child.kill()
        return answer(*values)

    monkeypatch.setattr(asked, "_answer", kill)
    assert judged(tmp_path / "shared", many) == alone


def test_a_contract_that_was_changed_since_is_asked_here(tmp_path, many, monkeypatch):
    alone = here(monkeypatch, tmp_path / "alone", many)
    changed = {name: [("another", 0, 0)] for name in own_code._READ}
    monkeypatch.setattr(own_code, "_READ", changed)
    monkeypatch.setattr(asked, "ProcessPoolExecutor", refuse)
    assert judged(tmp_path / "here", many) == alone


ASKS = """
import multiprocessing, sys, time
from concurrent.futures import ProcessPoolExecutor
from dlt_sources._steps.judge.asked import _end_with_parent

if __name__ == "__main__":
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn"), _end_with_parent) as pool:
        works = [pool.submit(time.sleep, 60) for _ in range(2)]
        while len(multiprocessing.active_children()) < 2:
            time.sleep(0.01)
        print(*(child.pid for child in multiprocessing.active_children()), flush=True)
        time.sleep(60)
"""


def test_no_process_outlives_one_that_was_killed(tmp_path):
    script = tmp_path / "asks.py"
    script.write_text(ASKS)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, str(script)], cwd=ROOT, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        children = [int(number) for number in process.stdout.readline().split()]
        time.sleep(2)  # until they wait for their parent
        process.send_signal(signal.SIGKILL)
    until = time.monotonic() + 20
    while any(map(is_running, children)) and time.monotonic() < until:
        time.sleep(0.1)
    assert len(children) == 2 and not any(map(is_running, children))


def is_running(number: int) -> bool:
    """Whether a process is there, and not only its entry that nobody has asked for yet."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False

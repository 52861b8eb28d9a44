"""A file that another program has open ends a run with exit code 4 and who that is, wherever in the run it is met; and what is
published is said when it can be read, and not before.
"""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.alerts import listening
from tests.small import Small

pytestmark = pytest.mark.slow
HOLDER = """
import duckdb, sys, time
con = duckdb.connect(sys.argv[1])
print("open", flush=True)
time.sleep(60)
"""
HELD = '''
import os, subprocess, sys, time
_real, _count = {function}, [0]
def {function}(*values, **named):
    _count[0] += 1
    if _count[0] == {call}:
        held = subprocess.Popen(
            [sys.executable, "-c", """{holder}""", {file!r}], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        opened = held.stdout.readline()
        open({pid!r}, "w").write(str(held.pid) if opened else "")
    return _real(*values, **named)
'''
STEPS = {  # when the file is taken: module, function, which call of it, which file
    "before": None,
    "state": ("sqlmesh_project/loading.py", "load", 1, "state.duckdb"),
}
WITHIN = {
    "refine": ("dlt_sources/_steps/refine/refine.py", "refine", 1, "warehouse.duckdb"),
    "model": ("sqlmesh_project/loading.py", "load", 1, "warehouse.duckdb"),
    "publish": ("warehouse/publish.py", "publish", 1, "warehouse.duckdb"),
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Small:
    shop = Small(tmp_path_factory.mktemp("held"), "shop")
    shop.environment["ELT_WAREHOUSE_WAIT"] = "0.2"
    shop.deliver("shop", "0.csv", "1,one")
    shop.run("run", "--now")
    return shop


def take(shop: Small, step: str, pid: Path) -> dict[Path, str]:
    """Let another program open the file in this step of every run; returns the code as it was."""
    module, function, call, file = (STEPS | WITHIN)[step]
    path = shop.code / module
    text = path.read_text()
    path.write_text(
        text + HELD.format(function=function, call=call, holder=HOLDER, file=str(shop.data / file), pid=str(pid))
    )
    return {path: text}


@pytest.mark.few(1)
@pytest.mark.parametrize("step", STEPS)
def test_the_message_names_who_has_the_file_open(shop: Small, step: str, tmp_path: Path) -> None:
    shop.deliver("shop", f"{step}.csv", f"{len(step) + 1},{step}")
    pid, before = tmp_path / "pid", shop.gold("shop")
    if STEPS[step] is None:
        with duckdb.connect(str(shop.data / "warehouse.duckdb")):
            done, holder = run_with_alerts(shop), os.getpid()
    else:
        code = take(shop, step, pid)
        try:
            done = run_with_alerts(shop)
        finally:
            for path, text in code.items():
                path.write_text(text)
            holder = int(pid.read_text())
            os.kill(holder, signal.SIGKILL)
    file = (STEPS[step] or ("", "", 0, "warehouse.duckdb"))[3]
    assert f"{shop.data / file} is open in another process: " in done.stderr, done.stderr
    assert f"(PID {holder};" in done.stderr and "close it there" in done.stderr
    assert "Traceback" not in done.stderr and "credentials" not in done.stderr
    assert json.loads(done.stdout)["published"] == [] and shop.gold("shop") == before
    shop.run("run", "--now", ELT_WAREHOUSE_WAIT="10")
    assert (len(step) + 1, step) in shop.gold("shop")


@pytest.mark.few(2)
@pytest.mark.parametrize("step", WITHIN)
def test_the_warehouse_is_the_runs_own_from_its_first_use_to_its_end(shop: Small, step: str, tmp_path: Path) -> None:
    row = (len(step) + 50, step)
    shop.deliver("shop", f"{step}.csv", f"{row[0]},{step}")
    code = take(shop, step, tmp_path / "pid")
    try:
        shop.run("run", "--now")
    finally:
        for path, text in code.items():
            path.write_text(text)
    assert (tmp_path / "pid").read_text() == "" and row in shop.gold("shop")  # the other program was refused
    duckdb.connect(str(shop.data / "warehouse.duckdb")).close()


def run_with_alerts(shop: Small) -> Any:
    """A run that fails for a store, and sends one alert."""
    with listening(lambda path, body: json.loads(body)) as (port, heard):
        done = shop.run("run", "--now", "--json", code=4, ELT_ALERT_URLS=f"json://127.0.0.1:{port}")
        assert len(heard) == 1 and "is open in another process" in heard[0]["message"]
    return done


def record(shop: Small, database: str) -> tuple[Any, ...]:
    """The newest run: its status, and whether it published."""
    ops = "stg_ops" if database == "warehouse.duckdb" else "ops"
    return shop.query(f"SELECT status, published FROM {ops}.runs ORDER BY started_at DESC LIMIT 1", database)[0]


@pytest.mark.few(1)
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_around_the_switch_the_record_says_what_can_be_read(shop: Small, when: str) -> None:
    path = shop.code / "warehouse/publish_file.py"
    text = path.read_text()
    strike = "import os, signal\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    struck = f"\n_real = _switch\ndef _switch(*values):\n    {'_real(*values); ' if when == 'after' else ''}{strike}"
    path.write_text(text + struck)
    shop.deliver("shop", f"{when}.csv", f"{100 + len(when)},{when}")
    try:
        shop.run("run", "--now", code=-signal.SIGKILL)
    finally:
        path.write_text(text)
    assert ((100 + len(when), when) in shop.gold("shop")) == (when == "after")
    assert not record(shop, "warehouse.duckdb")[1]
    assert record(shop, "serving.duckdb") == ("ok", True)  # the run before, or the one whose version this is
    assert shop.status()["runs"][0] | {"status": "interrupted", "published": False} == shop.status()["runs"][0]
    shop.run("run", "--now")
    assert (100 + len(when), when) in shop.gold("shop") and record(shop, "warehouse.duckdb") == ("ok", True)
    assert record(shop, "serving.duckdb") == ("ok", True)

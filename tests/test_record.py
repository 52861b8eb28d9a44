"""A run answers for its own sources, and the record tells why a run failed, step by step, also of one that was killed."""

import json
import subprocess
import sys
import time

import pytest

from tests.small import Small

pytestmark = pytest.mark.slow

WRONG = [f"{n},{'much too long a name ' * 2}" for n in range(201, 241)]
PLANTED = """checks:
  - row_count:
  - failed_rows:
      name: planted
      qualifier: planted
      expression: name = 'planted'
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    small = Small(tmp_path_factory.mktemp("record"), "bad", "good")
    for name in ("bad", "good"):
        small.deliver(name, "0.csv", *[f"{n},x{n}" for n in range(1, 101)])
    small.run("run", "--now")
    return small


def run(small, *names, code):
    done = small.run("run", *names, "--json", code=code)
    return json.loads(done.stdout), done.stderr


def steps(small):
    found = json.loads(small.run("status", "last", "--json").stdout)["steps"]
    return [(step["step"], step["subject"]) for step in found]


def test_a_source_over_its_limit_waits_without_a_word_to_others_and_goes_on_when_corrected(small):
    small.deliver("bad", "1.csv", *WRONG, "0,")
    failed, _ = run(small, "bad", code=1)
    [problem] = failed["problems"]
    assert "41 of 41 rows (100.0 %), limit 5 % and 10 rows" in problem
    for delivered in (False, True):  # another source's run, with and without news
        if delivered:
            small.deliver("good", "1.csv", "201,new")
        other, said = run(small, "good", code=0)
        assert other["problems"] == [] and other["published"] == (["good_gold"] if delivered else [])
        assert "note bad is not published: check failed: staging bad: things: every row was rejected" in said
        assert (
            ("model", "gold") in steps(small) if delivered else steps(small) == [("land", "good"), ("refine", "good")]
        )
    assert (201, "new") in small.gold("good") and len(small.gold("bad")) == 100

    status = small.status()
    [waits] = status["not_published"]
    assert waits["source"] == "bad" and waits["stopped_by"] == ["bad"] and "41 of 41" in waits["reason"]
    assert [run["status"] for run in status["runs"][:3]] == ["ok", "ok", "failed"] and status["runs"][2][
        "error"
    ] == problem
    text = small.run("status")
    assert problem.splitlines()[0] in text.stdout and "bad is not published" in text.stderr

    everything, _ = run(small, "--now", code=1)  # its own run tries again
    assert everything["problems"] == [problem]
    small.deliver("bad", "1.csv", *[f"{n},right" for n in range(201, 241)])
    again, _ = run(small, "bad", code=0)
    assert again["published"] == ["bad_gold"] and (240, "right") in small.gold("bad")
    assert small.status()["not_published"] == []


def test_a_failed_check_is_in_the_record_with_the_keys_of_its_rows(small):
    contract = small.code / "soda_checks/staging/bad/things.yml"
    contract.parent.mkdir()
    contract.write_text(PLANTED)
    small.deliver("bad", "2.csv", *[f"{n},planted" for n in range(301, 331)], "0,planted")
    failed, _ = run(small, "bad", code=1)
    told = json.loads(small.run("status", failed["run_id"], "--json").stdout)
    assert told["run"]["status"] == "failed" and told["run"]["error"] == failed["problems"][0]
    [check] = told["checks"]
    assert check["found"].startswith("30 of ") and check["found"].endswith("limit 0") and "WHERE" in check["sql"]
    assert [row["key"] for row in told["failed_rows"]] == [{"id": n} for n in range(301, 321)]
    assert [row["step"] for row in told["steps"]] == ["land", "refine", "check staging", "model", "publish"]
    assert told["steps"][1]["rows"] == 30 and told["steps"][1]["rejected"] == 1
    assert abs(sum(step["share"] for step in told["steps"]) - 100) < 60
    text = small.run("status", "last").stdout
    assert "check staging" in text and '{"id": 301}' in text and check["sql"] in text
    assert small.query("SELECT count(*) FROM ops.failed_rows") == [(20,)]  # published with the record
    assert small.query("SELECT count(*) FROM ops.steps")[0][0] > 5

    small.run("check", "bad", code=1)
    contract.unlink()
    assert run(small, "bad", code=0)[0]["published"] == ["bad_gold"]


def test_all_reasons_of_a_row_are_shown(small):
    found = json.loads(small.run("rejected", "bad", "--json").stdout)
    [row] = [row for row in found["rows"] if '"0"' in row["raw"] and "planted" not in row["raw"]] or [None]
    small.deliver("bad", "3.csv", f"-7,{'long' * 9}", "350,right")
    run(small, "bad", code=0)
    found = json.loads(small.run("rejected", "bad", "--json").stdout)
    [row] = [row for row in found["rows"] if '"-7"' in row["raw"]]
    assert [(r["field"], r["rule"]) for r in row["reasons"]] == [
        ("id", "greater_than_equal"),
        ("name", "string_too_long"),
    ]
    counted = {(r["field"], r["rule"]): r["rows"] for r in found["reasons"]}
    assert counted["name", "string_too_long"] >= 1 and counted["id", "greater_than_equal"] >= 1
    text = small.run("rejected", "bad").stdout
    assert "id greater_than_equal: " in text and "name string_too_long: " in text


def test_a_run_is_running_until_it_is_killed_and_then_interrupted(small):
    log = small.data / "logs/millrace.log"
    before = log.read_text().count("refine")
    small.deliver("good", "4.csv", "400,x")
    running = subprocess.Popen(
        [sys.executable, "runner.py", "run", "good"], cwd=small.code, env=small.environment, stdout=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 120
        while log.read_text().count("refine") == before and time.monotonic() < until:
            time.sleep(0.05)
        seen = small.status()
    finally:
        running.kill()
        running.wait()
    if seen["running"] and seen["runs"][0]["sources"] == "good":  # it may hold the file: then the copy is read
        assert seen["runs"][0]["status"] in ("running", "ok")
    newest = small.status()["runs"][0]
    assert (newest["status"], newest["finished"]) == ("interrupted", None)
    told = json.loads(small.run("status", newest["run"], "--json").stdout)
    assert ("land", "good") in {(step["step"], step["subject"]) for step in told["steps"]}
    run(small, "good", code=0)
    assert [r["status"] for r in small.status()["runs"][:2]] == ["ok", "interrupted"]
    assert "the process ended before the run did" in small.run("status").stdout
    assert (400, "x") in small.gold("good")


BROKEN = {
    "a model": ("models/good_gold/things_now.sql", "MODEL (name good_gold.things_now"),
    "two models of one name": (
        "models/good_gold/again.sql",
        "MODEL (name good_gold.things_now, kind FULL); SELECT 1 AS id",
    ),
    "a macro": ("macros/broken.py", "def ("),
    "a test": ("tests/test_good.yaml", "a: [b"),
    "the configuration": ("config.yaml", "gateways: ["),
    "the configuration's code": ("config.py", "raise RuntimeError('broken')"),
}


@pytest.mark.few(2)
@pytest.mark.parametrize("what", BROKEN)
def test_broken_models_do_not_silence_the_status(small, what):
    file, text = BROKEN[what]
    path = small.code / "sqlmesh_project" / file
    sound = path.read_text() if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    try:
        done = small.run("status", "--json")
        shown = small.run("status")
    finally:
        path.unlink() if sound is None else path.write_text(sound)
    status = json.loads(done.stdout)
    assert len(status["runs"]) == 5 and {row["source"] for row in status["tables"]} == {"bad", "good"}
    assert "Last runs" in shown.stdout and "Traceback" not in shown.stderr
    if sound is not None or what != "the configuration's code":
        assert status["broken_models"] and "problem" in shown.stderr


def test_a_run_that_is_not_recorded_is_said_to_be_none(small):
    done = small.run("status", "20200101T000000-ffffff", code=2)
    assert "no run 20200101T000000-ffffff is recorded" in done.stderr

"""Whatever fails in a step of one source is reported with source, step and cause; the others are published."""

import contextlib
import json
import re

import psycopg2
import pytest

from demo.postgres import USER, Postgres
from tests.dlt_sources.database import execute
from tests.small import Small

pytestmark = pytest.mark.slow

STEPS = {
    # step: (file, what is put at its end)
    "land": ("dlt_sources/_steps/land/land.py", "land"),
    "refine": ("dlt_sources/_steps/refine/refine.py", "refine"),
    "check staging": ("soda_checks/door.py", "check"),
}
FAILURES = {
    # what is raised: (exit code, what is said)
    "KeyError('things')": (70, "an error in this program: KeyError: 'things'"),
    "OverflowError('too big')": (70, "OverflowError: too big"),
    "OSError(28, 'No space left on device', '/full')": (4, "No space left on device"),
    "__import__('duckdb').IOException('gone')": (4, "gone"),
    "RecursionError('deep')": (70, "RecursionError"),
}
BREAK = """

_sound_{name} = {name}


def {name}(*given, **more):
    first = given[0] if not isinstance(given[0], str) else given[1]
    if getattr(first, "name", first) == "bad":
        raise {error}
    return _sound_{name}(*given, **more)
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    small = Small(tmp_path_factory.mktemp("isolation"), "bad", "good")
    for name in ("bad", "good"):
        small.deliver(name, "0.csv", "1,one")
    small.run("run", "--now")
    return small


@pytest.fixture
def broken(small, request):
    """A checkout in which a step of the source `bad` raises."""
    step, error = request.param
    file, name = STEPS[step]
    path = small.code / file
    sound = path.read_text()
    path.write_text(sound + BREAK.format(name=name, error=error))
    yield step, error
    path.write_text(sound)


CASES = [(step, "KeyError('things')") for step in STEPS]
CASES += [("refine", error) for error in list(FAILURES)[1:]]


@pytest.mark.few(2)
@pytest.mark.parametrize("broken", CASES, indirect=True, ids=lambda case: f"{case[0]}-{case[1][:12]}")
def test_the_other_source_is_published(small, broken, request):
    step, error = broken
    number = CASES.index(broken) + 2
    before = small.gold("bad")
    for name in ("bad", "good"):
        small.deliver(name, f"{number}.csv", f"{number},new")
    done = small.run("run", "--now", "--json", code=None)
    code, said = FAILURES[error]
    run = json.loads(done.stdout)
    assert (done.returncode, run["exit_code"]) == (code, code), done.stderr
    assert (number, "new") in small.gold("good") and small.gold("bad") == before
    [problem] = run["problems"]
    assert problem.startswith(f"{step} bad: ") and said in problem
    assert ("Traceback" in done.stderr) == (code == 70)
    [(status, recorded)] = small.query(
        "SELECT exit_code, error FROM stg_ops.runs ORDER BY started_at DESC LIMIT 1", "warehouse.duckdb"
    )
    assert (status, recorded) == (code, problem)


def test_what_failed_is_caught_up_when_it_is_right_again(small):
    small.run("run", "--now")
    assert len(small.gold("bad")) == len(small.gold("good"))


@pytest.fixture(scope="module")
def operational(small, tmp_path_factory):
    """The operational Postgres, to which the table of `bad` goes from here on."""
    postgres = Postgres(tmp_path_factory.mktemp("operational") / "data")
    postgres.start()
    small.declare("bad", sinks=["warehouse", "postgres"])
    small.environment["ELT_POSTGRES_URL"] = postgres.operational
    small.run("run", "--now")
    yield postgres
    postgres.close()


def sunk(postgres):
    with contextlib.closing(psycopg2.connect(postgres.operational)) as con, con.cursor() as cursor:
        cursor.execute("SELECT id, name FROM bad.things ORDER BY id")
        return cursor.fetchall()


SINKS = {
    # trouble: (what makes it, what ends it, what is said)
    "gone": (lambda pg: pg.stop(), lambda pg: pg.start(), "could not be reached: .*[Cc]onnection refused"),
    "no such database": (
        lambda pg: execute(pg, "ALTER DATABASE operational RENAME TO elsewhere"),
        lambda pg: execute(pg, "ALTER DATABASE elsewhere RENAME TO operational"),
        'refused the login: database "operational" does not exist',
    ),
    "login": (
        lambda pg: execute(pg, f"ALTER ROLE {USER} PASSWORD 'another'"),
        lambda pg: execute(pg, f"ALTER ROLE {USER} PASSWORD '{pg.password}'"),
        "refused the login: password authentication failed",
    ),
    "rights": (
        lambda pg: execute(
            pg,
            "CREATE ROLE other",
            "ALTER TABLE bad.things OWNER TO other",
            database="operational",
        ),
        lambda pg: execute(pg, f"ALTER TABLE bad.things OWNER TO {USER}", database="operational"),
        "could not be written .*permission denied for table things",
    ),
}


@pytest.mark.few(1)
@pytest.mark.parametrize("trouble", SINKS)
def test_a_sink_that_fails_holds_up_no_dashboard_and_no_other_source(small, operational, trouble):
    make, end, said = SINKS[trouble]
    number = 50 + list(SINKS).index(trouble)
    for name in ("bad", "good"):
        small.deliver(name, f"{number}.csv", f"{number},sink")
    make(operational)
    try:
        done = small.run("run", "--now", "--json", code=4)
    finally:
        end(operational)
    run = json.loads(done.stdout)
    assert "Traceback" not in done.stderr and operational.password not in done.stdout + done.stderr
    [problem] = run["problems"]
    assert problem.startswith("bad: the operational Postgres ") and re.search(said, problem)
    assert {"bad_gold", "good_gold"} <= set(run["published"])
    for name in ("bad", "good"):
        assert (number, "sink") in small.gold(name)
    [(checks,)] = small.query(
        f"SELECT count(DISTINCT scope) FROM stg_ops.check_results WHERE run_id = '{run['run_id']}' AND layer = 'staging'",
        "warehouse.duckdb",
    )
    assert checks == 2
    assert small.query("SELECT exit_code, error FROM ops.runs ORDER BY started_at DESC LIMIT 1") == [(4, problem)]
    small.run("run", "--now")  # nothing new has come, and what waited is sent
    assert sunk(operational) == small.gold("bad")


@pytest.mark.nightly
@pytest.mark.parametrize("broken", [("refine", "KeyError('things')")], indirect=True)
def test_serve_goes_on_for_the_others(small, broken):
    import signal
    import subprocess
    import sys
    import time

    from dlt_sources.door import load_sources  # noqa: F401

    for name in ("bad", "good"):
        path = small.code / "dlt_sources" / name / "source.yml"
        path.write_text(path.read_text().replace("'@daily'", "'* * * * *'"))
        small.deliver(name, "serve1.csv", "101,first")
    served = subprocess.Popen(
        [sys.executable, "runner.py", "serve", "--every", "1"],
        cwd=small.code,
        env=small.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        for round_ in ("first", "second"):
            until = time.monotonic() + 150
            while time.monotonic() < until:
                if (101 + (round_ == "second"), round_) in small.gold("good"):
                    break
                assert served.poll() is None, served.stdout.read()
                time.sleep(1)
            else:
                pytest.fail(f"the {round_} file was not published")
            small.deliver("good", "serve2.csv", "102,second")
    finally:
        served.send_signal(signal.SIGTERM)
        out = served.communicate(timeout=120)[0]
    assert "refine bad: an error in this program: KeyError" in out and (101, "first") not in small.gold("bad")

"""Whatever fails in a step of one source is reported with source, step and cause; the others are published."""

import json

import pytest

from tests.small import Small

pytestmark = pytest.mark.slow

STEPS = {
    # step: (file, what is put at its end)
    "land": ("dlt_sources/door.py", "land"),
    "refine": ("dlt_sources/door.py", "refine"),
    "check staging": ("soda_checks/door.py", "check"),
    "sink": ("dlt_sources/door.py", "sink"),
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
    if step == "sink":  # a source with a table for Postgres
        runner = small.code / "runner.py"
        kept = runner.read_text()
        runner.write_text(kept.replace("if self.sources[name].operational:", "if True:"))
    yield step, error
    path.write_text(sound)
    if step == "sink":
        runner.write_text(kept)


CASES = [(step, "KeyError('things')") for step in STEPS if step != "sink"]
CASES += [("refine", error) for error in list(FAILURES)[1:]]


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
        [sys.executable, "runner.py", "serve", "--every", "1"], cwd=small.code, env=small.environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
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

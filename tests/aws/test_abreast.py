"""On AWS sources are refined side by side, and nothing else about them changes: rows, order, errors, the lock, signals, kills."""

import json
import os
import signal
import threading
import time
from contextlib import contextmanager

import psycopg2
import pytest

from tests import forks
from tests.small import Small

pytestmark = pytest.mark.slow
NAMES = ["ants", "bees", "cats", "dogs"]
STAGED = ["things", "_rejected", "_loads"]


@pytest.fixture(scope="module")
def small(tmp_path_factory, estate):
    small = Small(tmp_path_factory.mktemp("abreast"), *NAMES, *[f"{name}_alone" for name in NAMES])
    small.environment |= estate.environment
    return small


@pytest.fixture(autouse=True)
def calm(estate):
    yield
    estate.redshift.calm()
    estate.redshift.asked = lambda sql, session: None


class Copies:
    """Holds every COPY of the sources of a run until so many are waited for at a time, or until it is opened."""

    def __init__(self, estate, together):
        self.now = self.most = 0
        self.together, self.opened, self._changed = together, threading.Event(), threading.Condition()
        estate.redshift.asked = self._ask

    def _ask(self, sql, session):
        if session is None or not sql.lstrip().startswith("COPY"):
            return
        with self._changed:
            self.now += 1
            self.most = max(self.most, self.now)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most >= self.together or self.opened.is_set(), 30)
            self.now -= 1
            self._changed.notify_all()

    def wait_for(self, count):
        with self._changed:
            return self._changed.wait_for(lambda: self.now >= count, 90)

    def open(self):
        with self._changed:
            self.opened.set()
            self._changed.notify_all()


def deliver(small, names, file, *rows):
    for name in names:
        small.deliver(name, file, *rows)


def staged(estate, name):
    """What staging holds of a source, without what differs from load to load."""
    columns = {"things": "id, name, _row, _deleted", "_rejected": "row_number, raw, field, rule", "_loads": ""}
    columns["_loads"] = "table_name, landed, accepted, rejected"
    return {t: estate.redshift.query(f"SELECT {columns[t]} FROM stg_{name}.{t} ORDER BY 1, 2, 3") for t in STAGED}


def told(out, verb):
    return [line.split()[1] for line in out.splitlines() if line.split()[:1] == [verb]]


@contextmanager
def started(small, names, tmp_path):
    process = forks.start(
        ["runner.py", "run", *names, "--now"], small.code, small.environment, tmp_path / "out", tmp_path / "err"
    )
    try:
        yield process
    finally:
        process.kill()
        process.join()


def test_what_is_refined_side_by_side_is_what_is_refined_alone(small, estate):
    alone = [f"{name}_alone" for name in NAMES]
    for day, rows in enumerate((["1,one", "2,two", "0,"], ["2,zwei", "3,three"])):
        deliver(small, [*NAMES, *alone], f"{day}.csv", *rows)
        copies = Copies(estate, together=3)
        estate.redshift.statements.clear()
        done = small.run("run", *NAMES)
        assert copies.most >= 3
        said = [statement.sql.lstrip() for statement in estate.redshift.statements]
        assert sum(sql.startswith("SELECT table_schema, table_name, column_name") for sql in said) == 1
        assert sum(sql.startswith("INSERT INTO stg_ops.fields") for sql in said) == 1
        if day == 0:  # the schemas of new sources are one commit
            made = [said.index(f'CREATE SCHEMA IF NOT EXISTS "stg_{name}"') for name in (*NAMES, *alone)]
            assert "COMMIT" not in said[made[0] : made[3]] and "COMMIT" not in said[made[4] : made[-1]]
        assert told(done.stdout, "land") == told(done.stdout, "refine") == NAMES
        copies = Copies(estate, together=1)
        small.run("run", *alone, ELT_READERS="1")
        assert copies.most == 1
    for name in NAMES:
        assert staged(estate, name) == staged(estate, f"{name}_alone")
        gold = f"SELECT id, name FROM {name}_gold.things_now ORDER BY 1"
        assert estate.redshift.query(gold, "serving") == [(1, "one"), (2, "zwei"), (3, "three")]
    again = json.loads(small.run("run", *NAMES, "--json").stdout)
    assert (again["landed"], again["published"]) == (0, [])


def test_one_that_fails_leaves_the_others_alone(small, estate):
    deliver(small, NAMES, "fails.csv", "10,ten")
    Copies(estate, together=3)
    estate.redshift.fault(r"INSERT INTO .stg_bees.\..things", "error:Disk Full")
    done = small.run("run", *NAMES, code=4)
    problems = [line for line in done.stderr.splitlines() if "problem" in line]
    assert problems == ["  problem Redshift: Disk Full"], done.stderr
    ended = [line.split()[1] for line in done.stdout.splitlines() if "failed" in line and line.split()[0] == "refine"]
    assert ended == ["bees"], done.stdout
    assert told(done.stdout, "refine") == NAMES and "Traceback" not in done.stderr
    ten = "SELECT count(*) FROM {}_gold.things_now WHERE id = 10"
    assert [estate.redshift.query(ten.format(n), "serving") for n in NAMES] == [[(int(n != "bees"),)] for n in NAMES]
    small.run("run", "bees")
    assert estate.redshift.query(ten.format("bees"), "serving") == [(1,)]


def test_a_lock_that_is_lost_stops_all_of_them(small, estate, tmp_path):
    deliver(small, NAMES, "lost.csv", "20,twenty")
    copies = Copies(estate, together=99)
    with started(small, NAMES, tmp_path) as process:
        assert copies.wait_for(len(NAMES))
        with psycopg2.connect(
            host=str(estate.rds._sockets), port=estate.rds.port, user="postgres", dbname="postgres"
        ) as con:
            ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'millrace'"
            con.cursor().execute(ended)
        copies.open()
        process.join(60)
    assert process.exitcode == 4, (tmp_path / "err").read_text()
    problems = [line for line in (tmp_path / "err").read_text().splitlines() if "ended the session that holds" in line]
    assert len(problems) >= len(NAMES)
    twenty = "SELECT count(*) FROM stg_{}.things WHERE id = 20"
    assert [estate.redshift.query(twenty.format(name)) for name in NAMES] == [[(0,)]] * len(NAMES)
    estate.redshift.asked = lambda sql, session: None
    small.run("run", *NAMES)
    assert [estate.redshift.query(twenty.format(name)) for name in NAMES] == [[(1,)]] * len(NAMES)


@pytest.mark.few(1)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_signal_stops_all_of_them_at_once(number, small, estate, tmp_path):
    """Each waits for a COPY of its own, which ends only after the process has."""
    row = 30 + number
    deliver(small, NAMES, f"signal{number}.csv", f"{row},signal")
    copies = Copies(estate, together=99)
    with started(small, NAMES, tmp_path) as process:
        assert copies.wait_for(len(NAMES))
        began = time.monotonic()
        os.kill(process.pid, number)
        process.join(15)
        took = time.monotonic() - began
    assert took < 8 and process.exitcode == (-9 if number == signal.SIGKILL else 128 + number)
    assert "Traceback" not in (tmp_path / "err").read_text() and "Fatal" not in (tmp_path / "err").read_text()
    copies.open()
    held = f"SELECT count(*) FROM stg_{{}}.things WHERE id = {row}"
    assert [estate.redshift.query(held.format(name)) for name in NAMES] == [[(0,)]] * len(NAMES)
    estate.redshift.asked = lambda sql, session: None
    small.run("run", *NAMES)
    assert [estate.redshift.query(held.format(name)) for name in NAMES] == [[(1,)]] * len(NAMES)

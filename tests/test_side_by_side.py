"""Sources are asked side by side, and nothing else about them changes. Per kind, and in parts: dlt_sources/test_ahead.py."""

import json
import os
import signal
import threading
import time
from contextlib import ExitStack, closing, contextmanager

import psycopg2
import pytest
import yaml

from demo.postgres import USER, Postgres
from tests import forks
from tests.aws.cloud import Cloud
from tests.dlt_sources.database import execute
from tests.small import CONTRACT, MODEL, UNIT_TEST, Kept, Small
from tests.web import serve

NAMES = ["ants", "bees", "cats", "dogs"]


class Api:
    """Answers for each source: `wrong` says how some answer; `together` asks wait for each other, as far as `patience` goes."""

    def __init__(self):
        self.begin()

    def begin(self):
        """Answer as at first."""
        self.together, self.patience, self.wrong = 1, 5.0, {}
        self.rows = {name: [{"id": 1, "name": "one"}] for name in NAMES}
        self.asked, self.most, self._now = [], 0, 0
        self._changed = threading.Condition()

    def _meet(self):
        with self._changed:
            self._now += 1
            self.most = max(self.most, self._now)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.most >= self.together, self.patience)
            self._now -= 1

    @contextmanager
    def serve(self):
        with serve(self._answer) as self.url:
            yield self

    def _answer(self, request):
        name = request.path.strip("/")
        self.asked.append(name)
        self._meet()
        status = self.wrong.get(name, 200)
        if status == "hang":
            time.sleep(20)
            return None
        return status, {"content-type": "application/json"}, json.dumps(self.rows[name]).encode()


@pytest.fixture(scope="module")
def served():
    with Api().serve() as api:
        yield api


@pytest.fixture
def api(served):
    served.begin()
    return served


@pytest.fixture(scope="module")
def kept(served, tmp_path_factory):
    small = Small(tmp_path_factory.mktemp("side_by_side") / "project")
    for name in NAMES:
        declare(small, name, served)
    small("-m", "dlt_sources.derive")
    small.run("plan")  # the models of the pipeline's own record: what each test would build first
    return Kept(small)


@pytest.fixture
def small(kept):
    """A source of each name, of which nothing has landed."""
    return kept.put_back()


def declare(small, name, api):
    connection = {"base_url": api.url, "attempts": 1, "timeout": 30}
    write(small, name, "rest_api", connection, endpoint={"path": name})


def write(small, name, connector, connection, **place):
    folder = small.code / "dlt_sources" / name
    folder.mkdir()
    table = {"contract": "Thing", "key": ["id"], "mode": "upsert", **place}
    declared = {"description": "things", "owner": "me", "schedule": "@daily", "connector": connector}
    (folder / "source.yml").write_text(
        yaml.safe_dump({**declared, "connection": connection, "tables": {"things": table}})
    )
    (folder / "contract.py").write_text(CONTRACT)
    models = small.code / "sqlmesh_project/models" / f"{name}_gold"
    models.mkdir()
    (models / "things_now.sql").write_text(MODEL.format(name=name))
    (small.code / f"sqlmesh_project/tests/test_{name}.yaml").write_text(UNIT_TEST.format(name=name))


def steps(out, verb):
    return [line.split()[1] for line in out.splitlines() if line.split()[:1] == [verb]]


def test_answers_are_awaited_together_and_told_in_order(small, api):
    api.together = len(NAMES)
    done = small.run("run", "--now")
    assert api.most == len(NAMES)
    assert steps(done.stdout, "land") == steps(done.stdout, "refine") == NAMES
    assert all(small.gold(name) == [(1, "one")] for name in NAMES)
    api.asked.clear()
    assert "landed 0 rows" in small.run("run", "--now").stdout
    assert sorted(api.asked) == NAMES


def test_no_more_are_asked_at_a_time_than_the_settings_say(small, api):
    api.together, api.patience = 3, 0.3
    small.run("run", "--now", ELT_READERS="2")
    assert api.most == 2


def test_one_that_fails_leaves_the_others_alone(small, api):
    api.wrong = {"bees": 500, "cats": 503}
    done = small.run("run", "--now", code=3)
    told = [line for line in done.stderr.splitlines() if "problem" in line]
    assert ["bees" in told[0], "cats" in told[1], len(told)] == [True, True, 2], done.stderr
    assert "Traceback" not in done.stderr
    assert [small.gold(name) for name in ("ants", "dogs")] == [[(1, "one")]] * 2
    api.wrong = {}
    small.run("run", "--now")
    assert [small.gold(name) for name in NAMES] == [[(1, "one")]] * 4


@pytest.mark.few(1)  # by day databases and buckets have the other signals
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_run_is_ended_while_it_waits_for_answers(tmp_path, small, api, number):
    api.wrong = {"ants": "hang", "dogs": "hang"}
    out, err = tmp_path / "out", tmp_path / "err"
    process = forks.start(["runner.py", "run", "--now"], small.code, small.environment, out, err)
    while len(api.asked) < len(NAMES) and process.is_alive():
        time.sleep(0.05)
    began = time.monotonic()
    os.kill(process.pid, number)
    process.join(15)
    assert time.monotonic() - began < 10
    assert process.exitcode == (-9 if number == signal.SIGKILL else 128 + number)
    assert "Traceback" not in err.read_text() and "Fatal" not in err.read_text()
    api.wrong = {}
    small.run("run", "--now")
    assert [small.gold(name) for name in NAMES] == [[(1, "one")]] * 4
    assert small.query("SELECT sum(landed)::INT FROM stg_ants._loads", "warehouse.duckdb") == [(1,)]


class SlowTables:
    """Each source is a view of Postgres; two of them take half a minute."""

    def __init__(self, folder, stack):
        self.server = Postgres(folder / "pg")
        stack.callback(self.server.close)
        self.server.start()
        execute(self.server, *(f"CREATE SCHEMA {name} AUTHORIZATION {USER}" for name in NAMES))
        self.environment = {f"ELT_{name.upper()}_URL": self.server.dsn for name in NAMES}
        self.answer(slow=("ants", "dogs"))

    def answer(self, slow=()):
        """What each source answers from here on; what a killed run asked goes, as its views stay locked so long."""
        execute(self.server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY%'")
        for name in NAMES:
            rows = f"SELECT 1 AS id, 'one'::text || pg_sleep({30 if name in slow else 0}) AS name"
            execute(
                self.server,
                f"CREATE OR REPLACE VIEW {name}.things AS {rows}",
                f"GRANT SELECT ON {name}.things TO {USER}",
            )

    def declare(self, small, name):
        write(small, name, "sql_database", {"url": f"${{{name.upper()}_URL}}", "schema": name}, table="things")

    def is_asked(self):
        return self.running() == 2

    def running(self):
        where = {"host": str(self.server._sockets), "port": self.server.port, "user": "postgres", "dbname": "postgres"}
        with closing(psycopg2.connect(**where)) as con, con.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active'")
            return cursor.fetchone()[0]


class SlowBuckets:
    """Each source is a prefix of a bucket; two listings are not answered."""

    def __init__(self, folder, stack):
        self.cloud = stack.enter_context(Cloud())
        store = self.cloud.client("s3")
        store.create_bucket(Bucket="drops")
        for name in NAMES:
            store.put_object(Bucket="drops", Key=f"{name}/1.csv", Body=b"id,name\n1,one\n")
        self.environment = self.cloud.environment | {f"ELT_{name.upper()}_URL": f"s3://drops/{name}" for name in NAMES}
        self.cloud.fault("prefix=(ants|dogs)", "hang", times=-1)

    def answer(self):
        self.cloud.calm()
        self.cloud.release()

    def declare(self, small, name):
        write(small, name, "files", {"url": f"${{{name.upper()}_URL}}"}, files="*.csv")

    def is_asked(self):
        asked = {request.query.get("prefix", "")[:4] for request in self.cloud.requests}
        return {"ants", "dogs"} <= asked

    def running(self):
        return 0


@pytest.mark.few(2)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "number"), [(SlowTables, signal.SIGINT), (SlowTables, signal.SIGKILL), (SlowBuckets, signal.SIGTERM)]
)
def test_a_run_is_ended_while_it_waits_for_databases_or_buckets(tmp_path, kind, number):
    with ExitStack() as stack:
        small, sources = Small(tmp_path), kind(tmp_path, stack)
        small.environment |= sources.environment
        for name in NAMES:
            sources.declare(small, name)
        small("-m", "dlt_sources.derive")
        out, err = tmp_path / "out", tmp_path / "err"
        process = forks.start(["runner.py", "run", "--now"], small.code, small.environment, out, err)
        while not sources.is_asked() and process.is_alive():
            time.sleep(0.05)
        began = time.monotonic()
        os.kill(process.pid, number)
        process.join(15)
        assert time.monotonic() - began < 10
        assert process.exitcode == (-9 if number == signal.SIGKILL else 128 + number), err.read_text()
        assert "Traceback" not in err.read_text() and "Fatal" not in err.read_text()
        if number == signal.SIGINT:
            assert not sources.running()
        sources.answer()
        done = small.run("run", "--now")
        assert steps(done.stdout, "land") == steps(done.stdout, "refine") == NAMES
        assert [small.gold(name) for name in NAMES] == [[(1, "one")]] * 4
        assert small.query("SELECT sum(landed)::INT FROM stg_ants._loads", "warehouse.duckdb") == [(1,)]


def test_a_profile_says_where_the_time_the_bytes_and_the_rows_went(small, api):
    done = small.run("run", "--now", "--profile")
    told = done.stdout[done.stdout.index("Where the time went") :]
    assert all(word in told for word in ("CPU s", "MB in", "MB out", *NAMES, "things", "model", "publish"))
    assert max(map(len, told.splitlines())) <= 80, told
    found = json.loads(small.run("run", "ants", "--now", "--profile", "--json").stdout)
    steps = {(step["step"], step["subject"]): step for step in found["profile"]}
    assert {("land", "ants"), ("refine", "ants")} <= steps.keys()
    assert all(step["cpu_seconds"] >= 0 and step["seconds"] >= 0 for step in steps.values())
    assert all(word in told for word in ("judge", "silver", "stage")), told
    recorded = small.query(
        "SELECT step, subject, handled, cpu_seconds > 0, written_bytes > 0 FROM ops.steps WHERE step IN ('refine', 'model')"
        " AND handled > 0 ORDER BY 1, 2"
    )
    assert recorded == [("model", "gold", 12, True, True), *(("refine", name, 1, True, True) for name in NAMES)]
    assert "profile" not in small.run("run", "--json").stdout
    api.rows["ants"] = [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}]
    [refined] = [
        step
        for step in json.loads(small.run("run", "ants", "--now", "--profile", "--json").stdout)["profile"]
        if step["step"] == "refine"
    ]
    parts = {(part["table"], part["did"]): part for part in refined["parts"]}
    assert {("things", "judge"), ("things", "silver"), ("things", "stage")} <= parts.keys()
    assert parts["things", "judge"]["rows"] == parts["things", "silver"]["rows"] == 1
    assert sum(part["seconds"] for part in parts.values()) <= refined["seconds"] + 0.1

"""The record of runs: an older warehouse is brought up to date, what did not end is interrupted, and nothing grows for ever."""

from datetime import UTC, datetime, timedelta

import duckdb
import pytest

import settings as configuration
from foundation.step_done import StepDone
from soda_checks.door import CheckResult
from warehouse import ops_tables
from warehouse.connection import connect
from warehouse.ops import Hold, Ops, Run
from warehouse.run import Progress, waiting, without_measures

NOW = datetime(2026, 3, 10, 12)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("ELT_DATA_DIR", str(tmp_path / "data"))
    return configuration.load()


def query(here, sql):
    with duckdb.connect(str(here.warehouse)) as con:
        return con.execute(sql).fetchall()


def step(number=0, moment=None, outcome="ok"):
    return StepDone(
        "land", f"shop{number}", moment or datetime.now(UTC).replace(tzinfo=None), 1.5, outcome, 10, 1, "things 10"
    )


def result(check="c", outcome="failed", rows=1, scope="shop"):
    return CheckResult(
        "staging",
        scope,
        "things",
        "",
        check,
        "missing",
        "fail",
        outcome,
        1.0,
        NOW,
        failing=rows,
        tested=100,
        allowed="limit 0",
        failing_sql="SELECT 1",
        failed_rows=tuple({"id": n} for n in range(rows)),
    )


ADDED = [(table, column) for table, columns in ops_tables.TABLES.items() for column in list(columns)[1:]]
FIRST = {  # as the tables were when they were first created
    "runs": "run_id VARCHAR(40), started_at TIMESTAMP, finished_at TIMESTAMP, command VARCHAR(20), target VARCHAR(10), sources VARCHAR(1000),"
    " status VARCHAR(10), exit_code INTEGER, landed BIGINT, accepted BIGINT, rejected BIGINT, published BOOLEAN, error VARCHAR(65535)",
    "check_results": "run_id VARCHAR(40), checked_at TIMESTAMP, layer VARCHAR(10), scope VARCHAR(100), dataset VARCHAR(100),"
    " column_name VARCHAR(100), check_name VARCHAR(1000), check_type VARCHAR(40), severity VARCHAR(10), outcome VARCHAR(20),"
    " measured DOUBLE PRECISION",
    "progress": "source VARCHAR(100), ran_at TIMESTAMP, published_refine_id VARCHAR(32), sent_refine_id VARCHAR(32)",
}


def use_all(here):
    """Write and read everything that the record has."""
    ops, run = Ops(here), Run("run", ["shop"], here.target)
    ops.begin(run)
    ops.add_step(run, step())
    ops.look(run, {"shop": ["things"]})
    ops.add_checks(run, "staging", "shop", [result()])
    ops.hold({"shop": Hold("7", {"shop"}, "staging", "check failed")})
    assert ops.progress()["shop"].held == "7"
    ops.mark(published={"shop": "7"})
    ops.finish(run, ["shop"])
    ops.close(run)
    return ops.progress()["shop"]


@pytest.mark.few(8)
@pytest.mark.parametrize(("table", "column"), ADDED, ids=lambda part: part)
def test_a_warehouse_that_lacks_any_column_gets_it(here, table, column):
    with connect(here) as con:
        ops_tables.ensure(con, here)
        con.execute(f"ALTER TABLE stg_ops.{table} DROP COLUMN {column}")
    assert use_all(here).published == "7"
    found = query(here, f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}'")
    assert {name for (name,) in found} == set(ops_tables.TABLES[table])


@pytest.mark.parametrize("with_views", [False, True])
def test_a_warehouse_of_the_first_version_goes_on_with_its_rows(here, with_views):
    with connect(here) as con:
        con.execute("CREATE SCHEMA stg_ops")
        for table, columns in FIRST.items():
            con.execute(f"CREATE TABLE stg_ops.{table} ({columns})")
            if with_views:  # as SQLMesh has them
                con.execute(f"CREATE VIEW {table}_now AS SELECT * FROM stg_ops.{table}")
        con.execute("INSERT INTO stg_ops.progress VALUES ('shop', NULL, '5', '5')")
        con.execute(
            "INSERT INTO stg_ops.runs (run_id, started_at, status, sources) VALUES ('old', TIMESTAMP '2020-01-01', 'ok', 'shop')"
        )
    assert Ops(here).progress()["shop"] == Progress(None, "5", "5")
    assert use_all(here).published == "7"
    assert query(here, "SELECT status FROM stg_ops.runs ORDER BY started_at") == [("ok",), ("ok",)]


def test_a_warehouse_that_lacks_nothing_is_asked_once(here, monkeypatch):
    use_all(here)
    asked = []
    with connect(here) as con:

        class Spy:
            def execute(self, sql, *values):
                asked.append(sql)
                return con.execute(sql, *values)

        ops_tables.ensure(Spy(), here)
    assert len(asked) == 1 and asked[0].startswith("SELECT")


def status_of(here, run):
    [found] = query(here, f"SELECT status, published, error, exit_code FROM stg_ops.runs WHERE run_id = '{run.run_id}'")
    return found


def killed(here, *, finished, code=0):
    """A run whose process ends here."""
    ops, run = Ops(here), Run("run", ["shop"], "local")
    ops.begin(run)
    ops.add_step(run, step())
    if code:
        run.problems, run.exit_code = ["it is bad"], code
    if finished:
        run.published = ["shop"]
        ops.finish(run, [])
    return run


@pytest.mark.parametrize("finished", [False, True], ids=["before its end is written", "after it published"])
def test_a_run_that_did_not_come_to_its_end_is_interrupted(here, finished):
    run = killed(here, finished=finished)
    other = Run("run", ["other"], "local")
    Ops(here).begin(other)
    status, published, error, _ = status_of(here, run)
    assert (status, published) == (
        "interrupted",
        True if finished else None,
    ) and "the process ended before the run did" in error
    assert status_of(here, other)[0] == "running"
    assert query(here, f"SELECT count(*) FROM stg_ops.steps WHERE run_id = '{run.run_id}'") == [(1,)]


def test_what_an_interrupted_run_had_said_of_itself_stays(here):
    run = killed(here, finished=True, code=1)
    Ops(here).begin(Run("run", ["other"], "local"))
    assert status_of(here, run) == ("interrupted", True, "it is bad", 1)


def test_a_run_that_cannot_be_recorded_is_known_to_the_process(here):
    def repeats(problem="the disk is full (5 MB of 9 MB free)"):
        ops, run = Ops(here), Run("run", ["shop"], "local", problems=[problem], exit_code=4)
        ops.try_record(run)
        return ops.repeats(run)

    here.warehouse.mkdir(parents=True)  # no database can be there
    assert [repeats(), repeats("the disk is full (1 MB of 9 MB free)"), repeats("another"), repeats()] == [
        False,
        True,
        False,
        False,
    ]
    here.warehouse.rmdir()
    assert [repeats(), repeats()] == [False, True]
    use_all(here)
    assert not repeats()


def test_a_run_that_came_to_its_end_keeps_its_status(here):
    use_all(here)
    Ops(here).begin(Run("run", ["other"], "local"))
    assert [s for (s,) in query(here, "SELECT status FROM stg_ops.runs ORDER BY started_at")] == ["ok", "running"]


def test_a_run_that_had_nothing_to_move_is_not_interrupted(here):
    run = Run("run", [], "local", broken=["shop"], problems=["its declaration is broken"], exit_code=2)
    Ops(here).try_record(run)
    Ops(here).begin(Run("run", ["other"], "local"))
    assert status_of(here, run)[0] == "failed"


def test_steps_are_kept_in_order_and_for_a_month(here):
    now = datetime.now(UTC).replace(tzinfo=None)
    ops, run = Ops(here), Run("run", ["shop"], "local")
    ops.begin(run)
    ops.add_step(run, step(1, now - timedelta(days=29)))
    ops.add_step(run, step(2, now - timedelta(days=31), "failed"))
    ops.close(run)
    assert query(here, "SELECT step_number, subject, outcome FROM stg_ops.steps ORDER BY 1") == [
        (1, "shop1", "ok"),
        (2, "shop2", "failed"),
    ]
    Ops(here).begin(Run("run", ["shop"], "local"))
    assert query(here, "SELECT subject FROM stg_ops.steps") == [("shop1",)]


def test_failed_rows_are_those_of_the_newest_answers(here):
    ops = Ops(here)
    for number in range(3):
        run = Run("run", ["shop"], "local")
        ops.begin(run)
        ops.add_checks(run, "staging", "shop", [result("a", rows=2), result("b", "passed", rows=0)])
        ops.add_checks(run, "staging", "other", [result(rows=number, scope="other")])
    found = query(here, "SELECT run_id, scope, check_name, row_number, row_key FROM stg_ops.failed_rows ORDER BY ALL")
    assert found == [
        (run.run_id, "other", "c", 1, '{"id": 0}'),
        (run.run_id, "other", "c", 2, '{"id": 1}'),
        (run.run_id, "shop", "a", 1, '{"id": 0}'),
        (run.run_id, "shop", "a", 2, '{"id": 1}'),
    ]
    ops.add_checks(run, "staging", "shop", [])
    assert query(here, "SELECT DISTINCT scope FROM stg_ops.failed_rows") == [("other",)]


def test_old_answers_leave_but_for_the_newest_of_each_scope(here, monkeypatch):
    ops = Ops(here)
    runs = (
        (0, "failed", "shop"),
        (500, "failed", "shop"),
        (505, "passed", "other"),
        (510, "passed", "shop"),
        (545, "passed", "shop"),
    )
    for day, outcome, scope in (*runs, (546, "passed", "third")):
        moment = NOW + timedelta(days=day)
        monkeypatch.setattr("warehouse.run.utc_now", lambda moment=moment: moment)
        monkeypatch.setattr(type(here), "clock", lambda self, moment=moment: moment.replace(tzinfo=UTC))
        run = Run("run", ["shop"], "local")
        ops.begin(run)
        answer = vars(result(outcome=outcome, scope=scope)) | {"checked_at": moment}
        ops.add_checks(run, "staging", scope, [CheckResult(**answer)])
    left = query(here, "SELECT scope, checked_at FROM stg_ops.check_results ORDER BY ALL")
    days = [(scope, (moment - NOW).days) for scope, moment in left]
    assert days == [("other", 505), ("shop", 500), ("shop", 545), ("third", 546)]


def test_a_text_that_is_too_long_is_cut_to_its_column(here):
    ops, run = Ops(here), Run("run", ["shop"], "local")
    ops.begin(run)
    ops.add_step(run, StepDone("s" * 30, "é" * 200, NOW, 1.0, "ok", 1, 0, "x" * 9000))
    found = query(here, "SELECT strlen(step), strlen(subject), strlen(detail) FROM stg_ops.steps")
    assert found == [(20, 100, 4000)]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a: 67 of 1,172 rows (5.7 %), limit 5 %", "a: 68 of 2,000 rows (3.4 %), limit 5 %", True),
        ("a: 2 rows, limit 0", "a: 14 rows, limit 0", True),
        ("a: failed (measured 3)", "a: failed (measured 4e+06)", True),
        ("a: 67 of 1,172 rows (5.7 %), limit 5 %", "a: 67 of 1,172 rows (5.7 %), limit 6 %", False),
        ("a: 67 of 1,172 rows (5.7 %)", "b: 67 of 1,172 rows (5.7 %)", False),
        ("2024-03.csv is not a table", "2024-04.csv is not a table", False),
    ],
)
def test_the_same_problem_with_other_numbers_of_rows_is_reported_once(here, one, other, same):
    assert (without_measures(one) == without_measures(other)) is same
    ops = Ops(here)
    for text, known in ((one, False), (other, same)):
        run = Run("run", ["shop"], "local", problems=[text], troubles={"shop": [text]}, exit_code=1)
        ops.begin(run)
        assert ops.repeats(run) is known
        assert (ops.note_troubles(run, ["shop"]) == []) is known
        ops.finish(run, [])


A = Progress(held="1", held_by=frozenset("a"), held_in="staging")
GOLD = Progress(held="1", held_by=frozenset("ab"), held_in="gold")
FOR_A = Progress(held="1", held_by=frozenset("a"), held_in="gold")


@pytest.mark.parametrize(
    ("progress", "own", "expected"),
    [
        ({}, "a", ""),  # nothing was tried
        ({"a": A}, "", "a"),  # another source's run leaves it alone
        ({"a": A}, "b", "a"),
        ({"a": A}, "a", ""),  # its own tries again
        ({"a": A, "b": FOR_A}, "b", "ab"),  # what waits for another source waits with it
        ({"a": A, "b": FOR_A}, "a", ""),  # and is tried again with it
        ({"a": A, "b": FOR_A}, "ab", ""),
        ({"a": A, "b": FOR_A}, "c", "ab"),
        ({"a": Progress(), "b": FOR_A}, "b", ""),  # what stopped it is published
        ({"a": Progress(held="0", held_by=frozenset("a")), "b": FOR_A}, "b", ""),  # or has sent again
        ({"a": GOLD, "b": GOLD}, "b", ""),  # a domain of both: either's run tries it
        ({"a": GOLD, "b": GOLD}, "c", "ab"),
    ],
)
def test_what_waits(progress, own, expected):
    known = {name: progress.get(name, Progress()) for name in "abc"}
    assert waiting(dict.fromkeys("abc", "1"), known, own) == set(expected)


def test_the_record_does_not_grow_with_the_runs(here, monkeypatch):
    """Twice the runs: as many rows. A source that runs seldom keeps its own."""
    monkeypatch.setattr("warehouse.retention.RUNS", 8)
    monkeypatch.setattr("warehouse.retention.DETAILED", 4)
    ops, sizes = Ops(here), []

    def take(name, code):
        run = Run("run", [name], "local", exit_code=code)
        ops.begin(run)
        ops.add_step(run, step())
        ops.add_checks(run, "staging", name, [result(outcome="warned", rows=1, scope=name)])
        ops.finish(run, [name])
        ops.close(run)

    take("seldom", 1)
    for number in range(1, 41):
        take("often", number % 4 == 0)
        sizes.append({t: len(query(here, f"SELECT 1 FROM stg_ops.{t}")) for t in ("runs", "steps", "check_results")})
    assert sizes[-1] == sizes[-5] == sizes[19 + 16] and sizes[-1]["runs"] < 2 * 8 + 4, sizes
    assert sizes[-1]["steps"] == sizes[-1]["check_results"] < 2 * 4 + 4, sizes
    seldom = "run_id IN (SELECT run_id FROM stg_ops.runs WHERE sources = 'seldom')"
    for table in ("runs", "steps", "check_results"):
        assert len(query(here, f"SELECT 1 FROM stg_ops.{table} WHERE {seldom}")) == 1
    monkeypatch.setattr("warehouse.retention.DETAILED", 1)
    assert ops.forget() > 0 and ops.forget() == 0

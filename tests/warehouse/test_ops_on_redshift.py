"""The record of runs on Redshift: what creates it, brings an older one up to date, writes and reads it."""

from collections.abc import Iterator

import pytest
from redshift_stand_in.client import Client
from redshift_stand_in.server import Redshift

from runtime.record import rows, runs
from settings import Settings
from tests.warehouse.test_ops import FIRST, result, step
from warehouse import ops_tables
from warehouse.connection import connect
from warehouse.ops import Hold, Ops, Run
from warehouse.waiting import Waiting


@pytest.fixture
def sql(redshift: Redshift) -> Iterator[Client]:
    client = Client(redshift)
    yield client
    client.con.close()


@pytest.fixture
def here(on_redshift: Settings, monkeypatch: pytest.MonkeyPatch, sql: Client) -> Iterator[Settings]:
    monkeypatch.setattr("foundation.lock.is_held", lambda settings: False)  # the state's Postgres is not part of this
    sql("DROP SCHEMA IF EXISTS stg_ops CASCADE")
    yield on_redshift
    sql("DROP SCHEMA IF EXISTS stg_ops CASCADE")


def use(here: Settings) -> Run:
    ops, run = Ops(here), Run("run", ["shop"], "aws")
    ops.begin(run)
    ops.add_step(run, step(1))
    ops.look(run, {"shop": ["things"]})
    ops.add_checks(run, "staging", "shop", [result(rows=2)])
    ops.hold({"shop": Hold("7", {"shop", "other"}, "staging", "check failed")})
    ops.finish(run, ["shop"])
    ops.add_step(run, step(2))
    return run


@pytest.mark.parametrize("old", [False, True], ids=["new", "of the first version"])
def test_the_record_is_written_and_read(here: Settings, sql: Client, old: bool) -> None:
    if old:
        sql("CREATE SCHEMA stg_ops")
        for table, columns in FIRST.items():
            sql(f"CREATE TABLE stg_ops.{table} ({columns})")
        sql("INSERT INTO stg_ops.runs (run_id, started_at, status) VALUES ('20200101', '2020-01-01', 'running')")
    run = use(here)
    Ops(here).begin(Run("run", ["other"], "aws"))  # without `close`: it did not come to its end
    with connect(here) as con:
        found = {r["run"]: r["status"] for r in runs(con, "stg_ops", here, "ORDER BY started_at")}
        assert found[run.run_id] == "interrupted" and (not old or found["20200101"] == "interrupted")
        assert [r["subject"] for r in rows(con, "SELECT * FROM stg_ops.steps ORDER BY step_number")] == ["shop1"]
        assert [r["row_key"] for r in rows(con, "SELECT * FROM stg_ops.failed_rows ORDER BY row_number")] == [
            '{"id": 0}',
            '{"id": 1}',
        ]
        [check] = rows(con, "SELECT * FROM stg_ops.check_results")
        assert (check["failing"], check["tested"], check["failing_sql"]) == (2, 100, "SELECT 1")
        assert rows(con, "SELECT * FROM stg_ops.no_such_table") == []
    progress = Ops(here).progress()["shop"]
    assert (progress.held, progress.held_by, progress.held_in) == ("7", {"shop", "other"}, "staging")


def test_a_record_that_lacks_nothing_is_left_alone(here: Settings) -> None:
    use(here)
    asked = []
    with connect(here) as con:

        class Spy:
            def execute(self, statement, *values):
                asked.append(statement)
                return con.execute(statement, *values)

        ops_tables.ensure(Spy(), here)
    assert len(asked) == 1


def test_what_a_run_of_many_sources_found_is_recorded(here: Settings) -> None:
    """More values than one statement of the driver can have."""
    names = [f"s{number:04}" for number in range(1500)]
    ops, run = Ops(here), Run("run", names, "aws")
    ops.begin(run)
    for number, name in enumerate(names):
        ops.add_step(run, step(number))
        ops.add_checks(
            run, "staging", name, [result("a", rows=1, scope=name), result("b", "passed", rows=0, scope=name)]
        )
    ops.finish(run, names)
    ops.mark(sent={name: f"{number}" for number, name in enumerate(names)})
    ops.mark(published=dict.fromkeys(names, "7"))
    ops.close(run)
    with connect(here) as con:
        counted = {
            table: con.execute(f"SELECT count(*) FROM stg_ops.{table}").fetchall()[0][0]
            for table in ("steps", "check_results", "failed_rows")
        }
    assert counted == {"steps": 1500, "check_results": 3000, "failed_rows": 1500}
    progress = ops.progress()
    assert {(progress[name].sent, progress[name].published, progress[name].ran_at) for name in names[5:6]} == {
        ("5", "7", progress["s0000"].ran_at)
    }
    assert [progress[name].sent for name in names] == [f"{number}" for number in range(1500)]


def test_sources_that_wait_for_each_other_are_recorded_in_few_statements(here: Settings, redshift: Redshift) -> None:
    """One commit for each would take Redshift minutes; what all of them say at once is more than it takes in one statement."""
    ops, names = Ops(here), [f"{'source' * 10}{n:04}" for n in range(500)]
    ops.begin(Run("run", ["shop"], "aws"))
    before = len(redshift.statements)
    ops.hold({name: Hold(str(n), names, "gold", f"{name} waits") for n, name in enumerate(names)})
    said = redshift.statements[before:]
    assert sum(statement.sql == "COMMIT" for statement in said) == 1
    length = sum(len(name) for name in names) * len(names)
    assert length / 2**23 < sum(statement.sql.startswith("INSERT") for statement in said) < 10
    found = ops.progress()
    assert {(name, found[name].held, found[name].held_why) for name in names} == {
        (name, str(n), f"{name} waits") for n, name in enumerate(names)
    }
    assert all(found[name].held_by == set(names) for name in names)


def test_what_goes_wrong_in_hundreds_of_sources_at_once_is_recorded_in_few_statements(
    here: Settings, redshift: Redshift
) -> None:
    """As when a server is down that all of them read, and when it is up again."""
    ops, names = Ops(here), [f"s{n:04}" for n in range(300)]
    run = Run("run", names, "aws")
    ops.begin(run)
    waits, domains = Waiting(here), {f"d{n}": {"shop"} for n in range(100)}
    for troubles, new in (({name: [f"{name} is down"] for name in names}, names), ({}, names)):
        run.troubles = troubles
        before = len(redshift.statements)
        assert ops.note_troubles(run, names) == new
        waits.hold(domains, "a plan changes them")
        waits.hold({name: {"other"} for name in list(domains)[:50]}, "their checks failed", "digest")
        assert {held.reason for held in waits.domains().values()} == {"a plan changes them", "their checks failed"}
        waits.release(domains)
        assert waits.domains() == {}
        assert len(redshift.statements) - before < 60
    run.troubles = {name: [f"{name} is down"] for name in names}
    ops.note_troubles(run, names)
    assert ops.note_troubles(run, names) == []


def test_hundreds_of_sources_that_stop_one_are_recorded(here: Settings, sql: Client) -> None:
    """Redshift refuses a text that is longer than its column; an older record has shorter ones."""
    sql("CREATE SCHEMA stg_ops")
    for table, column, length in (("progress", "held_by", 4000), ("waiting_domains", "sources", 1000)):
        columns = ", ".join(f"{n} {k}" for n, k in (ops_tables.TABLES[table] | {column: f"VARCHAR({length})"}).items())
        sql(f"CREATE TABLE stg_ops.{table} ({columns})")
    ops, many = Ops(here), {f"{'source' * 15}{n:04}" for n in range(600)}
    ops.begin(Run("run", ["shop"], "aws"))
    ops.hold({"shop": Hold("7", many, "gold", "they wait")})
    Waiting(here).hold({"sales": many}, "they wait")
    assert ops.progress()["shop"].held_by == Waiting(here).domains()["sales"].sources == many
    more = {f"{'source' * 15}{n:04}" for n in range(900)}
    ops.hold({"shop": Hold("8", more, "gold", "they wait")})
    assert len(ops.progress()["shop"].held_by) > 600 and ops.progress()["shop"].held_by < more


def test_a_run_that_is_killed_keeps_the_checks_of_the_steps_before(here: Settings) -> None:
    ops, run = Ops(here), Run("run", ["shop"], "aws")
    ops.begin(run)
    ops.add_checks(run, "staging", "shop", [result(rows=2)])
    ops.write_recent()
    ops.add_checks(run, "gold", "sales", [result(rows=1)])
    with connect(here) as con:
        assert len(rows(con, "SELECT * FROM stg_ops.check_results")) == 1
        assert len(rows(con, "SELECT * FROM stg_ops.failed_rows")) == 2

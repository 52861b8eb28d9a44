"""A machine's clock that is wrong for one run, ahead or behind, changes nothing: not what arrives, not which version wins."""

import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

import settings as configuration
from dlt_sources._steps.land import cursor
from dlt_sources._steps.stores.commit import LandingClient
from dlt_sources._steps.stores.lake import Landing
from dlt_sources.door import land, refine
from runtime.schedule import due, late_hours
from tests.dlt_sources.shop import query, run, source_of, staged
from tests.dlt_sources.test_withdrawn import silver
from tests.needs import lack
from tests.small import Small
from warehouse.ops import Ops, Progress, Run

DAY = 86_400
WRONG = {"ahead": DAY, "behind": -DAY, "a year ahead": 365 * DAY, "an hour behind": -3600}
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("ELT_DATA_DIR", str(tmp_path / "data"))
    return configuration.load()


@pytest.fixture
def clock(monkeypatch):
    """Set the clock by which dlt, refines and reads count, as another process with another clock has it."""

    def put(seconds):
        import dlt.common.time as of_dlt

        real = time.time
        monkeypatch.setattr(of_dlt, "precise_time", lambda: real() + seconds)
        monkeypatch.setattr(of_dlt.increasing_precise_time, "_last", 0.0)
        monkeypatch.setattr("dlt_sources._steps.staging.stage.time.time_ns", lambda: int((real() + seconds) * 1e9))
        now = datetime.now(UTC) + timedelta(seconds=seconds)
        monkeypatch.setattr(configuration.Settings, "clock", lambda self: now)

    return put


TABLES = {
    "upsert": {"mode": "upsert", "files": "*.csv"},
    "append": {"mode": "append", "files": "*.csv"},
}


@pytest.mark.few(2)
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_rows_arrive_and_win_in_the_order_of_the_reads(tmp_path, here, clock, table, wrong):
    (tmp_path / "inbox").mkdir()
    shop = source_of(tmp_path, tmp_path / "inbox", **table)
    for number, seconds in enumerate((0, wrong, 0, 0)):
        clock(seconds)
        name = "same.csv" if table["mode"] == "append" else f"{number}.csv"
        (tmp_path / "inbox" / name).write_text(f"id,name\n1,version {number}\n{number + 2},new {number}\n")
        assert run(shop, here) == (2, 2, 0), number
        assert (1, f"version {number}") in staged(here) and (number + 2, f"new {number}") in staged(here)
    before = staged(here)
    loads = Landing("shop", here).loads()
    refine(shop, here, since=loads[0])  # the order of the loads is that of the reads for ever
    assert staged(here) == before
    assert [
        row[0] for row in query(here, "SELECT load_id FROM stg_shop._loads ORDER BY refined_at, load_id::DOUBLE")
    ] == loads
    assert (
        land(shop, here) == {} and not refine(shop, here).landed
    )  # a load that only notes how old a file is may be there


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_another_machine_goes_on_in_the_same_order(tmp_path, here, clock, wrong):
    import shutil

    (tmp_path / "inbox").mkdir()
    shop = source_of(tmp_path, tmp_path / "inbox", mode="upsert")
    for number, seconds in enumerate((wrong, 0, 0)):
        clock(seconds)
        (tmp_path / "inbox" / f"{number}.csv").write_text(f"id,name\n1,version {number}\n")
        assert run(shop, here) == (1, 1, 0)
        shutil.rmtree(here.dlt)  # what dlt remembers is what it reads back from the lake and the warehouse
        shutil.rmtree(here.workplace("shop"))
    assert staged(here) == [(1, "version 2")]


@pytest.mark.parametrize("same_id", [False, True])
def test_a_read_that_was_cut_short_lands_once(tmp_path, here, clock, monkeypatch, same_id):
    """What it left in the landing is not another read's, even under the same id: a clock that was ahead leaves none free."""
    (tmp_path / "inbox").mkdir()
    shop = source_of(tmp_path, tmp_path / "inbox", mode="append")
    if same_id:
        monkeypatch.setattr("dlt_sources._steps.stores.pipelines.secrets.randbelow", lambda most: 7)
    for number, seconds in enumerate((DAY, 0, 0)):
        clock(seconds)
        (tmp_path / "inbox" / f"{number}.csv").write_text(f"id,name\n{number + 1},x\n")
        with monkeypatch.context() as cut, pytest.raises(Exception, match="no power"):
            cut.setattr(LandingClient, "complete_load", Mock(side_effect=RuntimeError("no power")))
            land(shop, here)
        assert run(shop, here) == (1, 1, 0)
    assert staged(here) == [(1, "x"), (2, "x"), (3, "x")]
    assert query(here, "SELECT sum(landed)::INT, sum(accepted)::INT FROM stg_shop._loads") == [(3, 3)]
    assert silver(here) == [(f"{n}.csv", n + 1, "x") for n in range(3)]


def test_what_was_landed_in_an_odd_order_before_is_refined(tmp_path, here, clock, monkeypatch):
    """Landings of a time when ids were made of the clock alone; and one that was put back to what it was."""
    (tmp_path / "inbox").mkdir()
    shop = source_of(tmp_path, tmp_path / "inbox", mode="upsert")
    deliver = (tmp_path / "inbox").joinpath
    monkeypatch.setattr(Landing, "newest", lambda self, after: "")
    clock(DAY)
    deliver("ahead.csv").write_text("id,name\n1,ahead\n2,two\n")
    run(shop, here)
    clock(0)
    deliver("corrected.csv").write_text("id,name\n1,corrected\n3,three\n")
    assert land(shop, here) == {"things": 2}
    first, second = Landing("shop", here).loads()
    assert float(first) < time.time() + 60 < float(second)
    with monkeypatch.context() as old:
        old.setattr("dlt_sources._steps.staging.stage.Staging.in_order", False)
        assert refine(shop, here).loads == [first]
        assert refine(shop, here).loads == []
    assert refine(shop, here).loads == []
    assert staged(here) == [(1, "corrected"), (2, "two"), (3, "three")]
    for path in Path(here.landing, "shop", "_dlt_loads").glob(f"*{second}*"):
        path.unlink()
    deliver("later.csv").write_text("id,name\n4,four\n")
    assert land(shop, here) == {"things": 1}
    assert len(refine(shop, here).loads) == 1
    assert staged(here)[-1] == (4, "four")


def test_reads_are_later_than_the_reads_before_them(tmp_path, here, clock):
    (tmp_path / "inbox").mkdir()
    shop = source_of(tmp_path, tmp_path / "inbox", mode="upsert")
    for number, seconds in enumerate((0, DAY, 0, 0, -DAY)):
        clock(seconds)
        (tmp_path / "inbox" / f"{number}.csv").write_text(f"id,name\n{number + 1},x\n")
        run(shop, here)
    moments = [row[0] for row in query(here, "SELECT _read_at FROM stg_shop.things ORDER BY id")]
    assert moments == sorted(set(moments))


def table(mode="upsert", start=None, overlap=timedelta(0)):
    return SimpleNamespace(mode=mode, start=start, overlap=overlap)


@pytest.mark.few(2)
@pytest.mark.parametrize("mode", ["upsert", "append"])
@pytest.mark.parametrize("wrong", [timedelta(days=1), timedelta(days=-1), timedelta(days=400), timedelta(hours=1)])
def test_a_cursor_hides_no_row(mode, wrong):
    """A row a minute, and at times one dated far in the future; reads every ten minutes, some by a wrong clock."""
    memory, seen, future = {}, set(), NOW + timedelta(days=3650)
    for turn in range(400):
        now = NOW + timedelta(minutes=10 * turn)
        ours = now + (wrong if 20 <= turn < 25 else timedelta(0))
        since = cursor.since(memory, table(mode), ours)
        rows = [NOW + timedelta(minutes=n) for n in range(turn * 10 + 1)] + [future] * (
            turn % 7 == 0 and mode == "upsert"
        )
        sent = [at for at in rows if since is None or at >= since]
        seen |= set(sent)
        cursor.advance(memory, table(mode), max(sent, default=None), ours)
        if ours == now:  # rows dated in the future bound by a clock that is ahead may wait until it is right
            assert {at for at in rows if at <= now} <= seen, turn
        assert len(memory.get("cursors", [])) <= cursor.KEEP
    assert len(sent) < 20  # it has come back to reading what is new


def test_a_cursor_that_an_older_version_left_in_the_future_is_not_believed():
    memory = {"cursor": (NOW + timedelta(days=1)).isoformat()}
    assert cursor.since(memory, table(start=NOW.date()), NOW) == datetime(2026, 3, 10, tzinfo=UTC)
    assert cursor.since(memory, table(), NOW) is None
    assert cursor.since(memory, table("append"), NOW) == NOW


def test_the_schedule_goes_on_when_a_run_was_stamped_in_the_future():
    sources = {"daily": SimpleNamespace(declared=SimpleNamespace(schedule="0 6 * * *", enabled=True))}
    progress = defaultdict(Progress, daily=Progress(NOW + timedelta(days=1)))
    assert due(sources, progress, NOW) == ["daily"]
    assert late_hours("0 6 * * *", progress["daily"].ran_at, NOW) == 6
    progress["daily"] = Progress(NOW)
    assert due(sources, progress, NOW) == [] and due(sources, progress, NOW + timedelta(hours=1)) == []


def test_runs_stay_in_their_order(here, monkeypatch):
    ops, ids, real = Ops(here), [], datetime.now(UTC).replace(tzinfo=None)
    for seconds in (0, DAY, 5, 10):
        monkeypatch.setattr("warehouse.run.utc_now", lambda s=seconds: real + timedelta(seconds=s))
        run = Run("run", ["shop"], "local")
        run.problems = [f"failure {seconds}"]
        ops.begin(run)
        assert not ops.repeats(run)
        ops.finish(run, [])
        ids.append(run.run_id)
    rows = query(here, "SELECT run_id, finished_at >= started_at FROM stg_ops.runs ORDER BY started_at")
    assert rows == [(run_id, True) for run_id in ids] and ids == sorted(ids)
    assert ops.repeats(run) is False
    again = Run("run", ["shop"], "local", problems=["failure 10"])
    assert ops.repeats(again)


def test_a_published_version_is_not_removed_as_an_older_one(here, monkeypatch):
    import duckdb

    from warehouse.publish import publish

    here.data.mkdir()
    for number, seconds in enumerate((0, DAY, DAY, 0, 0, -DAY, 0)):
        with duckdb.connect(str(here.warehouse)) as con:
            con.execute(f"CREATE SCHEMA IF NOT EXISTS g; CREATE OR REPLACE TABLE g.t AS SELECT {number} AS n")
        ns = time.time_ns() + seconds * 10**9
        monkeypatch.setattr("warehouse.publish_file.time.time_ns", lambda ns=ns: ns)
        publish({"g"}, here)
        monkeypatch.undo()
        with duckdb.connect(str(here.serving.resolve()), read_only=True) as con:
            assert con.execute("SELECT n FROM g.t").fetchall() == [(number,)]


@pytest.mark.few(1)
@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["+1d", "-1d"])
def test_the_whole_flow_under_a_clock_that_is_wrong_for_one_run(tmp_path, wrong):
    libraries = [
        path for folder in ("*/faketime", "faketime") for path in Path("/usr/lib").glob(f"{folder}/libfaketimeMT.so.1")
    ]
    if not libraries:
        lack("libfaketime, which gives a process another clock, is not installed", "apt-get install libfaketime")
    fake = {"LD_PRELOAD": str(libraries[0]), "FAKETIME": wrong, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    small = Small(tmp_path, "shop")
    small.deliver("shop", "1.csv", "1,one", "2,two")
    small.run()  # what is due
    small.deliver("shop", "2.csv", "2,TWO", "3,three")
    small.run("run", "--now", **fake)
    small.deliver("shop", "3.csv", "3,THREE", "4,four")
    small.run("run", "--now")
    assert small.gold("shop") == [(1, "one"), (2, "TWO"), (3, "THREE"), (4, "four")]
    small.deliver("shop", "4.csv", "4,FOUR")
    small.run("run", "--now")
    assert small.gold("shop")[-1] == (4, "FOUR")
    assert "Nothing is due" in small.run().stdout  # and the schedule has its slot
    [last] = [run["landed"] for run in small.status()["runs"]][:1]
    assert last == 1

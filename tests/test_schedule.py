"""Each slot of each source's cron runs once: also after an outage, also when cron calls every minute."""

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.schedule import due, explain, late_hours, of_schedule
from settings import SettingsError
from tests.small import Small
from warehouse.ops import Progress

SOURCES = {
    name: SimpleNamespace(declared=SimpleNamespace(schedule=cron, enabled=True))
    for name, cron in {"daily": "0 6 * * *", "minute": "* * * * *", "monthly": "0 9 29 * *"}.items()
}
START = datetime(2020, 2, 27, 5, 59, tzinfo=UTC)


def runs_of(moments):
    """What runs at which moments, when a run notes when it began."""
    progress = defaultdict(Progress, dict.fromkeys(SOURCES, Progress(START)))
    found = []
    for moment in moments:
        for name in due(SOURCES, progress, moment):
            progress[name] = Progress(moment)
            found.append((name, moment))
    return found


def test_what_never_ran_is_due():
    assert due(SOURCES, defaultdict(Progress), START) == list(SOURCES)


@pytest.mark.slow
def test_called_every_half_minute_each_slot_runs_once():
    runs = runs_of(START + timedelta(seconds=30 * n) for n in range(1, 2 * 60 * 24 * 3))
    assert [moment for name, moment in runs if name == "daily"] == [
        datetime(2020, 2, day, 6, tzinfo=UTC) for day in (27, 28, 29)
    ]
    assert [moment for name, moment in runs if name == "monthly"] == [datetime(2020, 2, 29, 9, tzinfo=UTC)]
    minutes = [moment for name, moment in runs if name == "minute"]
    assert minutes == [START + timedelta(minutes=n) for n in range(1, 60 * 24 * 3)]


def test_an_outage_is_caught_up_by_one_run():
    runs = runs_of([START + timedelta(days=10), START + timedelta(days=10, seconds=1)])
    assert sorted(name for name, _ in runs) == ["daily", "minute", "monthly"]


def test_a_slot_that_comes_while_a_run_is_in_progress_is_served_after_it():
    began = datetime(2020, 2, 27, 6, 0, 59, tzinfo=UTC)  # the run notes when it began, not when it ended
    assert "minute" in due(SOURCES, defaultdict(Progress, minute=Progress(began)), began + timedelta(seconds=2))


@given(st.lists(st.integers(1, 3 * 86_400_000_000), min_size=1, max_size=60))
def test_whenever_it_is_called_no_slot_runs_twice_and_none_is_lost(microseconds):
    moments = sorted(START + timedelta(microseconds=n) for n in microseconds)
    minutes = [moment for name, moment in runs_of(moments) if name == "minute"]
    slots = [moment.replace(second=0, microsecond=0) for moment in minutes]
    assert len(set(slots)) == len(slots)
    assert set(slots) == {m.replace(second=0, microsecond=0) for m in moments if m >= START + timedelta(minutes=1)}


@given(st.integers(0, 3 * 86_400), st.integers(0, 3 * 86_400))
def test_a_source_is_late_when_it_is_due_and_by_the_hours_since_its_first_missed_slot(ran_second, waited):
    ran = START + timedelta(seconds=ran_second)
    now = ran + timedelta(seconds=waited)
    hours = late_hours("0 6 * * *", ran, now)
    slots = [START.replace(hour=6, minute=0) + timedelta(days=n) for n in range(8)]
    missed = [slot for slot in slots if ran < slot <= now]
    assert hours == ((now - missed[0]).total_seconds() / 3600 if missed else 0)


def test_a_source_that_never_ran_is_late_since_its_latest_slot():
    assert late_hours("0 6 * * *", None, START + timedelta(hours=3, minutes=1)) == 3


@pytest.mark.parametrize(
    ("schedule", "same"),
    [
        ("@daily", "0  0 * * *"),
        ("0 6 * * MON-FRI", "0 6 * * 1,2,3,4,5"),
        ("0 8 * * 5-7", "0 8 * * 0,5,6"),
        ("@weekly", "0 0 * * 7"),
    ],
)
def test_the_sources_of_a_time_are_found_however_it_is_written(schedule, same):
    sources = SOURCES | {"mine": SimpleNamespace(declared=SimpleNamespace(schedule=schedule, enabled=True))}
    assert of_schedule(sources, same) == of_schedule(sources, schedule) == ["mine"]


@pytest.mark.parametrize("schedule", ["5 6 * * *", "at noon", ""])
def test_a_time_of_no_source_is_an_error_that_says_theirs(schedule):
    with pytest.raises(SettingsError, match=r"'0 6 \* \* \*'|is not a cron expression"):
        of_schedule(SOURCES, schedule)


@pytest.mark.slow
def test_a_schedule_starts_its_sources_in_one_run_and_no_other(tmp_path):
    small = Small(tmp_path, "ann", "bob", "cleo")
    path = small.code / "dlt_sources/cleo/source.yml"
    path.write_text(path.read_text().replace("'@daily'", "'@hourly'"))
    for name in ("ann", "bob", "cleo"):
        small.deliver(name, "a.csv", "1,x")
    done = small.run("run", "--schedule", "0 0 * * *")
    assert small.status()["runs"][0]["sources"] == "ann,bob", done.stdout
    refused = small.run("run", "--schedule", "0 5 * * *", code=2)
    assert "no source has the schedule '0 5 * * *'; source.yml says '@daily', '@hourly'" in refused.stderr
    assert small.run("run", "ann", "--schedule", "@daily", code=2).stderr


@given(
    ran=st.none() | st.datetimes(datetime(2019, 1, 1), datetime(2021, 1, 1), timezones=st.just(UTC)),
    now=st.datetimes(datetime(2020, 1, 1), datetime(2020, 12, 31), timezones=st.just(UTC)),
)
def test_what_is_said_to_be_due_is_what_runs(ran, now):
    progress = defaultdict(Progress, dict.fromkeys(SOURCES, Progress(ran)))
    said = [
        name for name, source in SOURCES.items() if explain(name, source.declared.schedule, ran, now)["due"] == "yes"
    ]
    assert said == due(SOURCES, progress, now)


@pytest.mark.slow
def test_a_dry_run_says_what_is_due_and_changes_nothing(tmp_path):
    small = Small(tmp_path, "shop", "other")
    assert [row["due"] for row in json.loads(small.run("run", "--dry-run", "--json").stdout)] == ["yes", "yes"]
    assert not small.data.exists() or not list(small.data.rglob("*.duckdb"))
    small.deliver("shop", "1.csv", "1,one")
    small.run("run", "shop")
    before = {path: path.stat().st_mtime_ns for path in small.data.rglob("*") if path.is_file()}
    said = small.run("run", "--dry-run").stdout
    assert "it has had no successful run" in said and "next at" in said
    broken = small.code / "dlt_sources/other/source.yml"
    broken.write_text(broken.read_text() + "unknown: 1\n")
    [shop, other] = json.loads(small.run("run", "--dry-run", "--json").stdout)
    assert shop["due"] == "no" and "its declaration is broken" in other["why"]
    assert {path: path.stat().st_mtime_ns for path in small.data.rglob("*") if path.is_file()} == before

"""A span too large for one run is read in pieces; one that fails says where to go on, and nothing before it is read again.

One that is killed cannot say it: `status` does.
"""

import os
import random
import signal
import threading
import time
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from runtime.backfill import pieces
from tests import forks
from tests.small import Small

DAYS = st.datetimes(datetime(1999, 12, 1), datetime(2030, 1, 1)).map(
    lambda d: d.replace(hour=0, minute=0, second=0, microsecond=0)
)


@given(DAYS, st.integers(0, 900), st.integers(1, 400))
def test_every_day_is_in_one_piece(since, more, days):
    until = since + timedelta(days=more)
    found = [(work.since, work.until) for work in pieces(since, until, days)]
    every = [first + timedelta(days=n) for first, last in found for n in range((last - first).days + 1)]
    assert every == [since + timedelta(days=n) for n in range(more + 1)]
    assert all((last - first).days < days for first, last in found)


def test_a_span_that_ends_before_it_begins_has_no_piece():
    assert list(pieces(datetime(2026, 1, 2), datetime(2026, 1, 1), 7)) == []


CONTRACT = '''"""What a thing is."""

from datetime import date

from dlt_sources.contract import Contract, column


class Thing(Contract):
    """One thing."""

    id: int = column("The thing", ge=1)
    name: str = column("Its name", min_length=1, max_length=20)
    day: date = column("Its day")
'''
CODE = """import os
from datetime import timedelta
from pathlib import Path


def things(request, values):
    first, last = request.since.date(), request.upto or request.until.date()
    with Path(values["log"]).open("a") as log:
        log.write(f"{first} {last}\\n")
    if Path(values["log"] + ".broken").exists() and str(last) >= "2026-01-08":
        raise OSError("away")
    if Path(values["log"] + ".killed").exists() and str(last) >= "2026-01-08":
        os.kill(os.getpid(), 9)
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        yield {"id": day.toordinal(), "name": str(day), "day": day}
        for number in range(1, int(values.get("more", 0)) + 1):  # names that no file holds in less
            yield {"id": 1_000_000 * number + day.toordinal(), "name": f"{hash((number, day.toordinal())):x}", "day": day}
"""
MORE = 2_000


def ways_on(small):
    """The commands that `status` gives for what was not finished."""
    return [row["text"].split("`")[1] for row in small.status()["unfinished"] if row["what"] == "backfill"]


@contextmanager
def peak_of(*folders):
    """A list of one number: the most bytes that have been below some folders at a time while the block ran."""
    peak, ended = [0], threading.Event()

    def look():
        paths = []
        while not ended.wait(0.02):
            size = 0
            with suppress(OSError):  # a folder that is gone while it is looked at
                paths = [path for folder in folders for path in folder.rglob("*")]
            for path in paths:
                with suppress(OSError):
                    size += path.stat().st_size if path.is_file() else 0
            peak[0] = max(peak[0], size)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


@pytest.fixture
def small(tmp_path):
    small = Small(tmp_path, "shop")
    del small.environment["ELT_SHOP_FILES"]
    folder = small.code / "dlt_sources/shop"
    table = {"contract": "Thing", "key": ["id"], "mode": "upsert", "cursor": "day"}
    declared = {
        "description": "things",
        "owner": "me",
        "schedule": "@daily",
        "connector": "python",
        "tables": {"things": table},
    }
    declared["connection"] = {"values": {"log": str(tmp_path / "log")}}
    (folder / "source.yml").write_text(yaml.safe_dump(declared))
    (folder / "contract.py").write_text(CONTRACT)
    (folder / "extract.py").write_text(CODE)
    small("-m", "dlt_sources.derive")
    small.environment["ELT_NOW"] = "2026-01-12T09:00:00"
    return small


@pytest.mark.slow
def test_a_backfill_in_pieces_goes_on_from_the_one_that_failed(small, tmp_path):
    log, broken = tmp_path / "log", tmp_path / "log.broken"
    broken.touch()
    words = ("backfill", "shop", "--since", "2026-01-01", "--until", "2026-01-10", "--days", "4")
    failed = small.run(*words, code=None)
    assert failed.returncode == 3, failed.stdout + failed.stderr
    assert log.read_text().split("\n")[:-1] == ["2026-01-01 2026-01-04", "2026-01-05 2026-01-08"]
    said = "Go on with: python runner.py "
    [line] = [line for line in failed.stderr.splitlines() if said in line]
    assert [day for (day,) in small.query("SELECT name FROM shop_gold.things_now ORDER BY 1")] == [
        f"2026-01-{d:02}" for d in range(1, 5)
    ]
    broken.unlink()
    log.unlink()
    done = small.run(*line.partition(said)[2].split())
    assert log.read_text().split("\n")[:-1] == ["2026-01-05 2026-01-08", "2026-01-09 2026-01-10"]
    assert "Go on with" not in done.stderr and "shop: 2026-01-09 to 2026-01-10" in done.stdout
    assert small.query("SELECT count(*) FROM shop_gold.things_now") == [(10,)]


@pytest.mark.slow
def test_a_span_without_an_end_ends_today_and_one_that_ends_before_it_begins_is_refused(small, tmp_path):
    small.run("backfill", "shop", "--since", "2026-01-10", "--days", "2")
    assert (tmp_path / "log").read_text().split("\n")[:-1] == ["2026-01-10 2026-01-11", "2026-01-12 2026-01-12"]
    for more in (["--days", "2"], []):
        refused = small.run("backfill", "shop", "--since", "2026-01-10", "--until", "2026-01-09", *more, code=2)
        assert "--until 2026-01-09 is before --since 2026-01-10" in refused.stderr
    assert small.run("backfill", "shop", "--since", "2026-01-10", "--days", "2", "--json", code=2).stderr
    assert small.run("backfill", "shop", "--since", "2026-01-10", "--days", "0", code=2).stderr


@pytest.mark.slow
def test_a_backfill_that_was_killed_is_in_the_record_until_it_is_done(small, tmp_path):
    log, killed = tmp_path / "log", tmp_path / "log.killed"
    killed.touch()
    words = ("backfill", "shop", "--since", "2026-01-01", "--until", "2026-01-10", "--days", "4")
    small.run(*words, code=-9)
    assert ways_on(small) == ["python runner.py backfill shop --since 2026-01-05 --until 2026-01-10 --days 4"]
    killed.unlink()
    log.unlink()
    small.run(*ways_on(small)[0].split()[2:])
    assert log.read_text().split("\n")[:-1] == ["2026-01-05 2026-01-08", "2026-01-09 2026-01-10"]
    assert ways_on(small) == [] and small.query("SELECT count(*) FROM shop_gold.things_now") == [(10,)]

    killed.touch()
    small.run("backfill", "shop", "--since", "2026-01-08", "--until", "2026-01-09", code=-9)
    assert ways_on(small) == ["python runner.py backfill shop --since 2026-01-08 --until 2026-01-09"]


def rows_of(small, data):
    """Staging and gold in a data folder, without what differs from load to load."""
    small.data = data
    staged = small.query("SELECT id, name, day FROM stg_shop.things WHERE NOT _deleted ORDER BY 1", "warehouse.duckdb")
    return staged, small.gold("shop")


def read_killed(small, words, kills, piece):
    """Run a backfill to its end, killed at up to so many random moments, each time going on as `status` says; returns at how
    many.

    Args:
        piece: seconds that a process takes for its first piece, here and now: kills come before its end and after it.
    """
    random_, killed = random.Random(7), 0
    while True:
        out, err = small.folder / "out", small.folder / "err"
        process = forks.start(["runner.py", *words], small.code, small.environment, out, err)
        process.join(random_.uniform(0.1, 2) * piece if killed < kills else 3600)
        if process.exitcode is None:
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            killed += 1
        if process.exitcode == 0:
            return killed
        assert process.exitcode == -9, err.read_text()
        said = ways_on(small)  # none: it was killed before it had done anything
        words = said[0].split()[2:] if said else words


BY_NIGHT = [pytest.param(12, 3, marks=pytest.mark.nightly), pytest.param(64, 12, marks=pytest.mark.nightly)]


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("pieces_", "kills_"), [pytest.param(6, 2, marks=pytest.mark.nightly), *BY_NIGHT])
def test_a_backfill_of_many_pieces_killed_at_random_ends_as_one_read_of_all(pieces_, kills_, small, tmp_path):
    """Scratch disk, meanwhile, holds what one piece needs."""
    declared = small.code / "dlt_sources/shop/source.yml"
    source = yaml.safe_load(declared.read_text())
    source["connection"]["values"]["more"] = str(MORE)
    declared.write_text(yaml.safe_dump(source))
    small.environment |= {"TMPDIR": str(tmp_path / "tmp")}
    (tmp_path / "tmp").mkdir()
    since = datetime(2025, 11, 1)
    words = ["backfill", "shop", "--since", f"{since:%Y-%m-%d}"]
    until = ["--until", f"{since + timedelta(days=pieces_ - 1):%Y-%m-%d}"]
    peaks, seconds = {}, {}
    for name, last in (("one", ["--until", f"{since:%Y-%m-%d}"]), ("whole", until)):
        began = time.monotonic()
        with peak_of(tmp_path / name / "lake/landing/shop/_work") as peak:
            small.run(*words, *last, ELT_DATA_DIR=str(tmp_path / name))
        peaks[name], seconds[name] = peak[0], time.monotonic() - began
    (tmp_path / "log").unlink()
    with peak_of(tmp_path / "data/lake/landing/shop/_work") as peak:
        killed = read_killed(small, [*words, *until, "--days", "1"], kills_, seconds["one"])
    read = [line.split()[0] for line in (tmp_path / "log").read_text().splitlines()]
    assert killed and len(set(read)) == pieces_ and read == sorted(read) and len(read) <= pieces_ + killed
    assert rows_of(small, tmp_path / "data") == rows_of(small, tmp_path / "whole")
    assert len(rows_of(small, tmp_path / "data")[0]) == pieces_ * (MORE + 1)
    print(
        f"scratch: {peak[0]:,} bytes with {killed} kills, {peaks['one']:,} of one piece, {peaks['whole']:,} of the whole"
    )
    assert peak[0] < 3 * peaks["one"] < peaks["whole"]


AHEAD = ("backfill", "shop", "--since", "2026-01-01", "--until", "2026-01-12", "--days", "2", "--at-once", "3")


@pytest.mark.slow
def test_pieces_are_read_ahead_of_their_turn_and_landed_in_it(small, tmp_path):
    done = small.run(*AHEAD)
    log = (tmp_path / "log").read_text().splitlines()
    assert sorted(log) == [f"2026-01-{d:02} 2026-01-{d + 1:02}" for d in range(1, 13, 2)]
    assert log[-1] == "2026-01-11 2026-01-12", "the present is read last"
    assert "ahead" not in done.stdout + done.stderr
    assert small.query("SELECT count(*) FROM shop_gold.things_now") == [(12,)]
    assert not (small.data / "lake/landing/shop/_ahead").exists() and ways_on(small) == []


@pytest.mark.slow
def test_a_piece_that_cannot_be_read_ahead_fails_in_its_turn_with_the_same_words(small, tmp_path):
    (tmp_path / "log.broken").touch()
    failed = small.run(*AHEAD, code=3)
    assert "shop: could not be read ahead: shop: OSError: away" in failed.stdout
    assert "shop: OSError: away" in failed.stdout.partition("shop: 2026-01-07 to 2026-01-08")[2] + failed.stderr
    said = "python runner.py backfill shop --since 2026-01-07 --until 2026-01-12 --days 2 --at-once 3"
    assert f"Go on with: {said}" in failed.stderr and ways_on(small) == [said]
    assert small.query("SELECT count(*) FROM shop_gold.things_now") == [(6,)]
    assert not (small.data / "lake/landing/shop/_ahead").exists()


@pytest.mark.slow
def test_a_batch_that_others_read_is_landed_and_the_rest_of_it_read(small, tmp_path):
    for day in (1, 5, 3):
        words = ("--since", f"2026-01-{day:02}", "--until", f"2026-01-{day + 1:02}", "--batch", "b1", "--read-ahead")
        said = small.run("backfill", "shop", *words).stdout
        assert said == f"shop: 2026-01-{day:02} to 2026-01-{day + 1:02} is read ahead: things 2\n"
    present = ("--since", "2026-01-11", "--until", "2026-01-12", "--batch", "b1", "--read-ahead")
    assert "is left to its turn: rows may still come to it" in small.run("backfill", "shop", *present).stdout
    (tmp_path / "log").unlink()
    done = small.run(*AHEAD[:-2], "--batch", "b1")
    log = (tmp_path / "log").read_text().splitlines()
    assert log == ["2026-01-07 2026-01-08", "2026-01-09 2026-01-10", "2026-01-11 2026-01-12"]
    assert done.stdout.count("was not read ahead; it is read now") == 2
    assert small.query("SELECT count(*) FROM shop_gold.things_now") == [(12,)]
    assert not (small.data / "lake/landing/shop/_ahead").exists()


@pytest.mark.slow
def test_a_batch_that_was_cut_short_goes_on_after_what_has_landed(small, tmp_path):
    for day in range(1, 11, 2):
        words = ("--since", f"2026-01-{day:02}", "--until", f"2026-01-{day + 1:02}", "--batch", "b1", "--read-ahead")
        small.run("backfill", "shop", *words)
    (tmp_path / "log.broken").touch()  # the last piece is not there
    words = (*AHEAD[:-2], "--batch", "b1")
    assert "--since 2026-01-11 --until 2026-01-12 --days 2 --batch b1" in small.run(*words, code=3).stderr
    (tmp_path / "log.broken").unlink()
    (tmp_path / "log").unlink()
    again = small.run(*words)  # as Step Functions does: the same command
    assert "2026-01-07 to 2026-01-08" not in again.stdout and "2026-01-09 to 2026-01-10" in again.stdout
    assert (tmp_path / "log").read_text().splitlines() == ["2026-01-11 2026-01-12"]
    assert small.query("SELECT count(*) FROM shop_gold.things_now") == [(12,)]


WRONG = {
    "--at-once 2": "give --days",
    "--days 2 --at-once 0": "should be greater than or equal to 1",
    "--days 2 --at-once 2 --batch b": "leave out --batch",
    "--days 2 --batch ../b": "--batch ../b: at most 40",
    "--days 2 --batch B": "lower-case letters",
    "--batch b": "give --days",
    "--batch b --read-ahead": "--read-ahead reads one piece",
    "--until 2026-01-02 --read-ahead": "--read-ahead reads one piece",
    "--until 2026-01-02 --batch b --days 2 --read-ahead": "--read-ahead reads one piece",
    "--dry-run": "give --days",
    "--days 2 --dry-run --batch b": "--dry-run names a batch of its own",
    "--days 2 --at-once 2 --json": "--json prints the result of one run",
}


@pytest.mark.slow
def test_options_that_do_not_go_together_are_refused(small, tmp_path):
    for words, said in WRONG.items():
        refused = small.run("backfill", "shop", "--since", "2026-01-01", *words.split(), code=2)
        assert said in " ".join(refused.stderr.replace("│", " ").split()), words
    assert not (tmp_path / "log").exists()


def readers_of(pid):
    """The processes that read ahead for a backfill: they are started by its threads."""
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in children.read_text().split() if is_reader(child)]
    return found


def is_reader(pid):
    with suppress(OSError):
        return b"runtime.reader" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def kill_a_reader(pid, draw):
    """Kill one; returns whether there was one."""
    with suppress(ProcessLookupError):
        if found := readers_of(pid):
            os.kill(draw.choice(found), signal.SIGKILL)
            return True
    return False


def outlive(pids, seconds=10):
    """Whether one of some readers is still there after so long."""
    until = time.monotonic() + seconds
    while any(map(is_reader, pids)) and time.monotonic() < until:
        time.sleep(0.1)
    return any(map(is_reader, pids))


def end_killed(small, words, kills, piece):
    """Run a backfill to its end while it, and the processes that read for it, are killed at random moments; each time that it
    is killed itself it goes on as `status` says. Returns how often each was killed.
    """
    draw, killed, number = random.Random(11), {"readers": 0, "backfill": 0}, 0
    while True:
        out, err = small.folder / f"out.{number}", small.folder / f"err.{number}"
        process, number = forks.start(["runner.py", *words], small.code, small.environment, out, err), number + 1
        while sum(killed.values()) < kills and process.exitcode is None:
            process.join(draw.uniform(0.3, 1.5) * piece)
            if process.exitcode is not None:
                break
            if draw.random() < 0.6:
                killed["readers"] += kill_a_reader(process.pid, draw)
                continue
            left = readers_of(process.pid)
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            killed["backfill"] += 1
            assert not outlive(left), "they read on for nobody"
        process.join(3600)
        if process.exitcode == 0:
            return killed
        assert process.exitcode == -9, err.read_text()
        said = ways_on(small)  # none: it was killed before it had done anything
        words = said[0].split()[2:] if said else words
        assert "--at-once" in words


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_backfill_and_its_readers_and_leaves_nothing_read_ahead(number, small):
    out, err = small.folder / "out", small.folder / "err"
    process = forks.start(["runner.py", *AHEAD], small.code, small.environment, out, err)
    until = time.monotonic() + 120
    while not readers_of(process.pid) and time.monotonic() < until:
        time.sleep(0.1)
    left = readers_of(process.pid)
    assert left
    os.kill(process.pid, number)
    process.join(60)
    assert process.exitcode == 128 + number, err.read_text()
    assert not outlive(left) and not (small.data / "lake/landing/shop/_ahead").exists()
    assert "--days 2 --at-once 3" in err.read_text()


RANGES = [(6, 3, 2), pytest.param(64, 24, 4, marks=pytest.mark.nightly)]


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("pieces_", "kills_", "at_once"), RANGES)
def test_pieces_read_side_by_side_and_killed_at_random_end_as_one_read_of_all(
    pieces_, kills_, at_once, small, tmp_path
):
    """Scratch disk, meanwhile, holds what is read ahead and one piece more."""
    declared = small.code / "dlt_sources/shop/source.yml"
    source = yaml.safe_load(declared.read_text())
    source["connection"]["values"]["more"] = str(MORE)
    declared.write_text(yaml.safe_dump(source))
    since = datetime(2025, 11, 1)
    words = ["backfill", "shop", "--since", f"{since:%Y-%m-%d}"]
    until = ["--until", f"{since + timedelta(days=pieces_ - 1):%Y-%m-%d}"]
    scratch = ["lake/landing/shop/_work", "lake/landing/shop/_ahead"]
    began = time.monotonic()
    with peak_of(*(tmp_path / "one" / place for place in scratch)) as one:
        small.run(*words, "--until", f"{since:%Y-%m-%d}", ELT_DATA_DIR=str(tmp_path / "one"))
    seconds = time.monotonic() - began
    small.run(*words, *until, ELT_DATA_DIR=str(tmp_path / "whole"))
    (tmp_path / "log").unlink()
    began = time.monotonic()
    with peak_of(*(tmp_path / "data" / place for place in scratch)) as peak:
        killed = end_killed(small, [*words, *until, "--days", "1", "--at-once", str(at_once)], kills_, seconds)
    took = time.monotonic() - began
    read = [line.split()[0] for line in (tmp_path / "log").read_text().splitlines()]
    print(
        f"{pieces_} pieces, {at_once} at once, killed {killed} in {took:.0f} s: {len(read)} reads; scratch {peak[0]:,} bytes,"
        f" {one[0]:,} of one piece"
    )
    assert sum(killed.values()) >= kills_ and len(set(read)) == pieces_
    assert len(read) <= pieces_ + killed["readers"] + killed["backfill"] * (at_once + 1)
    assert rows_of(small, tmp_path / "data") == rows_of(small, tmp_path / "whole")
    assert len(rows_of(small, tmp_path / "data")[0]) == pieces_ * (MORE + 1)
    assert peak[0] < (at_once + 2) * one[0]
    assert not (small.data / "lake/landing/shop/_ahead").exists()

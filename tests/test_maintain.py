"""`maintain` removes what nobody needs, of each source by itself, and touches no row; `status` shows what is used."""

import json
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.small import Small

pytestmark = pytest.mark.slow

PLACES = ["landing", "silver", "warehouse", "serving", "state", "dlt", "logs"]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    small = Small(tmp_path_factory.mktemp("maintain"), "one", "two")
    for name in ("one", "two"):
        small.deliver(name, "0.csv", *[f"{n},x{n}" for n in range(1, 101)])
    small.run("run", "--now")
    return small


def maintain(small, code=0):
    return json.loads(small.run("maintain", "--json", code=code).stdout)


def leftover(path):
    """What a run left that was killed long ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"left" * 1000)
    for place in (path, path.parent):
        os.utime(place, (1, 1))
    return path


def test_status_shows_the_disk_that_each_place_uses(small):
    disk = {row["place"]: row for row in small.status()["disk"]}
    assert list(disk) == PLACES
    assert all(
        row["files"] > 0 and row["bytes"] > 0 and row["note"] == "" for row in disk.values() if row["place"] != "dlt"
    )
    lake = sum(path.stat().st_size for path in (small.data / "lake").rglob("*") if path.is_file())
    assert lake <= disk["landing"]["bytes"] + disk["silver"]["bytes"]
    more = 5 * 2**20
    path = small.data / "lake" / "landing" / "one" / "more"
    path.write_bytes(b"x" * more)
    grown = {row["place"]: row for row in small.status()["disk"]}
    path.unlink()
    assert grown["landing"]["bytes"] == disk["landing"]["bytes"] + more
    assert grown["landing"]["files"] == disk["landing"]["files"] + 1
    shown = small.run("status").stdout
    assert "Disk used" in shown and all(place in shown for place in PLACES)


def test_maintain_removes_what_killed_runs_left_and_nothing_else(small):
    gold, staged = small.gold("one"), small.query("SELECT * FROM stg_one.things ORDER BY ALL", "warehouse.duckdb")
    left = [
        leftover(small.data / "lake/silver/one/things/data/stray.parquet"),
        leftover(small.data / "lake/landing/one/_work/limit.abc/rows.parquet"),
        leftover(small.data / "serving" / f"{5:020d}" / "serving.duckdb"),
        leftover(small.data / "serving" / f"{7:020d}.new" / "serving.duckdb"),
    ]
    before = leftover(small.data / "serving" / f"{6:020d}" / "serving.duckdb")
    done = maintain(small)
    assert not any(path.exists() for path in left)
    assert before.exists()  # somebody may still read the version before the newest
    assert done["problems"] == [] and done["exit_code"] == 0
    assert done["done"]["one"] == {"files removed": 1, "leftovers removed": 1} and done["done"]["two"] == {}
    assert done["done"]["serving"]["old versions removed"] == 2
    assert [row["place"] for row in done["disk"]] == PLACES
    again = maintain(small)
    assert not any(any(counts.values()) for counts in again["done"].values())
    assert small.gold("one") == gold
    assert small.query("SELECT * FROM stg_one.things ORDER BY ALL", "warehouse.duckdb") == staged
    small.deliver("one", "1.csv", "101,new")
    small.run("run", "one")
    assert (101, "new") in small.gold("one")


def test_maintain_says_what_it_did_of_each_source(small):
    leftover(small.data / "lake/landing/two/_work/limit.abc/rows.parquet")
    shown = small.run("maintain").stdout
    assert [line.split()[1] for line in shown.splitlines() if line.startswith("  maintain")] == [
        "one",
        "two",
        "gold",
        "record",
        "serving",
    ]
    assert "leftovers removed 1" in shown


def test_a_source_that_cannot_be_maintained_holds_up_no_other(small):
    with sqlite3.connect(small.data / "lake/silver/catalog.db") as con:
        [(place,)] = con.execute(
            "SELECT metadata_location FROM iceberg_tables WHERE table_namespace = 'one'"
        ).fetchall()
    metadata = Path(place.removeprefix("file://"))
    shutil.move(metadata, metadata.with_suffix(".away"))
    stray = leftover(small.data / "lake/silver/two/things/data/stray.parquet")
    done = small.run("maintain", "--json", code=4)
    assert not stray.exists() and "one" in done.stderr and "Traceback" not in done.stderr
    shutil.move(metadata.with_suffix(".away"), metadata)
    assert maintain(small)["exit_code"] == 0

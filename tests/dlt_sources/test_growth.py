"""Nothing grows without bound: twice the turns leave as many files beside the rows, and keeping it so loses no row."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import turns
from dlt_sources._steps.silver import tidy
from dlt_sources._steps.silver.silver import Silver
from dlt_sources._steps.stores import packed_marks
from dlt_sources._steps.stores.lake import Landing
from dlt_sources.door import maintain, refine
from settings import Settings
from tests.dlt_sources.shop import query
from tests.effects import die_at

SMALL = {"KEPT": 2, "DUE": 4, "TOGETHER": 3}
MARKS = {"PACK": 2, "UNPACKED": 1}


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is due after a thousand turns is due after ten."""
    for module, values in ((tidy, SMALL), (packed_marks, MARKS)):
        for name, value in values.items():
            monkeypatch.setattr(module, name, value)


def write(here: Settings, folder: Path, number: int, rows: int = 2) -> None:
    """One load's rows into silver, as a refine does."""
    path = folder / "rows.parquet"
    load = f"{1_700_000_000 + number}.5"
    pq.write_table(pa.table({"id": [number * 100 + n for n in range(rows)], "_load_id": [load] * rows}), path)
    Silver("meter", here).write("readings", [path], [load])


def commit(here: Settings, folder: Path, numbers: range) -> None:
    for number in numbers:
        write(here, folder, number)
        Silver("meter", here).tidy("readings")


def table(here: Settings) -> Any:
    return Silver("meter", here)._existing("readings")


def ids(here: Settings) -> list[int]:
    return sorted(table(here).scan().to_arrow()["id"].to_pylist())


def wanted(numbers: range) -> list[int]:
    return [number * 100 + n for number in numbers for n in range(2)]


def count(here: Settings) -> dict[str, int]:
    """What a table consists of."""
    found = table(here)
    files = [path for path in Path(here.silver, "meter").rglob("*") if path.is_file()]
    return {
        "snapshots": len(found.metadata.snapshots),
        "manifests": len(found.current_snapshot().manifests(found.io)),
        "data files": len(list(found.scan().plan_files())),
        "files": len(files),
        "bytes of metadata": sum(path.stat().st_size for path in files if path.suffix in (".json", ".avro")),
    }


def test_silver_stays_small_however_many_commits(here, tmp_path, often):
    found = []
    for number in range(1, 61):
        commit(here, tmp_path, range(number, number + 1))
        found.append(count(here))
    first, last = ({name: max(each[name] for each in part) for name in part[0]} for part in (found[20:30], found[50:]))
    assert all(last[name] <= 1.3 * first[name] for name in ("snapshots", "files", "bytes of metadata")), (first, last)
    most_levels = 3  # of up to 15, 255 and 4,095 rows
    assert last["data files"] <= (SMALL["TOGETHER"] - 1) * most_levels + SMALL["DUE"] and last["manifests"] <= 20
    assert ids(here) == wanted(range(1, 61))
    levels = Counter((task.file.record_count.bit_length() - 1) // 4 for task in table(here).scan().plan_files())
    assert len(levels) >= 2, levels  # not with much larger ones: so a row moves seldom


def test_what_is_done_by_a_run_is_bounded(here, tmp_path, often, monkeypatch):
    monkeypatch.setattr(tidy, "MOST_FILES", 4)
    monkeypatch.setattr(tidy, "MOST_REMOVED", 3)
    for number in range(1, 13):
        write(here, tmp_path, number)
    assert Silver("meter", here).tidy("readings") == {"files compacted": 4, "snapshots expired": 11, "files removed": 3}
    monkeypatch.setattr(tidy, "AT_ONCE", 1)
    for number in range(13, 19):
        write(here, tmp_path, number)
    assert Silver("meter", here).tidy("readings")["files compacted"] == 2
    assert ids(here) == wanted(range(1, 19))


def test_a_load_is_written_again_after_its_file_became_part_of_another(here, tmp_path, often):
    commit(here, tmp_path, range(1, 13))
    write(here, tmp_path, 3, rows=5)
    assert ids(here) == sorted([*wanted(range(1, 3)), 300, 301, 302, 303, 304, *wanted(range(4, 13))])
    assert Silver("meter", here).loads("readings") == {f"{1_700_000_000 + number}.5" for number in range(1, 13)}


def test_a_reader_of_a_snapshot_goes_on_while_the_table_is_tidied(here, tmp_path, often):
    commit(here, tmp_path, range(1, 10))
    reader = table(here)
    files = reader.scan().plan_files()
    write(here, tmp_path, 10)
    assert Silver("meter", here).tidy("readings", whole=True)["snapshots expired"]
    assert sum(task.file.record_count for task in files) == 18
    assert sorted(reader.scan().to_arrow()["id"].to_pylist()) == wanted(range(1, 10))


def test_a_table_of_an_older_version_becomes_small(here, tmp_path, often, monkeypatch):
    with monkeypatch.context() as older:
        older.setattr("dlt_sources._steps.silver.silver.PROPERTIES", {})
        for number in range(1, 31):
            write(here, tmp_path, number)
    grown = count(here)
    assert grown["data files"] == grown["manifests"] == grown["snapshots"] == 30
    monkeypatch.setattr(tidy, "GRACE", 0.0)
    done = Silver("meter", here).tidy("readings", whole=True)
    now = count(here)
    assert (now["snapshots"], now["data files"]) == (SMALL["KEPT"], 1)
    assert done["files compacted"] == 30 and done["files removed"] >= 28
    commit(here, tmp_path, range(31, 37))
    now = count(here)
    assert now["files"] < grown["files"] / 2 and now["bytes of metadata"] < grown["bytes of metadata"] / 3
    assert table(here).properties == tidy.PROPERTIES and ids(here) == wanted(range(1, 37))


def test_a_file_that_nobody_named_goes_when_it_is_old(here, tmp_path, often, monkeypatch):
    commit(here, tmp_path, range(1, 4))
    stray = Path(here.silver, "meter", "readings", "data", "stray.parquet")
    stray.write_bytes(b"what a killed run left")
    Silver("meter", here).tidy("readings", whole=True)
    assert stray.exists()  # it may be on its way
    monkeypatch.setattr(tidy, "GRACE", 0.0)
    Silver("meter", here).tidy("readings", whole=True)
    assert not stray.exists() and ids(here) == wanted(range(1, 4))


@pytest.mark.slow
def test_killed_at_any_effect_the_table_has_its_rows_and_is_tidied_next_time(here, tmp_path, often, monkeypatch, step):
    commit(here, tmp_path, range(1, 4))
    last, effect, died = 3, 1 - step, True
    while died:
        effect, first, last = effect + step, last + 1, last + 3
        for number in range(first, last + 1):
            write(here, tmp_path, number)
        died = die_at(effect, lambda: Silver("meter", here).tidy("readings", whole=True))
        assert ids(here) == wanted(range(1, last + 1)), effect
    assert effect > 20
    monkeypatch.setattr(tidy, "GRACE", 0.0)
    tidied = Silver("meter", here)
    tidied.tidy("readings", whole=True)
    assert count(here)["snapshots"] == SMALL["KEPT"] and tidied.tidy("readings", whole=True) == {}
    assert ids(here) == wanted(range(1, last + 1))


def mark(here: Settings, *numbers: int) -> list[str]:
    """Marks of loads, as dlt writes them."""
    folder = Path(here.landing, "meter", "_dlt_loads")
    folder.mkdir(parents=True, exist_ok=True)
    loads = [f"{1_700_000_000 + number}.25" for number in numbers]
    for load in loads:
        (folder / f"meter__{load}.jsonl").write_text(json.dumps({"load_id": load, "status": 0, "more": "kept"}))
    return loads


def marks(here: Settings) -> int:
    return len(list(Path(here.landing, "meter", "_dlt_loads").iterdir()))


def test_marks_of_old_loads_are_packed_and_still_count(here, often):
    loads, landing = mark(here, *range(1, 10)), Landing("meter", here)
    assert landing.pack() == 8 and marks(here) == 4 + 1
    assert landing.loads() == loads and landing.pack() == 0
    for number, load in enumerate(loads):
        assert landing.loads(since=load) == loads[number:] and landing.loads(after=load) == loads[number + 1 :]
        assert landing.newest(after=load) == loads[-1]
    pack = Path(here.landing, "meter", "_dlt_loads", f"meter__{loads[3]}.packed.jsonl")
    assert [json.loads(line)["more"] for line in pack.read_text().splitlines()] == ["kept"] * 2


def test_a_damaged_mark_stays_by_itself(here, often):
    loads, folder = mark(here, *range(1, 5)), Path(here.landing, "meter", "_dlt_loads")
    damaged = folder / f"meter__{loads[1]}.jsonl"
    damaged.write_text("{")
    assert Landing("meter", here).pack() == 2 and damaged.read_text() == "{"
    assert Landing("meter", here).loads() == loads


@pytest.mark.nightly
@pytest.mark.slow
def test_killed_at_any_effect_every_load_is_still_marked(here, often):
    loads, effect, died = mark(here, 1), 0, True
    while died:
        effect += 1
        loads += mark(here, *range(effect * 10, effect * 10 + 3))
        died = die_at(effect, Landing("meter", here).pack)
        assert Landing("meter", here).loads() == loads, effect
    assert effect > 4 and Landing("meter", here).pack(whole=True) >= 0 and Landing("meter", here).loads() == loads
    assert marks(here) <= len(loads) / MARKS["PACK"] + sum(MARKS.values())


def test_turns_leave_the_same_rows_and_nothing_else_that_grows(here, tmp_path, often):
    meter, sizes = turns.declare(tmp_path), []
    for turn in range(1, 19):
        turns.set_turn(tmp_path, turn)
        turns.take_turn(meter, here)
        sizes.append({place: files for place, (files, _) in turns.places(here).items()})
    rows = 18 * turns.ROWS
    assert query(here, "SELECT count(*), count(DISTINCT id) FROM stg_meter.readings") == [(rows, rows)]
    assert table(here).scan().to_arrow().num_rows == rows
    first, last = ({n: max(size[n] for size in part) for n in part[-1]} for part in (sizes[4:10], sizes[12:]))
    assert last.pop("readings") == 18 and first.pop("readings") == 10  # landed rows stay as they came
    assert last.pop("_dlt_pipeline_state") == 18  # up to dlt's 100
    first.pop("_dlt_pipeline_state")
    assert last.pop("_dlt_loads") <= 18 / MARKS["PACK"] + sum(MARKS.values()) and first.pop("_dlt_loads")
    assert all(last[name] <= first[name] + 3 for name in last), (first, last)
    assert maintain(meter, here)["files removed"] >= 0
    assert refine(meter, here, since="0").accepted["readings"] == rows  # a replay finds all that ever landed
    assert query(here, "SELECT count(*) FROM stg_meter.readings") == [(rows,)]

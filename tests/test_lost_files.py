"""Files that are lost or damaged: the next command says which, leaves the other sources alone and restores what it can."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.small import Small

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Small:
    pair = Small(tmp_path_factory.mktemp("pair"), "shop", "bank")
    for name in ("shop", "bank"):
        pair.deliver(name, "1.csv", "1,one")
    pair.run("run", "--now")
    return pair


def test_what_dashboards_read_is_lost(pair: Small) -> None:
    shutil.rmtree(pair.data / "serving")
    done = pair.run()  # nothing is due
    assert "missing or damaged" in done.stdout and "bank_gold, shop_gold" in done.stdout
    assert pair.gold("shop") == pair.gold("bank") == [(1, "one")]
    assert "missing or damaged" not in pair.run().stdout


def test_a_landed_file_is_damaged_before_it_is_refined(pair: Small) -> None:
    for name in ("shop", "bank"):
        pair.deliver(name, "2.csv", "2,two")
    pair("-c", "from dlt_sources.door import *; import settings; land(load_sources()['shop'], settings.load())")
    newest = max((pair.data / "lake/landing/shop").glob("things*/*.parquet"))
    newest.write_bytes(b"")
    done = pair.run("run", "--now", code=4)
    assert str(newest) in done.stdout + done.stderr and "Traceback" not in done.stderr
    assert pair.gold("shop") == [(1, "one")] and pair.gold("bank") == [(1, "one"), (2, "two")]
    folder = re.search(r"all later ones in (\S+):", done.stdout + done.stderr)
    assert folder
    for record in sorted(Path(folder[1]).iterdir())[1:]:
        record.unlink()
    pair.run("run", "--now")
    assert pair.gold("shop") == [(1, "one"), (2, "two")]


@pytest.mark.few(1)
@pytest.mark.parametrize(
    ("warehouse", "state"),
    [("lost", "kept"), ("kept", "lost"), ("older", "kept"), ("kept", "older"), ("older", "lost"), ("lost", "older")],
)
def test_stores_that_do_not_belong_together(pair: Small, warehouse: str, state: str) -> None:
    """Models are built again where the state knows of builds that the warehouse does not hold, whole ones and grown ones."""
    model = pair.code / "sqlmesh_project/models/shop_gold/things_now.sql"
    if "kind FULL" in model.read_text():
        grown = "kind INCREMENTAL_BY_UNIQUE_KEY (\n    unique_key id\n  )"
        model.write_text(model.read_text().replace("kind FULL", grown))
        pair.run("plan")
    stores, kept = {"warehouse.duckdb": warehouse, "state.duckdb": state}, pair.folder / "older"
    kept.mkdir(exist_ok=True)
    for name in stores:
        shutil.copy(pair.data / name, kept)
    name = f"{warehouse} {state}"
    pair.deliver("shop", f"{name}.csv", "10,before", f"{len(pair.gold('shop')) + 10},{name}")
    pair.run("run", "shop")
    for store, what in stores.items():
        if what != "kept":
            (pair.data / store).unlink()
        if what == "older":
            shutil.copy(kept / store, pair.data)
    expected = dict(pair.gold("shop")) | {10: "after", 11: name}
    pair.deliver("shop", f"{name} 2.csv", "10,after", f"11,{name}")
    pair.run("run", "--now")
    assert dict(pair.gold("shop")) == expected and pair.gold("bank") == [(1, "one"), (2, "two")]
    assert pair.query("SELECT count(*) FROM ops.runs")[0][0] > 0


@pytest.mark.few(1)
@pytest.mark.parametrize("damage", [b"", b"x" * 20_000], ids=["empty", "something else"])
@pytest.mark.parametrize("store", ["warehouse.duckdb", "state.duckdb"])
def test_a_damaged_store_is_named_and_moved_away(pair: Small, store: str, damage: bytes) -> None:
    path = pair.data / store
    path.write_bytes(damage)
    rows = pair.gold("shop")
    pair.deliver("shop", f"damaged {store} {len(damage)}.csv", f"{100 + len(rows)},new")
    done = pair.run("run", "--now", code=4)
    assert (
        f"{path} cannot be opened" in done.stderr and "Traceback" not in done.stderr and "move it away" in done.stderr
    )
    said = pair.run("status", code=None)
    assert str(path) in said.stdout + said.stderr and "/millrace-" not in said.stdout
    path.rename(pair.folder / store)
    pair.run("run", "--now")
    assert pair.gold("shop") == [*rows, (100 + len(rows), "new")] and pair.gold("bank") == [(1, "one"), (2, "two")]


def test_raw_rows_have_expired_and_the_warehouse_is_lost(pair: Small) -> None:
    gold = pair.gold("bank")
    min((pair.data / "lake/landing/bank").glob("things*/*.parquet")).unlink()
    for name in ("warehouse.duckdb", "state.duckdb"):
        (pair.data / name).unlink()
    pair.run("run", "--now")
    pair.run("rebuild", "bank")
    assert pair.gold("bank") == gold

"""Whatever is damaged beside landing, a rebuild makes staging and silver right again, or an error says what to do first."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dlt_sources._steps.silver.silver import Silver
from dlt_sources._steps.stores.lake import Landing
from dlt_sources.door import StoreError, find_unfinished, land, load_sources, rebuild, refine
from tests.dlt_sources.shop import run, source_of, staged


def newest(here: Any, pattern: str) -> Path:
    return max(Path(here.silver).glob(f"shop/things/{pattern}"), key=lambda path: path.stat().st_mtime_ns)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def empty_all(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            empty(path)


def drop_staging(here: Any) -> None:
    with duckdb.connect(str(here.warehouse)) as con:
        con.execute("DROP SCHEMA stg_shop CASCADE")


DAMAGES: dict[str, Callable[[Any], Any]] = {
    "the catalog is empty": lambda here: empty(Path(here.silver, "catalog.db")),
    "the catalog is gone": lambda here: Path(here.silver, "catalog.db").unlink(),
    "the catalog is something else": lambda here: Path(here.silver, "catalog.db").write_bytes(b"x" * 9000),
    "metadata is empty": lambda here: empty(newest(here, "metadata/*.metadata.json")),
    "metadata is gone": lambda here: newest(here, "metadata/*.metadata.json").unlink(),
    "a list of manifests is empty": lambda here: empty(newest(here, "metadata/snap-*.avro")),
    "a manifest is gone": lambda here: newest(here, "metadata/*-m0.avro").unlink(),
    "a file of rows is empty": lambda here: empty(newest(here, "data/*.parquet")),
    "all of silver is empty": lambda here: empty_all(Path(here.silver)),
    "all of silver is gone": lambda here: shutil.rmtree(here.silver),
    "what dlt keeps is empty": lambda here: (empty_all(here.dlt), empty_all(here.workplace("shop"))),
    "what dlt stored in the lake is empty": lambda here: [
        empty_all(Path(here.landing, "shop", name)) for name in ("_dlt_version", "_dlt_pipeline_state")
    ],
    "dlt's mark is empty": lambda here: empty(Path(here.landing, "shop", "init")),
    "what was seen is empty": lambda here: empty_all(Path(here.landing, "shop", "_seen")),
    "staging is gone": drop_staging,
    "the warehouse is gone": lambda here: here.warehouse.unlink(),
}
ROWS = [(1, "one"), (2, "two"), (3, "three")]


@pytest.fixture
def shop(tmp_path: Path, here: Any, inbox: Path) -> Iterator[Any]:
    shop = source_of(tmp_path, inbox, mode="upsert")
    for number, (key, name) in enumerate(ROWS[:2]):
        (inbox / f"{number}.csv").write_text(f"id,name\n{key},{name}\n")
        run(shop, here)
    yield shop


@pytest.mark.few(1)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_rebuild_from_landing(shop: Any, here: Any, inbox: Path, damage: str) -> None:
    DAMAGES[damage](here)
    (inbox / "3.csv").write_text("id,name\n3,three\n")
    try:
        land(shop, here)
        refine(shop, here)
    except StoreError as error:
        assert "is damaged" in str(error) and "shop.things" in str(error)
        assert "empty" not in damage or "all of" in damage or re.search(r"\(/\S+ is empty\)", str(error))
        assert "runner.py rebuild shop" in str(error)
        assert staged(here) == ROWS[:2]
    rebuild(shop, [], here, progress=lambda text: None)
    assert staged(here) == ROWS
    assert sorted(set(silver_rows(here))) == ROWS  # what is read again has landed a second time
    assert refine(shop, here).loads == []


def silver_rows(here: Any) -> list[tuple[Any, ...]]:
    reader = Silver("shop", here).rows("things", Landing("shop", here).loads())
    return sorted((row["id"], row["name"]) for batch in reader or () for row in batch.to_pylist())


@pytest.mark.parametrize("damage", [name for name in DAMAGES if "catalog" in name])
def test_a_lost_catalog_is_made_again_from_the_tables(shop: Any, here: Any, inbox: Path, damage: str) -> None:
    DAMAGES[damage](here)
    (inbox / "3.csv").write_text("id,name\n3,three\n")
    run(shop, here)
    assert silver_rows(here) == ROWS == staged(here)


@pytest.mark.few(1)
@pytest.mark.parametrize("lost", ["all of silver", "the source's silver", "a table"])
def test_rows_that_silver_has_lost_are_named_until_a_rebuild(shop: Any, here: Any, inbox: Path, lost: str) -> None:
    if lost == "a table":
        Silver("shop", here).drop(["things"])
    else:
        shutil.rmtree(Path(here.silver, "" if lost == "all of silver" else "shop"))
        Path(here.silver, "catalog.db").unlink(missing_ok=True)
    for key in (3, 4):
        (inbox / f"{key}.csv").write_text(f"id,name\n{key},more\n")
        land(shop, here)
        said = [*refine(shop, here).notes, *unfinished(shop, here)]
        assert any("lost earlier rows of shop.things; `python runner.py rebuild shop`" in text for text in said)
        assert len(staged(here)) == key
    rebuild(shop, [], here, progress=lambda text: None)
    assert unfinished(shop, here) == [] and silver_rows(here) == staged(here)


def unfinished(shop: Any, here: Any) -> list[str]:
    with duckdb.connect(str(here.warehouse)) as con:
        return [found.text for found in find_unfinished(load_sources(shop.folder.parent), con)]

"""A land that is cut short at any of its writes, by a kill or by a full disk: the next ones land what an undisturbed one had.

What dlt keeps on this machine is deleted before the next land, as it is when the next task runs on another machine.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import settings as configuration
from dlt_sources._steps.stores.lake import Landing
from dlt_sources.door import land, load_sources, refine
from tests.dlt_sources import shop as files
from tests.dlt_sources.shop import query
from tests.dlt_sources.test_land import Api
from tests.dlt_sources.test_land import source_of as api_source
from tests.struck import FULL, UNTOUCHED, strike

TIMES, ENDS = {"kill": 1, "full": 2}, {"kill": -9, "full": FULL}
TABLES = ("things", "_rejected", "_loads")


def land_here(folder: Path, environment: dict[str, str]) -> None:
    """What the struck process does."""
    os.environ.update(environment)
    here = configuration.load()
    land(load_sources(folder / "sources")["shop"], here)


def state(here: Any) -> dict[str, Any]:
    """Every table that the landed rows came to, with loads by their number."""
    loads = Landing("shop", here).loads()
    number = {load: n for n, load in enumerate(loads)}
    found: dict[str, Any] = {}
    for name in TABLES:
        columns = [row[0] for row in query(here, f"DESCRIBE stg_shop.{name}")]
        keep = [
            c
            for c in columns
            if c not in ("_read_at", "_refine_id", "refined_at", "rejected_at", "id_", "load_id", "_load_id")
        ]
        keep = [f'"{c}"' for c in keep if not (name == "_rejected" and c == "id")]
        load = "load_id" if "load_id" in columns else "_load_id"
        rows = query(here, f"SELECT {load}, {', '.join(keep)} FROM stg_shop.{name}")
        found[name] = sorted(([number[row[0]], *map(str, row[1:])] for row in rows), key=str)
    landed = [pq.read_table(file.path) for file in Landing("shop", here).files("things", loads)]
    found["landed"] = sorted(str(row) for table in landed for row in table.drop_columns("_read_at").to_pylist())
    from dlt_sources._steps.silver.silver import Silver

    reader = Silver("shop", here).rows("things", loads)
    found["silver"] = sorted(
        str({n: v for n, v in row.items() if n not in ("_read_at", "_load_id")})
        for batch in reader or ()
        for row in batch.to_pylist()
    )
    return found


@pytest.fixture
def place(kind: str, tmp_path: Path, here: Any) -> Iterator[tuple[Any, Callable[[], None]]]:
    """A source whose rows would be doubled if they landed twice, and what brings its news of the second day."""
    if kind == "files":
        inbox = tmp_path / "inbox"
        inbox.mkdir()
        source = files.source_of(tmp_path, inbox, mode="append")
        (inbox / "1.csv").write_text("id,name\n1,one\n-1,bad\n")

        def deliver() -> None:
            (inbox / "2.csv").write_text("id,name\n2,two\n-2,bad\n")

        yield source, deliver
        return
    with Api().serve() as api:
        api.rows = [{"id": n, "name": f"n{n}", "moment": f"2020-03-0{n}T00:00:00"} for n in (1, 2, 0)]
        table = {
            "endpoint": {"path": "things", "window": {"since": "from", "until": "to"}},
            "key": ["id"],
            "cursor": "at",
            "start": "2020-01-01",
            "mode": "append",
            "skip_if_unchanged": True,
        }
        source = api_source(tmp_path, table, {"base_url": api.url, "attempts": 1})

        def news() -> None:
            api.rows = [*api.rows, {"id": 4, "name": "n4", "moment": "2020-03-04T00:00:00"}, {"id": -4, "name": "bad"}]

        yield source, news


def forget(here: Any) -> None:
    shutil.rmtree(here.dlt, ignore_errors=True)
    shutil.rmtree(here.workplace("shop") / "dlt", ignore_errors=True)


@pytest.mark.few(1)
@pytest.mark.parametrize(("kind", "how"), [("files", "kill"), ("files", "full"), ("api", "kill")])
def test_cut_short_at_any_write(place: Any, how: str, tmp_path: Path, here: Any, step: int) -> None:
    source, news = place
    land(source, here)
    refine(source, here)
    first = tmp_path / "first"
    shutil.move(here.data, first)

    def begin() -> None:
        shutil.rmtree(here.data, ignore_errors=True)
        shutil.copytree(first, here.data, symlinks=True)

    news()
    begin()
    land(source, here)
    refine(source, here)
    whole = state(here)
    environment = {n: v for n, v in os.environ.items() if n.startswith("ELT_")}
    for at in range(1, 100, step):
        begin()
        landing = Path(here.landing, "shop")
        struck = [strike(land_here, tmp_path, environment, below=landing, at=at, how=how) for _ in range(TIMES[how])]
        forget(here)
        land(source, here)
        refine(source, here)
        assert state(here) == whole, f"struck at write {at}"
        if UNTOUCHED in struck:
            break
        assert set(struck) == {ENDS[how]}
    assert at > 5

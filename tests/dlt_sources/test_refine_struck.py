"""A refine that is killed at any of its writes, in the lake or in the warehouse: every table is as if it never was."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import settings as configuration
from dlt_sources.door import land, load_sources, refine
from tests.dlt_sources.shop import source_of
from tests.dlt_sources.test_land_struck import state
from tests.struck import UNTOUCHED, strike


def refine_here(folder: Path, environment: dict[str, str]) -> None:
    """What the struck process does."""
    os.environ.update(environment)
    refine(load_sources(folder / "sources")["shop"], configuration.load())


@pytest.mark.few(1)
@pytest.mark.parametrize("first", [True, False], ids=["the first refine", "a later one"])
def test_killed_at_any_write(first: bool, tmp_path: Path, here: Any, inbox: Path, step: int) -> None:
    shop = source_of(tmp_path, inbox, mode="append", max_rejected={"share": 1})
    (inbox / "1.csv").write_text("id,name\n1,one\n-1,bad\n")
    land(shop, here)
    if not first:
        refine(shop, here)
    (inbox / "2.csv").write_text("id,name\n2,two\n-2,bad\n")
    land(shop, here)
    before = tmp_path / "before"
    here.data.rename(before)
    environment = {n: v for n, v in os.environ.items() if n.startswith("ELT_")}

    def begin() -> None:
        shutil.rmtree(here.data, ignore_errors=True)
        shutil.copytree(before, here.data, symlinks=True)

    begin()
    refine(shop, here)
    whole = state(here)
    for at in range(1, 400, (7 if first else 4) * step):
        begin()
        struck = strike(refine_here, tmp_path, environment, below=here.data, at=at)
        assert struck in (UNTOUCHED, -9)
        refine(shop, here)
        assert state(here) == whole, f"killed at write {at}"
        if struck == UNTOUCHED:
            break
    assert at > 30

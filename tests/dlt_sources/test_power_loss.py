"""The power goes: what was not flushed is gone. What is believed afterwards is whole, and the next run comes to the same."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import settings as configuration
from dlt_sources.door import land, load_sources, refine
from tests.dlt_sources.shop import run, source_of, staged
from tests.dlt_sources.test_damaged_stores import silver_rows
from tests.struck import UNTOUCHED, strike

ROWS = [(1, "one"), (2, "two")]


def work(folder: Path, environment: dict[str, str], log: Path) -> None:
    """Land and refine, and log each file as it is flushed."""
    os.environ.update(environment)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    fsync = os.fsync

    def logged(file: int) -> None:
        fsync(file)
        os.write(descriptor, f"{Path(f'/proc/self/fd/{file}').readlink()}\n".encode())

    os.fsync = logged
    here = configuration.load()
    shop = load_sources(folder / "sources")["shop"]
    land(shop, here)
    refine(shop, here)


def lose_power(data: Path, before: dict[Path, tuple[int, int]], log: Path) -> None:
    """Cut every file that was written and not flushed to nothing. The databases flush what they are asked to by themselves."""
    renamed = {path.parent for path in map(Path, log.read_text().split("\n")) if path.name.startswith(".")}
    flushed = set(log.read_text().split("\n")) if log.exists() else set()
    for path in (path for path in data.rglob("*") if path.is_file() and path.suffix not in (".db", ".duckdb", ".wal")):
        state = path.stat()
        new = before.get(path) != (state.st_size, state.st_mtime_ns)
        drafted = path.parent in renamed and path.suffix in (".jsonl", "")  # flushed by the name of its draft
        if new and str(path) not in flushed and not drafted:
            path.write_bytes(b"")


@pytest.mark.few(5)
@pytest.mark.parametrize("at", range(1, 60, 6))
def test_what_is_believed_is_on_disk(at: int, tmp_path: Path, here: Any, inbox: Path) -> None:
    """Killed at a write of landing or silver, after which all that was not flushed is empty."""
    shop = source_of(tmp_path, inbox, mode="append")
    (inbox / "1.csv").write_text("id,name\n1,one\n")
    run(shop, here)
    (inbox / "2.csv").write_text("id,name\n2,two\n")
    files = [path for path in here.data.rglob("*") if path.is_file()]
    before = {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in files}
    environment = {n: v for n, v in os.environ.items() if n.startswith("ELT_")}
    log = tmp_path / "flushed"
    log.touch()
    struck = strike(work, tmp_path, environment, log, below=here.data / "lake", at=at)
    assert struck in (UNTOUCHED, -9)
    lose_power(here.data, before, log)
    land(shop, here)
    refine(shop, here)
    assert staged(here) == ROWS == silver_rows(here)
    shutil.rmtree(here.data)

"""Landing holds personal fields as they came: nobody but its owner can look into it."""

import contextlib
import os
import shutil
import stat
import subprocess
import tempfile
import threading
from pathlib import Path

import duckdb
import pytest

from dlt_sources.door import land, refine
from tests.dlt_sources.shop import HEAD, run, source_of
from tests.small import Small
from warehouse.connection import connect


def others(path):
    """What group and others may do."""
    return stat.S_IMODE(path.stat().st_mode) & 0o077


def test_landed_rows_and_those_in_passing_are_their_owner_s(tmp_path, here, inbox):
    before = os.umask(0o000)  # the most careless of shells
    try:
        (inbox / "a.csv").write_text(HEAD + "1,a\n")
        assert run(source_of(tmp_path, inbox), here) == (1, 1, 0)
    finally:
        os.umask(before)
    for folder in (here.data / "lake", here.data / "dlt"):
        assert others(folder) == 0, folder
    assert others(here.warehouse) == 0


def test_a_folder_that_was_open_is_closed(tmp_path, here, inbox):
    for folder in (here.data / "lake", here.data / "dlt"):
        folder.mkdir(parents=True)
        folder.chmod(0o777)
    (inbox / "a.csv").write_text(HEAD + "1,a\n")
    land(source_of(tmp_path, inbox), here)
    assert others(here.data / "lake") == others(here.data / "dlt") == 0


def test_a_warehouse_that_was_open_is_closed(here):
    here.data.mkdir()
    duckdb.connect(str(here.warehouse)).close()
    here.warehouse.chmod(0o666)
    with connect(here) as con:
        assert con.execute("SELECT current_setting('autoload_known_extensions')").fetchone() == (False,)
    assert others(here.warehouse) == 0


def test_nothing_in_passing_stays(tmp_path, here, inbox):
    (inbox / "a.csv").write_text(HEAD + "1,a\n")
    shop = source_of(tmp_path, inbox)
    land(shop, here)
    refine(shop, here)
    left = [path for name in ("reading", "refine") for path in (here.workplace("shop") / name).rglob("*")]
    assert left == []


@pytest.mark.slow
def test_what_a_run_makes_is_its_user_s_alone(tmp_path):
    """Also what is there for a moment only, such as write-ahead logs; but what was published, for who may enter the folder."""
    small = Small(tmp_path, "shop")
    small.deliver("shop", "a.csv", "1,ann")
    ended, seen = threading.Event(), {}

    def watch():
        while not ended.is_set():
            with contextlib.suppress(OSError):
                seen.update({path.name: others(path) for path in small.data.glob("*.duckdb*") if not path.is_symlink()})

    before, watcher = os.umask(0o000), threading.Thread(target=watch)
    try:
        watcher.start()
        small.run("run")
        small.run("maintain")
    finally:
        ended.set()
        watcher.join()
        os.umask(before)
    assert "warehouse.duckdb.wal" in seen and not any(seen.values()), seen
    assert others(small.data) == 0
    published = small.data / "serving.duckdb"
    assert stat.S_IMODE(published.resolve().stat().st_mode) == 0o444
    open_to_all = {path for path in small.data.rglob("*") if not path.is_symlink() and others(path)}
    assert {path.relative_to(small.data).parts[0] for path in open_to_all} == {"serving"}
    if os.geteuid() == 0:
        assert _read_by_another(small.data) == {"serving.duckdb"}


def _read_by_another(data):
    """Names of the files that another user can read in a data folder that he may enter, as the dashboards' container may."""
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        shutil.copytree(data, f"{place}/data", symlinks=True)
        Path(place, "data").chmod(0o755)
        found = subprocess.run(
            ["find", f"{place}/data", "-type", "f", "-readable", "-printf", "%f\n"],
            user=10002,
            group=10002,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,  # it may not enter the other folders
        )
    assert "lake" in found.stderr
    return set(found.stdout.split())

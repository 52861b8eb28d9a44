"""Landing holds personal fields as they came: nobody but its owner can look into it."""

import os
import stat

import duckdb

from dlt_sources.door import land, refine
from tests.dlt_sources.shop import HEAD, run, source_of
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

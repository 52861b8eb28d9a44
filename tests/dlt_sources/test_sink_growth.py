"""What dlt notes in the operational Postgres does not grow with the loads, and the newest is what counts."""

import contextlib
import shutil

import psycopg2
import pytest

import settings as configuration
from demo.postgres import Postgres
from dlt_sources._steps import sink as sinks
from dlt_sources.door import rebuild, refine, sink
from tests.dlt_sources.shop import HEAD, run, source_of

pytestmark = pytest.mark.slow


def asked(postgres, query):
    with contextlib.closing(psycopg2.connect(postgres.operational)) as con, con.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


@pytest.mark.nightly
def test_twice_the_loads_leave_as_many_notes(tmp_path, here, inbox, monkeypatch):
    monkeypatch.setattr(sinks, "KEEP_LOADS", 3)
    postgres = Postgres(tmp_path / "postgres")
    postgres.start()
    try:
        monkeypatch.setenv("ELT_POSTGRES_URL", postgres.operational)
        there = configuration.load()
        shop, sizes = source_of(tmp_path, inbox, mode="upsert", sinks=["warehouse", "postgres"]), []
        for number in range(1, 9):
            (inbox / f"{number}.csv").write_text(HEAD + f"{number},x\n")
            run(shop, there)
            assert sink(shop, there) == {"things": 1}
            tables = ("_dlt_loads", "_dlt_pipeline_state")
            sizes.append([asked(postgres, f"SELECT count(*) FROM shop.{table}")[0][0] for table in tables])
        assert sizes[3] == sizes[7] == [3, 3], sizes
        shutil.rmtree(there.dlt)  # another machine: what was sent is remembered in Postgres alone
        assert sink(shop, there) == {}
        assert asked(postgres, "SELECT count(*), count(DISTINCT id) FROM shop.things") == [(8, 8)]
    finally:
        postgres.stop()


def test_each_rebuild_is_sent_whole_however_many_there_were(tmp_path, here, inbox, monkeypatch):
    postgres = Postgres(tmp_path / "postgres")
    postgres.start()
    try:
        monkeypatch.setenv("ELT_POSTGRES_URL", postgres.operational)
        there = configuration.load()
        shop = source_of(tmp_path, inbox, mode="upsert", sinks=["warehouse", "postgres"])
        for number in range(1, 4):
            (inbox / f"{number}.csv").write_text(HEAD + f"{number},x\n")
            run(shop, there)
            assert sink(shop, there) == {"things": 1}
            rebuild(shop, (), there, progress=lambda text: None)
            refine(shop, there)
            assert sink(shop, there) == {"things": number}
            assert asked(postgres, "SELECT count(*), count(DISTINCT id) FROM shop.things") == [(number, number)]
    finally:
        postgres.stop()

"""What reads remember of the read before: where it lies, what it holds, and that what an older version left still counts."""

import errno
import gc
import json
import os
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from demo.postgres import Postgres
from dlt_sources._steps.land.reread import TableRead
from dlt_sources.door import SourceError, land, refine
from tests.dlt_sources.shop import query
from tests.dlt_sources.test_land import Api, source_of

CONTRACT = """
from datetime import datetime
from dlt_sources._steps.contracts.contract import Contract, column
class Thing(Contract):
    id: int = column("id", ge=1)
    name: str | None = column("name", max_length=20)
    mail: str = column("mail", path=["mail", "email"], pii="hash", max_length=20)
"""
ROWS = [{"id": n, "name": f"n{n}", "mail": f"m{n}@x.org"} for n in (1, 2, 3, 4)]


@pytest.fixture
def api():
    with Api().serve() as api:
        api.rows = list(ROWS)
        yield api


def rest(tmp_path, url, key, **table):
    return source_of(
        tmp_path,
        {"endpoint": {"path": "things"}, "key": key, **table},
        {"base_url": url, "attempts": 1},
        contract=CONTRACT,
    )


def seen(here):
    """The files of what was seen, wherever they are, by folder."""
    return {
        str(path.parent.relative_to(here.landing)): pq.read_table(path)
        for path in Path(here.landing).rglob("things.*.parquet")
    }


def staged(here, columns="id, name, mail IS NULL, _deleted"):
    return query(here, f"SELECT {columns} FROM stg_shop.things ORDER BY 1")


def whole_rows(here, monkeypatch):
    """From here on reads remember as they once did: whole rows, in one folder for all sources."""
    import dlt_sources._steps.land.seen as seen

    original = seen.Seen.__init__

    def init(self, source, settings, work):
        original(self, source, settings, work)
        self.folder, self.before = f"{settings.landing}/_seen/{source}", f"{settings.landing}/_older/{source}"

    monkeypatch.setattr(seen.Seen, "__init__", init)
    monkeypatch.setattr("dlt_sources._steps.land.remembered.Remembered.of", lambda self, rows: rows)


@pytest.mark.parametrize("deletes", ["none", "soft", "reconcile"])
@pytest.mark.parametrize("key", ["id", "mail"])
def test_what_was_seen_holds_hashes_and_keys(tmp_path, here, api, deletes, key):
    land(rest(tmp_path, api.url, [key], deletes=deletes), here)
    [(place, table)] = seen(here).items()
    assert place == "shop/_seen"
    assert (table.column_names == ["_hash"]) is (deletes == "none")
    wanted = {"id", "name"} if deletes == "soft" else set()
    for row in table.to_pylist() if deletes != "none" else []:
        assert set(json.loads(row["_payload"])) == {key} | wanted


@pytest.mark.parametrize("key", ["id", "mail"])
def test_a_softly_deleted_row_keeps_what_is_not_personal(tmp_path, here, api, key):
    shop = rest(tmp_path, api.url, [key], deletes="soft")
    land(shop, here), refine(shop, here)
    del api.rows[0]
    assert land(shop, here) == {"things": 1}
    assert refine(shop, here).rejected["things"] == 0
    assert staged(here)[0] == (1, "n1", key != "mail", True)
    assert land(shop, here) == {}


def test_a_key_under_another_name_is_the_same_key(tmp_path, here, api):
    shop = rest(tmp_path, api.url, ["mail"], deletes="reconcile")
    land(shop, here), refine(shop, here)
    api.rows = [{"id": row["id"], "name": "new", "email": row["mail"]} for row in ROWS[:3]]
    assert land(shop, here) == {"things": 4}  # three changed rows, and one that vanished
    refine(shop, here)
    assert staged(here, "id, name") == [(1, "new"), (2, "new"), (3, "new")]


@pytest.mark.parametrize("deletes", ["none", "soft", "reconcile"])
def test_what_an_older_version_remembered_still_counts_and_goes(tmp_path, here, api, deletes):
    shop = rest(tmp_path, api.url, ["mail"], deletes=deletes)
    with pytest.MonkeyPatch.context() as older:
        whole_rows(here, older)
        assert land(shop, here) == {"things": 4}
        refine(shop, here)
    assert list(seen(here)) == ["_seen/shop"]
    assert land(shop, here) == {}  # nothing is landed again, nothing is taken for deleted
    [(place, table)] = seen(here).items()
    assert place == "shop/_seen" and not Path(here.landing, "_seen").exists()
    assert deletes != "reconcile" or "n1" not in str(table.to_pylist())
    del api.rows[0]
    assert land(shop, here) == ({} if deletes == "none" else {"things": 1})


def test_a_deletion_is_found_by_what_an_older_version_remembered(tmp_path, here, api):
    shop = rest(tmp_path, api.url, ["id"], deletes="soft")
    with pytest.MonkeyPatch.context() as older:
        whole_rows(here, older)
        land(shop, here), refine(shop, here)
    del api.rows[0]
    assert land(shop, here) == {"things": 1}
    assert refine(shop, here).rejected["things"] == 0
    assert staged(here)[0] == (1, "n1", True, True)


def test_a_read_that_died_before_the_old_place_was_left_is_done_again(tmp_path, here, api, monkeypatch):
    shop = rest(tmp_path, api.url, ["id"], deletes="reconcile")
    with pytest.MonkeyPatch.context() as older:
        whole_rows(here, older)
        land(shop, here)
    with pytest.MonkeyPatch.context() as dying:
        dying.setattr(TableRead, "remember", lambda self: 1 / 0)
        with pytest.raises(Exception, match="ZeroDivision"):
            land(shop, here)
    assert land(shop, here) == {}
    del api.rows[0]
    assert land(shop, here) == {"things": 1}
    assert list(seen(here)) == ["shop/_seen"]


def test_equal_rows_land_again_where_that_is_asked_for_and_deletions_are_seen(tmp_path, here, api):
    shop = rest(tmp_path, api.url, ["id"], deletes="reconcile", skip_if_unchanged=False)
    assert land(shop, here) == {"things": 4}
    del api.rows[0]
    assert land(shop, here) == {"things": 4}  # three as before, and one that vanished
    refine(shop, here)
    assert staged(here, "id") == [(2,), (3,), (4,)]


@pytest.mark.parametrize("deletes", ["soft", "reconcile"])
def test_rows_of_a_database_vanish_by_their_key(tmp_path, here, monkeypatch, deletes):
    """Columns of their own: the row that only deletes has fewer than the others of the same load."""
    server = Postgres(tmp_path / "pg")
    server.start()
    try:
        monkeypatch.setenv("ELT_SHOP_URL", server.dsn)
        with server.cursor() as cursor:
            cursor.execute("CREATE TABLE deftunes.things (id int, name text, mail text, more text)")
            cursor.execute("INSERT INTO deftunes.things SELECT n, 'n', 'm' || n, 'x' FROM generate_series(1, 4) AS n")
        shop = source_of(
            tmp_path,
            {"table": "things", "deletes": deletes, "key": ["mail"]},
            {"url": "${SHOP_URL}", "schema": "deftunes"},
            "sql_database",
            CONTRACT,
        )
        land(shop, here), refine(shop, here)
        [table] = seen(here).values()
        assert set(table.column_names) == {"mail", "_hash"} | ({"id", "name"} if deletes == "soft" else set())
        with server.cursor() as cursor:
            cursor.execute(
                "DELETE FROM deftunes.things WHERE id = 1; UPDATE deftunes.things SET name = 'm' WHERE id = 2"
            )
        assert land(shop, here) == {"things": 2}
        assert refine(shop, here).rejected["things"] == 0
        gone = [(1, "n", False, True)] if deletes == "soft" else []
        assert staged(here) == [*gone, (2, "m", False, False), (3, "n", False, False), (4, "n", False, False)]
        with server.cursor() as cursor:
            cursor.execute("DELETE FROM deftunes.things WHERE id = 3")
        assert land(shop, here) == {"things": 1}
        assert pa.types.is_string(table.schema.field("mail").type)
    finally:
        server.close()


def test_a_read_that_is_given_up_on_a_disk_that_fails_prints_no_traceback(tmp_path, here, api, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def fail_once(writer):
        if writer.is_open and not getattr(writer, "failed", False):
            writer.failed = True
            fail()
        close(writer)

    close, printed = pq.ParquetWriter.close, []
    monkeypatch.setattr(sys, "unraisablehook", printed.append)
    with monkeypatch.context() as failing:
        failing.setattr(pq.ParquetWriter, "close", fail_once)
        failing.setattr("dlt_sources._steps.land.land._append", fail)
        with pytest.raises(SourceError):
            land(rest(tmp_path, api.url, ["id"], deletes="soft"), here)
        gc.collect()
    assert not printed
    assert land(rest(tmp_path, api.url, ["id"], deletes="soft"), here) == {"things": len(ROWS)}

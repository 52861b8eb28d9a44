"""Land and refine against real servers: windows, cursors, late, repeated, changed and deleted rows, pages, faults."""

import json
import threading
from contextlib import contextmanager
from urllib.parse import parse_qs, urlparse

import duckdb
import pytest
import yaml
from dlt.destinations import filesystem

import settings as configuration
from dlt_sources._steps.staging.stage import Staging
from dlt_sources._steps.stores import destination
from dlt_sources._steps.stores.lake import Landing
from dlt_sources.door import SourceError, land, load_sources, refine
from tests.web import asked_path, serve

CONTRACT = """
from datetime import datetime
from dlt_sources._steps.contracts.contract import Contract, column
class Thing(Contract):
    id: int = column("id", ge=1)
    name: str | None = column("name", max_length=20)
    at: datetime | None = column("moment", default=None)
"""


class Api:
    """Answers every request with what `respond(path, query, number)` returns: (status, headers, bytes)."""

    def __init__(self):
        self.rows, self.requests, self.respond = [], [], None

    @contextmanager
    def serve(self):
        with serve(self._answer) as self.url:
            yield self

    def _answer(self, request):
        asked = asked_path(request)
        self.requests.append(asked)
        url = urlparse(asked)
        answer = self.respond and self.respond(url.path, parse_qs(url.query), len(self.requests))
        status, headers, body = answer or (200, {}, json.dumps(self.rows).encode())
        return status, {"content-type": "application/json"} | headers, body


@pytest.fixture
def api():
    with Api().serve() as api:
        yield api


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Settings of a data folder of this test's own."""
    for name, value in {
        "ELT_DATA_DIR": str(tmp_path / "data"),
        "ELT_RETRY_PACE": "0.001",
        "ELT_NOW": "2020-02-10T12:00:00",
    }.items():
        monkeypatch.setenv(name, value)
    return configuration.load()


def source_of(folder, table, connection, connector="rest_api", contract=None):
    """A declared source of one table `things`, from two files."""
    (folder / "sources" / "shop").mkdir(parents=True, exist_ok=True)
    content = {
        "description": "things",
        "owner": "me",
        "schedule": "* * * * *",
        "connector": connector,
        "connection": connection,
        "tables": {"things": {"contract": "Thing", "key": ["id"], **table}},
    }
    (folder / "sources" / "shop" / "source.yml").write_text(yaml.safe_dump(content))
    (folder / "sources" / "shop" / "contract.py").write_text(contract or CONTRACT)
    return load_sources(folder / "sources")["shop"]


def staged(settings):
    with duckdb.connect(str(settings.warehouse)) as con:
        return con.execute("SELECT id, name FROM stg_shop.things ORDER BY 1").fetchall()


def rest(tmp_path, api, **table):
    return source_of(
        tmp_path, {"endpoint": {"path": "things"}, **table}, {"base_url": api.url, "attempts": 3, "timeout": 0.5}
    )


def test_changed_and_new_rows_land_once_and_the_newest_wins(tmp_path, here, api):
    shop = rest(tmp_path, api)
    api.rows = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}, {"id": 2, "name": "later in the answer"}]
    assert land(shop, here) == {"things": 3}
    assert land(shop, here) == {}
    api.rows = [{"id": 1, "name": "a"}, {"id": 2, "name": "corrected"}, {"id": 3, "name": None}]
    assert land(shop, here) == {"things": 2}
    assert refine(shop, here).accepted["things"] == 5  # two loads at once, oldest first
    assert staged(here) == [(1, "a"), (2, "corrected"), (3, None)]
    api.rows[1] = {"id": 2, "name": "b"}  # back to what it was once: that is a change
    assert land(shop, here) == {"things": 1}
    refine(shop, here)
    assert staged(here)[1] == (2, "b")


def test_rows_deleted_at_the_source_leave_staging(tmp_path, here, api):
    shop = rest(tmp_path, api, deletes="reconcile")
    api.rows = [{"id": number, "name": "x"} for number in (1, 2, 3)]
    land(shop, here), refine(shop, here)
    api.rows = api.rows[:2]
    assert land(shop, here) == {"things": 1}
    refine(shop, here)
    assert staged(here) == [(1, "x"), (2, "x")]
    api.rows = []
    with pytest.raises(SourceError, match=r"0 rows where the last read had 2.*shrink_floor"):
        land(shop, here)
    assert staged(here) == [(1, "x"), (2, "x")]
    refine(shop, here, since="0")  # replayed from landing: the deletion is part of it
    assert staged(here) == [(1, "x"), (2, "x")]
    believing = rest(tmp_path, api, deletes="reconcile", shrink_floor=0)
    assert land(believing, here) == {"things": 2}
    assert land(believing, here) == {}
    refine(believing, here)
    assert staged(here) == []


def test_softly_deleted_rows_stay_and_say_so(tmp_path, here, api):
    shop = rest(tmp_path, api, deletes="soft")
    api.rows = [{"id": 1, "name": "x"}, {"id": 2, "name": "y"}]
    land(shop, here), refine(shop, here)
    api.rows = api.rows[:1]
    land(shop, here), refine(shop, here)
    with duckdb.connect(str(here.warehouse)) as con:
        assert con.execute("SELECT id, name, _deleted FROM stg_shop.things ORDER BY 1").fetchall() == [
            (1, "x", False),
            (2, "y", True),
        ]


def test_a_window_goes_back_by_the_overlap_and_a_row_from_the_future_hides_nothing(tmp_path, here, api, monkeypatch):
    window = {
        "endpoint": {"path": "things", "window": {"since": "from", "until": "to"}},
        "cursor": "at",
        "overlap": "P3D",
        "start": "2020-01-01",
    }
    shop = rest(tmp_path, api, **window)
    api.rows = [{"id": 1, "name": "future", "at": "2999-01-01T00:00:00"}]
    land(shop, here)
    monkeypatch.setenv("ELT_NOW", "2020-02-12T12:00:00")
    api.rows.append({"id": 2, "name": "late", "at": "2020-02-08T00:00:00"})
    assert land(shop, configuration.load()) == {"things": 1}
    assert [parse_qs(urlparse(r).query) for r in api.requests] == [
        {"from": ["2020-01-01"], "to": ["2020-02-10"]},
        {"from": ["2020-02-07"], "to": ["2020-02-12"]},
    ]


def test_pages_are_followed(tmp_path, here, api):
    def respond(path, query, number):
        page = int(query.get("page", ["1"])[0])
        rows = [{"id": page * 10 + n, "name": "x"} for n in range(3)]
        return 200, {}, json.dumps({"data": rows, "pages": 3}).encode()

    api.respond = respond
    paged = {
        "path": "things",
        "data_selector": "data",
        "paginator": {"type": "page_number", "base_page": 1, "page_param": "page", "total_path": "pages"},
    }
    shop = source_of(tmp_path, {"endpoint": paged}, {"base_url": api.url})
    assert land(shop, here) == {"things": 9}


WRONG = {
    "500": lambda: (500, {}, b"{}"),
    "429": lambda: (429, {"Retry-After": "0"}, b"{}"),
    "half an array": lambda: (200, {}, b'[{"id": 1}, {"id"'),
    "nothing": lambda: (200, {}, b""),
    "an object": lambda: (200, {}, b'{"detail": "later"}'),
    "HTML": lambda: (200, {"content-type": "text/html"}, b"<html></html>"),
    "a body shorter than it says": lambda: (200, {"content-length": "100"}, b"[]"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_source_that_is_wrong_for_a_while_is_asked_again(tmp_path, here, api, wrong):
    shop = rest(tmp_path, api)
    api.rows = [{"id": 1, "name": "x"}]
    api.respond = lambda path, query, number: WRONG[wrong]() if number < 3 else None
    assert land(shop, here) == {"things": 1}
    assert len(api.requests) == 3


@pytest.mark.parametrize("wrong", WRONG)
def test_a_source_that_stays_wrong_is_a_clear_error_and_lands_nothing(tmp_path, here, api, wrong):
    shop = rest(tmp_path, api)
    api.rows = [{"id": 1, "name": "x"}]
    api.respond = lambda path, query, number: WRONG[wrong]()
    with pytest.raises(SourceError, match=r"shop|127\.0\.0\.1") as error:
        land(shop, here)
    assert "the next run" in str(error.value) and "Traceback" not in str(error.value)
    assert Landing("shop", here).loads() == []
    api.respond = None
    assert land(shop, here) == {"things": 1}  # and catches up
    assert refine(shop, here).accepted["things"] == 1


def test_a_source_that_does_not_answer_in_time_is_a_clear_error(tmp_path, here, api):
    shop = rest(tmp_path, api)
    api.respond = lambda path, query, number: threading.Event().wait(2) or (200, {}, b"[]")
    with pytest.raises(SourceError, match="no answer in time"):
        land(shop, here)


def test_a_404_is_not_asked_again(tmp_path, here, api):
    shop = rest(tmp_path, api)
    api.respond = lambda path, query, number: (404, {}, b"{}")
    with pytest.raises(SourceError, match="404"):
        land(shop, here)
    assert len(api.requests) == 1


def test_an_empty_answer_is_fine(tmp_path, here, api):
    shop = rest(tmp_path, api)
    assert land(shop, here) == {}
    before = Staging.open(shop, here).refine_id
    assert refine(shop, here).accepted == {}
    assert Staging.open(shop, here).refine_id == before  # nothing to model


def test_odd_records_are_rejected_not_lost(tmp_path, here, api):
    shop = rest(tmp_path, api)
    api.respond = lambda *_: (
        200,
        {},
        b'[null, 7, "x", [], {"id": 99999999999999999999999, "name": "big"}, {"id": 2, "name": "\\ud800"}, {"id": 1, "name": "ok"}]',
    )
    assert land(shop, here) == {"things": 7}
    refined = refine(shop, here)
    assert (refined.accepted["things"], refined.rejected["things"]) == (1, 6)


@pytest.fixture
def things(postgres):
    with postgres.cursor() as cursor:
        cursor.execute(
            "DROP TABLE IF EXISTS deftunes.things; CREATE TABLE deftunes.things (id int, name text, at timestamp)"
        )
    return postgres


def sql(tmp_path, postgres, monkeypatch, **table):
    monkeypatch.setenv("ELT_SHOP_URL", postgres.dsn)
    return source_of(
        tmp_path,
        {"table": "things", **table},
        {"url": "${SHOP_URL}", "schema": "deftunes", "chunk_size": 2},
        "sql_database",
    )


def test_a_database_cursor_reads_back_by_the_overlap_and_finds_late_rows(tmp_path, here, things, monkeypatch):
    shop = sql(tmp_path, things, monkeypatch, cursor="at", overlap="PT1H")
    with things.cursor() as c:
        c.execute(
            "INSERT INTO deftunes.things VALUES (1, 'a', '2020-02-01 10:00'), (2, 'b', '2020-02-01 12:00'), (3, 'no time', NULL), (4, 'future', '2999-01-01')"
        )
    assert land(shop, here) == {"things": 4}
    assert land(shop, here) == {}
    with things.cursor() as c:  # the cursor stands at now (2020-02-10 12:00), not in 2999
        c.execute(
            "INSERT INTO deftunes.things VALUES (5, 'late, within', '2020-02-10 11:30'), (6, 'late, beyond', '2020-02-01 11:00')"
        )
        c.execute("UPDATE deftunes.things SET name = 'changed', at = '2020-02-10 11:59' WHERE id = 1")
    assert land(shop, here) == {"things": 2}
    refine(shop, here)
    assert staged(here) == [(1, "changed"), (2, "b"), (3, "no time"), (4, "future"), (5, "late, within")]


def test_a_database_that_is_away_is_a_clear_error_without_its_password(tmp_path, here, monkeypatch):
    monkeypatch.setenv("ELT_SHOP_URL", "postgresql://me:hunter2@127.0.0.1:9/x")
    shop = source_of(tmp_path, {"table": "things"}, {"url": "${SHOP_URL}"}, "sql_database")
    with pytest.raises(SourceError, match="shop: ") as error:
        land(shop, here)
    assert "hunter2" not in str(error.value)


def test_a_column_that_changes_its_type_upstream_loses_no_row(tmp_path, here, things, monkeypatch):
    shop = sql(tmp_path, things, monkeypatch)
    with things.cursor() as c:
        c.execute("INSERT INTO deftunes.things VALUES (1, 'a', NULL)")
    land(shop, here), refine(shop, here)
    with things.cursor() as c:
        c.execute(
            "ALTER TABLE deftunes.things ALTER COLUMN id TYPE text; INSERT INTO deftunes.things VALUES ('x', 'b', NULL), ('3', 'c', NULL)"
        )
    assert land(shop, here) == {"things": 3}  # the old row too: it says something else now
    refined = refine(shop, here)
    assert (refined.accepted["things"], refined.rejected["things"]) == (2, 1)
    assert staged(here) == [(1, "a"), (3, "c")]


def test_the_lake_says_of_itself_what_dlt_would_find_out(here):
    """`Lake.capabilities` answers without dlt's look through the environment, and must not answer anything else."""
    found = destination.lake(here)
    assert found.capabilities() == filesystem.capabilities(found)

"""A row lands once, whatever the read before it covered: a clock that was wrong, a longer overlap, a lost memory."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import settings as configuration
from dlt_sources._steps.contracts.contract import PAYLOAD
from dlt_sources.door import land, refine
from tests.dlt_sources.test_land import Api, source_of, staged

DAY = datetime(2020, 2, 10, 12, tzinfo=UTC)
CONTRACT = """
from datetime import datetime
from dlt_sources._steps.contracts.contract import Contract, column
class Thing(Contract):
    id: int = column("id", path=["thing_id", "id"], ge=1)
    name: str | None = column("name", max_length=20)
    at: datetime | None = column("at", default=None)
"""
EXTRACT = """
import json, urllib.request
def things(request, values):
    since = f"?from={request.since:%Y-%m-%d}" if request.since else ""
    yield from json.loads(urllib.request.urlopen(values["url"] + "/things" + since).read())
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("ELT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ELT_RETRY_PACE", "0.001")
    return configuration.load()


@pytest.fixture
def at(here, monkeypatch):
    """Settings of a machine whose clock says so."""

    def load(moment):
        monkeypatch.setenv("ELT_NOW", f"{moment:%Y-%m-%dT%H:%M:%S}")
        return configuration.load()

    return load


@pytest.fixture
def api():
    with Api().serve() as api:
        api.things = {}
        api.respond = lambda path, asked, number: (200, {}, json.dumps(_answer(api.things, asked)).encode())
        yield api


def _answer(things, asked):
    low, high = asked.get("from", [""])[0], asked.get("to", ["9999"])[0]
    return [thing for thing in things.values() if not thing["at"] or low <= thing["at"][:10] <= high]


def rest(tmp_path, api, connector="rest_api", **table):
    """A source that is asked for days: from and until, or by a team's own code from a moment on."""
    table = {"cursor": "at", "start": "2020-01-01", **table}
    if connector == "python":
        (tmp_path / "sources/shop").mkdir(parents=True, exist_ok=True)
        (tmp_path / "sources/shop/extract.py").write_text(EXTRACT)
        return source_of(tmp_path, table, {"values": {"url": api.url}}, connector, contract=CONTRACT)
    table["endpoint"] = {"path": "things", "window": {"since": "from", "until": "to"}}
    return source_of(tmp_path, table, {"base_url": api.url, "attempts": 1}, contract=CONTRACT)


def landed(here):
    """The landed records in the order in which they landed."""
    files = Path(here.landing, "shop", "things").glob("*.parquet")
    return [
        json.loads(row[PAYLOAD])
        for file in sorted(files, key=lambda path: float(".".join(path.name.split(".")[:2])))
        for row in pq.read_table(file).sort_by("_row").to_pylist()
    ]


def no_row_twice(rows):
    """No landed row says what the row before it of the same thing said."""
    newest = {}
    for row in rows:
        assert newest.get(row["id"]) != row, f"{row} landed twice"
        newest[row["id"]] = row
    return newest


@pytest.mark.few(2)
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("mode", ["upsert", "append"])
@pytest.mark.parametrize("connector", ["rest_api", "python"])
def test_every_change_lands_once_by_whatever_clock(tmp_path, at, api, connector, mode, seed):
    draw = random.Random(f"{seed} {mode} {connector}")
    shop = rest(tmp_path, api, connector, mode=mode, overlap="P2D")
    for day in range(16):
        now = DAY + timedelta(days=day)
        for id_ in range(day * 3 + 1, day * 3 + 4):
            late = now - timedelta(days=draw.choice((0, 0, 1)))
            api.things[id_] = {"id": id_, "name": f"v{day}", "at": f"{late:%Y-%m-%dT%H:%M:%S}"}
        for id_ in draw.sample([i for i in api.things if i > day * 3 - 3], 2):
            api.things[id_] = api.things[id_] | {"name": draw.choice(("red", "blue"))}
        for wrong in draw.choice(([0], [0], [0], [-30, 0], [-1, 0], [30, 0], [365, 0], [-30, -1, 0], [0, -400, 0])):
            here = at(now + timedelta(days=wrong))
            land(shop, here)
    newest = no_row_twice(landed(here))
    assert newest == api.things


def test_a_longer_overlap_lands_only_what_is_new(tmp_path, at, api):
    for day in range(6):
        api.things[day + 1] = {"id": day + 1, "name": "x", "at": f"{DAY - timedelta(days=day):%Y-%m-%d}T00:00:00"}
    assert land(rest(tmp_path, api, overlap="P1D"), at(DAY)) == {"things": 6}
    land(rest(tmp_path, api, overlap="P1D"), at(DAY))
    api.things[7] = {"id": 7, "name": "late", "at": f"{DAY - timedelta(days=4):%Y-%m-%d}T00:00:00"}
    assert land(rest(tmp_path, api, overlap="P1D"), at(DAY)) == {}
    assert land(rest(tmp_path, api, overlap="P5D"), at(DAY)) == {"things": 1}


@pytest.mark.parametrize("zone", [None, UTC])
def test_a_backfill_lands_its_days_again(tmp_path, at, api, zone):
    """It is asked for: whatever reads remember, and whether the days that were typed have a zone."""
    for day in range(4):
        api.things[day + 1] = {"id": day + 1, "name": "x", "at": f"{DAY - timedelta(days=day):%Y-%m-%d}T00:00:00"}
    shop, since = rest(tmp_path, api, overlap="P1D"), (DAY - timedelta(days=2)).replace(tzinfo=zone)
    assert land(shop, at(DAY)) == {"things": 4}
    land(shop, at(DAY))
    assert land(shop, at(DAY), since=since) == {"things": 3}
    assert land(shop, at(DAY - timedelta(days=30))) == {}
    assert land(shop, at(DAY), since=since) == {"things": 3}
    assert land(shop, at(DAY)) == {}


def test_an_answer_without_rows_is_not_a_reason_to_land_them_again(tmp_path, at, api):
    shop = rest(tmp_path, api, overlap="P2D")
    api.things = {n: {"id": n, "name": "x", "at": f"{DAY:%Y-%m-%d}T00:00:00"} for n in (1, 2)}
    assert land(shop, at(DAY)) == {"things": 2}
    there, api.things = api.things, {}
    assert land(shop, at(DAY)) == {}
    api.things = there
    assert land(shop, at(DAY)) == {}


@pytest.mark.parametrize("deletes", ["none", "reconcile"])
def test_what_the_read_before_saw_is_lost(tmp_path, at, api, deletes):
    """Rows that are as they landed last do not land again; one that is as it was before that does."""
    here = at(DAY)
    table = {"endpoint": {"path": "things"}, "deletes": deletes, "mode": "upsert"}
    shop = source_of(tmp_path, table, {"base_url": api.url, "attempts": 1}, contract=CONTRACT)
    for name in ("red", "blue"):
        api.things = {n: {"id": n, "name": name if n == 1 else "x", "at": None} for n in (1, 2, 3)}
        land(shop, here)
    for seen in Path(here.landing, "shop", "_seen").iterdir():
        seen.unlink()
    api.things[1]["name"] = "red"
    assert land(shop, here) == {"things": 1}
    assert land(shop, here) == {}
    refine(shop, here)
    assert staged(here) == [(1, "red"), (2, "x"), (3, "x")]


TYPES = {
    "timestamp": "'2020-02-09 10:00'",
    "timestamptz": "'2020-02-09 10:00+01'",
    "numeric(12, 3)": "1.5",
    "numeric": "1e30",
    "date": "'2020-02-09'",
    "time": "'10:00'",
    "uuid": "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
    "json": "'{\"a\": [1]}'",
    "int[]": "'{1,2}'",
    "bytea": "'\\x00ff'",
    "float8": "'NaN'",
    "boolean": "true",
    "timestamp(3)": "'infinity'",
}


@pytest.mark.parametrize("size", ["few", "many"])
def test_rows_of_a_database_of_any_type_land_once(tmp_path, at, postgres, monkeypatch, size):
    if size == "many":
        monkeypatch.setattr("dlt_sources._steps.land.connectors.scanned.LARGE", 0, raising=True)
    columns = ", ".join(f"c{n} {kind}" for n, kind in enumerate(TYPES))
    needs = "\n".join(f'    c{n}: str | None = column("c", default=None)' for n in range(len(TYPES)))
    with postgres.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS deftunes.things")
        cursor.execute(f"CREATE TABLE deftunes.things (id int, name text, at timestamp, {columns})")
        for id_ in range(1, 6):
            cursor.execute(
                f"INSERT INTO deftunes.things VALUES ({id_}, 'x', '2020-02-0{id_} 10:00', {', '.join(TYPES.values())})"
            )
            cursor.execute(
                f"INSERT INTO deftunes.things (id, name, at) VALUES ({id_ + 5}, NULL, '2020-02-0{id_} 11:00')"
            )
    monkeypatch.setenv("ELT_SHOP_URL", postgres.dsn)
    connection = {"url": "${SHOP_URL}", "schema": "deftunes"}
    table = {"table": "things", "cursor": "at", "overlap": "P1D", "mode": "append"}
    shop = source_of(tmp_path, table, connection, "sql_database", contract=CONTRACT + needs)
    assert land(shop, at(DAY)) == {"things": 10}
    for days in (-7, 0, -30, 0):
        assert land(shop, at(DAY + timedelta(days=days))) == {}, days
    for seen in Path(at(DAY).landing, "shop", "_seen").iterdir():
        seen.unlink()
    with postgres.cursor() as cursor:
        cursor.execute("UPDATE deftunes.things SET name = 'y' WHERE id = 5")
    assert land(shop, at(DAY)) == {"things": 1}

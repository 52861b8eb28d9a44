"""The upstream world is the same for the same seed, dirty in every promised way, and really answers."""

import codecs
import contextlib
import json
import subprocess
import sys
from collections import Counter

import pytest
import requests

from demo import oddities
from demo.audiophile import Rankings
from demo.deftunes import DefTunes
from demo.oracle import expect
from demo.people import KEPT, QUIET_DAY, SPOILS, RandomUsers
from demo.postgres import Postgres
from demo.records import DAYS, json_text
from demo.sales import Sales
from demo.sales_lines import FIRST_SPOILS
from demo.server import BUSY_DAY, MARKED_DAY, MISLABELED_DAY
from demo.taxi import REJECTS, Taxi
from demo.world import World
from dlt_sources.door import load_sources
from tests.harness import ROOT

DIGEST = "import hashlib; from demo.deftunes import DefTunes; from demo.records import json_text; w = DefTunes(3, 0.01); print(hashlib.sha256(json_text([[[v.body for v in s] for s in part] for part in (w.users, w.songs, w.sessions)])).hexdigest())"


def test_one_seed_is_one_world_in_every_process():
    found = {
        subprocess.run([sys.executable, "-c", DIGEST], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(found) == 1
    assert json_text([s[0].body for s in DefTunes(1, 0.01).users]) != json_text(
        [s[0].body for s in DefTunes(2, 0.01).users]
    )


@pytest.mark.parametrize("seed", range(3))
def test_every_kind_of_dirt_and_change_is_there_at_the_smallest_scale(seed):
    world = DefTunes(seed, 0.01)
    found = expect(world, DAYS - 1)
    rejected = {
        *(reason for _, reason in (*oddities.USERS, *oddities.SONGS)),
        *(("sessions", name, rule) for _, name, rule in oddities.SESSIONS),
        *(("session_items", name, rule) for _, name, rule in oddities.ITEMS),
        ("session_items", "", "parent_rejected"),
    }
    assert rejected <= set(found.rejected) and len(rejected) >= 50
    assert all(sum(found.status[d].values()) > found.status[d]["known"] > 0 for d in found.status)
    for slots in (world.users, world.songs, world.sessions):
        assert {version.day for slot in slots for version in slot} == set(range(DAYS))
        assert any(len(slot) > 1 for slot in slots)  # corrected
        bodies = Counter(json_text(slot[0].body) for slot in slots)
        assert bodies.most_common(1)[0][1] > 1  # sent twice
    assert any(version.body is None for slot in world.songs for version in slot)  # removed


@pytest.mark.parametrize("seed", range(3))
def test_odd_records_that_are_right_are_there_and_expected(seed):
    world = DefTunes(seed, 0.01)
    kept = {"users": oddities.USERS_KEPT, "sessions": oddities.SESSIONS_KEPT, "songs": oddities.SONGS_KEPT}
    for name, changes in kept.items():
        versions = [slot[-1] for slot in getattr(world, name) if isinstance(slot[-1].body, dict)]
        for change in changes:
            plain = [(field, value) for field, value in change.items() if not callable(value)]
            odd = [v for v in versions if plain and all(v.body.get(field, "-") == value for field, value in plain)]
            assert all(v.reason is None for v in odd) and (odd or not plain), (name, change)
    items = [
        (item, reason)
        for slot in world.sessions
        if isinstance(slot[0].body, dict) and isinstance(slot[0].body["session_items"], list)
        for item, reason in zip(slot[0].body["session_items"], slot[0].items, strict=True)
    ]
    for change in oddities.ITEMS_KEPT:
        assert None in [reason for item, reason in items if item and change.items() <= item.items()], change
    people = [record for day in range(DAYS) for record in RandomUsers(seed, 0.01)._records(day, 0)]
    assert {reason for _, reason in people} == {None, *(reason for _, reason in SPOILS)}
    text = json_text([person for person, reason in people if reason is None])
    assert all(json_text(value) in text for _, value in KEPT)
    sales = Sales(seed, 0.01).rejected(0)
    assert {("order_lines", field, rule) for _, _, field, rule in FIRST_SPOILS} <= set(sales)
    trips = Taxi(seed, 0.01).rejected(0)
    assert {(f"{color}_trips", *reason) for color in ("yellow", "green") for reason in REJECTS.values()} == set(trips)


@pytest.mark.samples
@pytest.mark.parametrize("scale", [0.02, 0.1, pytest.param(1, marks=pytest.mark.slow)])
def test_no_day_has_more_odd_rows_than_a_source_may_reject(scale):
    """Of the first day, which has the most, and, where one record of a kind weighs most, of all days in one run."""
    tunes, sales, taxi, people = DefTunes(7, scale), Sales(7, scale), Taxi(7, scale), RandomUsers(7, scale)
    limits = {name: t.max_rejected for source in load_sources().values() for name, t in source.tables.items()}
    limits |= {"users": load_sources()["deftunes_api"].tables["users"].max_rejected}
    for day in (0, DAYS - 1) if scale < 1 else (0,):
        slots = {"users": tunes.users, "sessions": tunes.sessions, "songs": tunes.songs}
        rows = {name: sum(slot[0].day <= day for slot in part) for name, part in slots.items()}
        bodies = [slot[0].items for slot in tunes.sessions if slot[0].day <= day]
        rows |= {"session_items": sum(map(len, bodies)), "order_lines": len(sales._delivered(day))}
        rejected = expect(tunes, day).rejected + sales.rejected(day) + taxi.rejected(day)
        for color in ("yellow", "green"):
            months = {id(m): m for now in range(day + 1) for m in taxi._served(now) if m.color == color}
            rows[f"{color}_trips"] = sum(len(month.fault) for month in months.values())
        for table, count in rows.items():
            found = sum(number for (name, _, _), number in rejected.items() if name == table)
            assert found <= max(limits[table].rows, limits[table].share * count), (table, found, count)
    limit = load_sources()["random_users"].tables["users"].max_rejected
    for day in range(DAYS):
        answer = people._records(day, 0)
        assert sum(reason is not None for _, reason in answer) <= max(limit.rows, limit.share * len(answer))
    everybody = [record for day in range(DAYS) for record in people._records(day, 0)]
    assert sum(reason is not None for _, reason in everybody) <= max(limit.rows, limit.share * len(everybody))
    site = Rankings(7, scale)
    for name in ("headphones", "iems"):
        products = site._days[name][0]
        found = sum(p.reason is not None for p in products)  # on each of the days on which all rows land
        assert found <= max(limits[name].rows / 2, limits[name].share * len(products))


@pytest.mark.slow
def test_the_servers_answer_in_odd_ways_on_known_days(tmp_path):
    with World(tmp_path, 0.01) as world:

        def people():
            return requests.get(f"{world.api_url}/api/", timeout=10)

        assert people().headers["content-type"] == "application/json"
        for day in range(1, DAYS):
            world.advance()
            answer = people()
            if day == BUSY_DAY:
                assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
                answer = people()
            if day == QUIET_DAY:
                assert (answer.status_code, answer.content) == (204, b"")
                continue
            assert (answer.headers["content-type"] == "text/plain; charset=iso-8859-1") == (day == MISLABELED_DAY)
            assert answer.content.startswith(codecs.BOM_UTF8) == (day == MARKED_DAY)
            assert "München" in answer.content.decode("utf-8-sig") or "Rhône" in answer.content.decode("utf-8-sig")
        served = Taxi(world.seed, world.scale).files(world.day)
        months = [name.partition(".")[0] for name in served if "tripdata" in name]
        assert len(months) - len(set(months)) == 2  # as CSV and as Parquet
        with world.postgres.cursor() as cursor:
            cursor.execute(
                "SELECT count(*), count(*) FILTER (WHERE licensed_until = 'infinity'), count(words), count(DISTINCT duration)"
                " FILTER (WHERE scale(duration) = 15 AND duration < 0.001 AND duration > 0) FROM deftunes.songs"
            )
            rows, endless, words, exact = cursor.fetchone()
        assert rows == endless >= words > 0 and exact == 1


def test_the_api_filters_by_inclusive_days_and_shows_only_what_has_arrived(world):
    def get(path, **params):
        answer = requests.get(f"{world.api_url}/{path}", params=params, timeout=10)
        assert answer.status_code == 200
        return json.loads(answer.content)

    dated = [
        s
        for s in get("sessions", start_date="2020-01-05", end_date="2020-01-06")
        if isinstance(s, dict) and str(s["session_start_time"])[:2] == "20"
    ]
    assert {s["session_start_time"][:10] for s in dated} == {"2020-01-05", "2020-01-06"}
    before = len(get("users"))
    world.advance()
    assert len(get("users")) > before


def test_the_catalogue_s_server_keeps_its_data_over_a_restart_and_wants_a_password(tmp_path):
    import psycopg2

    server = Postgres(tmp_path / "a" / ("long" * 20) / "data")
    server.start()
    with server.cursor() as cursor:
        cursor.execute("CREATE TABLE deftunes.t AS SELECT 1 AS n")
    server.stop()
    server.start()
    try:
        with server.cursor() as cursor:
            cursor.execute("SELECT n FROM deftunes.t")
            assert cursor.fetchall() == [(1,)]
        with pytest.raises(psycopg2.OperationalError):
            psycopg2.connect(server.dsn.replace(server.password, "wrong"))
    finally:
        server.close()


def test_another_s_schema_of_that_name_is_not_dropped(tmp_path, monkeypatch):
    """`python -m demo.upstream` is pointed at a Postgres that others run."""
    import psycopg2

    from demo.upstream import ForeignSchemaError, Upstream

    server = Postgres(tmp_path / "data")
    server.start()
    try:
        upstream = Upstream(server, "s3://drops/sales", 0.01, 7)
        monkeypatch.setattr(upstream, "_arrive", lambda: None)  # needs an S3 server
        with (
            contextlib.closing(psycopg2.connect(host=str(server._sockets), port=server.port, user="postgres")) as con,
            con,
        ):
            con.cursor().execute("GRANT CREATE ON DATABASE postgres TO deftunes")
        with server.cursor() as cursor:
            cursor.execute("CREATE TABLE deftunes.mine AS SELECT 1 AS n")
        with pytest.raises(ForeignSchemaError, match="that the demo did not make"):
            upstream.begin()
        with server.cursor() as cursor:
            cursor.execute("SELECT n FROM deftunes.mine")
            assert cursor.fetchall() == [(1,)]
            cursor.execute("ALTER SCHEMA deftunes RENAME TO own")
        for _ in range(2):  # its own it starts again
            upstream.begin()
            with server.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'deftunes'")
                assert cursor.fetchone() == (0,)
                cursor.execute("CREATE TABLE deftunes.songs (n int)")
    finally:
        server.close()

"""The upstream world is the same for the same seed, dirty in every promised way, and really answers."""

import contextlib
import subprocess
import sys
from collections import Counter

import orjson
import pytest
import requests

from demo.deftunes import DefTunes
from demo.oracle import expect
from demo.postgres import Postgres
from demo.records import DAYS
from tests.harness import ROOT

DIGEST = "import hashlib, orjson; from demo.deftunes import DefTunes; w = DefTunes(3, 0.01); print(hashlib.sha256(orjson.dumps([[[v.body for v in s] for s in part] for part in (w.users, w.songs, w.sessions)])).hexdigest())"


def test_one_seed_is_one_world_in_every_process():
    found = {
        subprocess.run([sys.executable, "-c", DIGEST], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(found) == 1
    assert orjson.dumps([s[0].body for s in DefTunes(1, 0.01).users]) != orjson.dumps(
        [s[0].body for s in DefTunes(2, 0.01).users]
    )


@pytest.mark.parametrize("seed", range(3))
def test_every_kind_of_dirt_and_change_is_there_at_the_smallest_scale(seed):
    world = DefTunes(seed, 0.01)
    found = expect(world, DAYS - 1)
    assert len(found.rejected) >= 39
    assert all(sum(found.status[d].values()) > found.status[d]["known"] > 0 for d in found.status)
    for slots in (world.users, world.songs, world.sessions):
        assert {version.day for slot in slots for version in slot} == set(range(DAYS))
        assert any(len(slot) > 1 for slot in slots)  # corrected
        bodies = Counter(orjson.dumps(slot[0].body) for slot in slots)
        assert bodies.most_common(1)[0][1] > 1  # sent twice
    assert any(version.body is None for slot in world.songs for version in slot)  # removed


def test_the_api_filters_by_inclusive_days_and_shows_only_what_has_arrived(world):
    def get(path, **params):
        answer = requests.get(f"{world.api_url}/{path}", params=params, timeout=10)
        assert answer.status_code == 200
        return answer.json()

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
        for _ in range(2):  # its own it starts anew
            upstream.begin()
            with server.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'deftunes'")
                assert cursor.fetchone() == (0,)
                cursor.execute("CREATE TABLE deftunes.songs (n int)")
    finally:
        server.close()

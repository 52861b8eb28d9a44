"""Sources of every kind are awaited side by side; what lands, and in which turn, is as if they were read one after the other."""

import contextlib
import shutil
import subprocess
import sys
import threading
import time

import pyarrow.parquet as pq
import pytest
import s3fs
import yaml

import settings as configuration
from demo.postgres import USER
from dlt_sources._steps.land import turn
from dlt_sources._steps.land.connectors import files, stored
from dlt_sources._steps.stores.lake import Landing
from dlt_sources.door import SourceError, land, load_sources, read_ahead
from foundation.parts import gathered
from foundation.work_ahead import OF_A_SERVER
from tests.aws.cloud import Cloud
from tests.delays import Proxy
from tests.dlt_sources.database import execute
from tests.harness import ROOT
from tests.security.hostile import source_of
from tests.web import serve

pytestmark = pytest.mark.slow
NAMES = [f"s{number}" for number in range(6)]
DELAY = 0.7
CONTRACT = """
from dlt_sources._steps.contracts.contract import Contract, column
class Thing(Contract):
    id: int = column("id")
    name: str | None = column("name")
"""


@pytest.fixture
def table(postgres):
    """Makes the table `s.things` of so many rows, each 1000 characters long."""

    def make(rows):
        execute(
            postgres,
            "DROP SCHEMA IF EXISTS s CASCADE",
            f"CREATE SCHEMA s AUTHORIZATION {USER}",
            f"CREATE TABLE s.things AS SELECT i AS id, repeat('x', 1000) AS name FROM generate_series(1, {rows}) AS i",
            f"ALTER TABLE s.things OWNER TO {USER}",
        )

    make(3)
    return make


@pytest.fixture
def declare(tmp_path, monkeypatch):
    def declare(name, address, **table):
        monkeypatch.setattr(configuration, "TOOLS", configuration.TOOLS | {f"ELT_{name.upper()}_URL"})
        monkeypatch.setenv(f"ELT_{name.upper()}_URL", address)
        folder = tmp_path / "sources" / name
        folder.mkdir(parents=True, exist_ok=True)
        database = address.startswith("postgres")
        table = {
            "contract": "Thing",
            "key": ["id"],
            **({"table": "things"} if database else {"files": "*.csv"}),
            **table,
        }
        content = {
            "description": "things",
            "owner": "me",
            "schedule": "* * * * *",
            "connector": "sql_database" if database else "files",
            "connection": {"url": f"${{{name.upper()}_URL}}"} | ({"schema": "s"} if database else {}),
            "tables": {"things": table},
        }
        (folder / "source.yml").write_text(yaml.safe_dump(content))
        (folder / "contract.py").write_text(CONTRACT)
        return load_sources(folder.parent)

    return declare


@pytest.fixture(params=["postgres", "s3", "folder"])
def slow(request, tmp_path, monkeypatch, declare):
    """Sources whose every answer takes DELAY: (what is declared, with whether somebody has news)."""
    with contextlib.ExitStack() as stack:
        if request.param == "postgres":
            server = request.getfixturevalue("postgres")
            request.getfixturevalue("table")
            for name in NAMES:
                proxy = stack.enter_context(Proxy(server.port, DELAY).serve())
                sources = declare(name, server.dsn.replace(str(server.port), str(proxy.port)))
            yield sources
            return
        if request.param == "s3":
            s3fs.S3FileSystem.clear_instance_cache()  # those of a cloud that is gone
            cloud = stack.enter_context(Cloud())
            for name, value in cloud.environment.items():
                monkeypatch.setenv(name, value)
            store, answer = cloud.client("s3"), cloud._answer
            store.create_bucket(Bucket="drops")
            for name in NAMES:
                store.put_object(Bucket="drops", Key=f"{name}/1.csv", Body=b"id,name\n1,one\n2,two\n3,three\n")
                sources = declare(name, f"s3://drops/{name}")

            def late(environ, start):
                time.sleep(DELAY if "list-type=2" in environ["QUERY_STRING"] else 0)
                return answer(environ, start)

            cloud._server.app = late
            yield sources
            return
        for name in NAMES:
            folder = tmp_path / "drop" / name
            folder.mkdir(parents=True)
            (folder / "1.csv").write_text("id,name\n1,one\n2,two\n3,three\n")
            sources = declare(name, str(folder))
        listed = stored._of_folder

        def late(base, patterns):  # as a network's file system is
            time.sleep(DELAY)
            return listed(base, patterns)

        monkeypatch.setattr(stored, "_of_folder", late)
        yield sources


def land_all(sources, readers=32):
    """Land all in their order: (rows or the error of each, seconds)."""
    here = configuration.load().model_copy(update={"readers": readers})
    found, began = {}, time.monotonic()
    with read_ahead(sources, list(sources), here) as ahead:
        for name in sources:
            try:
                found[name] = land(sources[name], here, begun=ahead.get(name)).get("things", 0)
            except SourceError as error:
                found[name] = str(error)
    return found, time.monotonic() - began


@pytest.mark.few(2)  # test_side_by_side.py has buckets
def test_answers_are_awaited_together(here, slow):
    assert land_all(slow)[0] == dict.fromkeys(NAMES, 3)
    land_all(slow)  # a file that was new a moment ago is looked into once more
    found, together = land_all(slow)
    assert found == dict.fromkeys(NAMES, 0)
    found, alone = land_all(slow, readers=1)
    assert found == dict.fromkeys(NAMES, 0)
    assert alone > len(NAMES) * DELAY and together < alone / 2
    assert not list(here.dlt.glob("**/*.copied.parquet")) + list(here.dlt.glob("**/file.*"))


def test_one_server_is_asked_by_a_few_at_a_time(here, postgres, table, declare):
    with Proxy(postgres.port, 0.2).serve() as proxy:
        for name in NAMES:
            sources = declare(name, postgres.dsn.replace(str(postgres.port), str(proxy.port)))
        assert land_all(sources)[0] == dict.fromkeys(NAMES, 3)
        assert (proxy.most, proxy.opened) == (OF_A_SERVER, len(NAMES))


@pytest.mark.parametrize("size", ["known", "found out"])
def test_what_is_large_is_read_in_its_turn_and_no_connection_stays_open(here, postgres, table, declare, size):
    """A table's size is known before; a view's shows when so much has come."""
    table(10_000)
    if size == "found out":
        execute(postgres, "CREATE VIEW s.seen AS SELECT * FROM s.things", f"GRANT SELECT ON s.seen TO {USER}")
    named = {"table": "things" if size == "known" else "seen"}
    with Proxy(postgres.port).serve() as proxy:
        for name in NAMES[:2]:
            sources = declare(name, postgres.dsn.replace(str(postgres.port), str(proxy.port)), **named)
        settings = configuration.load()
        with read_ahead(sources, list(sources), settings) as ahead:
            readings = [ahead.get(name) for name in sources]
            assert [read.has_news for reading in readings for read in reading.reads] == [None, None]
            wait_for(lambda: proxy.now == 0)
            assert not list(settings.dlt.glob("**/*.copied.parquet"))
            for reading, source in zip(readings, sources.values(), strict=True):
                assert land(source, settings, begun=reading) == {"things": 10_000}
        assert land_all(sources)[0] == dict.fromkeys(NAMES[:2], 0)


def test_many_new_files_are_read_in_their_turn(here, tmp_path, declare, monkeypatch):
    monkeypatch.setattr(files, "LITTLE", 100)
    for name in NAMES[:2]:
        folder = tmp_path / "drop" / name
        folder.mkdir(parents=True)
        for number in range(5):
            (folder / f"{number}.csv").write_text("id,name\n" + f"{number},{'x' * 40}\n")
        sources = declare(name, str(folder))
    with read_ahead(sources, list(sources), here) as ahead:
        readings = {name: ahead.get(name) for name in sources}
        assert [read.has_news for reading in readings.values() for read in reading.reads] == [None, None]
        assert [len(list(reading.work.glob("things.*"))) for reading in readings.values()] == [1, 1]
        found = {name: land(sources[name], here, begun=reading) for name, reading in readings.items()}
    assert found == {name: {"things": 5} for name in sources}
    assert land_all(sources)[0] == dict.fromkeys(sources, 0)


def test_files_of_two_tables_that_wait_for_their_turn_stay_apart(here, tmp_path, monkeypatch):
    """Over HTTP a file shows its size when it has come: that of one table waits while that of another comes."""
    monkeypatch.setattr(files, "LITTLE", 100)
    texts = {
        f"/{name}.csv": "id,name\n" + "".join(f"{n},{name * 9}\n" for n in range(first, first + 20))
        for name, first in (("a", 1), ("b", 21))
    }
    with serve(lambda request: (200, {}, texts[request.path].encode())) as url:
        source = source_of(tmp_path, "files", {"url": url}, CONTRACT, files="a.csv")
        content = yaml.safe_load(source.path.read_text())
        table = content["tables"].pop("things")
        content["tables"] = {name: table | {"files": f"{name}.csv"} for name in ("a", "b")}
        source.path.write_text(yaml.safe_dump(content))
        shutil.copytree(source.folder, source.folder.with_name("later"))
        sources = load_sources(source.folder.parent)
        with read_ahead(sources, list(sources), here) as ahead:
            reading = [ahead.get(name) for name in sources][-1]
            assert [read.has_news for read in reading.reads] == [None, None]
            assert land(sources["shop"], here, begun=reading) == {"a": 20, "b": 20}
    landing = Landing("shop", here)
    for name, first in (("a", 1), ("b", 21)):
        paths = landing.fetch(landing.files(name, landing.loads()), tmp_path / f"landed {name}")
        rows = [row for path in paths for row in pq.read_table(path).to_pylist()]
        assert [int(row["id"]) for row in rows] == list(range(first, first + 20))
        assert {row["name"] for row in rows} == {name * 9}


def test_one_that_fails_fails_in_its_turn_with_its_own_words(here, postgres, table, declare):
    for name in NAMES[:3]:
        sources = declare(name, postgres.dsn)
    sources = declare("s1", postgres.dsn.replace(USER, "nobody"))
    sources = declare("s2", "postgresql://me:secret@127.0.0.1:1/x")
    found, _ = land_all(sources)
    assert found["s0"] == 3
    assert found["s1"].startswith("s1: the database refused the login: password authentication failed for user")
    assert found["s2"].startswith("s2: the database could not be reached: ") and "secret" not in found["s2"]


def test_an_abandoned_reader_leaves_no_query_and_no_rows_behind(here, postgres, table, declare):
    execute(
        postgres,
        "CREATE VIEW s.slow AS SELECT 1 AS id, pg_sleep(30)::text AS name",
        f"GRANT SELECT ON s.slow TO {USER}",
    )
    sources = declare("s0", postgres.dsn)
    sources = declare("s1", postgres.dsn, table="slow")
    began = time.monotonic()
    with contextlib.suppress(KeyboardInterrupt), read_ahead(sources, list(sources), here) as ahead:
        wait_for(lambda: asked(postgres) and ahead._results["s0"].done())
        raise KeyboardInterrupt
    assert time.monotonic() - began < 10
    wait_for(lambda: not asked(postgres))
    assert not list(here.dlt.glob("**/*.parquet")) and not Landing("s0", here).loads()
    assert land_all({"s0": sources["s0"]})[0] == {"s0": 3}


@pytest.mark.few(1)
def test_what_was_read_ahead_is_told_of_the_source_it_was_read_of(here, slow):
    with read_ahead(slow, NAMES, here) as ahead:
        for name in NAMES:
            begun = ahead.get(name)
            with gathered() as parts:
                land(slow[name], here, begun=begun)
            [part] = [part for part in parts.values() if part.did == "read ahead"]
            assert part.table == "things" and part.seconds >= DELAY


def test_no_more_work_at_a_time_than_there_are_cores(monkeypatch):
    monkeypatch.setattr(turn, "_ROOM", threading.Semaphore(2))
    now, most = [0], [0]

    def work():
        with turn.in_room():
            for _ in range(3):
                with turn.leave_room():
                    time.sleep(0.02)
                now[0] += 1
                most[0] = max(most[0], now[0])
                time.sleep(0.02)
                now[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [2]


def wait_for(what, seconds=10):
    began = time.monotonic()
    while not what():
        assert time.monotonic() - began < seconds
        time.sleep(0.05)


def asked(postgres):
    """Whether a query of ours runs on the server."""
    import psycopg2

    where = {"host": str(postgres._sockets), "port": postgres.port, "user": "postgres", "dbname": "postgres"}
    with contextlib.closing(psycopg2.connect(**where)) as con, con.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active'")
        return cursor.fetchone()[0]


LOADS = """
import sys
from pathlib import Path
import settings
from dlt_sources._steps.land.ahead import load_connectors
from dlt_sources.door import load_sources
sources = list(load_sources(Path(sys.argv[1])).values())
for some in ([], sources):
    load_connectors(some, settings.load())
    print("pandas" in sys.modules)
"""


def test_what_libraries_load_at_their_first_use_is_loaded_before_readers_begin(here, tmp_path):
    """Else a read may end at `partially initialized module 'pandas'`. Where nothing is read ahead, nothing is loaded for it."""
    source = source_of(tmp_path, "files", {"url": str(tmp_path)}, files="*.csv")
    done = subprocess.run(
        [sys.executable, "-c", LOADS, str(source.folder.parent)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True"]

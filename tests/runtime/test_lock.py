"""Whether a run is in progress can be asked at any time, and disturbs none."""

import threading
import time

import psycopg2
import pytest

import settings as configuration
from foundation import lock
from warehouse import connection
from warehouse.file import HeldError


@pytest.fixture(params=["local", "aws"])
def here(request, tmp_path, monkeypatch, postgres):
    monkeypatch.setenv("ELT_DATA_DIR", str(tmp_path / "data"))
    settings = configuration.load()
    if request.param == "aws":

        def state(settings):
            con = psycopg2.connect(postgres.dsn)
            con.autocommit = True
            return con

        monkeypatch.setattr(lock, "state", state)
        settings = settings.model_copy(update={"target": "aws", "redshift_host": str(tmp_path)})
    return settings


def test_it_is_held_while_a_run_is_in_progress(here):
    assert not lock.is_held(here)
    with lock.one_at_a_time(here):
        assert lock.is_held(here)
        with pytest.raises(lock.LockedError), lock.one_at_a_time(here):
            pass
    assert not lock.is_held(here)


def test_the_lock_of_another_warehouse_is_not_this_one_s(here, tmp_path):
    other = here.model_copy(update={"redshift_host": "other"})
    if here.aws:
        with lock.one_at_a_time(here):
            assert not lock.is_held(other)


def test_asking_never_stops_a_run(here):
    stop = threading.Event()

    def ask():
        while not stop.is_set():
            lock.is_held(here)
            time.sleep(0.01)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            with lock.one_at_a_time(here):
                pass
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_where_it_cannot_be_found_out_a_run_may_be_in_progress(here, monkeypatch):
    def away(settings):
        raise lock.LockError("away")

    if here.aws:
        monkeypatch.setattr(lock, "state", away)
    else:
        here.lock.parent.mkdir(parents=True)
        here.lock.mkdir()  # no lock file can be opened there
    assert lock.is_held(here)


def test_a_look_that_a_run_overtakes_gives_way(tmp_path, monkeypatch):
    """The run begins between the question whether there is one and the opening of the file."""
    answers = iter([False, True])

    def held(path, read_only):
        raise HeldError("the file is open in another process")

    monkeypatch.setattr(connection, "open_file", held)
    with pytest.raises(connection.RunInProgressError, match="a run is in progress"):
        connection._look(tmp_path / "warehouse.duckdb", lambda: next(answers))


def test_a_run_whose_lock_is_gone_notices_before_it_commits(here, postgres):
    lock.ensure_held()
    with lock.one_at_a_time(here):
        lock.ensure_held()
        with psycopg2.connect(
            host=str(postgres._sockets), port=postgres.port, user="postgres", dbname="postgres"
        ) as con:
            ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'deftunes'"
            con.cursor().execute(ended)
        if here.aws:
            with pytest.raises(lock.LockError, match="another run may be in progress"):
                lock.ensure_held()
        else:
            lock.ensure_held()
    lock.ensure_held()


def test_the_next_run_may_begin_at_once(here):
    for _ in range(100):
        with lock.one_at_a_time(here):
            pass

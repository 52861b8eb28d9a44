"""A file of DuckDB that stays open for the length of a run is the same file afterwards, whatever happened in between."""

import resource
import signal
import subprocess
import sys

import duckdb
import pytest

import settings as configuration
from warehouse.connection import connect, keep_warehouse_open

SHELL = [sys.executable, "-c", "import duckdb, sys; duckdb.connect(sys.argv[1])"]


def is_free(path):
    """Whether another process can open the file for writing."""
    return subprocess.run([*SHELL, str(path)], capture_output=True, check=False).returncode == 0


def count(here):
    with connect(here) as con:
        return con.execute("SELECT count(*) FROM rows").fetchone()[0]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("ELT_DATA_DIR", str(tmp_path / "data"))
    settings = configuration.load()
    with connect(settings) as con:
        con.execute("CREATE TABLE rows AS SELECT 1 AS i")
    return settings


def test_it_is_open_from_its_first_use_to_the_end_of_the_block(here):
    with keep_warehouse_open(here):
        assert is_free(here.warehouse)
        assert count(here) == 1
        assert not is_free(here.warehouse)
        assert count(here) == 1
    assert is_free(here.warehouse)


def test_what_a_step_wrote_is_in_the_file_when_the_step_ends(here):
    """After a kill there is no log to read again."""
    with keep_warehouse_open(here):
        with connect(here) as con:
            con.execute("INSERT INTO rows SELECT range FROM range(1000)")
        assert not here.warehouse.with_name(f"{here.warehouse.name}.wal").exists()
        with connect(here) as con, connect(here) as other:
            con.execute("BEGIN")
            con.execute("INSERT INTO rows VALUES (0)")
            other.execute("CREATE TABLE others AS SELECT 1 AS i")
            con.execute("COMMIT")
        assert count(here) == 1002


def test_a_write_that_failed_spoils_nothing_that_comes_after_it(here):
    """DuckDB refuses every statement on a file once a write to it has failed, for as long as a process has it open."""
    handler, limit = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    with keep_warehouse_open(here):
        assert count(here) == 1
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (here.warehouse.stat().st_size, limit[1]))
            with pytest.raises(duckdb.Error), connect(here) as con:
                con.execute("INSERT INTO rows SELECT hash(range) % 1e9::BIGINT FROM range(1_000_000)")
                con.execute("CHECKPOINT")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
            signal.signal(signal.SIGXFSZ, handler)
        assert count(here) >= 1
        with connect(here) as con:
            con.execute("INSERT INTO rows VALUES (2)")
        assert not is_free(here.warehouse)
    assert is_free(here.warehouse)
    assert count(here) >= 2


def test_an_error_in_the_block_closes_it_too(here):
    with pytest.raises(ZeroDivisionError), keep_warehouse_open(here):
        count(here)
        raise ZeroDivisionError
    assert is_free(here.warehouse)

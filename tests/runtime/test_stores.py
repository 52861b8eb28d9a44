"""A store that cannot be written is recognised behind any library's error, and nothing else is taken for one."""

import errno
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import requests

import settings as configuration
from dlt_sources._steps.declared.source_error import SourceError
from foundation import stores
from foundation.exits import exit_code, is_store_fault
from foundation.lock import FolderError, one_at_a_time
from sqlmesh_project.door import ModelError
from tests.forks import run_as_nobody
from warehouse.connection import WarehouseError, connect
from warehouse.file import HeldError, holder, open_file

TABLE = pa.table({"a": list(range(100_000))})


def fill_sqlite(path):
    with sqlite3.connect(path / "catalog.db") as con:
        con.execute("PRAGMA max_page_count = 2")
        con.execute(
            "CREATE TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) SELECT i FROM n"
        )


def full(path):
    """A file on a full disk: a link, since libraries remove what they could not write."""
    link = path / "full"
    link.symlink_to("/dev/full")
    return str(link)


def write_text(path):
    with Path(full(path)).open("w") as file:
        file.write("x" * 100_000)


def fail(number, *names):
    def work(path):
        raise OSError(number, os.strerror(number), *(str(path / name) for name in names))

    return work


def say(kind, text):
    def work(path):
        raise kind(text)

    return work


FAULTS = {
    "a file": write_text,
    "a copy": lambda path: shutil.copyfile(__file__, full(path)),
    "Arrow": lambda path: pyarrow.csv.write_csv(TABLE, full(path)),
    "Parquet": lambda path: pq.write_table(TABLE, full(path)),
    "DuckDB": say(
        duckdb.TransactionException, 'Failed to commit: Could not write file "/x/w.wal": No space left on device'
    ),
    "DuckDB after that": say(duckdb.FatalException, "database has been invalidated: No space left on device"),
    "a job of dlt": say(
        type("LoadJobFailed", (Exception,), {"failed_message": "[Errno 28] No space left on device"}), "failed"
    ),
    "SQLite": fill_sqlite,
    "a quota": fail(errno.EDQUOT, "data/warehouse.duckdb"),
    "too many files": fail(errno.EMFILE),
    "a read-only file system": fail(errno.EROFS, "data/lake/landing/shop/things/1.parquet"),
    "no permission": fail(errno.EACCES, "data/lake/silver/shop"),
    "a disk that fails": fail(errno.EIO, "data/warehouse.duckdb"),
    "a write to an open file on a disk that fails": fail(errno.EIO),
    "DuckDB on a disk that fails": lambda path: say(
        duckdb.TransactionException,
        f'Failed to commit: Could not write file "{path}/data/warehouse.duckdb.wal": Input/output error',
    )(path),
    "a folder that cannot be made": fail(errno.EACCES, "data/lake"),
}


def behind(kind):
    def wrap(error):
        raise kind("what a library said") from error

    return wrap


def hidden(error):
    raise SourceError("shop: no more is shown") from None


WRAPPED = {
    "nothing": None,
    "a source's": behind(SourceError),
    "a model's": behind(ModelError),
    "hidden": hidden,
    "a library's": behind(RuntimeError),
    "the warehouse's": behind(WarehouseError),
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("ELT_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return configuration.load()


def raised(work, *values):
    try:
        work(*values)
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("wrapped", WRAPPED)
def test_a_fault_is_a_store_s_whatever_wraps_it(fault, wrapped, here, tmp_path):
    def work():
        try:
            FAULTS[fault](tmp_path)
        except Exception as error:
            if WRAPPED[wrapped] is None:
                raise
            WRAPPED[wrapped](error)

    error = raised(work)
    text = stores.explain(error)
    assert text and exit_code(error) == 4 and is_store_fault(error)
    assert "next run goes on" in text and "what a library said" not in text
    assert " free)" in text or fault == "too many files"


OTHERS = {
    "a value that says so": lambda path: duckdb.sql("SELECT CAST('disk is full' AS INTEGER)").fetchall(),
    "a server that says so": behind(requests.HTTPError),
    "a source's file": fail(errno.EACCES, "drop/1.csv"),
    "a source's file in the data folder": fail(errno.EACCES, "data/world/sales/1.csv"),
    "a source's disk that fails": fail(errno.EIO, "drop/1.csv"),
    "a file that is missing": fail(errno.ENOENT, "data/lake/landing/shop/things/1.parquet"),
    "a mistake": lambda path: {}["No space left on device"],
}


@pytest.mark.parametrize("other", OTHERS)
def test_what_only_says_so_is_none(other, here, tmp_path):
    error = raised(
        OTHERS[other], ValueError("No space left on device") if other == "a server that says so" else tmp_path
    )
    assert stores.explain(error) is None


@pytest.mark.parametrize(
    ("temporary", "data", "file", "named"),
    [
        ("tmp", "data", "data/lake/landing/1.parquet", "ELT_DATA_DIR"),
        ("tmp", "data", "tmp/sort/1", "TMPDIR"),
        ("tmp", "tmp/data", "tmp/data/lake/landing/1.parquet", "ELT_DATA_DIR"),
        ("tmp", "tmp/data", "tmp/sort/1", "TMPDIR"),
        ("data/tmp", "data", "data/tmp/sort/1", "TMPDIR"),
        ("data/tmp", "data", "data/warehouse.duckdb", "ELT_DATA_DIR"),
    ],
)
def test_the_setting_that_is_named_moves_the_folder_that_is_full(temporary, data, file, named, tmp_path, monkeypatch):
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / temporary).mkdir(exist_ok=True, parents=True)
    monkeypatch.setenv("ELT_DATA_DIR", str(tmp_path / data))
    configuration.load()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / temporary))
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path / file))
    assert f"set {named} to another folder" in stores.explain(error)


def test_a_user_who_may_not_write(here, monkeypatch):
    """Each store that belongs to somebody else; as root the work is done by a fork that is not."""
    folder = Path(tempfile.mkdtemp())
    monkeypatch.setenv("ELT_DATA_DIR", str(folder / "data"))
    there = configuration.load()
    with connect(there), one_at_a_time(there):
        pass
    modes = {there.warehouse: 0o000, there.lock: 0o444, there.data: 0o555, folder: 0o755}
    for path, mode in modes.items():
        path.chmod(mode)

    def work():
        for attempt, name in ((open_file, there.warehouse), (open_file, there.data / "new.duckdb")):
            error = raised(attempt, name)
            assert exit_code(error) == 4 and str(name) in stores.explain(error)
        error = raised(lambda: one_at_a_time(there).__enter__())
        assert isinstance(error, FolderError) and exit_code(error) == 4 and str(there.data) in stores.explain(error)

    try:
        run_as_nobody(work)
    finally:
        there.data.chmod(0o755)
        shutil.rmtree(folder)


def test_who_has_a_file_open_is_said_by_the_system_where_duckdb_does_not(here):
    with duckdb.connect(str(here.warehouse)):
        assert f"(PID {os.getpid()};" in holder(here.warehouse)


def test_a_file_that_is_held_is_said_to_be_behind_a_model_too(here):
    error = raised(behind(ModelError), HeldError("the warehouse is open in another process: a shell (PID 7)"))
    assert stores.explain(error).endswith("(PID 7)") and exit_code(error) == 4

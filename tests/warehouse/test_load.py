"""Rows that come take the place of those that they are matched with, however many of both have the same value."""

import pytest

import settings as configuration
from warehouse.connection import connect
from warehouse.load import Rows, replace

COLUMNS = {"file": "VARCHAR", "part": "BIGINT", "number": "BIGINT"}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Settings of a warehouse with an empty table."""
    monkeypatch.setenv("ELT_DATA_DIR", str(tmp_path / "data"))
    settings = configuration.load()
    with connect(settings) as con:
        con.execute(f"CREATE SCHEMA s; CREATE TABLE s.t ({', '.join(f'{n} {t}' for n, t in COLUMNS.items())})")
    return settings


def rows_of(files, count, match):
    """So many rows of each file; `part` is NULL in every third."""
    made = f"SELECT file, CASE WHEN n % 3 THEN n % 7 END AS part, n AS number, FALSE AS _deleted FROM range({count}) AS r(n)"
    return Rows("t", f"{made}, (SELECT unnest({files}) AS file) AS f", COLUMNS, match)


def held(here, what):
    with connect(here) as con:
        return con.execute(f"SELECT {what} FROM s.t").fetchall()


@pytest.mark.parametrize("match", [["file"], ["file", "number"]])
def test_a_large_file_that_comes_again_replaces_its_rows(here, match):
    """Were each of its rows joined with each of the earlier ones, these would be 90 billion pairs."""
    replace("s", [rows_of(["a", "b"], 300_000, match)], [], here)
    replace("s", [rows_of(["b", "c"], 300_000, match)], [], here)
    assert held(here, "count(*), count(DISTINCT (file, number))") == [(900_000, 900_000)]


def test_a_null_is_matched_with_nothing(here):
    for _ in range(2):
        replace("s", [rows_of(["a"], 21, ["file", "part"])], [], here)
    assert held(here, "count(*), count(*) FILTER (part IS NULL)") == [(28, 14)]

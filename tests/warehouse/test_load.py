"""Rows that come take the place of those that they are matched with, however many of both have the same value."""

import pytest

import settings as configuration
from warehouse.connection import connect
from warehouse.load import Rows, put_in_place, replace

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


@pytest.mark.parametrize("match", [["file"], ["file", "number"]])
def test_on_redshift_a_large_file_that_comes_again_replaces_its_rows(on_redshift, match):
    """Were each of its rows joined with each of the earlier ones, these would be 2.5 billion pairs for each file."""
    rows, count = Rows("t", "", {"file": "VARCHAR(10)", "number": "BIGINT"}, match), 50_000
    columns = ", ".join(f"{name} {kind}" for name, kind in rows.columns.items())
    numbers = " CROSS JOIN ".join(
        f"(SELECT 0 AS n UNION ALL {' UNION ALL '.join(f'SELECT {d}' for d in range(1, 10))}) AS d{place}"
        for place in range(5)
    )
    number = " + ".join(f"d{place}.n * {10**place}" for place in range(5))
    with connect(on_redshift) as con:
        con.execute("CREATE SCHEMA again")
        con.execute(f"CREATE TABLE again.t ({columns})")
        for files in (["a", "b"], ["b", "c"]):
            con.execute(f"CREATE TEMP TABLE _came_t ({columns})")
            for file in files:
                con.execute(f"INSERT INTO _came_t SELECT '{file}', {number} FROM {numbers} WHERE {number} < {count}")
            put_in_place(con, "again", rows, on_redshift)
            con.execute("DROP TABLE _came_t")
        found = con.execute(
            "SELECT file, count(*), count(DISTINCT number) FROM again.t GROUP BY 1 ORDER BY 1"
        ).fetchall()
        con.execute("DROP SCHEMA again CASCADE")
    assert [tuple(row) for row in found] == [(file, count, count) for file in "abc"]

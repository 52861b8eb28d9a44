"""What is published of a large table is what gold holds, and only what differs is written."""

from collections import Counter
from contextlib import contextmanager
from datetime import datetime

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse import published
from warehouse.copy_file import copy_domain

STORED = "sqlmesh__gold.gold__fact__12"
COLUMNS = "n BIGINT, part VARCHAR, moment TIMESTAMP, text VARCHAR, amount DECIMAL(9, 2), ratio DOUBLE, mood VARCHAR[]"
ROWS = st.lists(
    st.tuples(
        st.integers(0, 3) | st.none(),
        st.sampled_from(["a", "b", ""]) | st.none(),
        st.datetimes(datetime(2024, 1, 1), datetime(2024, 1, 3)) | st.none(),
        st.sampled_from(["", "x", "0", "NULL"]) | st.none(),
        st.decimals(-9, 9, places=2) | st.none(),
        st.floats(allow_nan=False) | st.none(),
        st.lists(st.sampled_from(["a", "b"]), max_size=2) | st.none(),
    ),
    max_size=12,
)


class Recording:
    """A connection that keeps what it was told to do."""

    def __init__(self, con):
        self.con, self.said = con, []

    def execute(self, query, parameters=()):
        self.said.append(query)
        return self.con.execute(query, parameters)

    def written(self):
        """What was written to the published database since the last question."""
        return [
            query.split(" serving.")[0]
            for query in self.asked()
            if query.startswith(("INSERT INTO serving", "DELETE FROM serving", "CREATE OR REPLACE TABLE serving"))
        ]

    def compared(self):
        """How often rows were compared since the last question."""
        return len([query for query in self.asked() if "hash(" in query])

    def asked(self):
        said, self.said = self.said, []
        return said


@contextmanager
def gold():
    """A warehouse with one table as SQLMesh keeps it, and an empty draft beside it."""
    with duckdb.connect() as con:
        con.execute("ATTACH ':memory:' AS serving; CREATE SCHEMA gold; CREATE SCHEMA sqlmesh__gold")
        con.execute(f"CREATE TABLE {STORED} ({COLUMNS})")
        con.execute(f"CREATE VIEW gold.fact AS SELECT * FROM memory.{STORED}")
        yield Recording(con)


@pytest.fixture
def con():
    with gold() as con:
        yield con


def fill(con, rows):
    con.con.execute(f"DELETE FROM {STORED}")
    if rows:
        con.con.executemany(f"INSERT INTO {STORED} VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def content(con, catalog):
    return Counter(map(repr, con.con.execute(f"FROM {catalog}.gold.fact").fetchall()))


@given(before=ROWS, after=ROWS, kept=st.integers(0, 12), column=st.sampled_from(["", "part", "moment", "n", "gone"]))
@settings(max_examples=80, deadline=None)
def test_whatever_changed_all_rows_are_as_in_gold(before, after, kept, column):
    with pytest.MonkeyPatch.context() as patch, gold() as con:
        patch.setattr(published, "LARGE", 0)
        patch.setattr("warehouse.copy_file._SHARE", 1)
        for rows in (before, before[:kept] + after, after + after):
            fill(con, rows)
            assert copy_domain(con, "gold", {"gold.fact": column}) == len(rows)
            assert content(con, "serving") == content(con, "memory")


def many(con):
    con.con.execute(
        f"INSERT INTO {STORED} SELECT i, 'file ' || i // 100,"
        " TIMESTAMP '2024-01-01' + INTERVAL (i) MINUTE, 'x', 1, 0.5, ['a'] FROM range(20000) AS r (i)"
    )


@pytest.mark.parametrize("column", ["part", "moment"])
def test_only_slices_that_differ_are_written(con, monkeypatch, column):
    monkeypatch.setattr(published, "LARGE", 10_000)
    many(con)
    slices = {"gold.fact": column}
    copy_domain(con, "gold", slices)
    assert con.written() == ["CREATE OR REPLACE TABLE"]
    copy_domain(con, "gold", slices)
    assert con.written() == []
    for change in (
        f"UPDATE {STORED} SET amount = 2 WHERE n BETWEEN 300 AND 320",
        f"DELETE FROM {STORED} WHERE n BETWEEN 500 AND 900",
        f"INSERT INTO {STORED} SELECT * REPLACE (n + 90000 AS n) FROM gold.fact WHERE n < 40",
    ):
        con.con.execute(change)
        copy_domain(con, "gold", slices)
        assert con.written() == ["DELETE FROM", "INSERT INTO"]
        assert content(con, "serving") == content(con, "memory")
    con.con.execute(f"UPDATE {STORED} SET amount = 3")
    copy_domain(con, "gold", slices)
    assert con.written() == ["CREATE OR REPLACE TABLE"]  # nothing to be gained


@pytest.mark.parametrize("column", ["part", "moment"])
def test_rows_that_differ_all_over_are_compared_in_a_few_slices_only(con, monkeypatch, column):
    monkeypatch.setattr(published, "LARGE", 10_000)
    many(con)
    slices = {"gold.fact": column}
    copy_domain(con, "gold", slices)
    for change, times in (
        ("SELECT 1", 2),
        (f"UPDATE {STORED} SET amount = 2 WHERE n BETWEEN 300 AND 320", 2),
        (f"UPDATE {STORED} SET amount = amount + 1 WHERE n % 100 = 7", 1),
        (f"UPDATE {STORED} SET part = NULL, moment = NULL", 1),
        ("SELECT 1", 2),
    ):
        con.con.execute(change)
        con.asked()
        copy_domain(con, "gold", slices)
        assert con.compared() == times, change
        assert content(con, "serving") == content(con, "memory")


def test_what_is_replaced_every_day_does_not_leave_holes_for_ever(con, monkeypatch):
    monkeypatch.setattr(published, "LARGE", 10_000)
    many(con)
    for day in range(60):
        con.con.execute(f"UPDATE {STORED} SET amount = {day} WHERE part IN ('file {day}', 'file 100')")
        copy_domain(con, "gold", {"gold.fact": "part"})
    [(held, places)] = con.con.execute("SELECT count(*), max(rowid) + 1 FROM serving.gold.fact").fetchall()
    assert held == 20_000 and places < held * 1.5
    assert content(con, "serving") == content(con, "memory")


def test_a_table_that_is_a_query_is_copied_without_asking_twice(con, monkeypatch):
    monkeypatch.setattr(published, "LARGE", 1)
    many(con)
    con.con.execute(
        "CREATE VIEW sqlmesh__gold.gold__sums__7 AS SELECT part, sum(amount) AS s FROM memory.gold.fact GROUP BY 1"
    )
    con.con.execute("CREATE VIEW gold.sums AS SELECT * FROM memory.sqlmesh__gold.gold__sums__7")
    for _ in range(2):
        copy_domain(con, "gold", {})
        assert [query for query in con.said if 'gold"."sums' in query and "hash(" in query] == []
        assert "CREATE OR REPLACE TABLE" in con.written()


@pytest.mark.parametrize(
    "change",
    [
        "CREATE OR REPLACE TABLE {} AS SELECT * EXCLUDE (ratio) FROM gold.fact",
        "CREATE OR REPLACE TABLE {} AS SELECT * REPLACE (n::INTEGER AS n) FROM gold.fact",
        "CREATE OR REPLACE TABLE {} AS SELECT * RENAME (text AS words) FROM gold.fact",
        "CREATE OR REPLACE TABLE {} AS SELECT text, * EXCLUDE (text) FROM gold.fact",
    ],
)
def test_other_columns_are_another_table(con, monkeypatch, change):
    monkeypatch.setattr(published, "LARGE", 1)
    many(con)
    copy_domain(con, "gold", {"gold.fact": "part"})
    con.con.execute(change.format("sqlmesh__gold.gold__fact__13"))
    con.con.execute("CREATE OR REPLACE VIEW gold.fact AS SELECT * FROM memory.sqlmesh__gold.gold__fact__13")
    copy_domain(con, "gold", {"gold.fact": "part"})
    described = [con.con.execute(f"DESCRIBE {catalog}.gold.fact").fetchall() for catalog in ("memory", "serving")]
    assert described[0] == described[1] and content(con, "serving") == content(con, "memory")
    con.con.execute("DROP VIEW gold.fact")
    assert copy_domain(con, "gold", {}) == 0
    assert con.con.execute("SELECT count(*) FROM duckdb_tables() WHERE database_name = 'serving'").fetchall() == [(0,)]


def test_of_the_record_only_new_rejected_rows_are_written(con, monkeypatch):
    monkeypatch.setattr(published, "LARGE", 1000)
    con.con.execute("CREATE SCHEMA stg_ops; CREATE SCHEMA ops")
    rows = "SELECT i AS id, '17' || i // 500 AS load_id FROM range({}, {}) AS r (i)"
    con.con.execute(f"CREATE TABLE stg_ops.rejected_rows AS {rows.format(0, 5000)}")
    con.con.execute(
        "CREATE VIEW ops.rejected_rows AS SELECT id, load_id::VARCHAR(32) AS load_id FROM memory.stg_ops.rejected_rows"
    )
    for new in (0, 300):
        con.con.execute(f"INSERT INTO stg_ops.rejected_rows {rows.format(5000, 5000 + new)}")
        assert copy_domain(con, "ops", published.RECORD_SLICES) == 5000 + new
    assert con.written() == ["CREATE OR REPLACE TABLE", "DELETE FROM", "INSERT INTO"]

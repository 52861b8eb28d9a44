"""What is published of a large table on Redshift is what gold holds, and of a large one only the rows that differ are written."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redshift_stand_in.client import Client

from warehouse import published
from warehouse.copy_redshift import copy_domain

COLUMNS = [
    ("n", "bigint"),
    ("small", "smallint"),
    ("a", "character varying(10)"),
    ("b", "character varying(10)"),
    ("c", "character(3)"),
    ("amount", "numeric(9, 2)"),
    ("ratio", "double precision"),
    ("good", "boolean"),
    ("day", "date"),
    ("moment", "timestamp without time zone"),
    ("instant", "timestamp with time zone"),
]
TEXTS = st.sampled_from(["", "x", "xx", "-1", "é"]) | st.none()
ROWS = st.lists(
    st.tuples(
        st.integers(-1, 1) | st.none(),
        st.integers(-1, 1) | st.none(),
        TEXTS,
        TEXTS,
        st.sampled_from(["", "x"]) | st.none(),
        st.decimals(-1, 1, places=2) | st.none(),
        st.sampled_from([0.0, 0.1, 0.1 + 1e-17, 0.30000000000000004, 0.3]) | st.none(),
        st.booleans() | st.none(),
        st.sampled_from([date(2000, 1, 1), date(2024, 2, 29)]) | st.none(),
        st.sampled_from([datetime(2000, 1, 1), datetime(2000, 1, 1, 0, 0, 0, 1)]) | st.none(),
        st.sampled_from([datetime(2000, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)]) | st.none(),
    ),
    max_size=6,
)


class Both:
    """A table of gold, and the session that publishes it."""

    def __init__(self, server):
        self.gold, self.serving, self.said = Client(server), Client(server, "serving"), []
        self.gold("DROP SCHEMA IF EXISTS copied CASCADE")
        self.serving("DROP SCHEMA IF EXISTS copied CASCADE")
        self.gold("CREATE SCHEMA copied")
        self.gold(f"CREATE TABLE copied.fact ({', '.join(f'{name} {kind}' for name, kind in COLUMNS)})")
        self.wanted, self.there = {"fact": COLUMNS}, {}

    def execute(self, query):
        """As the publishing session does; what writes is kept."""
        self.said.append(query)
        with self.serving.con.cursor() as cursor:
            cursor.execute(query)
            rows = cursor.fetchall() if cursor.description else []
            if query.startswith(("INSERT", "DELETE")):
                self.written = getattr(self, "written", 0) + cursor.rowcount

        class Answer:
            fetchall = staticmethod(lambda: rows)

        return Answer

    def fill(self, rows):
        self.gold("DELETE FROM copied.fact")
        for row in rows:
            self.gold(f"INSERT INTO copied.fact VALUES ({', '.join(['%s'] * len(row))})", row)

    def publish(self):
        """Returns (rows that are published, rows that were deleted or inserted)."""
        self.written = 0
        rows = copy_domain(self, "warehouse", "copied", self.wanted, self.there, {}, {"fact"})
        self.there = dict(self.wanted)
        return rows, self.written

    def content(self):
        return tuple(Counter(map(repr, ask("SELECT * FROM copied.fact"))) for ask in (self.gold, self.serving))

    def close(self):
        self.gold.con.close()
        self.serving.con.close()


@pytest.fixture
def both(redshift):
    found = Both(redshift)
    yield found
    found.close()


@pytest.mark.slow
@given(before=ROWS, after=ROWS, kept=st.integers(0, 6))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_changed_all_rows_are_as_in_gold(redshift, before, after, kept):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(published, "LARGE", 0)
        both = Both(redshift)
        try:
            for rows in (before, before[:kept] + after, after + after):
                both.fill(rows)
                assert both.publish()[0] == len(rows)
                gold, serving = both.content()
                assert gold == serving
        finally:
            both.close()


def test_only_rows_that_differ_are_written(both, monkeypatch):
    monkeypatch.setattr(published, "LARGE", 50)
    row = (1, "x", "y", "z", 1, 0.5, True, date(2024, 1, 1), datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC))
    both.fill([(n, *row) for n in range(100)])
    assert both.publish() == (100, 100)
    assert both.publish() == (100, 0)
    both.gold("UPDATE copied.fact SET amount = NULL WHERE n IN (3, 70)")
    assert both.publish() == (100, 4)
    both.gold("DELETE FROM copied.fact WHERE n = 50")
    assert both.publish() == (99, 1)
    both.gold("UPDATE copied.fact SET a = 'xy', b = '' WHERE n = 9")  # the same text, one after the other
    assert both.publish() == (99, 2)
    both.gold("INSERT INTO copied.fact SELECT * FROM copied.fact WHERE n = 4")  # a second time: no hash differs
    assert both.publish() == (100, 99 + 100)
    gold, serving = both.content()
    assert gold == serving


def test_a_type_that_has_no_hash_is_copied_whole(both, monkeypatch):
    monkeypatch.setattr(published, "LARGE", 1)
    both.gold("ALTER TABLE copied.fact ADD COLUMN extra SUPER")
    both.wanted = {"fact": [*COLUMNS, ("extra", "super")]}
    both.gold("INSERT INTO copied.fact (n, extra) SELECT 1, json_parse('[1]')")
    assert [both.publish() for _ in range(2)] == [(1, 1), (1, 2)]

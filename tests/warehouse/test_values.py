"""A value that is part of a statement is the value that a parameter would have been."""

import math
from datetime import UTC, datetime, timedelta, timezone

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.values import PlainConnection, inline

VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.decimals(-1000, 1000, places=3)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.dates()
    | st.datetimes()
    | st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]))
)


@settings(deadline=None)  # the first parameter takes long: that is why
@given(values=st.lists(VALUES, min_size=1, max_size=4))
def test_it_is_the_same_value_of_the_same_type(values):
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        query = f"SELECT {', '.join(['?'] * len(values))}"
        asked = con.execute(query, values).fetchall()[0]
        given_ = PlainConnection(con).execute(query, values).fetchall()[0]
    for one, other in zip(asked, given_, strict=True):
        assert type(one) is type(other)
        assert one == other or (math.isnan(one) and math.isnan(other))


@pytest.mark.parametrize(
    ("query", "values"),
    [("SELECT '?', ?", ["a"]), ("SELECT ?", ["a\0b"]), ("SELECT ?", [["a list"]]), ("SELECT ?", [b"bytes"])],
)
def test_what_has_no_plain_form_stays_a_parameter(query, values):
    assert inline(query, values) is None
    with duckdb.connect() as con:
        assert PlainConnection(con).execute(query, values).fetchall()[0][-1] == values[-1]


def test_a_value_cannot_end_its_place():
    with duckdb.connect() as con:
        text = "'; DROP TABLE t; -- ? \\' \""
        assert PlainConnection(con).execute("SELECT ?, ?", [text, datetime(2020, 1, 1)]).fetchall() == [
            (text, datetime(2020, 1, 1))
        ]

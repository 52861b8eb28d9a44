"""Of a load's rows the newest of each key count: found in passing where keys came once, in order where one came again."""

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from dlt_sources._steps.staging.merges import newest_per_key, newest_per_key_in_duckdb

ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(1, 4),
        st.none() | st.sampled_from(["a", "b"]),
        st.sampled_from(["1700000000.5", "1700000001.25", "999999999.5"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


@given(rows=ROWS)
def test_it_is_the_same_as_putting_all_in_order(rows):
    values = ", ".join(
        f"({'NULL' if number is None else number}::BIGINT, {'NULL' if text is None else repr(text)}::VARCHAR, {load!r}, {place}, {deleted})"
        for place, (number, text, load, deleted) in enumerate(rows)
    )
    query = f"SELECT * FROM (VALUES {values}) AS t(a, b, _load_id, _row, _deleted)"
    for key in (["a"], ["a", "b"]):
        one, other = (
            duckdb.sql(made(query, key, "_row")).fetchall() for made in (newest_per_key, newest_per_key_in_duckdb)
        )
        assert sorted(one, key=str) == sorted(other, key=str)

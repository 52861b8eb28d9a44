"""Records become a column as pyarrow would make it and are seen by SQL as they are, without the libraries that both load for that."""

import subprocess
import sys

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlt_sources._steps.stores import records
from tests.harness import ROOT

TEXTS = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=9) | st.just("\0") | st.just("'"), max_size=9
)


@given(TEXTS)
def test_a_column_is_that_of_pyarrow(texts):
    made = records.text_column(iter(texts))
    made.validate(full=True)
    assert made.equals(pa.array(texts, pa.string()))


def test_more_than_one_column_can_hold_becomes_several(monkeypatch):
    monkeypatch.setattr(records, "_MOST", 3)
    assert records.text_column(["abc"]).to_pylist() == ["abc"]
    assert records.text_column(["ä", "öü"]).to_pylist() == ["ä", "öü"]


@given(TEXTS, st.sampled_from([0, records.FEW]))
def test_sql_sees_the_same_rows_however_they_are_given(texts, few):
    with duckdb.connect() as con, pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "FEW", few)
        for rows in (
            pa.table(
                {"_payload": texts, 'a "b"': texts[::-1]}, pa.schema({"_payload": pa.string(), 'a "b"': pa.string()})
            ),
            pa.table({"_payload": pa.array([None, *texts], pa.string())}),
            pa.table({"_payload": range(3)}),
            pa.table({"_payload": pa.array(texts, pa.string())}),
        ):
            records.register(con, "page", rows)
            assert con.execute("FROM page").to_arrow_table().to_pydict() == rows.to_pydict()


def test_pandas_is_not_loaded_for_a_few_records():
    code = (
        "import sys, duckdb, pyarrow; from dlt_sources._steps.stores.records import register, text_column; con = duckdb.connect();"
        " register(con, 'page', pyarrow.table({'a': text_column(['x'])})); con.execute('FROM page').to_arrow_table();"
        " raise SystemExit('pandas' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)

"""Sources made of records as APIs and databases without order have them: names that are taken, values of any kind, maps, no key."""

import json
import sqlite3
from contextlib import closing
from decimal import Decimal

import hypothesis
import pytest
from hypothesis import strategies as st

from dlt_sources.door import SampleError, land, refine
from tests.dlt_sources.test_new import accepted, fields, make

pytestmark = pytest.mark.usefixtures("known_settings")
RECORDS = [{"id": n, "name": f"N{n}", "total": n * 1.5} for n in range(1, 31)]


def constant(content):
    return lambda query, url: ({}, content)


def test_names_that_mean_something_else_here_are_left_out_and_said(api, here, tmp_path):
    hits = [
        {
            "_index": "orders",
            "_id": str(r["id"]),
            "_file": "x",
            "_source": r,
            "parts": [{"_index": 7, "_parent": 8, "no": 1}],
        }
        for r in RECORDS
    ]
    api.answers["/search"] = constant({"took": 3, "hits": {"total": {"value": 30}, "hits": hits}})
    made, source = make(tmp_path, f"{api.url}/search")
    assert accepted(made) == {"search": 30, "parts": 30}
    assert source.contracts["search"].ignores == ("_index", "_file")
    assert fields(source, "search")["total"] == (Decimal, False, "_source.total")
    paths = {path for _, _, path in fields(source, "parts").values()}
    assert not {path for path in paths if path == "_parent"} and "no" in paths
    assert sum("Millrace uses this name itself" in text for text in made.doubts) == 4
    land(source, here)
    assert refine(source, here).accepted["search"] == 30


MAPS = {
    "below a key": ({"orders": {str(r["id"]): r for r in RECORDS}}, "orders.*", False),
    "below two keys, beside an empty list": (
        {"data": {"errors": [], "orders": {str(r["id"]): r for r in RECORDS}}},
        "data.orders.*",
        False,
    ),
    "whose names are in no field": (
        {"orders": {f"A-{r['id']}": {"name": r["name"], "total": 1.5} for r in RECORDS}},
        "orders.*",
        True,
    ),
}


@pytest.mark.parametrize("shape", MAPS)
def test_a_map_of_records(api, here, tmp_path, shape):
    content, selector, lost = MAPS[shape]
    api.answers["/orders"] = constant(content)
    made, source = make(tmp_path, f"{api.url}/orders")
    assert accepted(made) == {"orders": 30}
    assert source.tables["orders"].endpoint.data_selector == selector
    assert any("names in it are in no field" in text for text in made.doubts) == lost
    assert land(source, here)["orders"] == 30


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"columns": ["id"], "rows": [[1], [2]]}, "no field can be made of its 1 rows .*rows: a list of single values"),
        ({"hourly": {"time": ["2026-01-01"] * 3, "temp": [1.5] * 3}}, "hourly.temp: a list of single values"),
        ([[1, 2], [3, 4]], "none of its 2 records is an object"),
    ],
)
def test_values_without_names_are_refused_with_what_there_is(api, tmp_path, content, reason):
    api.answers["/orders"] = constant(content)
    with pytest.raises(SampleError, match=reason):
        make(tmp_path, f"{api.url}/orders")


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(-1e9, 1e9, allow_nan=False),
    st.sampled_from(["", "n/a", "-", "true", "1", "2.5", "2026-01-31", "x"]),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=6),
)


@hypothesis.settings(max_examples=40, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(values=st.lists(SCALARS, min_size=25, max_size=40), few=st.lists(SCALARS, min_size=1, max_size=2))
def test_of_values_of_any_kind_nearly_all_are_accepted(tmp_path_factory, values, few):
    """Values of one field, of few kinds or many: at most the few are rejected that are of another kind than the rest."""
    folder = tmp_path_factory.mktemp("any")
    every = [few[n % len(few)] for n in range(len(values))]
    lines = [json.dumps({"id": n, "any": a, "few": b}) for n, (a, b) in enumerate(zip(values, every, strict=True))]
    (folder / "a.jsonl").write_text("\n".join(lines) + "\n")
    made, _ = make(folder, str(folder / "a.jsonl"))
    assert sum(verdict.rejected for verdict in made.verdicts) <= len(values) * 0.05 * 2, made.doubts


def database(tmp_path, monkeypatch, statement, rows):
    path = tmp_path / "s.db"
    with closing(sqlite3.connect(path)) as con:
        con.execute(statement)
        con.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(rows[0]))})", rows)
        con.execute("CREATE VIEW v AS SELECT * FROM t")
        con.commit()
    monkeypatch.setenv("ELT_SHOP_URL", f"sqlite:///{path}")
    return f"sqlite:///{path}"


KEYLESS = {  # columns, rows, key
    "one column names a row": ("id INTEGER, name TEXT", [(n, "x") for n in range(40)], ["id"]),
    "four columns together do": (
        "a TEXT, b TEXT, c INTEGER, d INTEGER, e TEXT",
        [(f"a{n % 3}", f"b{n // 3 % 3}", n // 9 % 3, n // 27, "e") for n in range(54)],
        ["a", "b", "c", "d"],
    ),
    "none does": ("a TEXT, b INTEGER, c INTEGER", [(f"a{n % 3}", n % 2, None) for n in range(40)], ["a"]),
}


@pytest.mark.parametrize("shape", KEYLESS)
def test_a_table_or_view_without_a_primary_key(here, tmp_path, monkeypatch, shape):
    columns, rows, key = KEYLESS[shape]
    dsn = database(tmp_path, monkeypatch, f"CREATE TABLE t ({columns})", rows)
    made, source = make(tmp_path, dsn, table="v")
    assert accepted(made) == {"v": len(rows)}
    assert source.tables["v"].key == key
    assert any("no field names a row" in text for text in made.doubts) == (shape == "none does")
    assert land(source, here)["v"] == len(rows)
    assert refine(source, here).accepted["v"] == len(rows)

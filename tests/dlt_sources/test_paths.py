"""A path says any name: by a text, by quoted parts, by a tuple; in JSON, CSV text, native columns, pages and databases."""

import json

import duckdb
import pyarrow as pa
import pytest
from duckdb.func import SPECIAL
from duckdb.sqltypes import VARCHAR
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dlt_sources._steps.contracts.columns import columns_of
from dlt_sources._steps.contracts.contract import RESERVED, Contract, column
from dlt_sources._steps.contracts.text import text_of, value_at
from dlt_sources._steps.declared.source_yml import Table
from dlt_sources._steps.judge.raw_rows import value_of
from dlt_sources.door import SourceError, land, refine
from tests.dlt_sources import shop as files
from tests.dlt_sources.judging import differences, judge
from tests.dlt_sources.test_land import api, here, source_of, staged  # noqa: F401 (fixtures)

ODD = [
    "user.name",
    "Amount [EUR]",
    "Value (0 to 3)",
    "2023",
    "0",
    "a[0]",
    "[0]",
    "a.b[1].c",
    'say "hi"',
    '"quoted"',
    "it's",
    " lead ",
    "back\\slash",
    "star*",
    "$",
    "$.a",
    "größe",
    "数量",
    "😀",
    "a/b",
    "a~b",
    "~0",
    "_id",
    "_",
    "-1",
    "null",
    "a,b",
    "a;b",
    "select",
]
NAMES = st.one_of(
    st.sampled_from(ODD),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12),
    st.text('.[]"\\*$0 a_', min_size=1, max_size=8),
).filter(lambda name: name.lower() not in RESERVED | {"code"})


def contract_of(path):
    class Thing(Contract):
        code: int = column("code")
        value: str | None = column("value", path=path)
        known: str = column("with a default", path=path, default="none")

    return Thing


def quoted(*names):
    """The text form of a path of names."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@example(name="{")
@example(name="{0} %s")
@given(name=NAMES)
def test_a_column_of_any_name_is_read_by_each_form(tmp_path, name):
    landed = pa.table({"code": [1, 2], name: ["x", None]})
    records = [{"code": 1, name: "x"}, {"code": 2}]
    payload = pa.table({"_payload": [text_of(record) for record in records]})
    for path in ((name,), quoted(name), *([] if '"' in name else [name])):
        for rows, raws in ((landed, [{"code": 1, name: "x"}, {"code": 2, name: None}]), (payload, records)):
            thing = contract_of(path)
            accepted, rejected, _ = judge(tmp_path / "judge", thing, rows, Table(contract="Thing", key=["code"]))
            assert differences(thing, raws, accepted, rejected) == []
            assert accepted[0]["value"] == "x", path


PLACES = st.lists(st.one_of(NAMES, st.integers(-2, 3)), max_size=2)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=NAMES, places=PLACES)
def test_a_landed_value_is_compared_by_a_path_of_any_names(name, places):
    path = (name, *places)
    kept: object = "x"
    for place in reversed(places):
        kept = {place: kept} if isinstance(place, str) else ["n0", "n1", "n2", kept][:: 1 if place >= 0 else -1]
    records = [{name: kept}, {name: {"0": {"0": "no place"}, "1": "no place", "-1": "no place"}}, {name: None}, {}]
    expected = [value_at(text_of(record), json.dumps(path)) for record in records]
    with duckdb.connect() as con:
        con.create_function("value_at", value_at, [VARCHAR, VARCHAR], VARCHAR, null_handling=SPECIAL)
        con.register("page", pa.table({"_payload": [text_of(record) for record in records]}))
        found = con.execute(f"SELECT {value_of(con, 'page', (path,))} FROM page").fetchall()
    scalar = [n for n, value in enumerate(expected) if value is None or value[:1] not in "[{"]
    assert [found[n][0] for n in scalar] == [expected[n] for n in scalar]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(first=NAMES, second=NAMES, place=st.integers(0, 3))
def test_a_path_of_any_names_is_read_from_json(tmp_path, first, second, place):
    records = [
        {"code": 1, first: {second: ["a", "b"]}},
        {"code": 2, first: {second: {"0": "no place"}}},
        {"code": 3, first: None},
    ]
    payload = pa.table({"_payload": [text_of(record) for record in records]})
    for path in ((first, second, place), f"{quoted(first, second)}[{place}]"):
        thing = contract_of(path)
        accepted, rejected, _ = judge(tmp_path / "judge", thing, payload, Table(contract="Thing", key=["code"]))
        assert differences(thing, records, accepted, rejected) == []


def test_a_text_means_its_parts_or_the_whole_name_whichever_is_there(tmp_path):
    thing = contract_of("user.name")
    records = [
        {"code": 1, "user": {"name": "part"}},
        {"code": 2, "user.name": "whole"},
        {"code": 3, "user": {"name": "p"}, "user.name": "w"},
    ]
    payload = pa.table({"_payload": [json.dumps(record) for record in records]})
    accepted, rejected, _ = judge(tmp_path / "judge", thing, payload, Table(contract="Thing", key=["code"]))
    assert differences(thing, records, accepted, rejected) == []
    assert [row["value"] for row in accepted.values()] == ["part", "whole", "p"]


@pytest.mark.parametrize("path", [(), (0, "a"), ("a", None), ("a", True), 5, [5], [()]])
def test_what_is_not_a_path_is_refused(path):
    with pytest.raises(TypeError, match="path="):
        column("x", path=path)


def test_texts_and_tuples_can_be_alternatives():
    found = {c.name: c.paths for c in columns_of(contract_of(["a.b", ("c.d",), '"e.f"[0]']))}
    assert found["value"] == (("a", "b"), ("a.b",), ("c.d",), ("e.f", 0))


CSV_NAMES = [name for name in ODD if name == name.strip()]


@pytest.mark.few(6)
@pytest.mark.parametrize("name", CSV_NAMES)
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_files_column_of_any_name_lands_and_is_refined(tmp_path, here, kind, name):  # noqa: F811
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    if kind == "csv":
        header = '"' + name.replace('"', '""') + '"'
        (inbox / "a.csv").write_text(f"id,{header}\n1,x\n", encoding="utf-8")
    else:
        (inbox / "a.parquet").write_bytes(files.parquet(**{"id": [1], name: ["x"]}))
    shop = files.source_of(tmp_path, inbox)
    path = name if '"' not in name else (name,)
    (shop.folder / "contract.py").write_text(
        files.CONTRACT.replace('path=["name", "title"]', f"path={path!r}"), encoding="utf-8"
    )
    shop = type(shop)(shop.folder)
    assert files.run(shop, here) == (1, 1, 0)
    assert files.staged(here) == [(1, "x")]


def test_an_id_that_begins_with_an_underscore_is_a_key_with_deletes(tmp_path, here, api):  # noqa: F811
    api.rows = [{"_id": n, "name": str(n)} for n in range(1, 4)]
    table = {"endpoint": {"path": "things"}, "deletes": "reconcile"}
    shop = source_of(tmp_path, table, {"base_url": api.url})
    path = shop.folder / "contract.py"
    path.write_text(path.read_text().replace('column("id", ge=1)', 'column("id", ge=1, path="_id")'))
    shop = type(shop)(shop.folder)
    assert land(shop, here) == {"things": 3}
    refine(shop, here)
    api.rows = api.rows[:2]
    assert land(shop, here) == {"things": 1}
    refine(shop, here)
    assert staged(here) == [(1, "1"), (2, "2")]


@pytest.mark.parametrize("key", ["user.id", "a/b", 'say "id"', "star*", "数量"])
def test_a_deletion_is_found_by_a_key_of_any_name(tmp_path, here, api, key):  # noqa: F811
    api.rows = [{key: n, "name": str(n)} for n in range(1, 4)]
    shop = source_of(tmp_path, {"endpoint": {"path": "things"}, "deletes": "reconcile"}, {"base_url": api.url})
    path = shop.folder / "contract.py"
    path.write_text(
        path.read_text().replace('column("id", ge=1)', f'column("id", ge=1, path={(key,)!r})'), encoding="utf-8"
    )
    shop = type(shop)(shop.folder)
    land(shop, here), refine(shop, here)
    api.rows = api.rows[:2]
    land(shop, here), refine(shop, here)
    assert staged(here) == [(1, "1"), (2, "2")]


@pytest.mark.parametrize("mark", ["_parent.id", "_index", "_file", "_file_row"])
def test_a_key_that_millrace_makes_is_still_refused_where_rows_vanish(tmp_path, here, api, mark):  # noqa: F811
    from dlt_sources._steps.declared.declaration import DeclarationError

    shop = source_of(tmp_path, {"endpoint": {"path": "things"}, "deletes": "reconcile"}, {"base_url": api.url})
    path = shop.folder / "contract.py"
    path.write_text(path.read_text().replace('column("id", ge=1)', f'column("id", ge=1, path="{mark}")'))
    with pytest.raises(DeclarationError, match="as it landed"):
        _ = type(shop)(shop.folder).contracts


def test_an_underscored_column_that_a_table_lacks_is_missed(tmp_path, here):  # noqa: F811
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "a.csv").write_text("id\n1\n")
    shop = files.source_of(tmp_path, inbox)
    path = shop.folder / "contract.py"
    path.write_text(files.CONTRACT.replace('path=["name", "title"]', 'path="_name"'))
    with pytest.raises(SourceError, match="no column _name"):
        land(type(shop)(shop.folder), here)


def test_a_page_keeps_the_header_that_a_path_names(tmp_path):
    from dlt_sources._steps.land.connectors.html_table import table

    page = "<table><thead><tr><th>Amount [EUR]</th><th>Fit (Cup)</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>"
    assert table(page, "table", "u", {"Amount [EUR]"}) == [{"Amount [EUR]": "1", "fit": "2"}]

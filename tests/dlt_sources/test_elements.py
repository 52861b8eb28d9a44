"""Elements of a list are rows of their own: none is lost, whatever their record looks like."""

import json
import shutil
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

from dlt_sources._steps.contracts.contract import Contract, checked_only, column
from dlt_sources._steps.declared.source_yml import Table
from dlt_sources._steps.judge import tokens
from dlt_sources._steps.judge.judge import Judge

from .judging import LOAD
from .test_paths import NAMES


class Order(Contract):
    """A record with a list."""

    id: int = column("key")
    items: list | None = checked_only("its elements", default=None)


class Item(Contract):
    """An element of the list."""

    order: int = column("its record", path="_parent.id")
    place: int = column("its place", path="_index")
    sku: str = column("what", max_length=5)


ITEMS = '[{"sku":"a"},{"sku":"b"},{"sku":7}]'
GOOD = f'{{"id":1,"items":{ITEMS}}}'
BOTH = {(0, "a"), (1, "b")}


def judged(folder, texts, name="items"):
    """(accepted items as (record, place, sku), rejected ones as (record, field, rule), landed) of records; their list is `name`."""
    (folder / "in").mkdir(parents=True)
    path = folder / "in" / f"{LOAD}.a.parquet"
    count = len(texts)
    pq.write_table(
        pa.table(
            {
                "_payload": texts,
                "_row": pa.array(range(count), pa.int64()),
                "_deleted": [False] * count,
                "_read_at": pa.array([datetime(2020, 1, 1)] * count, pa.timestamp("us")),
            }
        ),
        path,
    )
    judge = Judge("source", folder / "work", "salt", datetime(2020, 1, 1, tzinfo=UTC), "1GB")
    orders = judge.judge("orders", Table(contract="Order", key=["id"]), Order, [str(path)])
    table = Table.model_validate(
        {"contract": "Item", "key": ["order", "place"], "from": "orders", "explode": name, "parent_key": ["order"]}
    )
    done = judge.judge("items", table, Item, [str(path)], orders)
    good = {
        (row["_row"], row["place"], row["sku"]) for file in done.accepted for row in pq.read_table(file).to_pylist()
    }
    bad = [
        (row["row_number"], row["field"], row["rule"])
        for file in done.rejected
        for row in pq.read_table(file).to_pylist()
    ]
    landed, accepted, rejected = done.counts.get(LOAD, (0, 0, 0))
    assert (landed, accepted, rejected) == (len(good) + len(bad), len(good), len(bad))
    return good, sorted(bad), landed


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=NAMES)
def test_a_list_of_any_name_has_its_elements(tmp_path, name):
    shutil.rmtree(tmp_path, ignore_errors=True)
    items = json.loads(ITEMS)
    odd = {"id": 1, "agent": "cut \ud83d", name: items}  # read by Python
    texts = [json.dumps(record | {"id": 1}) for record in ({name: items}, odd, {name: None}, {}, {name: 7})]
    good, bad, landed = judged(tmp_path, texts, name)
    assert good == {(row, *item) for row in range(2) for item in BOTH} and landed == 7
    assert [(row, rule) for row, _, rule in bad] == [(0, "string_type"), (1, "string_type"), (4, "list_type")]


ODD = {
    "half a surrogate pair": '{"id":1,"agent":"cut \\ud83d","items":%s}',
    "not a number": '{"id":1,"n":NaN,"items":%s}',
    "an endless number": '{"id":1,"n":1e999,"m":' + "9" * 300 + ',"items":%s}',
    "the list twice": '{"id":1,"items":[{"sku":"lost"}],"items":%s}',
    "the list twice, once of another kind": '{"id":1,"items":7,"items":%s}',
    "the key twice": '{"id":"x","id":1,"items":%s}',
    "blanks": ' { "id" : 1 , "items" : %s } ',
}


@pytest.mark.parametrize("name", ODD)
def test_the_elements_of_an_odd_record_are_judged_like_any(tmp_path, name):
    good, bad, landed = judged(tmp_path, [GOOD, ODD[name] % ITEMS, GOOD])
    assert good == {(row, *item) for row in range(3) for item in BOTH} and landed == 9
    assert bad == [(row, "sku", "string_type") for row in range(3)]


@pytest.mark.parametrize(
    "element", ['{"sku":"a\\ud83d"}', '{"sku":NaN}', "7", "null", '"x"', "[]", "{}", '{"sku":"a","sku":"toolong"}']
)
@pytest.mark.parametrize(
    "record",
    ['{"id":1,"items":[{"sku":"a"},%s,{"sku":"b"}]}', '{"id":1,"a":"\\ud83d","items":[{"sku":"a"},%s,{"sku":"b"}]}'],
)
def test_an_odd_element_is_rejected_and_its_neighbours_are_not(tmp_path, element, record):
    good, bad, landed = judged(tmp_path, [record % element])
    assert good == {(0, 0, "a"), (0, 2, "b")} and len(bad) == 1 and landed == 3


@pytest.mark.parametrize("odd", ["", '"a":"\\ud83d",'])
@pytest.mark.parametrize(
    ("items", "landed"),
    [("null", 0), ("[]", 0), ("7", 1), ('"x"', 1), ("{}", 1), ('{"0":{"sku":"a"}}', 1), ("true", 1)],
)
def test_a_list_that_is_none_is_a_rejected_row_and_null_is_none(tmp_path, odd, items, landed):
    good, bad, found = judged(tmp_path, [f'{{{odd}"id":1,"items":{items}}}', GOOD])
    assert found == landed + 3 and good == {(1, *item) for item in BOTH}
    assert bad == [(0, "items", "list_type")] * landed + [(1, "sku", "string_type")]


@pytest.mark.parametrize("text", ["7", "null", "[]", '{"id":1}', "{", '{"id":1,"items":[1}'])
def test_a_record_without_a_list_has_no_elements(tmp_path, text):
    good, _, landed = judged(tmp_path, [text, GOOD])
    assert landed == 3 and good == {(1, *item) for item in BOTH}


def test_elements_of_a_rejected_record_are_rejected_with_it(tmp_path):
    good, bad, landed = judged(tmp_path, [f'{{"id":"x","a":"\\ud83d","items":{ITEMS}}}'])
    assert (
        not good and landed == 3 and {rule for _, _, rule in bad} <= {"parent_rejected", "int_parsing", "string_type"}
    )


def test_a_judge_that_loses_elements_is_found_out(tmp_path, monkeypatch):
    whole = tokens._records
    monkeypatch.setattr(tokens, "_records", lambda *a: whole(*a) + " WHERE json_valid(_payload)")
    with pytest.raises(RuntimeError, match="6 rows landed but"):
        judged(tmp_path, [GOOD, ODD["half a surrogate pair"] % ITEMS])


def test_many_elements_of_one_record_are_judged_in_time(tmp_path):
    items = json.dumps([{"sku": 1}] * 20_000)
    _, bad, landed = judged(tmp_path, [f'{{"id":1,"a":"\\ud83d","items":{items}}}'])
    assert landed == len(bad) == 20_000

"""What an API sends lands to the letter and is judged by what was sent: encodings, numbers, broken records."""

import json
from decimal import Decimal
from fractions import Fraction

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dlt_sources._steps.contracts.text import Exact, parse, text_of
from dlt_sources._steps.stores.lake import Landing
from dlt_sources._steps.web.raw_json import NotJsonError, elements, inside, utf8
from dlt_sources.door import SourceError, land, refine
from tests.security.hostile import Server, source_of

CONTRACT = """
from decimal import Decimal
from datetime import datetime
from dlt_sources._steps.contracts.contract import Contract, column
class Thing(Contract):
    id: int = column("id")
    name: str | None = column("name", default=None, max_length=100, coerce_numbers_to_str=True)
    price: Decimal | None = column("money", default=None, max_digits=30, decimal_places=10)
    share: float | None = column("number", default=None)
"""


def api(tmp_path, url, **endpoint):
    return source_of(
        tmp_path,
        "rest_api",
        {"base_url": url, "attempts": 2},
        contract=CONTRACT,
        endpoint={"path": "things", **endpoint},
    )


def run(tmp_path, here, body, content_type="application/json", **endpoint):
    """What landed, and the refined (accepted, rejected) rows by id and by row number."""
    with Server(lambda path, headers: (200, {"content-type": content_type}, body)).serve() as server:
        shop = api(tmp_path, server.url, **endpoint)
        land(shop, here)
    landed = payloads(here)
    done = refine(shop, here)
    assert done.landed["things"] == done.accepted["things"] + done.rejected["things"] == len(landed)
    with duckdb.connect(str(here.warehouse)) as con:
        names = [row[0] for row in con.execute("SELECT table_name FROM information_schema.tables").fetchall()]
        rows = con.execute("SELECT id, name, price, share FROM stg_shop.things").fetchall() if "things" in names else []
        bad = "SELECT row_number, field, rule, raw FROM stg_shop._rejected"
        rejected = con.execute(bad).fetchall()
    return landed, {row[0]: row[1:] for row in rows}, {row[0]: row[1:] for row in rejected}


def payloads(here):
    landing = Landing("shop", here)
    files = landing.files("things", landing.loads())
    return [text for file in files for text in pq.read_table(file.path)["_payload"].to_pylist()]


TEXT = "Zoë 🎉 漢字 \u00a0"
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
TYPES = [
    "application/json",
    "text/plain",
    "application/json; charset=iso-8859-1",
    "text/html; charset=utf-8",
    "application/octet-stream",
    "text/plain; charset=ascii",
    "text/json; charset=nonsense",
]


@pytest.mark.few(6)
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("content_type", TYPES)
def test_json_is_utf_8_or_what_its_first_bytes_say_whatever_the_header_says(tmp_path, here, encoding, content_type):
    record = json.dumps({"id": 1, "name": TEXT}, ensure_ascii=False)
    landed, rows, _ = run(
        tmp_path, here, f'{{"items": [{record}]}}'.encode(encoding), content_type, data_selector="items"
    )
    assert landed == [record] and rows[1][0] == TEXT


def test_a_declared_charset_counts_where_it_is_not_utf_8(tmp_path, here):
    landed, rows, _ = run(
        tmp_path, here, '[{"id": 1, "name": "Zoë"}]'.encode("latin-1"), "application/json; charset=ISO-8859-1"
    )
    assert landed == ['{"id": 1, "name": "Zoë"}'] and rows[1][0] == "Zoë"


RECORDS = {
    "blanks": '{ "id" :\t1 ,\n "name" : "a" }',
    "digits": '{"id": 1, "price": 12345678901.1234567891, "share": 1.10}',
    "exponents": '{"id":1,"share":1E+2,"n":-0.0,"m":1e400}',
    "escapes": '{"id":1,"name":"\\u00e9\\/\\ud83c\\udf89\\u0000"}',
    "order and repeated keys": '{"z":1,"id":2,"a":[],"id":1}',
    "half a surrogate pair": '{"id":1,"agent":"cut \\ud83d"}',
    "not a number": '{"id":1,"n":NaN,"m":[-Infinity,Infinity]}',
    "a control character": '{"id":1,"agent":"a\tb"}',
    "long": '{"id":1,"n":' + "9" * 6000 + "}",
    "deep": '{"id":1,"n":' + "[" * 200 + "]" * 200 + "}",
    "null": "null",
    "a number": "1.50",
    "a text": '"x"',
    "a list": "[1, 2]",
    "empty": "{}",
}


@pytest.mark.few(5)
@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("selector", ["$", "items[*]", "deep.items"])
def test_records_land_to_the_letter(tmp_path, here, name, selector):
    record = RECORDS[name]
    if selector == "items[*]" and name == "a list":
        pytest.skip("a wildcard over lists names their elements")
    listed = f'[ {{"id":7}},{record} , {{"id":8}} ]'
    body = {
        "$": listed,
        "items": f'{{"next":null,"items":{listed}}}',
        "items[*]": f'{{"items":{listed}}}',
        "deep.items": f'{{"a":NaN,"deep":{{"items":{listed},"x":1}}}}',
    }[selector]
    landed, rows, rejected = run(tmp_path, here, body.encode(), data_selector=selector)
    assert landed == ['{"id":7}', record, '{"id":8}']
    assert {7, 8} <= set(rows) and len(rows) + len(rejected) == 3


@pytest.mark.parametrize(
    ("record", "field", "rule"),
    [
        ('{"id":1,"share":NaN}', "share", "finite_number"),
        ('{"id":1,"price":-Infinity}', "price", "finite_number"),
        ('{"id":NaN}', "id", "finite_number"),
        ('{"id":1,"name":"cut \\ud83d"}', "name", "string_unicode"),
        ('{"id":1,"agent":"a\tb"}', "", "unrepresentable"),
        ('{"id":' + "9" * 6000 + "}", "", "unrepresentable"),
        ('{"id":9223372036854775808}', "id", "unrepresentable"),
        ('{"id":1,"price":1.00000000000000000001}', "price", "decimal_max_places"),
        ('{"id":1.00000000000000000001}', "id", "unrepresentable"),
    ],
)
def test_a_poisoned_record_is_rejected_with_field_and_rule_and_stops_no_other(tmp_path, here, record, field, rule):
    _, rows, rejected = run(tmp_path, here, f'[{{"id":7}},{record},{{"id":8}}]'.encode())
    assert set(rows) == {7, 8}
    assert {number: row[:2] for number, row in rejected.items()} == {1: (field, rule)}


def test_bytes_that_are_not_text_reject_their_record_only(tmp_path, here):
    body = b'[{"id":7},{"id":1,"name":"caf\xe9"},{"id":8}]'
    landed, rows, rejected = run(tmp_path, here, body)
    assert landed[1] == '{"id":1,"name":"caf\\xe9"}' and set(rows) == {7, 8}
    assert rejected[1][:2] == ("", "unrepresentable") and "caf\\xe9" in rejected[1][2]


NUMBERS = [
    "12345678901.1234567891",
    "99999999999999999.99",
    "-99999999999999999.99",
    "0.1000000001",
    "1.10",
    "1e2",
    "1E-9",
    "12345678901234567890",
    "0.1234567890",
    "123456789.12345678",
    "-0",
    "-0.0",
    "100",
    "1.5e3",
    "99999999999999999999.9999999999",
]


@pytest.mark.few(4)
@pytest.mark.parametrize("number", NUMBERS)
def test_decimals_and_texts_have_every_digit_that_was_sent(tmp_path, here, number):
    body = f'[{{"id":1,"price":{number},"name":{number}}},{{"id":2,"price":"{number}","name":"{number}"}}]'.encode()
    _, rows, rejected = run(tmp_path, here, body)
    assert not rejected
    assert rows[1][1] == rows[2][1] == Decimal(number)
    assert rows[1][0] == (number if number != "-0" else "0")


@pytest.mark.parametrize("number", ["12345678901234567890123", "0." + "1" * 60, "123456789012345678.5e-30"])
def test_a_text_takes_a_number_of_any_length(tmp_path, here, number):
    assert run(tmp_path, here, f'[{{"id":1,"name":{number}}}]'.encode())[1][1][0] == number


@settings(max_examples=100, deadline=None)
@given(st.from_regex(r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,2})?", fullmatch=True))
@example("1.00000000000000000001")
@example("0.1000000000000000055511151231257827")
def test_every_number_is_judged_as_it_was_sent(token):
    """In bulk and by Pydantic: what is accepted is what was sent, and what cannot be held is rejected."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    import pyarrow as pa

    from dlt_sources._steps.contracts.contract import Contract, column

    from .judging import judge

    class Numbers(Contract):
        code: int = column("key", default=1)
        money: Decimal | None = column("money", default=None, max_digits=30, decimal_places=10)
        whole: int | None = column("whole", default=None)
        share: float | None = column("number", default=None)

    exact = Fraction(token) if "e" not in token.lower() else Fraction(Decimal(token))
    texts = [f'{{"{name}":{token}}}' for name in ("money", "whole", "share")]
    with TemporaryDirectory() as folder:
        accepted, rejected, _ = judge(Path(folder, "x"), Numbers, pa.table({"_payload": texts}))
    assert len(accepted) + len(rejected) == 3
    fits = (exact * 10**10).denominator == 1 and abs(exact) < 10**20
    assert (0 in accepted) == fits and (not fits or Fraction(accepted[0]["money"]) == exact)
    is_whole = exact.denominator == 1 and -(2**63) <= exact < 2**63
    assert (1 in accepted) == is_whole and (not is_whole or accepted[1]["whole"] == exact)
    assert 2 in accepted and accepted[2]["share"] == float(token)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["\ud83d", "a\ud800b"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    records=st.lists(VALUES, max_size=6),
    ascii=st.booleans(),
    indent=st.none() | st.integers(0, 3),
    key=st.text(max_size=5),
    encoding=st.sampled_from(ENCODINGS),
)
def test_any_list_of_any_json_is_split_into_the_very_texts(records, ascii, indent, key, encoding):
    ascii = ascii or any(0xD800 <= ord(c) <= 0xDFFF for c in json.dumps([key, records], ensure_ascii=False))
    texts = [json.dumps(record, ensure_ascii=ascii, indent=indent) for record in records]
    whole = "{" + json.dumps("a" + key) + ' : 1.50 , "rows":[' + " ,\n".join(texts) + "] }"
    body = utf8(whole.encode(encoding), None)
    found = elements(inside(body, ("rows",)))
    assert [text_of(raw) for raw in found] == texts
    assert [repr(parse(text_of(raw))) for raw in found] == [repr(json.loads(text)) for text in texts]


def test_a_number_is_a_float_to_whoever_computes_and_to_the_letter_as_text():
    number = parse('{"n": 1.10}')["n"]
    assert isinstance(number, Exact) and number == 1.1 and number * 2 == 2.2 and str(number) == "1.10"
    assert text_of({"n": number}) == '{"n":1.10}'


WRONG = {
    "cut in a list": (b'[{"id":1},{"id"', True, "ends within"),
    "cut in a text": (b'[{"id":1},{"name":"ab', True, "ends within"),
    "cut in a number": (b'[{"id":1},{"id":-', True, "ends within"),
    "cut in a word": (b'[{"id":1},{"id":tr', True, "ends within"),
    "undefined": (b'[{"id":1},{"id":undefined}]', False, "at byte 16: undefined"),
    "nan": ('[{"name":"é"},{"id":nan}]'.encode(), False, "at byte 21: nan"),
    "a comma too many": (b'[{"id":1,}]', False, "at byte"),
    "two answers": (b'[{"id":1}]\n[{"id":2}]', False, "at byte 11"),
    "apostrophes": (b"[{'id':1}]", False, "at byte 2: 'id'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_json_is_named_with_its_place(tmp_path, here, name):
    body, passes, said = WRONG[name]
    with pytest.raises(NotJsonError, match=said):
        elements(body)
    with pytest.raises(SourceError, match=said) as error:
        run(tmp_path, here, body)
    assert error.value.exit_code == (3 if passes else 2)


@pytest.mark.parametrize("path", ["id", "a.id", "a.b[0].id"])
def test_of_a_repeated_key_the_last_one_counts_in_bulk_and_for_pydantic(tmp_path, path):
    import pyarrow as pa

    from dlt_sources._steps.contracts.contract import Contract, column

    from .judging import judge

    class Repeated(Contract):
        code: int = column("key", path=path)

    inside = {"id": "{{{}}}", "a.id": '{{"a":{{{}}}}}', "a.b[0].id": '{{"a":{{"b":[{{{}}}]}}}}'}[path]
    pairs = [
        '"id":1,"id":2',
        '"id":1,"i\\u0064":2',
        '"id":"x","id":2',
        '"id":2,"id":"x"',
        '"id":2',
        '"id":2,"other":1,"other":3',
    ]
    texts = [inside.format(pair) for pair in pairs]
    accepted, rejected, _ = judge(tmp_path, Repeated, pa.table({"_payload": texts}))
    assert {number: row["code"] for number, row in accepted.items()} == {0: 2, 1: 2, 2: 2, 4: 2, 5: 2}
    assert set(rejected) == {3}

"""Numbers of a team's own extract.py that no JSON has: judged as what they are, as those of any other connector are."""

import json
import math
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

import numpy as np
import pyarrow as pa
import pytest
import yaml

from dlt_sources._steps.contracts.contract import Contract, column
from dlt_sources._steps.contracts.text import parse, text_of
from dlt_sources._steps.declared.source_yml import Table
from dlt_sources.door import land, load_sources, refine
from tests.dlt_sources.judging import differences, judge
from tests.dlt_sources.shop import query

ODD = [math.nan, math.inf, -math.inf]


class Thing(Contract):
    """A field of each type, each of which may be NULL."""

    code: int = column("code")
    float_: float | None = column("float", path="float", default=None)
    decimal: Decimal | None = column("decimal", max_digits=9, decimal_places=2, default=None)
    int_: int | None = column("int", path="int", default=None)
    text: str | None = column("text", default=None)
    loose: str | None = column("text of a number", default=None, coerce_numbers_to_str=True)
    infinite: float | None = column("any float", default=None, allow_inf_nan=True)


NAMES = [name for name in Thing.model_fields if name != "code"]
KEYS = {"float_": "float", "int_": "int"}


@dataclass
class Part:
    """What a client library may yield."""

    value: float


class Level(Enum):
    """A constant of the team's own."""

    NONE = math.nan


@pytest.mark.parametrize("made", [float, np.float64, np.float32])
def test_what_no_json_has_is_rejected_or_kept_and_never_null(tmp_path, made):
    raws = [
        {"code": number, KEYS.get(name, name): made(value)}
        for number, (name, value) in enumerate((name, value) for name in NAMES for value in (*ODD, 1.5))
    ]
    rows = pa.table({"_payload": [text_of(raw) for raw in raws]})
    accepted, rejected, _ = judge(tmp_path / "judge", Thing, rows, Table(contract="Thing", key=["code"]))
    plain = [{n: float(v) if n != "code" else v for n, v in raw.items()} for raw in raws]
    assert differences(Thing, plain, accepted, rejected) == []
    for row in accepted.values():
        assert sum(value is not None for name, value in row.items() if name in NAMES) == 1, row
    assert (
        len(rejected) == 3 * 4 + 2
    )  # float, decimal, int and text take none of them; an int no fraction, a text no number


@pytest.mark.parametrize("value", ODD)
def test_it_is_found_however_deep_it_is(value):
    token = json.dumps(value)
    records = [
        {"a": value},
        {"a": [1, {"b": value}], "c": None},
        {"a": (value,)},
        {"a": Part(value)},
        {"a": [Part(value)]},
    ]
    assert all(token in text_of(record) and "null" not in text_of(record).replace('"c":null', "") for record in records)
    assert "NaN" in text_of({"a": Level.NONE})
    exact = parse('{"a": 1.10000000000000000001, "b": NaN, "c": null}')
    assert text_of(exact) == '{"a":1.10000000000000000001,"b":NaN,"c":null}'


CONTRACT = """
from dlt_sources._steps.contracts.contract import Contract, column
class Thing(Contract):
    id: int = column("id")
    share: float | None = column("share", default=None)
"""
EXTRACT = """
def things(request, values):
    for number, share in enumerate([0.5, float("nan"), float("inf"), float("-inf"), None]):
        yield {"id": number, "share": share}
"""


def test_a_source_of_own_code_rejects_them(tmp_path, here):
    folder = tmp_path / "sources" / "shop"
    folder.mkdir(parents=True)
    declared = {
        "description": "things",
        "owner": "me",
        "schedule": "@daily",
        "connector": "python",
        "connection": {},
        "tables": {"things": {"contract": "Thing", "key": ["id"]}},
    }
    (folder / "source.yml").write_text(yaml.safe_dump(declared))
    (folder / "contract.py").write_text(CONTRACT)
    (folder / "extract.py").write_text(EXTRACT)
    shop = load_sources(folder.parent)["shop"]
    assert land(shop, here) == {"things": 5}
    refine(shop, here)
    assert query(here, "SELECT id, share FROM stg_shop.things ORDER BY id") == [(0, 0.5), (4, None)]
    found = query(here, "SELECT row_number, field, rule, raw FROM stg_shop._rejected ORDER BY 1")
    assert [row[:3] for row in found] == [(n, "share", "finite_number") for n in (1, 2, 3)]
    assert [token in row[3] for token, row in zip(("NaN", "Infinity", "-Infinity"), found, strict=True)] == [True] * 3

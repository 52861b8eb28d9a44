"""The bulk check and Pydantic agree on every row: what is accepted, with which values, and why not."""

import dataclasses
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import orjson
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field

from dlt_sources._steps.contracts.columns import columns_of
from dlt_sources._steps.contracts.contract import Contract, checked_only, column, computed
from dlt_sources._steps.contracts.text import parse, text_of
from dlt_sources._steps.declared.source_yml import Table

from .judging import LOAD, Rows, differences, judge


class Everything(Contract):
    """A field of every kind and rule."""

    code: Annotated[str, Field(pattern=r"^[A-Z]{2}\d$")] = column("pattern", max_length=3)
    name: str | None = column("lengths", min_length=1, max_length=5)
    kind: Literal["a", "b"] = column("choices")
    small: int = column("whole number", ge=-5, le=5)
    maybe: int | None = column("optional with a default", default=None)
    share: float = column("number", gt=0, lt=1)
    price: Decimal = column("money", gt=0, le=Decimal("99.5"), max_digits=5, decimal_places=2)
    flag: bool = column("yes or no")
    at: datetime = column("moment")
    day: date | None = column("day")
    deep: float = column("from a list", path="place[1]", ge=-90, le=90)
    post: str | None = column("text or number", path=["postcode", "zip"], max_length=6, coerce_numbers_to_str=True)
    things: list[Any] = checked_only("a list")


PERFECT: dict[str, Any] = {
    "code": "AB1",
    "name": "x",
    "kind": "a",
    "small": 1,
    "maybe": None,
    "share": 0.5,
    "price": 1.25,
    "flag": True,
    "at": "2020-01-02T03:04:05.678901",
    "day": "2020-01-02",
    "place": ["x", "1.5"],
    "zip": 12345,
    "things": [],
}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-6, 6),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(-100, 100, places=3).map(float),
    st.text(max_size=7),
    st.lists(st.integers(), max_size=2),
    st.just({}),
    st.sampled_from(
        [
            "",
            "AB1",
            "ab1",
            "AB12",
            "AB١",
            "a",
            "c",
            "1",
            "-0",
            "1.0",
            " 1",
            "1e3",
            "0.50",
            "99.505",
            "nan",
            "true",
            "2020-01-02",
            "2020-02-30",
            "0000-01-01",
            "9999-12-31",
            "2020-01-02T03:04:05",
            "2020-01-02T24:00:00",
            "2020-01-02 03:04:05",
            "2020-01-02T03:04:60",
            "2020-01-02 00:00:00",
            "2020-01-02T00:00:00.000",
            "2020-01-02T00:00:00Z",
            "2020-02-30T00:00:00",
            "2020-01-02_00:00:00",
            "2020-01-02T00:00:00.0000000",
            "2020-01-02 00:00:00+02:00",
            "0001-01-01 00:00:00",
            "2020-01-02T03:04:05Z",
            "2020-01-02T03:04:05+02:00",
            "é\u0000",
            "🎉🎉🎉🎉🎉",
            "null",
            '"',
            "'",
            0.1 + 0.2,
            1e22,
        ]
    ),
)


@st.composite
def rows(draw: st.DrawFn) -> Any:
    if draw(st.integers(0, 9)) == 0:
        return draw(ODD)
    row = dict(PERFECT)
    for name in draw(st.sets(st.sampled_from([*sorted(PERFECT), "postcode"]), max_size=2)):
        if draw(st.integers(0, 5)) == 0:
            row.pop(name, None)
        else:
            row[name] = draw(ODD)
    return row


def agree(contract: type[Contract], raws: list[Any], accepted: Rows, rejected: Rows) -> None:
    assert not differences(contract, raws, accepted, rejected)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(rows(), min_size=1, max_size=30))
def test_json_records_are_judged_as_pydantic_would(tmp_path, records):
    texts = [text_of(record) for record in records]
    accepted, rejected, _ = judge(tmp_path, Everything, pa.table({"_payload": texts}))
    agree(Everything, [parse(text) for text in texts], accepted, rejected)


class Columns(Contract):
    """The kinds a database column can have."""

    code: str = column("text", min_length=1, max_length=3)
    number: int = column("whole number", ge=0, le=1000)
    share: float | None = column("number", ge=0)
    price: Decimal = column("money", max_digits=6, decimal_places=2)
    flag: bool | None = column("yes or no")
    at: datetime | None = column("moment")


@pytest.mark.few(6)
@pytest.mark.parametrize("whole", [pa.int32(), pa.float64(), pa.string(), pa.decimal128(6, 1)])
@pytest.mark.parametrize("money", [pa.decimal128(12, 4), pa.float64(), pa.int64()])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_database_rows_are_judged_as_pydantic_would(tmp_path, whole, money, data):
    numbers = {
        pa.int32(): st.integers(-2, 1002),
        pa.float64(): st.sampled_from([0.0, 1.0, 7.5, -1.0, 1000.0, float("nan")]),
        pa.string(): st.sampled_from(["1", "x", "1.0", ""]),
        pa.decimal128(6, 1): st.decimals(-2, 1002, places=1),
    }[whole]
    prices = {
        pa.decimal128(12, 4): st.decimals(-20000, 20000, places=4),
        pa.float64(): st.sampled_from([1.5, 0.1, 1.005, 1e9, -3.25]),
        pa.int64(): st.integers(-100000, 100000),
    }[money]
    odd = {
        "code": st.none() | st.text(max_size=4),
        "number": st.none() | numbers,
        "share": st.none() | st.floats(-1, 10) | st.sampled_from([float("nan"), float("inf")]),
        "price": st.none() | prices,
        "flag": st.none() | st.booleans(),
        "at": st.none() | st.datetimes(datetime(1, 1, 1), datetime(9998, 1, 1)),
    }
    good = {pa.int32(): 5, pa.float64(): 5.0, pa.string(): "5", pa.decimal128(6, 1): Decimal("5.0")}[whole]
    cheap = {pa.decimal128(12, 4): Decimal("5.2500"), pa.float64(): 5.25, pa.int64(): 5}[money]
    perfect = {"code": "a", "number": good, "share": 0.5, "price": cheap, "flag": True, "at": datetime(2020, 1, 2)}
    change = st.sampled_from(sorted(odd)).flatmap(lambda name: odd[name].map(lambda value: perfect | {name: value}))
    found = data.draw(st.lists(change, min_size=1, max_size=30))
    schema = pa.schema(
        [
            ("code", pa.string()),
            ("number", whole),
            ("share", pa.float64()),
            ("price", money),
            ("flag", pa.bool_()),
            ("at", pa.timestamp("us")),
        ]
    )
    landed = pa.Table.from_pylist(found, schema=schema)
    accepted, rejected, _ = judge(tmp_path, Columns, landed, Table(contract="Columns", key=["code"]))
    agree(Columns, landed.to_pylist(), accepted, rejected)


class Cells(Contract):
    """What the cells of a CSV may be meant to be."""

    code: str = column("text", path=["id", "code"], min_length=1, max_length=3)
    number: int = column("whole number", ge=-5, le=5)
    share: float | None = column("number", gt=0)
    price: Decimal | None = column("money", ge=0, max_digits=5, decimal_places=2)
    flag: bool | None = column("yes or no")
    at: datetime | None = column("moment")
    day: date | None = column("day")
    gone: int | None = column("a column that is not there", default=None)
    double: int = computed("worked out", "2 * number")


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_cells_of_text_are_judged_as_pydantic_would(tmp_path, data):
    perfect = {
        "code": "a",
        "number": "1",
        "share": "0.5",
        "price": "1.25",
        "flag": "true",
        "at": "2020-01-02 03:04:05",
        "day": "2020-01-02",
    }
    odd = (
        st.none()
        | ODD.map(lambda value: value if isinstance(value, str) else str(value))
        | st.sampled_from(
            [
                "1_0",
                "+1",
                "1.",
                ".5",
                "-0.00",
                "007",
                "1e-3",
                "123.45",
                "1000.00",
                "True",
                "yes",
                "0",
                "2020-01-02T00:00:00",
                "1580000000",
            ]
        )
    )
    change = st.sampled_from(sorted(perfect)).flatmap(lambda name: odd.map(lambda value: perfect | {name: value}))
    found = data.draw(st.lists(change, min_size=1, max_size=30))
    landed = pa.Table.from_pylist(found, schema=pa.schema([(name, pa.string()) for name in perfect]))
    accepted, rejected, _ = judge(tmp_path, Cells, landed, Table(contract="Cells", key=["code"]))
    assert all(row["double"] == 2 * row["number"] for row in accepted.values())
    agree(Cells, landed.to_pylist(), accepted, rejected)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    bound=st.floats(-100, 100, allow_nan=False) | st.decimals(-100, 100, places=2).map(float),
    word=st.sampled_from(["ge", "gt", "le", "lt"]),
    digits=st.integers(0, 4),
)
def test_a_decimal_is_compared_with_a_fraction_as_it_is_written(tmp_path, bound, word, digits):
    class Priced(Contract):
        """A price."""

        price: Decimal = column("money", max_digits=12, decimal_places=4, **{word: bound})

    near = round(Decimal(repr(bound)), digits)
    prices = [near + Decimal(step).scaleb(-4) for step in (-1, 0, 1)]
    landed = pa.table({"price": pa.array(prices, pa.decimal128(16, 4))})
    accepted, rejected, _ = judge(tmp_path, Priced, landed, Table(contract="Priced", key=["price"]))
    agree(Priced, landed.to_pylist(), accepted, rejected)


def test_a_decimal_with_a_fraction_for_a_bound_is_judged_in_the_engine(tmp_path, monkeypatch):
    class Priced(Contract):
        """A price."""

        price: Decimal = column("money", ge=0.01, max_digits=12, decimal_places=4)

    monkeypatch.setattr("dlt_sources._steps.judge.asked.ask", None)
    landed = pa.table({"price": pa.array([Decimal("0.01")] * 3, pa.decimal128(16, 4))})
    assert len(judge(tmp_path, Priced, landed, Table(contract="Priced", key=["price"]))[0]) == 3


def test_most_good_rows_never_reach_pydantic(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "dlt_sources._steps.judge.asked.ask",
        lambda *a: asked.append(a) or ({}, [{"field": "", "rule": "r", "message": "m"}]),
    )
    judge(tmp_path, Everything, pa.table({"_payload": [orjson.dumps(PERFECT).decode()] * 100}))
    assert not asked


@pytest.mark.parametrize("kind", ["json", "cell"])
@pytest.mark.parametrize("zone", ["", "Z"])
@pytest.mark.parametrize("moment", ["2024-02-29T23:59:59", "2024-02-29 23:59:59", "2024-02-29 00:00:00.123456"])
@pytest.mark.parametrize("day", ["2024-02-29", "2024-02-29T00:00:00", "2024-02-29 00:00:00.000"])
def test_times_as_most_systems_write_them_are_judged_in_the_engine(tmp_path, monkeypatch, kind, zone, moment, day):
    class Timed(Contract):
        """A moment and a day."""

        at: datetime = column("when")
        on: date = column("which day")

    row = {"at": moment + zone, "on": day + (zone if len(day) > 10 else "")}
    landed = pa.table(
        {"_payload": [orjson.dumps(row).decode()]} if kind == "json" else {n: [text] for n, text in row.items()}
    )
    with monkeypatch.context() as context:
        context.setattr("dlt_sources._steps.judge.asked.ask", None)
        accepted, rejected, _ = judge(tmp_path, Timed, landed, Table(contract="Timed", key=["at"]))
    assert not rejected
    agree(Timed, [row], accepted, rejected)


class Person(Contract):
    """Personal fields of both kinds."""

    code: str = column("key", max_length=10)
    email: str = column("hashed", pii="hash", max_length=50)
    password: str = column("never kept", pii="drop", path="login.password")
    age: int = column("plain", ge=0)


def test_personal_fields_are_hashed_or_gone_and_masked_in_rejected_rows(tmp_path):
    people = [
        {"code": "a", "email": "ana@example.com", "login": {"password": "hunter2"}, "age": 3},
        {"code": "b", "email": "bo@example.com", "login": {"password": "hunter3"}, "age": -1},
        {"code": "c", "email": "ana@example.com", "login": {"password": "hunter4"}, "age": "4"},  # through Pydantic
    ]
    landed = pa.table({"_payload": [orjson.dumps(p).decode() for p in people]})
    accepted, rejected, result = judge(tmp_path, Person, landed)
    assert [c.name for c in columns_of(Person)] == ["code", "email", "age"]
    assert set(accepted[0]) == {"code", "email", "age", "_load_id", "_row", "_deleted", "_read_at"}
    assert accepted[0]["email"] == accepted[2]["email"] and len(accepted[0]["email"]) == 64
    everything = str(accepted) + str(rejected)
    assert "hunter" not in everything and "@example.com" not in everything
    assert "***" in rejected[1]["raw"]
    kept = b"".join(path.read_bytes() for path in (tmp_path / "work").rglob("*.parquet"))
    assert b"hunter" not in kept
    assert dataclasses.astuple(result)[2] == {LOAD: (3, 2, 1)}


class Ratio(Contract):
    """A computed column that some rows give no value, and some an error."""

    code: str = column("key", max_length=10)
    whole: int = column("number")
    parts: int = column("number")
    share: int = computed("by the engine", "whole // parts")
    wide: int = computed("too wide for some", "CAST(whole AS HUGEINT) * 1000000000000000000")
    maybe: int | None = computed("may be NULL", "nullif(whole, 1)")


def test_a_row_without_a_computed_value_is_rejected_and_stops_no_other(tmp_path):
    numbers = [(1, 1), (1, 0), ("6", 2), ("6", 0), (2**40, 1)]  # texts go through Pydantic
    texts = [text_of({"code": str(n), "whole": whole, "parts": parts}) for n, (whole, parts) in enumerate(numbers)]
    accepted, rejected, _ = judge(tmp_path, Ratio, pa.table({"_payload": texts}))
    assert {n: (row["share"], row["maybe"]) for n, row in accepted.items()} == {0: (1, None), 2: (3, 6)}
    assert {n: (row["field"], row["rule"]) for n, row in rejected.items()} == {
        1: ("share", "computed"),
        3: ("share", "computed"),
        4: ("wide", "computed"),
    }

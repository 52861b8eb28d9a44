"""What a source sends is held against its contract: each kind of drift is recorded once, in every shape that rows come in."""

import json
from datetime import datetime
from types import SimpleNamespace

import pyarrow as pa
import pytest

import settings as configuration
from dlt_sources._steps.contracts.contract import Contract, column
from dlt_sources._steps.judge import drift
from tests.dlt_sources.judging import judge
from warehouse import drift as record
from warehouse import drift_notes, ops_tables
from warehouse.connection import connect
from warehouse.held import Field, Seen


class Order(Contract):
    """One order."""

    order_id: int = column("The order")
    note: str | None = column("A note", default=None, max_length=20)
    amount: float | None = column("What it cost", path=["amount", "total"], default=None)
    ignores = ("of_no_use",)


ROW = {"order_id": 1, "note": "a", "amount": 1.5}
CHANGES = {  # what the source sends then: (of each row, its path, what, type)
    "a field more": (lambda row: row | {"voucher": "x"}, "voucher", "unknown", "text"),
    "a number more": (lambda row: row | {"points": 7}, "points", "unknown", "whole number"),
    "a field less": (lambda row: {n: v for n, v in row.items() if n != "note"}, "note", "gone", "text"),
    "always NULL": (lambda row: row | {"note": None}, "note", "null", "text"),
    "another type": (lambda row: row | {"amount": "1.5"}, "amount", "type", "text"),
}
NO_CHANGE = {
    "the same": lambda row: row,
    "another name that is declared": lambda row: {"total" if n == "amount" else n: v for n, v in row.items()},
    "a field that is ignored": lambda row: row | {"of_no_use": 1},
}
SHAPES = {
    "JSON": lambda rows: pa.table({"_payload": [json.dumps(row) for row in rows]}),
    "columns": lambda rows: pa.Table.from_pylist(rows),
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("ELT_DATA_DIR", str(tmp_path / "data"))
    return made(configuration.load())


def made(settings):
    with connect(settings) as con:
        ops_tables.ensure(con, settings)
    return settings


def load(settings, folder, rows, shape="JSON", contract=Order, day=1):
    """Judge the rows as one load of a day and note their drift."""
    *_, judged = judge(folder / "judge", contract, SHAPES[shape](rows))
    return note(settings, judged.seen, contract, day)


def note(settings, seen, contract=Order, day=1):
    declared = SimpleNamespace(contracts={"orders": contract}, tables={})
    moment = settings.model_copy(update={"now": datetime(2026, 1, day)})
    return drift_notes.note("shop", {"orders": seen}, drift.expected(declared), moment)


def opened(settings):
    with connect(settings) as con:
        found = record.read_open(con, "stg_ops", "shop")
    return [(d.path, d.what, d.type, d.rows, d.first_seen.day, d.last_seen.day) for d in found]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("change", CHANGES)
def test_each_kind_is_recorded_once_and_over_when_it_is_over(change, shape, here, tmp_path):
    make, path, what, kind = CHANGES[change]
    rows = [ROW | {"order_id": n} for n in range(5)]
    assert load(here, tmp_path, rows, shape).new == [] and opened(here) == []
    first = load(here, tmp_path, list(map(make, rows)), shape, day=2)
    assert [(d.path, d.what) for d in first.new] == [(path, what)] == [(d.path, d.what) for d in first.alerts]
    assert opened(here) == [(path, what, kind, 5, 2, 2)]
    again = load(here, tmp_path, list(map(make, rows)), shape, day=3)
    assert (again.new, again.alerts) == ([], []) and opened(here) == [(path, what, kind, 10, 2, 3)]
    assert load(here, tmp_path, rows, shape, day=4).new == []
    assert opened(here) == ([] if what != "unknown" else [(path, what, kind, 10, 2, 3)])
    with connect(here) as con:
        [(ended,)] = con.execute("SELECT ended_at FROM stg_ops.drift").fetchall()
    assert (ended is None) == (what == "unknown")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("change", NO_CHANGE)
def test_what_the_contract_foresees_is_not_drift(change, shape, here, tmp_path):
    rows = [ROW | {"order_id": n} for n in range(5)]
    load(here, tmp_path, rows, shape)
    assert load(here, tmp_path, list(map(NO_CHANGE[change], rows)), shape, day=2).new == [] and opened(here) == []


def test_a_field_that_is_declared_later_is_not_drift_any_more(here, tmp_path):
    class Better(Order):
        """One order, as it is sent."""

        voucher: str | None = column("Its voucher", default=None, max_length=20)

    rows = [ROW | {"order_id": n, "voucher": "x"} for n in range(3)]
    said = load(here, tmp_path, rows)
    assert [d.path for d in said.new] == ["voucher"] and said.alerts == []  # so it was from the beginning
    assert load(here, tmp_path, rows, contract=Better, day=2).new == [] and opened(here) == []


def test_a_new_declaration_of_a_field_is_what_its_type_is_compared_with(here, tmp_path):
    class AsText(Order):
        """One order, whose amount is a text."""

        amount: str | None = column("What it cost", default=None, max_length=20)

    texts = [ROW | {"order_id": n, "amount": "a lot"} for n in range(3)]
    load(here, tmp_path, [ROW])
    assert [d.what for d in load(here, tmp_path, texts, day=2).new] == ["type"]
    assert load(here, tmp_path, texts, contract=AsText, day=3).new == [] and opened(here) == []


@pytest.mark.parametrize("usual", [1.0, 0.5, 0.02])
def test_fields_that_are_often_empty_are_reported_only_when_it_is_not_chance(usual, here):
    def seen(rows, values):
        fields = {"order_id": Field(rows, rows, frozenset({"whole number"}))}
        kinds = frozenset({"text"} if values else ())
        return Seen(rows, fields | {"note": Field(rows, values, kinds)}, {})

    note(here, seen(1000, int(1000 * usual)))
    few, many = {1.0: (1, 2), 0.5: (10, 15), 0.02: (100, 900)}[usual]
    for _ in range(3):  # each run of empty rows ends with a value
        assert note(here, seen(few, 0)).new == []
        note(here, seen(few, 1))
    assert note(here, seen(few, 0)).new == []
    assert [(d.path, d.what) for d in note(here, seen(many, 0)).new] == [("note", "null")]


def test_a_field_that_never_had_a_value_is_not_gone(here, tmp_path):
    for day in (1, 2, 3):
        assert load(here, tmp_path, [{"order_id": n} for n in range(50)], day=day).new == []


def test_paths_are_those_of_fields_and_show_no_value(here, tmp_path):
    class Nested(Contract):
        """One order with its customer."""

        order_id: int = column("The order")
        city: str | None = column("Town", path="customer.city", default=None, max_length=20)
        first: str | None = column("First tag", path="tags[0]", default=None, max_length=20)
        extra: dict | None = drift_only()

    rows = [
        {
            "order_id": n,
            "customer": {"city": "Lyon", "street": 1, "é \n": 1, f"user{n}@example.com": 1},
            "tags": ["a"],
            "extra": {f"k{n}": n},
            "prices": {f"d{n}": n},
            **{f"{n:08d}": 1},
        }
        for n in range(60)
    ]
    said = load(here, tmp_path, rows, contract=Nested)
    assert {d.path for d in said.new} == {"customer.street", "customer.é", "customer.*", "prices", "*"}
    shown = json.dumps([str(d) for d in said.new])
    assert "example.com" not in shown and "Lyon" not in shown and "00000001" not in shown


def drift_only():
    from dlt_sources._steps.contracts.contract import checked_only

    return checked_only("Whatever comes", default=None)


@pytest.mark.parametrize(
    "rows",
    [
        [
            "{",
            "[1]",
            '"x"',
            "null",
            '{"order_id": 1, "order_id": 2}',
            '{"order_id": NaN}',
            '{"a\\ud800": 1}',
            '{"a\\u0000b": 1}',
            '{"": 1}',
        ]
    ],
)
def test_what_cannot_be_observed_stops_nothing(rows, here, tmp_path):
    *_, judged = judge(tmp_path / "judge", Order, pa.table({"_payload": rows}))
    assert sum(judged.counts[next(iter(judged.counts))][1:]) == len(rows)
    if judged.seen is not None:
        note(here, judged.seen)


@pytest.mark.parametrize(
    ("path", "kinds", "line"),
    [
        ("voucher", "text", 'voucher: str | None = column("describe it", max_length=200, default=None)'),
        (
            "customer.zipCode",
            "whole number",
            "customer_zip_code: int | None = column(\"describe it\", path='customer.zipCode', default=None)",
        ),
        ("price", "number or whole number", 'price: float | None = column("describe it", default=None)'),
        ("2023", "boolean", "field_2023: bool | None = column(\"describe it\", path='2023', default=None)"),
        (
            "order_id",
            "text or whole number",
            "field_order_id: str | None = column(\"describe it\", path='order_id', max_length=200, default=None)",
        ),
        ("when", "timestamp", 'when: datetime | None = column("describe it", default=None)'),
    ],
)
def test_the_line_for_a_field_is_a_declaration(path, kinds, line):
    assert drift.lines_for(path, kinds, {"order_id"}) == [line]
    names = {"column": column, "datetime": datetime, "Contract": Contract}
    exec(f'class Added(Contract):\n    """Added."""\n    {line}', names)
    assert len(drift._declared(names["Added"])) == 1


def test_an_observation_costs_a_fraction_of_judging(tmp_path):
    import time

    rows = SHAPES["JSON"]([ROW | {"order_id": n} for n in range(100_000)])
    spent, original = [], drift.observe

    def timed(*given):
        begun = time.process_time()
        found = original(*given)
        spent.append(time.process_time() - begun)
        return found

    drift.observe = timed
    try:
        begun = time.process_time()
        judge(tmp_path / "judge", Order, rows)
        whole = time.process_time() - begun
    finally:
        drift.observe = original
    assert sum(spent) < whole * 0.35, (spent, whole)

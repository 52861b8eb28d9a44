"""What may be read of a rejected row, for every shape of contract and record; and which contracts are refused."""

from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field
from pydantic_core import PydanticCustomError
from pydantic_core._pydantic_core import list_all_errors

from dlt_sources._steps.contracts.columns import columns_of
from dlt_sources._steps.contracts.contract import Contract, checked_only, column
from dlt_sources._steps.declared.messages import safe_message
from dlt_sources._steps.declared.redact import conflict, of_contract, of_tables
from dlt_sources._steps.declared.source_yml import Table
from dlt_sources._steps.judge.explain import ask, ask_of_vanished
from dlt_sources._steps.land.remembered import Remembered

SECRET = "ana@example.com"


def told(contract, raw):
    """(raw row, reasons) of a rejected row as people read them."""
    _, reasons = ask(contract, columns_of(contract, stored=False), raw, True)
    assert reasons, "it should have been rejected"
    redaction = of_contract(contract)
    return redaction.row(raw), redaction.reasons(reasons, raw)


def tables(**contracts):
    """One record with tables made from it: the first is the record's."""
    root = next(iter(contracts))
    return {
        name: Table(contract=contract.__name__, key=["id"])
        if name == root
        else Table.model_validate(
            {"contract": contract.__name__, "key": ["id"], "from": root, "explode": name, "parent_key": ["id"]}
        )
        for name, contract in contracts.items()
    }


class Person(Contract):
    """A tag, an untagged text and an untagged number."""

    email: str = column("e", pii="hash", path=["email", "contact.mail"], min_length=20)
    city: str | None = column("c", default=None)
    age: int | None = column("a", ge=0, default=None)


@pytest.mark.parametrize(
    "raw",
    [
        {"email": SECRET},
        {"contact": {"mail": SECRET}},
        {"contact": SECRET},
        {"contact": [SECRET]},
        {"email": {"address": SECRET}},
        {"email": [[{"a": SECRET}]]},
        {"email": SECRET, "city": SECRET},
        {"email": SECRET, "city": f"{SECRET.upper()} "},
        {"email": SECRET, "city": {"a": SECRET}},
        {"email": "x", "age": SECRET},
        {"email": "x", "age": {"a": SECRET}},
        {"email": SECRET, "unknown": SECRET, SECRET: 1},
        [SECRET],
        SECRET,
    ],
    ids=str,
)
def test_a_tagged_value_is_shown_in_no_shape(raw):
    row, reasons = told(Person, raw)
    assert SECRET.casefold() not in f"{row}{reasons}".casefold()


def test_what_is_named_and_not_tagged_stays():
    row, reasons = told(Person, {"email": "short", "city": "Delft", "age": "-1"})
    assert row == {"city": "Delft", "age": "-1", "": row[""]}
    assert [r["message"] for r in reasons] == [
        "String should have at least 20 characters",
        "Input should be greater than or equal to 0",
    ]


def test_a_contract_without_tags_shows_everything():
    class Plain(Contract):
        """No tag."""

        n: int = column("n")

    assert told(Plain, {"n": "x", "more": 1})[0] == {"n": "x", "more": 1}


class Root(Contract):
    """A record with a tag that its elements do not repeat."""

    id: int = column("k")
    email: str = column("e", pii="hash")
    items: list = checked_only("i", default=[])


class Item(Contract):
    """An element with a tag that its record does not know."""

    id: int = column("k", path="_parent.id")
    code: str = column("c", pii="drop")
    price: Decimal = column("p", max_digits=4, decimal_places=2)


class Other(Contract):
    """An element without tags."""

    id: int = column("k", path="_parent.id")
    what: str = column("w", max_length=3)


def test_the_tags_of_all_tables_of_a_record_count_in_each():
    redactions = of_tables(tables(root=Root, items=Item, others=Other), {"root": Root, "items": Item, "others": Other})
    record = {"id": 1, "email": SECRET, "items": [{"code": "hunter2", "price": 1}], "others": [{"what": "long"}]}
    parent = {"id": 1, "email": SECRET}
    rows = {
        "root": redactions["root"].row(record),
        "items": redactions["items"].row({"code": "hunter2", "price": 1, "_parent": parent, "_index": 0}),
        "others": redactions["others"].row({"what": "long", "_parent": parent, "_index": 0}),
    }
    assert "hunter2" not in str(rows) and SECRET not in str(rows)
    assert rows["root"]["id"] == 1 and rows["items"]["price"] == 1 and rows["others"]["_parent.id"] == 1
    copied = redactions["others"].row({"what": SECRET, "_parent": parent, "_index": 0})
    assert SECRET not in str(copied)


def raising(error):
    """A contract whose own rule says what it saw."""
    from pydantic import model_validator

    class Own(Contract):
        """A rule of its own."""

        email: str = column("e", pii="drop")
        n: int = column("n", default=1)

        @model_validator(mode="after")
        def _check(self) -> "Own":
            raise error(self.email)

    return Own


@pytest.mark.parametrize(
    "error",
    [
        lambda value: ValueError(f"{value} is wrong"),
        lambda value: AssertionError(value),
        lambda value: PydanticCustomError("odd", "{value}", {"value": value}),
        lambda value: PydanticCustomError("int_parsing", value),
        lambda value: PydanticCustomError("literal_error", f"Input should be {value}"),
        lambda value: PydanticCustomError(value, "odd"),
    ],
)
def test_the_text_of_a_rule_of_the_contracts_own_is_not_shown(error):
    _, [reason] = told(raising(error), {"email": SECRET})
    assert SECRET not in str(reason) and reason["rule"] and reason["message"]


def test_a_place_that_the_row_made_up_is_not_shown():
    class Nested(BaseModel):
        """An element."""

        price: int

    class Keyed(Contract):
        """A field whose keys are the row's."""

        email: str = column("e", pii="drop", default="")
        prices: Any = checked_only("p")

    Keyed.model_fields["prices"].annotation = dict[str, Nested]
    Keyed.model_rebuild(force=True)
    redaction = of_contract_loose(Keyed)
    reasons = [{"field": f"prices.{SECRET}.price", "rule": "missing", "message": "Field required"}]
    assert redaction.reasons(reasons, {}) == [
        {"field": "prices.***.***.price", "rule": "missing", "message": "Field required"}
    ]


def of_contract_loose(contract):
    """The redaction of a contract with a field that no column can hold."""
    from dlt_sources._steps.declared.redact import Redaction, _words

    return Redaction((("email",),), (), _words(contract))


@pytest.mark.parametrize("error", list_all_errors(), ids=lambda error: error["type"])
def test_messages_of_every_rule_of_pydantic_hold_nothing_of_the_value(error):
    """Whatever stands in a placeholder that the contract does not fill is left out."""
    from pydantic_core import PydanticKnownError

    given = dict.fromkeys(("error", "tag", "attribute", "encoding", "encoding_error", "method_name"), SECRET)
    context = {
        name: SECRET if isinstance(value, str) else value for name, value in (error["example_context"] or {}).items()
    }
    context = context | {name: value for name, value in given.items() if name in context}
    message = str(PydanticKnownError(error["type"], context or None).message())
    shown = safe_message(error["type"], message)
    assert shown
    contract_only = {
        "expected",
        "pattern",
        "class_name",
        "class",
        "field_type",
        "discriminator",
        "expected_tags",
        "expected_schemes",
    }
    if not contract_only & set(context):
        assert SECRET not in shown


class Tagged(Contract):
    """Tags one path."""

    id: int = column("k")
    mail: str = column("m", pii="hash", path="contact.mail")


def with_field(**fields):
    made = type("Made", (Tagged,), {"__annotations__": dict.fromkeys(fields, str | None), "__doc__": "m", **fields})
    return conflict({"t": Table(contract="Made", key=["id"])}, {"t": made})


@pytest.mark.parametrize("path", ["contact.mail", "contact", "contact.mail.domain"])
def test_an_untagged_column_over_a_tagged_value_is_refused(path):
    assert "pii='keep'" in str(with_field(other=column("o", path=path)))
    assert with_field(other=column("o", path=path, pii="keep")) is None
    assert with_field(other=column("o", path=path, pii="drop")) is None
    assert with_field(other=column("o", path="contact.phone")) is None


def test_an_element_may_not_publish_what_its_record_tags_nor_the_other_way_round():
    class Leak(Contract):
        """Copies its record's mail."""

        id: int = column("k", path="_parent.id")
        mail: str = column("m", path="_parent.email")

    class Above(Contract):
        """Copies its first element's code."""

        id: int = column("k")
        code: str | None = column("c", path="items[0].code", default=None)

    assert "Root tags" in str(conflict(tables(root=Root, leaks=Leak), {"root": Root, "leaks": Leak}))
    assert "Item tags" in str(conflict(tables(above=Above, items=Item), {"above": Above, "items": Item}))
    assert conflict(tables(root=Root, items=Item), {"root": Root, "items": Item}) is None


def test_a_tagged_cursor_or_file_name_is_refused():
    table = Table(contract="Tagged", key=["id"], cursor="mail")
    assert "cursor" in str(conflict({"t": table}, {"t": Tagged}))
    assert "name of a file" in str(with_field(file=column("f", path="_file", pii="hash")))


def test_of_a_row_that_may_vanish_no_tagged_value_but_the_key_is_remembered():
    import orjson
    import pyarrow as pa

    class Soft(Contract):
        """A personal key under two names, a nested one, a required tag."""

        mail: str = column("k", pii="hash", path=["mail", "email"])
        place: int = column("k", path="at[1].n")
        phone: str = column("p", pii="drop")
        city: str = column("c")
        size: Literal["s", "l"] | None = column("s")
        grade: Annotated[int, Field(ge=3)] | None = column("g", default=None)

    record = {
        "email": SECRET,
        "at": [0, {"n": 7, "x": 1}],
        "phone": "hunter2",
        "city": "Delft",
        "size": None,
        "more": "hunter3",
    }
    rows = pa.table({"_payload": [orjson.dumps(record).decode()], "_hash": ["h"]})
    kept = {}
    for deletes in ("soft", "reconcile"):
        table = Table(contract="Soft", key=["mail", "place"], deletes=deletes)
        [row] = Remembered(table, Soft).of(rows).to_pylist()
        kept[deletes] = orjson.loads(row["_payload"])
    key = {"email": SECRET, "at": [None, {"n": 7}]}
    assert kept == {"soft": key | {"city": "Delft", "size": None}, "reconcile": key}
    values, reasons = ask_of_vanished(Soft, columns_of(Soft, stored=False), ["mail", "place"], kept["soft"])
    assert not reasons and values == {
        "mail": SECRET,
        "place": 7,
        "city": "Delft",
        "size": None,
        "grade": None,
    }
    values, reasons = ask_of_vanished(Soft, columns_of(Soft, stored=False), ["mail", "place"], kept["reconcile"])
    assert not reasons and values["mail"] == SECRET and values["city"] is None

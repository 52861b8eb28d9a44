"""Every rule a contract can state is Pydantic's, value for value, in JSON, in a CSV's cells and in native columns; or is refused."""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Literal, NewType
from uuid import UUID

import annotated_types as at
import pyarrow as pa
import pydantic as p
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ConfigDict, Field, create_model

from dlt_sources._steps.contracts.columns import columns_of
from dlt_sources._steps.contracts.contract import PAYLOAD, Contract, checked_only, column
from dlt_sources._steps.contracts.text import parse, text_of
from dlt_sources._steps.declared.source_yml import Table

from .judging import differences, judge

TABLE = Table(contract="Ruled", key=["id"])


class Letter(StrEnum):
    A, B = "a", "b"


class Number(IntEnum):
    ONE, TWO = 1, 2


class Plain(Enum):
    X, Y = "x", "y"


class Mixed(Enum):
    X, Y = "x", 1


Sku = NewType("Sku", str)


def _raise(value: Any) -> Any:
    if value == 1:
        raise KeyError("not a ValueError")
    return value


def even(value: int) -> bool:
    return value % 2 == 0


UTC_DAY = datetime(2020, 1, 1, tzinfo=UTC)
KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "str": (str, {}),
    "str max_length": (str, {"max_length": 3}),
    "str min_length": (str, {"min_length": 2}),
    "str pattern": (str, {"pattern": r"^[A-Z]{2}\d$"}),
    "str pattern, negated": (str, {"pattern": r"^\D+$"}),
    "str pattern, with flags": (str, {"pattern": r"(?i)^ab"}),
    "str pattern, word boundary": (str, {"pattern": r"\bé"}),
    "str pattern, repeated": (str, {"pattern": r"^(?:a{1,2}|1)+$"}),
    "str strip": (Annotated[str, p.StringConstraints(strip_whitespace=True, min_length=1)], {}),
    "str upper": (Annotated[str, p.StringConstraints(to_upper=True, max_length=3)], {}),
    "str lower, pattern": (Annotated[str, p.StringConstraints(to_lower=True, pattern="^[A-Z]+$")], {}),
    "constr": (p.constr(strip_whitespace=True, to_lower=True, max_length=4), {}),
    "str strict": (str, {"strict": True}),
    "str coerce numbers": (str, {"coerce_numbers_to_str": True}),
    "Annotated strict str, Len": (Annotated[str, p.Strict(), at.Len(1, 3)], {}),
    "int": (int, {}),
    "int bounds": (int, {"ge": -5, "lt": 5}),
    "int multiple_of": (int, {"multiple_of": 3}),
    "int negative multiple": (int, {"multiple_of": 7, "le": 0}),
    "conint": (p.conint(gt=0, multiple_of=5), {}),
    "int strict": (int, {"strict": True}),
    "StrictInt": (p.StrictInt, {}),
    "PositiveInt": (p.PositiveInt, {}),
    "Interval": (Annotated[int, at.Interval(ge=1, le=3)], {}),
    "Predicate": (Annotated[int, at.Predicate(even)], {}),
    "Not, Ge": (Annotated[int, at.Ge(1), at.Predicate(at.Not(even))], {}),
    "AfterValidator": (Annotated[int, p.AfterValidator(lambda v: v * 2)], {}),
    "AfterValidator, another type": (Annotated[int, p.AfterValidator(str)], {}),
    "AfterValidator, None": (Annotated[int, p.AfterValidator(lambda v: None)], {}),
    "AfterValidator, too wide": (Annotated[int, p.AfterValidator(lambda v: v * 2**62)], {}),
    "AfterValidator, too long": (Annotated[str, Field(max_length=3), p.AfterValidator(lambda v: v + "xx")], {}),
    "BeforeValidator": (Annotated[int, p.BeforeValidator(lambda v: 1 if v == "one" else v)], {}),
    "WrapValidator": (Annotated[int, p.WrapValidator(lambda v, inner: -1 if v is None else inner(v))], {}),
    "PlainValidator": (Annotated[str, p.PlainValidator(lambda v: str(v)[:4])], {"max_length": 4}),
    "validator that raises": (Annotated[int, p.AfterValidator(_raise)], {}),
    "validator inside optional": (Annotated[int, p.AfterValidator(lambda v: v + 1)] | None, {}),
    "float": (float, {}),
    "float bounds": (float, {"gt": 0, "le": 0.5}),
    "float multiple_of": (float, {"multiple_of": 0.5}),
    "float strict": (float, {"strict": True}),
    "float with infinity": (float, {"allow_inf_nan": True, "ge": 0}),
    "FiniteFloat, NonNegative": (Annotated[p.FiniteFloat, at.Ge(0)], {}),
    "Decimal": (Decimal, {"max_digits": 5, "decimal_places": 2}),
    "Decimal, all places": (Decimal, {"max_digits": 2, "decimal_places": 2}),
    "Decimal, wide": (Decimal, {"max_digits": 30, "decimal_places": 10}),
    "Decimal bounds": (Decimal, {"max_digits": 6, "decimal_places": 2, "gt": Decimal("0.1"), "le": 99}),
    "Decimal strict": (Decimal, {"max_digits": 5, "decimal_places": 2, "strict": True}),
    "Decimal multiple_of": (Decimal, {"max_digits": 5, "decimal_places": 2, "multiple_of": Decimal("0.05")}),
    "condecimal": (p.condecimal(ge=0, max_digits=4, decimal_places=1), {}),
    "bool": (bool, {}),
    "bool strict": (bool, {"strict": True}),
    "date": (date, {}),
    "date bounds": (date, {"ge": date(2020, 1, 2), "lt": date(2021, 1, 1)}),
    "date strict": (date, {"strict": True}),
    "PastDate": (p.PastDate, {}),
    "FutureDate": (p.FutureDate, {}),
    "datetime": (datetime, {}),
    "datetime bounds": (datetime, {"ge": datetime(2020, 1, 2)}),
    "datetime bounds with zone": (datetime, {"ge": UTC_DAY}),
    "datetime strict": (datetime, {"strict": True}),
    "AwareDatetime": (p.AwareDatetime, {}),
    "AwareDatetime bounds": (p.AwareDatetime, {"ge": UTC_DAY}),
    "NaiveDatetime": (p.NaiveDatetime, {}),
    "PastDatetime": (p.PastDatetime, {}),
    "date, epoch": (date, {"epoch": "s"}),
    "date, format": (date, {"format": "%Y%m%d"}),
    "date, formats and bounds": (date, {"format": ["%d/%m/%Y", "%Y-%m-%d"], "ge": date(2020, 1, 1)}),
    "date, format with a time": (date, {"format": "%Y-%m-%d %H:%M:%S"}),
    "datetime, epoch s": (datetime, {"epoch": "s"}),
    "datetime, epoch ms": (datetime, {"epoch": "ms"}),
    "datetime, epoch us, optional": (datetime | None, {"epoch": "us"}),
    "datetime, epoch and bounds": (datetime, {"epoch": "s", "ge": datetime(2000, 1, 1)}),
    "datetime, epoch, strict": (datetime, {"epoch": "s", "strict": True}),
    "datetime, formats": (datetime, {"format": ["%Y%m%d%H%M%S", "%Y%m%d", "%d.%m.%Y %H:%M"]}),
    "datetime, format with a month's name": (datetime, {"format": "%d %b %Y, %I:%M %p"}),
    "datetime, format with a zone": (datetime, {"format": "%Y-%m-%dT%H:%M:%S%z"}),
    "AwareDatetime, epoch": (p.AwareDatetime, {"epoch": "s"}),
    "AwareDatetime, epoch and bounds": (p.AwareDatetime, {"epoch": "ms", "ge": UTC_DAY}),
    "AwareDatetime, format": (p.AwareDatetime, {"format": "%Y%m%d"}),
    "NaiveDatetime, epoch": (p.NaiveDatetime, {"epoch": "s"}),
    "Literal of text": (Literal["a", "b", "1"], {}),
    "Literal of numbers": (Literal[1, 2], {}),
    "Literal of bool": (Literal[True], {}),
    "Literal with None": (Literal["a", None], {}),
    "StrEnum": (Letter, {}),
    "IntEnum": (Number, {}),
    "Enum": (Plain, {}),
    "Enum strict": (Plain, {"strict": True}),
    "Literal of Enum": (Literal[Letter.A], {}),
    "UUID": (UUID, {}),
    "UUID4": (p.UUID4, {}),
    "EmailStr": (p.EmailStr, {}),
    "HttpUrl": (p.HttpUrl, {}),
    "PostgresDsn": (p.PostgresDsn, {}),
    "IPv4Address": (IPv4Address, {}),
    "ByteSize": (p.ByteSize, {}),
    "Base64Str": (p.Base64Str, {}),
    "Json[int]": (p.Json[int], {}),
    "NewType": (Sku, {"max_length": 2}),
    "optional": (int | None, {"ge": 0}),
    "optional, default": (int | None, {"default": None, "ge": 0}),
    "default": (int, {"default": 7}),
    "default, text": (str, {"default": "x", "max_length": 3}),
    "default, not a right one": (int, {"default": 7, "le": 5}),
    "default, checked": (int, {"default": 7, "le": 5, "validate_default": True}),
    "default_factory": (int, {"default_factory": lambda: 3}),
    "union of one kind": (Literal["a"] | Letter, {}),
}
CONFIGS: dict[str, ConfigDict] = {
    "plain": ConfigDict(),
    "strict": ConfigDict(strict=True),
    "strip": ConfigDict(str_strip_whitespace=True),
    "upper": ConfigDict(str_to_upper=True),
    "lengths": ConfigDict(str_min_length=1, str_max_length=3),
    "numbers to text": ConfigDict(coerce_numbers_to_str=True),
    "Python's patterns": ConfigDict(regex_engine="python-re"),
    "forbid": ConfigDict(extra="forbid"),
    "allow": ConfigDict(extra="allow"),
    "by name": ConfigDict(populate_by_name=True),
    "infinity": ConfigDict(allow_inf_nan=True),
    "check defaults": ConfigDict(validate_default=True),
    "plain enums": ConfigDict(use_enum_values=True),
}
REFUSED: dict[str, tuple[Any, dict[str, Any]]] = {
    "Enum of several types": (Mixed, {}),
    "Literal of several types": (Literal["a", 1], {}),
    "union": (int | str, {}),
    "time": (time, {}),
    "timedelta": (timedelta, {}),
    "bytes": (bytes, {}),
    "dict": (dict[str, Any], {}),
    "list": (list[int], {}),
    "tuple": (tuple[int, int], {}),
    "set": (set[int], {}),
    "SecretStr": (p.SecretStr, {}),
    "model": (TABLE.__class__, {}),
    "Any": (Any, {}),
    "Path": (Path, {}),
    "complex": (complex, {}),
    "Decimal without digits": (Decimal, {"ge": 0}),
    "Decimal of 50 digits": (Decimal, {"max_digits": 50, "decimal_places": 2}),
}
TEXTS = [
    "",
    " ",
    "a",
    "b",
    "A",
    "x",
    "1",
    "-1",
    "0",
    "3",
    "15",
    "+1",
    "1_0",
    "007",
    "1.0",
    "1.5",
    "1.",
    ".5",
    "0.05",
    "9",
    "9.05",
    "123.45",
    "1e3",
    "1e400",
    "nan",
    "inf",
    "true",
    "True",
    "yes",
    "no",
    "ab",
    "AB1",
    "ABK",
    "AB\u0661",
    "AB1\n",
    " ab",
    "ab ",
    "ab\u00a0",
    "\u2003ab",
    "\u200bab",
    "straße",
    "ß",
    "éa",
    "\u017fab",
    "aBc",
    "abcd",
    "🎉🎉",
    "🎉🎉🎉🎉",
    "null",
    "one",
    "None",
    "2020-01-02",
    "2020-02-30",
    "0001-01-01",
    "9999-12-31",
    "2020-01-02T03:04:05",
    "2020-01-02 03:04:05.123456",
    "2020-01-02T03:04:05.1234567",
    "2020-01-02T03:04:05Z",
    "2020-01-02T03:04:05+02:00",
    "2020-01-02T03:04:05-13:59",
    "2020-01-02T03:04:05+14:00",
    "0001-01-01T00:00:00+01:00",
    "9999-12-31T23:59:59-01:00",
    "2020-01-02T24:00:00",
    "2020-01-02T03:04:60",
    "2020-01-02T03:04",
    "1580000000",
    "20200102",
    "20200230",
    "2020131",
    "20200102030405",
    "45322",
    "-86400",
    "1580000000123",
    "253402300799",
    "-62135596800",
    "1580000000.5",
    " 86400",
    "1.58E+09",
    "02/01/2020",
    "2/1/2020",
    "31/02/2020",
    "02.01.2020 03:04",
    "2 Jan 2020, 03:04 PM",
    "2020-01-02 03:04:05",
    "2020-01-02 00:00:00",
    "00010101",
    "00000101",
    "99991231",
    "2999-01-01",
    "2999-01-01T00:00:00Z",
    "ana@example.com",
    "Ana <ana@example.com>",
    "https://example.com",
    "HTTPS://EXAMPLE.com/A b",
    "postgres://u:p@h/db",
    "127.0.0.1",
    "1.2.3.4/8",
    "8f14e45f-ceea-467f-a0e6-000000000000",
    "8F14E45F-CEEA-467F-A0E6-000000000000",
    "8f14e45fceea467fa0e6000000000000",
    "c9bf9e57-1685-4c89-bafb-ff5af830be8a",
    "YQ==",
    "1 KB",
    "[1]",
    "{}",
    "a" * 70_000,
    "999999999999999999",
    "9223372036854775807",
    "9223372036854775808",
    "12345678901.1234567891",
    "99999999999999999999.5",
]
VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    2,
    3,
    5,
    7,
    15,
    -3,
    2**53,
    2**63 - 1,
    2**63,
    -(2**63) - 1,
    10**30,
    86400,
    20200102,
    20200102.0,
    45322,
    1580000000123,
    0.0,
    0.5,
    1.0,
    1.5,
    0.05,
    99.5,
    9.05,
    -0.25,
    1e15,
    1e22,
    1580000000.5,
    0.1 + 0.2,
    12345.678,
    [],
    [1],
    {},
    {"a": 1},
    "cut \ud83d",
    "a\x00b",
    *TEXTS,
]
NATIVE: dict[str, tuple[pa.DataType, list[Any]]] = {
    "text": (pa.string(), [None, *(text for text in TEXTS)]),
    "int": (
        pa.int64(),
        [
            None,
            0,
            1,
            2,
            3,
            5,
            -3,
            15,
            86400,
            20200102,
            1580000000123,
            253402214400,
            -62135510401,
            2**53 + 1,
            2**63 - 1,
            -(2**63),
        ],
    ),
    "small": (pa.int16(), [None, 0, 1, 2, 3, -3, 999]),
    "unsigned": (pa.uint64(), [None, 1, 2**64 - 1]),
    "double": (
        pa.float64(),
        [None, 0.0, -0.0, 0.5, 1.0, 1.5, 0.05, 9.05, 99.5, 1e15, 1e22, 0.1 + 0.2, float("nan"), float("inf")],
    ),
    "single": (pa.float32(), [None, 0.5, 1.0, 0.1]),
    "bool": (pa.bool_(), [None, True, False]),
    "decimal": (
        pa.decimal128(12, 4),
        [None, *(Decimal(n) for n in ("0", "0.5", "1", "0.05", "9", "9.05", "99.5", "12345.67", "0.0001", "-3"))],
    ),
    "narrow decimal": (pa.decimal128(4, 1), [None, Decimal("1"), Decimal("0.5"), Decimal("-1.5"), Decimal("999.9")]),
    "wide decimal": (pa.decimal128(38, 10), [None, Decimal("1"), Decimal("12345678901.1234567891"), Decimal(10) ** 27]),
    "timestamp": (
        pa.timestamp("us"),
        [None, datetime(2020, 1, 2, 3, 4, 5, 6), datetime(2020, 1, 1), datetime(1, 1, 1), datetime(9999, 12, 31, 23)],
    ),
    "timestamp with zone": (
        pa.timestamp("us", "UTC"),
        [None, datetime(2020, 1, 2, 3, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)],
    ),
    "date": (pa.date32(), [None, date(2020, 1, 2), date(1, 1, 1), date(9999, 12, 31), date(2999, 1, 1)]),
    "time": (pa.time64("us"), [None, time(1, 2)]),
    "binary": (pa.binary(), [None, b"a", b"\xff"]),
    "list": (pa.list_(pa.int64()), [None, [], [1]]),
    "struct": (pa.struct([("a", pa.int64())]), [None, {"a": 1}]),
    "nulls": (pa.null(), [None]),
}


def contract_of(annotation: Any, words: dict[str, Any], config: ConfigDict | None = None, **how: Any) -> type[Contract]:
    """A contract of a key and one field of the kind."""
    base = type("Base", (Contract,), {"model_config": config or ConfigDict(), "__module__": __name__})
    return create_model(
        "Ruled", __base__=base, id=(int, column("key")), value=(annotation, column("ruled", **words, **how))
    )


def compare(folder: Path, contract: type[Contract], landed: pa.Table, raws: list[Any]) -> str:
    """In a word, whether judge and Pydantic agree on the rows; how many Pydantic had to be asked about."""
    accepted, rejected, result = judge(folder, contract, landed, TABLE)
    wrong = differences(contract, raws, accepted, rejected)
    assert not wrong, "\n".join(wrong[:5])
    in_bulk = pa.parquet.read_metadata(result.accepted[0]).num_rows
    return f"equal ({len(accepted)} accepted, {in_bulk} of them in bulk)"


def json_rows(values: list[Any], put: Callable[[dict[str, Any], Any], None]) -> tuple[pa.Table, list[Any]]:
    """Landed JSON records, and what Pydantic would be asked of them; the last one lacks the value."""
    records: list[dict[str, Any]] = [{"id": number} for number in range(len(values) + 1)]
    for record, value in zip(records, values, strict=False):
        put(record, value)
    texts = [text_of(record) for record in records]
    return pa.table({PAYLOAD: texts}), [parse(text) for text in texts]


def in_columns(kind: pa.DataType, values: list[Any], ids: pa.DataType) -> tuple[pa.Table, list[Any]]:
    """Landed native columns, and the rows of them as Pydantic would be asked."""
    numbers = [str(n) if ids == pa.string() else n for n in range(len(values))]
    landed = pa.table({"id": pa.array(numbers, ids), "value": pa.array(values, kind)})
    return landed, landed.to_pylist()


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[list[tuple[str, str, str, str]]]:
    """The outcome per kind and format; printed when all are known."""
    lines: list[tuple[str, str, str, str]] = []
    yield lines
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(
            "\n"
            + "\n".join(
                f"{kind:<32}{js:<42}{cells:<42}{native}"
                for kind, js, cells, native in [("rule", "JSON", "CSV", "native columns"), *lines]
            )
        )


def _types_for(name: str) -> list[tuple[pa.DataType, list[Any]]]:
    """Some of the native types: others for the next kind, so that kinds that are much alike meet all of them together."""
    at, types = list(KINDS).index(name), list(NATIVE.values())
    return [types[(at * 6 + step) % len(types)] for step in range(6)]


@pytest.mark.few(8)
@pytest.mark.parametrize("name", KINDS)
def test_each_kind_of_rule_is_pydantics_in_every_format(
    tmp_path: Path, table: list[tuple[str, str, str, str]], name: str
) -> None:
    contract = contract_of(*KINDS[name])
    js = compare(tmp_path, contract, *json_rows(VALUES, lambda record, value: record.update(value=value)))
    cells = compare(tmp_path, contract, *in_columns(pa.string(), NATIVE["text"][1], pa.string()))
    types = _types_for(name)
    for kind, values in types:
        compare(tmp_path, contract, *in_columns(kind, values, pa.int64()))
    compare(tmp_path, contract, pa.table({"id": [1]}), [{"id": 1}])  # the column is not there
    table.append((name, js, cells, f"equal in {len(types)} types"))


@pytest.mark.slow
@pytest.mark.few(3)
@pytest.mark.parametrize("config", CONFIGS)
def test_a_contract_s_own_configuration_counts(tmp_path: Path, config: str) -> None:
    for name in (
        "str",
        "str pattern",
        "int",
        "float",
        "datetime",
        "Literal of text",
        "StrEnum",
        "default, not a right one",
        "Decimal",
    ):
        if config == "infinity" and name == "Decimal":
            continue  # Pydantic itself refuses it
        contract = contract_of(*KINDS[name], CONFIGS[config], path="other")
        compare(tmp_path, contract, *json_rows(VALUES, lambda record, value: record.update(other=value)))
        compare(tmp_path, contract, *json_rows(VALUES, lambda record, value: record.update(value=value)))
        contract = contract_of(*KINDS[name], CONFIGS[config])
        compare(tmp_path, contract, *in_columns(pa.string(), NATIVE["text"][1], pa.string()))
        compare(tmp_path, contract, *in_columns(*NATIVE["double"], pa.int64()))


@pytest.mark.parametrize("name", REFUSED)
def test_a_field_that_no_column_can_hold_is_refused_with_its_name_and_the_fix(
    table: list[tuple[str, str, str, str]], name: str
) -> None:
    annotation, words = REFUSED[name]
    with pytest.raises(TypeError, match=r"^Ruled\.value: .*(use|needs|choose|name its|at most)") as refused:
        columns_of(contract_of(annotation, words))
    if "Decimal" not in name:  # what is not stored may be of any type
        made = create_model(
            "Ruled", __base__=Contract, id=(int, column("key")), value=(annotation, checked_only("checked", **words))
        )
        assert [c.name for c in columns_of(made)] == ["id"]
    table.append((name, f"refused: {refused.value}", "", ""))


@pytest.mark.parametrize("name", [name for name in REFUSED if "Decimal" not in name])
def test_a_field_that_is_only_checked_may_be_of_any_type(tmp_path: Path, name: str) -> None:
    annotation, words = REFUSED[name]
    contract = create_model(
        "Ruled", __base__=Contract, id=(int, column("key")), value=(annotation, checked_only("checked", **words))
    )
    compare(tmp_path, contract, *json_rows(VALUES, lambda record, value: record.update(value=value)))


@pytest.mark.parametrize(
    "words",
    [
        {"pii": "hashed"},
        {"pi": "hash"},
        {"maxlength": 3},
        {"nullable": True},
        {"regex": "a"},
        {"min": 1},
        {"Path": "a"},
    ],
)
def test_words_that_column_does_not_know_are_refused(words: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=rf"^column: .*{next(iter(words))}"):
        column("text", **words)
    if "pii" not in words:
        with pytest.raises(TypeError, match=r"^checked_only: "):
            checked_only("text", **words)


def test_a_tag_inside_an_annotation_counts_and_a_typo_there_is_refused() -> None:
    tagged = create_model(
        "T", __base__=Contract, a=(Annotated[str, column("e-mail", pii="hash")] | None, column("e-mail"))
    )
    assert columns_of(tagged)[0].pii == "hash"
    for annotation in (Annotated[str, Field(maxlength=3)], Annotated[str, Field(maxlength=3)] | None):
        with (
            pytest.raises(TypeError, match=r"^T\.a: unknown keyword 'maxlength'"),
        ):
            columns_of(create_model("T", __base__=Contract, a=(annotation, column("text"))))
    with pytest.raises(TypeError, match=r"^T\.a: pii='drop', and its annotation says pii='hash'"):
        columns_of(
            create_model(
                "T", __base__=Contract, a=(Annotated[str, column("e", pii="hash")] | None, column("e", pii="drop"))
            )
        )


def test_a_comma_after_a_column_is_refused() -> None:
    class Comma(Contract):
        value: str = (column("text", max_length=3),)

    with pytest.raises(TypeError, match=r"^Comma\.value: .*comma"):
        columns_of(Comma)


class Whole(Contract):
    """Rules that concern a row as a whole."""

    id: int = column("key")
    value: int | None = column("number", default=None)


def whole_contracts() -> Iterator[type[Contract]]:
    class Before(Whole):
        @p.model_validator(mode="before")
        @classmethod
        def _shift(cls, row: Any) -> Any:
            return row | {"value": 1} if isinstance(row, dict) and row.get("value") == 0 else row

    class After(Whole):
        @p.model_validator(mode="after")
        def _check(self) -> "After":
            if self.value == 1:
                raise ValueError("not one")
            return self

    class Wrapped(Whole):
        @p.model_validator(mode="wrap")
        @classmethod
        def _wrap(cls, row: Any, handler: Any) -> Any:
            made = handler(row)
            return made.model_copy(update={"value": 5}) if made.value == 2 else made

    class Later(Whole):
        def model_post_init(self, context: Any) -> None:
            if self.value == 3:
                raise ValueError("not three")

    class Field_(Whole):
        @p.field_validator("value", mode="before")
        @classmethod
        def _text(cls, value: Any) -> Any:
            return None if value == "" else value

    class Serialised(Whole):
        @p.field_serializer("value")
        def _plus(self, value: int | None) -> int | None:
            return None if value is None or value > 2**40 else value + 1

    yield from (Whole, Before, After, Wrapped, Later, Field_, Serialised)


@pytest.mark.parametrize("contract", whole_contracts(), ids=lambda contract: contract.__name__)
def test_rules_about_whole_rows_are_asked_of_pydantic(tmp_path: Path, contract: type[Contract]) -> None:
    landed, raws = json_rows(VALUES, lambda record, value: record.update(value=value))
    odd = ["[]", '"x"', "1", "null", "{}", '{"id": 1, "cut": "\\ud83d"}']
    landed, raws = pa.table({PAYLOAD: [*landed[PAYLOAD].to_pylist(), *odd]}), [*raws, *map(parse, odd)]
    compare(tmp_path, contract, landed, raws)
    compare(tmp_path, contract, *in_columns(pa.string(), NATIVE["text"][1], pa.string()))
    compare(tmp_path, contract, *in_columns(*NATIVE["int"], pa.int64()))


@st.composite
def contracts(draw: st.DrawFn) -> tuple[type[Contract], dict[str, tuple[str, ...]]]:
    """A contract of several kinds of fields, and where each value is in a record."""
    fields: dict[str, Any] = {"id": (int, column("key"))}
    places: dict[str, tuple[str, ...]] = {}
    chosen_config = draw(st.sampled_from(["plain"] * 5 + sorted(set(CONFIGS) - {"forbid"})))
    kinds = [
        kind for kind in sorted(KINDS) if kind != "Not, Ge" and (chosen_config != "infinity" or "ecimal" not in kind)
    ]
    for number, kind in enumerate(draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4))):
        annotation, words = KINDS[kind]
        name, how = f"f{number}", dict(words)
        places[name] = draw(st.sampled_from([(name,), ("deep", name), ("a", "b", name)]))
        if draw(st.booleans()):
            annotation = annotation | None
            if draw(st.booleans()) and not any("default" in word for word in how):
                how["default"] = None
        if places[name] != (name,):
            how["path"] = [".".join(places[name]), f"other_{name}"]
        pii = draw(st.sampled_from([None, None, None, "keep"]))
        fields[name] = (annotation, column("drawn", pii=pii, **how))
    base = type("Base", (Contract,), {"model_config": CONFIGS[chosen_config], "__module__": __name__})
    return create_model("Ruled", __base__=base, **fields), places


def put(record: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for part in path[:-1]:
        if not isinstance(record.get(part), dict):
            record[part] = {}
        record = record[part]
    record[path[-1]] = value


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(made=contracts(), data=st.data())
def test_generated_contracts_judge_generated_records_as_pydantic_does(
    tmp_path: Path, made: Any, data: st.DataObject
) -> None:
    contract, places = made
    records = []
    for number in range(data.draw(st.integers(1, 12))):
        record: dict[str, Any] = {"id": number}
        for name, path in places.items():
            chosen = data.draw(st.integers(0, 12))
            if chosen == 0:
                continue
            where = (f"other_{name}",) if chosen == 1 else path[:-1] if chosen == 2 and len(path) > 1 else path
            put_at = data.draw(
                st.sampled_from(VALUES[:-12])
                | st.integers()
                | st.text(max_size=5)
                | st.floats(allow_nan=False, allow_infinity=False)
            )
            put(record, where, put_at)
        records.append(record)
    texts = [text_of(record) for record in records]
    compare(tmp_path / uuid.uuid4().hex, contract, pa.table({PAYLOAD: texts}), [parse(text) for text in texts])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(made=contracts(), data=st.data())
def test_generated_contracts_judge_generated_columns_as_pydantic_does(
    tmp_path: Path, made: Any, data: st.DataObject
) -> None:
    contract, places = made
    count, columns = data.draw(st.integers(1, 12)), {}
    cells = data.draw(st.booleans())
    for name, path in places.items():
        kind, values = NATIVE["text"] if cells else NATIVE[data.draw(st.sampled_from(sorted(NATIVE)))]
        named = data.draw(st.sampled_from([name, path[0], f"other_{name}"]))
        if data.draw(st.integers(0, 9)) and named not in ("deep", "a"):
            columns[named] = pa.array(
                data.draw(st.lists(st.sampled_from(values), min_size=count, max_size=count)), kind
            )
    ids = pa.array([str(n) for n in range(count)] if cells else list(range(count)))
    landed = pa.table({"id": ids, **columns})
    compare(tmp_path / uuid.uuid4().hex, contract, landed, landed.to_pylist())

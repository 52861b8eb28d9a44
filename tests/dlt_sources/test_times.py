"""A number is a time only where the contract says so, and then exactly the one that it says."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import pydantic as p
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError, create_model

from dlt_sources._steps.contracts.contract import Contract, column
from dlt_sources._steps.contracts.rules import rule_of

SHAPES: dict[str, Any] = {
    "datetime": datetime,
    "date": date,
    "optional": datetime | None,
    "either": date | datetime,
    "inside a list": list[date],
    "inside an optional list": list[datetime | None] | None,
    "aware": p.AwareDatetime,
    "naive": p.NaiveDatetime,
    "past": p.PastDatetime,
    "bounded": Annotated[date, p.Field(ge=date(1900, 1, 1))],
    "validated": Annotated[datetime, p.AfterValidator(lambda value: value)],
    "as a dict's values": dict[str, date],
}
NUMBERS = [
    "0",
    "-1",
    "+5",
    "20240131",
    "45322",
    "1580000000",
    "1580000000123",
    "1580000000.5",
    "1.",
    ".5",
    "45322.75",
    "7e5",
    "1e5",
    "00",
]


def contract_of(annotation: Any, **words: Any) -> type[Contract]:
    return create_model("Timed", __base__=Contract, at=(annotation, column("when", **words)))


def inside(shape: str, value: Any) -> Any:
    return [value] if "list" in shape else {"a": value} if "dict" in shape else value


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("made", [str, lambda n: n.encode(), float, Decimal, lambda n: int(float(n))])
def test_a_number_is_not_a_time_wherever_the_time_stands(shape: str, made: Any) -> None:
    contract = contract_of(SHAPES[shape])
    for number in NUMBERS:
        with pytest.raises(ValidationError) as refused:
            contract.model_validate({"at": inside(shape, made(number))})
        assert "time_from_number" in {error["type"] for error in refused.value.errors()}, number


@given(st.text("0123456789+-.eE_ T:,", max_size=14) | st.integers() | st.floats() | st.decimals() | st.booleans())
def test_only_what_is_written_as_a_date_is_read_as_a_time(value: Any) -> None:
    for kind in (date, datetime):
        try:
            contract_of(kind).model_validate({"at": value})
        except ValidationError:
            continue
        assert isinstance(value, str) and value[4] == value[7] == "-", value


def test_a_contract_inside_a_contract_and_one_made_from_another_have_the_rule_too() -> None:
    class Base(Contract):
        at: datetime = column("when", epoch="s")

    class Made(Base):
        other: date = column("day")

    class Outer(Contract):
        inner: Made = p.Field(exclude=True)

    assert rule_of(Made, "at").epoch == "s"
    good = {"at": 86400, "other": "2020-01-02"}
    assert Outer.model_validate({"inner": good}).inner.at == datetime(1970, 1, 2, tzinfo=UTC)
    with pytest.raises(ValidationError, match="not a time"):
        Outer.model_validate({"inner": good | {"other": 20200102}})


@given(
    moment=st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 30)),
    unit=st.sampled_from([("s", 1_000_000), ("ms", 1_000), ("us", 1)]),
    written=st.sampled_from([int, str, Decimal, lambda n: Decimal(n) + Decimal("0.0000001")]),
)
def test_a_number_with_an_epoch_is_the_moment_that_it_counts_to(moment: datetime, unit: Any, written: Any) -> None:
    name, size = unit
    number = (moment - datetime(1970, 1, 1)) // timedelta(microseconds=size)
    expected = (datetime(1970, 1, 1) + number * timedelta(microseconds=size)).replace(tzinfo=UTC)
    read = contract_of(datetime, epoch=name).model_validate({"at": written(number)}).at  # type: ignore[attr-defined]
    assert read == expected and read.tzinfo


@pytest.mark.parametrize(
    "value",
    [10**40, -(10**19), 1.0e20, Decimal("1e999999"), "9" * 30, float("inf"), float("nan"), Decimal("nan"), True],
)
def test_a_number_beyond_the_calendar_is_refused(value: Any) -> None:
    for unit in ("s", "ms", "us"):
        with pytest.raises(ValidationError):
            contract_of(datetime, epoch=unit).model_validate({"at": value})


FORMATS = [
    "%Y%m%d",
    "%d/%m/%Y",
    "%m/%d/%y",
    "%Y-%j",
    "%d %b %Y",
    "%B %d, %Y",
    "%Y%m%d%H%M%S",
    "%d.%m.%Y %H:%M",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%I:%M %p %d%m%Y",
    "%Y-%m-%d %H:%M%z",
]


@pytest.mark.parametrize("form", FORMATS)
@given(moment=st.datetimes(datetime(1969, 1, 1), datetime(2068, 12, 31)))
def test_what_is_written_in_a_format_is_read_back(form: str, moment: datetime) -> None:
    text = moment.replace(tzinfo=UTC).strftime(form)
    expected = datetime.strptime(text, form)
    assert contract_of(datetime, format=form).model_validate({"at": text}).at == expected  # type: ignore[attr-defined]
    if text.isdigit() and text[0] != "0":
        assert contract_of(datetime, format=[form]).model_validate({"at": int(text)}).at == expected  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%Y%m%d", "2024111"),  # 1 November or 11 January
        ("%Y%m%d", "20240230"),
        ("%Y%m%d", "240131"),
        ("%Y%m%d", "2024-01-31"),
        ("%Y%m%d", " 20240131"),
        ("%Y%m%d", "\u0662\u0660240131"),
        ("%Y%m%d", 20240131.5),
        ("%Y%m%d", 1580000000),
        ("%Y.%m%d", 2024.0131),
        ("%d/%m/%Y", "12/31/2024"),
        ("%d/%m/%Y", "31/12/2024 00:00"),
        ("%d %b %Y", "31  Dec 2024"),
    ],
)
def test_a_text_of_another_format_is_refused(form: str, text: Any) -> None:
    with pytest.raises(ValidationError):
        contract_of(date, format=form).model_validate({"at": text})


def test_the_first_format_that_matches_counts() -> None:
    contract = contract_of(date, format=["%d/%m/%Y", "%m/%d/%Y"])
    assert contract.model_validate({"at": "2/1/2024"}).at == date(2024, 1, 2)  # type: ignore[attr-defined]
    assert contract.model_validate({"at": "12/31/2024"}).at == date(2024, 12, 31)  # type: ignore[attr-defined]
    assert contract.model_validate({"at": date(2024, 1, 2)}).at == date(2024, 1, 2)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"epoch": "m"}, "not one of s, ms, us"),
        ({"epoch": "s", "format": "%Y%m%d"}, "choose one"),
        ({"format": "%H:%M"}, "year, month and day"),
        ({"format": "%Y-%m"}, "year, month and day"),
        ({"format": "%c"}, "has %c"),
        ({"format": "%d/%m/%Y %Z"}, "has %Z"),
        ({"format": "%Y-%m-%d %I:%M"}, "%p"),
        ({"format": ["%Y%m%d", "%Y%Y%m%d"]}, "twice"),
        ({"format": [3]}, "not a text"),
    ],
)
def test_words_that_say_no_time_are_refused(words: dict[str, Any], why: str) -> None:
    with pytest.raises(TypeError, match=f"^column: .*{why}"):
        column("when", **words)


@pytest.mark.parametrize("annotation", [int, str, Decimal | None, list[int]])
@pytest.mark.parametrize("words", [{"epoch": "s"}, {"format": "%Y%m%d"}])
def test_words_for_times_are_refused_on_other_types(annotation: Any, words: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"^at: `epoch` and `format` are for dates and datetimes"):
        contract_of(annotation, **words)

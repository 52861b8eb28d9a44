"""An amount is read right in every usual form, and refused in every other."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from dlt_sources.audiophile.contract import Headphone, Iem, count_drivers, count_stars, price_parts
from dlt_sources.contract import read_amount

BLANKS = [" ", "\u00a0", "\u2009", "\u202f", "\u2007", "\u2002"]
APOSTROPHES = ["'", "\u2019", "\u02bc", "`"]
GROUPS = ["", ",", ".", "_", *BLANKS, *APOSTROPHES]
AROUND = [
    "{}",
    "${}",
    "$ {}",
    "US${}",
    "USD {}",
    "{} USD",
    "{}$",
    "~{}",
    "{}*",
    "{}?",
    " {} ",
    "MSRP {}",
    "{} dollars",
    "Price: {}",
]
ABROAD = {
    "€{}": "EUR",
    "EUR {}": "EUR",
    "{} €": "EUR",
    "{}€": "EUR",
    "£{}": "GBP",
    "CHF {}": "CHF",
    "A${}": "AUD",
    "{} CAD": "CAD",
    "₩{}": "KRW",
}
REJECTED = [
    "1.2.3",
    "1,9000",
    "19,00,0",
    "0.999",
    "0,500",
    "012,345",
    "1,234.567",
    "1,234,56",
    "1.900.50",
    "1,900,50",
    "1 900 50",
    "12 34",
    "1,23,45",
    "600-700",
    "600 \u2013 700",
    "600/700",
    "600 to 700",
    "from 600",
    "under 600",
    "600 or 700",
    "-600",
    "\u2212600",
    "50% off 600",
    "10%",
    "50% off",
    "2 million",
    "2M",
    "1.9m",
    "1,299k",
    "5 dozen",
    "HD600",
    "HE-6",
    "V2: 600",
    "6XX",
    "600x",
    "x600",
    "600\u00b9",
    "\u00bd",
    "\uff11900",
    "\u0661\u0662",
    "1e3",
    "0x10",
    ".5",
    "$.50",
    "1..5",
    "1,,900",
    "1 ,900",
    "1, 900",
    "1900.123",
    "<600",
    ">600",
    "#600",
    "600 CAD EUR",
    "600=1200",
    "five 5 6",
    "1'900'00",
    "1_9_0",
    "600 & 700",
    "1\n900",
    "\u4e94\u767e5",
]


@settings(max_examples=500)
@given(
    whole=st.integers(0, 9_999_999),
    cents=st.none() | st.integers(0, 99),
    group=st.sampled_from(GROUPS),
    point=st.sampled_from([".", ","]),
    around=st.sampled_from([*AROUND, *ABROAD]),
)
def test_an_amount_is_read_in_every_usual_form(whole: int, cents: Any, group: str, point: str, around: str) -> None:
    if group == point and whole >= 1000 and cents is not None:
        return  # 1.900.50: nobody writes it
    text = f"{whole:,}".replace(",", group) + (f"{point}{cents:02}" if cents is not None else "")
    expected = Decimal(whole) + Decimal(cents or 0) / 100
    assert read_amount(around.format(text)) == (expected, ABROAD.get(around))


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1,23,456", 123456),
        ("1.9k", 1900),
        ("$2K", 2000),
        ("1'900.\u2013", 1900),
        ("1.900,-", 1900),
        ("1900,--", 1900),
        ("7.5", Decimal("7.5")),
        ("7,5", Decimal("7.5")),
        ("1.299", 1299),
        ("1.299.000", 1299000),
        ("1900.", 1900),
    ],
)
def test_forms_that_are_seldom(text: str, amount: Any) -> None:
    assert read_amount(text) == (amount, None)


@pytest.mark.parametrize("text", REJECTED)
def test_what_is_not_a_single_amount_is_refused(text: str) -> None:
    if "\n" not in text:  # lines are prices of their own
        with pytest.raises(ValidationError) as refused:
            Iem.model_validate(row(text))
        assert [error["loc"] for error in refused.value.errors()] == [("price",)]
        with pytest.raises(ValidationError) as refused:
            Headphone.model_validate(row("Discont.", text) | {"fit_cup": None})
        assert [error["loc"] for error in refused.value.errors()] == [("sort_price",)]
    with pytest.raises(ValueError):
        read_amount(text)


@given(st.text("0123456789.,' -kK$€+x/\u00a0", max_size=12))
def test_a_price_is_never_a_part_of_its_digits(text: str) -> None:
    try:
        found = read_amount(text)
    except ValueError:
        return
    said = "".join(character for character in text if character.isdigit())
    assert (found is None) == (said == "")
    if found:
        assert "".join(c for c in str(found[0]) if c.isdigit()).strip("0") == said.strip("0")


@pytest.mark.parametrize("text", ["", "?", "Discont.", "tba", "-", "n/a", "$"])
def test_without_digits_there_is_no_amount(text: str) -> None:
    assert read_amount(text) is None


def row(price: str, pricesort: str = "99999") -> dict[str, str]:
    return {
        "model": "A B",
        "rank": "S",
        "value_rating": "",
        "price": price,
        "pricesort": pricesort,
        "signature": "Neutral",
        "tone_grade": "S",
        "technical_grade": "S",
        "setup": "DD",
    }


def test_the_shapes_of_a_price_cell_keep_their_meaning_with_thousands() -> None:
    assert price_parts("$1,900 (V2)\n2,900 (Phi)", "1900")["price"] == 1900
    assert price_parts("2.100+975(SRM-353X)", "3,075") | {"note": ""} == {
        "price": 2100,
        "status": "listed",
        "note": "",
        "bundle": 3075,
        "sort_price": 3075,
        "disagrees": False,
    }
    assert price_parts("Discontinued\n1\u00a0500\n(Replaced by HD800)", "1500")["price"] == 1500
    assert price_parts("Replaced with HD600", "450")["price"] == 450
    assert price_parts("Discont.", "99,999")["price"] is None
    assert price_parts("\u20ac1.299", "99999")["note"] == "in EUR"


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("2EST 4BA 1DD", (1, 4, 2)),
        ("4 x BA + 1DD", (1, 4, 0)),
        ("BA x4", (0, 4, 0)),
        ("Dual DD", (2, 0, 0)),
        ("8/10BA", (0, 10, 0)),
        ("2BA?", (0, 2, 0)),
        ("EST DD", (1, 0, 1)),
        ("2DD/4BA", (2, 4, 0)),
        ("", (0, 0, 0)),
    ],
)
def test_drivers_are_counted(text: str, kinds: Any) -> None:
    found = count_drivers(text)
    assert (found["dynamic"], found["balanced_armature"], found["electrostatic"]) == kinds and found["other"] == 0


@pytest.mark.parametrize("text", ["1234BA", "BA 4", "4", "2x BA x3", "\uff14BA", "4.5BA", "1,000BA", "\u00bdDD"])
def test_a_number_that_counts_no_driver_rejects_its_row(text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Iem.model_validate(row("600") | {"setup": text})
    assert {error["loc"] for error in refused.value.errors()} & {("other_drivers",), ("balanced_armature_drivers",)}


@pytest.mark.parametrize(
    ("text", "stars"),
    [("", None), ("0", None), ("\u2605", 1), ("\u2605 \u2605", 2), ("\u2b50\ufe0f\u2b50\ufe0f", 2), ("3", 3)],
)
def test_stars_are_counted(text: str, stars: int | None) -> None:
    assert Iem.model_validate(row("600") | {"value_rating": text}).value_rating == stars


@pytest.mark.parametrize("text", ["4", "\u2605\u2605\u2605\u2605", "2 stars", "\u2605\u2606", "1/3", "1.5", "-1"])
def test_stars_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Iem.model_validate(row("600") | {"value_rating": text})
    assert count_stars(text) is not None

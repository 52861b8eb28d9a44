"""Numbers: JSON's, a database's, and those that texts write with points, commas and thousands."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from .._steps.contracts.text import Exact
from .guessed import ENOUGH, TEXT_NAME, Guess, guess_times
from .written_times import read_numbers

_WHOLE = re.compile(r"[+-]?(0|[1-9]\d{0,17})")
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,20})?([eE][+-]?\d{1,3})?")
_COMMA = re.compile(r"[+-]?(\d{1,3}([. \u00a0\u202f']\d{3})+|\d+)(,\d{1,8})?")
_DOTS = re.compile(r"[+-]?(0|[1-9]\d{0,2}(\.\d{3})*)")
_THOUSANDS = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d{1,8})?")
_MONEY = re.compile(
    r"(^|_)(price|amount|total|subtotal|cost|costs|fee|tax|vat|net|gross|revenue|sales|paid|balance|discount|msrp|salary|betrag|preis|summe|prix|montant)(_|$)|price|amount"
)
_COUNTED = re.compile(r"(^|_)(id|count|number|code|type|quantity|qty|flag|year|rank)(_|$)|count$|id$")
_VERSION = re.compile(r"version|release|build|firmware|(^|_)ip(_|$)")


def guess_numbers(values: Sequence[Any], name: str) -> Guess:
    """Of JSON's numbers, or of columns of numbers."""
    if all(isinstance(value, int) for value in values):
        if found := read_numbers(name, values):
            return guess_times(found)
        if _MONEY.search(name) and not _COUNTED.search(name) and max(map(abs, values)) < 10**12:
            return _fractions([Decimal(value) for value in values], name, money=True)
        return _whole(values)
    exact = [Decimal(value.text if isinstance(value, Exact) else str(value)) for value in values]
    whole = all(value == value.to_integral_value() for value in exact if value.is_finite())
    if whole and (_COUNTED.search(name) or all(isinstance(value, Decimal) for value in values)):
        return _whole([int(value) for value in exact if value.is_finite()])
    written = any(isinstance(value, Exact) for value in values)
    decimals = all(isinstance(value, Decimal) for value in values)
    return _fractions([value for value in exact if value.is_finite()], name, money=written, exact=decimals)


def _whole(values: Sequence[int]) -> Guess:
    if all(-(2**63) <= value < 2**63 for value in values):
        return Guess("int", int)
    return Guess(
        "Decimal", Decimal, {"max_digits": 38, "decimal_places": 0}, doubts=("its numbers are longer than a BIGINT",)
    )


def _fractions(values: Sequence[Decimal], name: str, *, money: bool, style: str = "", exact: bool = False) -> Guess:
    """Numbers with a fraction: money in exact digits, all else as float.

    Args:
        money: whether the digits are as the source wrote them, and no double's. exact: whether they are decimals there.
    """
    places = max((-int(value.as_tuple().exponent) for value in values), default=0)
    digits = max((value.adjusted() + 1 for value in values if value), default=1)
    if style or (exact and places <= 6) or (money and _MONEY.search(name) and places <= 6):
        places = max(places, 2)
        words = {"max_digits": min(max(12, digits + places + 2), 38), "decimal_places": places}
        return Guess("Decimal", Decimal, words, style)
    return Guess("float", float)


def _read_whole(texts: Sequence[str], name: str, cells: bool) -> Guess | None:
    numbers = [int(text) for text in texts]
    return guess_numbers(numbers, name) if cells and not TEXT_NAME.search(name) else None


def _read_number(texts: Sequence[str], name: str, cells: bool) -> Guess | None:
    if any(re.match(r"[+-]?0\d", text) for text in texts) or TEXT_NAME.search(name):
        return None
    numbers = [Decimal(text) for text in texts]
    if cells:
        made = _fractions(numbers, name, money=True)
        grouped = len(texts) >= ENOUGH and all(map(_DOTS.fullmatch, texts)) and any("." in text for text in texts)
        return (
            replace(made, doubts=("1.234 is read as 1.234: are three digits behind a point thousands?",))
            if grouped
            else made
        )
    if not all("." in text for text in texts) or _VERSION.search(name):
        return None
    made = _fractions(numbers, name, money=True)
    return replace(made, doubts=(*made.doubts, "a text that says a number: read as one"))


def _read_comma(texts: Sequence[str], name: str, cells: bool) -> Guess | None:
    if not any("," in text for text in texts) or not any(
        re.search(r",\d{1,2}$|,\d{4,}$|[.' ]\d{3},", text) for text in texts
    ):
        return None
    plain = [Decimal(re.sub(r"[. \u00a0\u202f']", "", text).replace(",", ".")) for text in texts]
    return _fractions(plain, name, money=True, style="comma")


def read_dots(texts: Sequence[str], commas: bool) -> Guess | None:
    """Whole numbers whose thousands are divided by points, where that is sure."""
    if not all(map(_DOTS.fullmatch, texts)) or not any(text.count(".") > (0 if commas else 1) for text in texts):
        return None
    return Guess("int", int, style="comma")


def _read_thousands(texts: Sequence[str], name: str, cells: bool) -> Guess | None:
    if not any("," in text for text in texts):
        return None
    made = _fractions([Decimal(text.replace(",", "")) for text in texts], name, money=True, style="thousands")
    sure = any("." in text for text in texts)
    return made if sure else replace(made, doubts=("1,234 is read as 1234: three digits behind a comma are thousands",))


def has_commas(texts: Sequence[str]) -> bool:
    """Whether cells are numbers with decimal commas, all of them."""
    return bool(texts) and all(map(_COMMA.fullmatch, texts)) and _read_comma(texts, "", cells=True) is not None


READERS: tuple[tuple[Callable[[str], Any], Callable[[Sequence[str], str, bool], Guess | None]], ...] = (
    (_WHOLE.fullmatch, _read_whole),
    (_NUMBER.fullmatch, _read_number),
    (_COMMA.fullmatch, _read_comma),
    (_THOUSANDS.fullmatch, _read_thousands),
)
"""Which texts may be numbers of a kind, and what such texts are; the first that says something counts."""

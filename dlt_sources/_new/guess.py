"""What a field is, by the values of a sample: its type and the words of its `column(...)`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from .._steps.text import Exact
from .leaves import Leaf
from .written_times import Written, read_numbers, read_texts

MOSTLY = 0.95
"""Share of the values that decides what a field is, where they are enough to tell."""
ENOUGH = 20
"""Values from which on a share, a length or a small number of different values says something."""
FEW = 12
"""Different texts at most that may be a list of all there are."""
_LENGTHS = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 65_535)
_WHOLE = re.compile(r"[+-]?(0|[1-9]\d{0,17})")
_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,20})?([eE][+-]?\d{1,3})?")
_COMMA = re.compile(r"[+-]?(\d{1,3}([. \u00a0\u202f']\d{3})+|\d+)(,\d{1,8})?")
_DOTS = re.compile(r"[+-]?(0|[1-9]\d{0,2}(\.\d{3})*)")
_THOUSANDS = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d{1,8})?")
_MONEY = re.compile(
    r"(^|_)(price|amount|total|subtotal|cost|costs|fee|tax|vat|net|gross|revenue|sales|paid|balance|discount|msrp|salary|betrag|preis|summe|prix|montant)(_|$)|price|amount"
)
_TEXT_NAME = re.compile(r"zip|postal|postcode|plz|phone|fax|iban|(^|_)(sku|isbn|ean|gtin)(_|$)|account_?n")
_COUNTED = re.compile(r"(^|_)(id|count|number|code|type|quantity|qty|flag|year|rank)(_|$)|count$|id$")
_CHOICE = re.compile(
    r"(^|_)(status|state|kind|type|category|currency|gender|sex|channel|level|priority|method|flag|class|segment|mode|phase|"
    r"grade|severity|role|plan|tier|territory|unit|outcome|result)(_|$)|status$"
)
"""Names of fields whose few values are a list that somebody keeps."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_VERSION = re.compile(r"version|release|build|firmware|(^|_)ip(_|$)")
_TRUTH = {"true", "false"}


_SQL_TYPES: tuple[tuple[str, type], ...] = (
    (r"(BIG|SMALL|TINY|MEDIUM)?INT", int),
    (r"DOUBLE|REAL|FLOAT|NUMERIC|DECIMAL|MONEY", float),
    (r"BOOL", bool),
    (r"DATE$", date),
    (r"TIMESTAMP|DATETIME", datetime),
)


@dataclass(frozen=True)
class Guess:
    """What a field is.

    Attributes:
        annotation: its type as contract.py writes it, without `| None`.
        words: the words of its `column(...)`.
        kind: its plain type.
        style: how its numbers are written, where Python does not read them so: `comma` or `thousands`.
        doubts: what the sample leaves open, in words.
    """

    annotation: str
    kind: type
    words: dict[str, Any] = field(default_factory=dict)
    style: str = ""
    doubts: tuple[str, ...] = ()


def guess(leaf: Leaf, name: str) -> Guess:
    """What a field of this name is; values that do not fit, where they are few, are said."""
    values = leaf.there
    if leaf.declared and (made := _by_type(leaf)):
        return made
    if leaf.cells or re.match(r"NUMERIC|DECIMAL|MONEY", leaf.declared):
        texts = [str(value) for value in values]
        return _read_dots(texts, leaf.commas) or _of_texts(texts, name, cells=True)
    kinds = Counter(map(_kind, values))
    main, count = kinds.most_common(1)[0]
    numbers = kinds[int] + kinds[float] + kinds[Decimal]
    if numbers and _TEXT_NAME.search(name) and set(kinds) <= {str, int}:
        made = _text([str(value) for value in values], name)
        return replace(made, words={**made.words, "coerce_numbers_to_str": True})
    if numbers and numbers > len(values) * MOSTLY:
        fitting = [value for value in values if _kind(value) in (int, float, Decimal)]
        return _less(_of_numbers(fitting, name), values, fitting)
    if set(kinds) <= {str, int, float, Decimal} and len(kinds) > 1 and not _mostly(count, len(values)):
        made = _text([str(value) for value in values], name)
        doubt = "it comes as a number and as a text: kept as text"
        return replace(made, words={**made.words, "coerce_numbers_to_str": True}, doubts=(*made.doubts, doubt))
    fitting = [value for value in values if _kind(value) is main]
    return _less(_BY_KIND.get(main, _other)(fitting, name), values, fitting)


def _by_type(leaf: Leaf) -> Guess | None:
    """What a database's own type says: the digits of a number, the length of a text, and all of a column without a value."""
    digits = [int(number) for number in re.findall(r"\d+", leaf.declared)]
    if re.match(r"(NUMERIC|DECIMAL)\(", leaf.declared) and digits[0] <= 38 and sum(digits[1:]) <= 6:
        whole = len(digits) == 1 or digits[1] == 0
        if whole and digits[0] <= 18:
            return Guess("int", int)
        return Guess("Decimal", Decimal, {"max_digits": digits[0], "decimal_places": digits[1] if digits[1:] else 0})
    if re.match(r"(N?VARCHAR|N?CHAR|CHARACTER)[^(]*\(", leaf.declared) and all(
        isinstance(value, str) for value in leaf.there
    ):
        return Guess("str", str, {"max_length": digits[0]})
    if leaf.there:
        return None
    for pattern, kind in _SQL_TYPES:
        if re.match(pattern, leaf.declared):
            return Guess(kind.__name__, kind)
    return Guess("str", str, {"max_length": 200}, doubts=("it has no value in the sample: kept as text",))


def beside_commas(leaves: Iterable[Leaf]) -> list[Leaf]:
    """The leaves of one table, told whether its cells have decimal commas: then 1.234 is a thousand and more."""
    every = list(leaves)
    cells = ([text for text in map(str, leaf.there) if text] for leaf in every if leaf.cells)
    commas = any(
        texts and all(map(_COMMA.fullmatch, texts)) and _read_comma(texts, "", cells=True) is not None
        for texts in cells
    )
    return [replace(leaf, commas=commas) for leaf in every]


def loosen(leaf: Leaf) -> Guess:
    """A field as text: what the judge takes whatever the values are."""
    longest = max((len(str(value)) for value in leaf.there), default=1)
    words = {"max_length": _room(longest), "coerce_numbers_to_str": True}
    return Guess("str", str, words, doubts=("its values are of several kinds: kept as text",))


def _kind(value: Any) -> type:
    for kind in (bool, int, Decimal, datetime, date, str, float):
        if isinstance(value, kind):
            return kind
    return type(value)


def _mostly(count: int, of: int) -> bool:
    return of >= ENOUGH and count >= of * MOSTLY


def _less(made: Guess, values: Sequence[Any], fitting: Sequence[Any]) -> Guess:
    """The guess, with a word about the values that do not fit."""
    others = len(values) - len(fitting)
    said = f"{others} of {len(values)} values are not {made.annotation}: such rows are rejected"
    return replace(made, doubts=(*made.doubts, said)) if others else made


def _of_truth(values: Sequence[Any], name: str) -> Guess:
    return Guess("bool", bool)


def _of_moments(values: Sequence[Any], name: str) -> Guess:
    return Guess("datetime", datetime)


def _of_days(values: Sequence[Any], name: str) -> Guess:
    return Guess("date", date)


def _of_plain_texts(values: Sequence[Any], name: str) -> Guess:
    return _of_texts(values, name, cells=False)


def _other(values: Sequence[Any], name: str) -> Guess:
    longest = max(len(str(value)) for value in values)
    doubt = f"its values are {type(values[0]).__name__}: kept as text"
    return Guess("str", str, {"max_length": _room(longest)}, doubts=(doubt,))


_BY_KIND: dict[type, Callable[[Sequence[Any], str], Guess]] = {
    bool: _of_truth,
    datetime: _of_moments,
    date: _of_days,
    str: _of_plain_texts,
}


def _of_numbers(values: Sequence[Any], name: str) -> Guess:
    """Of JSON's numbers, or of columns of numbers."""
    if all(isinstance(value, int) for value in values):
        if found := read_numbers(name, values):
            return _times(found)
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


def _of_texts(texts: Sequence[str], name: str, *, cells: bool) -> Guess:
    """Of texts that may say numbers and times; `cells` have no other way to say them."""
    for reads, make in _READERS:
        fitting = [text for text in texts if reads(text)]
        if not fitting or (len(fitting) < len(texts) and not (cells and _mostly(len(fitting), len(texts)))):
            continue
        if made := make(fitting, name, cells):
            return _less(made, texts, fitting)
    if found := read_texts(texts):
        return _times(found)
    if all(_UUID.fullmatch(text) for text in texts):
        return Guess("str", str, {"max_length": 36})
    return _text(texts, name)


def _read_whole(texts: Sequence[str], name: str, cells: bool) -> Guess | None:
    numbers = [int(text) for text in texts]
    return _of_numbers(numbers, name) if cells and not _TEXT_NAME.search(name) else None


def _read_number(texts: Sequence[str], name: str, cells: bool) -> Guess | None:
    if any(re.match(r"[+-]?0\d", text) for text in texts) or _TEXT_NAME.search(name):
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


def _read_dots(texts: Sequence[str], commas: bool) -> Guess | None:
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


def _read_truth(texts: Sequence[str], name: str, cells: bool) -> Guess | None:
    return Guess("bool", bool) if cells else None


_READERS: tuple[tuple[Callable[[str], Any], Callable[[Sequence[str], str, bool], Guess | None]], ...] = (
    (_WHOLE.fullmatch, _read_whole),
    (_NUMBER.fullmatch, _read_number),
    (_COMMA.fullmatch, _read_comma),
    (_THOUSANDS.fullmatch, _read_thousands),
    (lambda text: text.lower() in _TRUTH, _read_truth),
)


def _times(found: Written) -> Guess:
    words: dict[str, Any] = {}
    if found.formats:
        words["format"] = found.formats[0] if len(found.formats) == 1 else list(found.formats)
    if found.epoch:
        words["epoch"] = found.epoch
    return Guess(found.kind, date if found.kind == "date" else datetime, words, doubts=found.doubts)


def _text(texts: Sequence[str], name: str) -> Guess:
    """Of texts that say neither numbers nor times: a small list of values, or any text of a length."""
    counted = Counter(texts)
    longest = max((len(text) for text in texts), default=1)
    repeats = len(texts) >= ENOUGH and len(counted) * 4 <= len(texts) and longest <= 30 and "" not in counted
    if repeats and _CHOICE.search(name) and (2 if "currency" not in name else 1) <= len(counted) <= FEW:
        return Guess(f"Literal[{', '.join(map(_quoted, sorted(counted)))}]", str)
    alike = len({len(text) for text in texts}) == 1 and len(counted) >= 2 and len(texts) >= ENOUGH
    if alike and all(re.fullmatch(r"[\w-]+", text) for text in texts):
        return Guess("str", str, {"max_length": longest})
    return Guess("str", str, {"max_length": max(_room(longest), 50 if len(texts) >= 100 else 100)})


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if text.isprintable() else repr(text)


def _room(longest: int) -> int:
    """Characters for texts of which the longest one seen has so many."""
    return next((length for length in _LENGTHS if length >= longest * 2), _LENGTHS[-1])

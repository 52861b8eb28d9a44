"""What a field is, by the values of a sample: its type and the words of its `column(...)`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from .guess_numbers import READERS, guess_numbers, has_commas, read_dots
from .guessed import ENOUGH, MOSTLY, TEXT_NAME, Guess, guess_times
from .leaves import Leaf
from .written_times import read_texts

FEW = 12
"""Different texts at most that may be a list of all there are."""
_LENGTHS = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 65_535)
_CHOICE = re.compile(
    r"(^|_)(status|state|kind|type|category|currency|gender|sex|channel|level|priority|method|flag|class|segment|mode|phase|"
    r"grade|severity|role|plan|tier|territory|unit|outcome|result)(_|$)|status$"
)
"""Names of fields whose few values are a list that somebody keeps."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
_TRUTH = {"true", "false"}


_SQL_TYPES: tuple[tuple[str, type], ...] = (
    (r"(BIG|SMALL|TINY|MEDIUM)?INT", int),
    (r"DOUBLE|REAL|FLOAT|NUMERIC|DECIMAL|MONEY", float),
    (r"BOOL", bool),
    (r"DATE$", date),
    (r"TIMESTAMP|DATETIME", datetime),
)


def guess(leaf: Leaf, name: str) -> Guess:
    """What a field of this name is; values that do not fit, where they are few, are said."""
    values = leaf.there
    if leaf.declared and (made := _by_type(leaf)):
        return made
    if leaf.cells or re.match(r"NUMERIC|DECIMAL|MONEY", leaf.declared):
        texts = [str(value) for value in values]
        return read_dots(texts, leaf.commas) or _of_texts(texts, name, cells=True)
    kinds = Counter(map(_kind, values))
    main, count = kinds.most_common(1)[0]
    numbers = kinds[int] + kinds[float] + kinds[Decimal]
    if numbers and TEXT_NAME.search(name) and set(kinds) <= {str, int}:
        made = _text([str(value) for value in values], name)
        return replace(made, words={**made.words, "coerce_numbers_to_str": True})
    if numbers and numbers > len(values) * MOSTLY:
        fitting = [value for value in values if _kind(value) in (int, float, Decimal)]
        return _less(guess_numbers(fitting, name), values, fitting)
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
    commas = any(map(has_commas, cells))
    return [replace(leaf, commas=commas) for leaf in every]


def loosen(leaf: Leaf) -> Guess:
    """A field as text: what the judge takes whatever the values are."""
    longest = max((len(str(value)) for value in leaf.there), default=1)
    words = {"max_length": _room(longest), "coerce_numbers_to_str": True}
    style = "truth" if any(isinstance(value, bool) for value in leaf.there) else ""
    return Guess("str", str, words, style, doubts=("its values are of several kinds: kept as text",))


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


def _of_texts(texts: Sequence[str], name: str, *, cells: bool) -> Guess:
    """Of texts that may say numbers and times; `cells` have no other way to say them."""
    for reads, make in _READERS:
        fitting = [text for text in texts if reads(text)]
        if not fitting or (len(fitting) < len(texts) and not (cells and _mostly(len(fitting), len(texts)))):
            continue
        if made := make(fitting, name, cells):
            return _less(made, texts, fitting)
    if found := read_texts(texts):
        return guess_times(found)
    if all(_UUID.fullmatch(text) for text in texts):
        return Guess("str", str, {"max_length": 36})
    return _text(texts, name)


def _read_truth(texts: Sequence[str], name: str, cells: bool) -> Guess | None:
    return Guess("bool", bool) if cells else None


_READERS: tuple[tuple[Callable[[str], Any], Callable[[Sequence[str], str, bool], Guess | None]], ...] = (
    *READERS,
    (lambda text: text.lower() in _TRUTH, _read_truth),
)


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

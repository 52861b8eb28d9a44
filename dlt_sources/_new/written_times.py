"""How dates and times are written: the formats that read every text of a sample, with the contract layer's own reader."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from pydantic_core import PydanticCustomError

from .._steps.contracts.times import TimeReader

MOST_FORMATS = 4
_DAYS = (
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d.%m.%y",
    "%m/%d/%y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d-%b-%Y",
    "%a, %d %b %Y",
)
_TIMES = (
    " %H:%M:%S",
    " %H:%M",
    "T%H:%M:%S",
    " %I:%M:%S %p",
    " %I:%M %p",
    " %H:%M:%S.%f",
    " %H:%M:%S %z",
    "T%H:%M:%S%z",
    "T%H:%M:%SZ",
)
_ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?\s?(Z|[+-]\d\d(:?\d\d)?)?)?", re.I)
_OF_TIME = re.compile(
    r"(^|_)(at|on|time|date|day|timestamp|ts|created|updated|modified|since|until|epoch|when|dt)(_|$)"
)
_SECONDS, _MILLISECONDS = (631_152_000, 4_102_444_800), (631_152_000_000, 4_102_444_800_000)
"""From 1990 to 2100."""


@dataclass(frozen=True)
class Written:
    """How a field's times are written.

    Attributes:
        formats: none: as ISO 8601. doubts: what the sample leaves open.
    """

    kind: Literal["date", "datetime"]
    formats: tuple[str, ...] = ()
    epoch: str | None = None
    doubts: tuple[str, ...] = ()


def read_texts(texts: Sequence[str]) -> Written | None:
    """How texts are written that are all times; None: they are not."""
    if all(_ISO.fullmatch(text) for text in texts):
        try:
            for text in texts:
                datetime.fromisoformat(text.replace(",", "."))
        except ValueError:
            return None
        return Written("date" if all(_ISO_DAY.fullmatch(text) for text in texts) else "datetime")
    if not all(re.search(r"\d", text) and len(text) <= 40 for text in texts):
        return None
    for kind, formats in (("date", _DAYS), ("datetime", tuple(day + time for day in _DAYS for time in ("", *_TIMES)))):
        if chosen := _cover(texts, kind, formats):
            return Written(kind, chosen, doubts=tuple(_doubts(texts, kind, chosen)))  # type: ignore[arg-type]
    return None


def read_numbers(name: str, numbers: Sequence[int]) -> Written | None:
    """How whole numbers say times: as digits of a day, or counted from 1970; None: they do not, or nothing says that they do."""
    if not _OF_TIME.search(name):
        return None
    if all(19_000_101 <= number <= 21_001_231 for number in numbers) and _cover(
        list(map(str, numbers)), "date", ("%Y%m%d",)
    ):
        return Written("date", ("%Y%m%d",))
    for epoch, (low, high) in (("s", _SECONDS), ("ms", _MILLISECONDS)):
        if all(low <= number <= high for number in numbers):
            return Written("datetime", epoch=epoch, doubts=(f"its numbers are read as counted from 1970 in {epoch}",))
    return None


def _cover(texts: Sequence[str], kind: str, formats: Sequence[str]) -> tuple[str, ...]:
    """As few formats as possible that together read every text; none: there are no such."""
    if not any(_reads(form, kind, texts[0]) for form in formats):  # most texts are not times
        return ()
    left = set(texts)
    chosen: list[str] = []
    while left and len(chosen) < MOST_FORMATS:
        read = {form: {text for text in left if _reads(form, kind, text)} for form in formats}
        best = max(formats, key=lambda form: len(read[form]))
        if not read[best]:
            return ()
        chosen.append(best)
        left -= read[best]
    return () if left else tuple(chosen)


def _reads(form: str, kind: str, text: str) -> bool:
    try:
        value: Any = TimeReader(kind, formats=(form,))(text)
    except PydanticCustomError:
        return False
    return isinstance(value, datetime) if kind == "datetime" else type(value) is date


def _doubts(texts: Sequence[str], kind: str, chosen: tuple[str, ...]) -> list[str]:
    """Texts that another order of day and month would read as well."""
    doubts = []
    for form in chosen:
        swapped = form.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")
        mine = [text for text in texts if _reads(form, kind, text)]
        if (
            swapped != form
            and "%m" in form
            and not form.startswith("%Y")
            and all(_reads(swapped, kind, text) for text in mine)
        ):
            doubts.append(f"day and month cannot be told apart: {form} is a guess, {swapped} reads every value, too")
    if len(chosen) > 1:
        doubts.append(f"{len(chosen)} formats of time in one field; the first that fits counts")
    return doubts

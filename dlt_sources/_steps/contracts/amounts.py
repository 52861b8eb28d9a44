"""Amounts as people write them: read right, or not at all.

Thousands may be divided by commas, points, blanks of any kind, apostrophes or underscores; decimals, one or two, follow a
point or a comma. Three digits after the only divider are thousands: prices have cents, not mills, so 1.299 is 1299.
"""

from __future__ import annotations

import re
from decimal import Decimal

DOLLARS = {"$", "us$", "usd", "dollar", "dollars"}
_FOREIGN = {
    "€": "EUR",
    "eur": "EUR",
    "euro": "EUR",
    "euros": "EUR",
    "£": "GBP",
    "gbp": "GBP",
    "¥": "JPY or CNY",
    "￥": "JPY or CNY",
    "jpy": "JPY",
    "yen": "JPY",
    "円": "JPY",
    "cny": "CNY",
    "rmb": "CNY",
    "元": "CNY",
    "chf": "CHF",
    "fr": "CHF",
    "sfr": "CHF",
    "cad": "CAD",
    "ca$": "CAD",
    "c$": "CAD",
    "aud": "AUD",
    "au$": "AUD",
    "a$": "AUD",
    "nz$": "NZD",
    "nzd": "NZD",
    "sgd": "SGD",
    "s$": "SGD",
    "hkd": "HKD",
    "hk$": "HKD",
    "nt$": "TWD",
    "twd": "TWD",
    "krw": "KRW",
    "₩": "KRW",
    "inr": "INR",
    "₹": "INR",
    "rs": "INR",
    "sek": "SEK",
    "nok": "NOK",
    "dkk": "DKK",
    "kr": "a crown",
    "pln": "PLN",
    "zł": "PLN",
    "rub": "RUB",
    "₽": "RUB",
    "brl": "BRL",
    "r$": "BRL",
    "mxn": "MXN",
    "thb": "THB",
    "฿": "THB",
    "try": "TRY",
    "₺": "TRY",
    "zar": "ZAR",
    "ils": "ILS",
    "₪": "ILS",
    "czk": "CZK",
    "kč": "CZK",
    "huf": "HUF",
    "ft": "HUF",
}
_MULTIPLES = {
    "k",
    "m",
    "mm",
    "mn",
    "b",
    "bn",
    "t",
    "g",
    "hundred",
    "thousand",
    "thousands",
    "tsd",
    "tausend",
    "mil",
    "mille",
    "mio",
    "million",
    "millions",
    "milliard",
    "billion",
    "lakh",
    "lakhs",
    "lac",
    "crore",
    "cr",
    "grand",
    "dozen",
    "half",
    "to",
    "or",
    "and",
    "bis",
    "plus",
    "minus",
    "off",
    "less",
    "percent",
    "x",
    "times",
    "under",
    "over",
    "below",
    "above",
    "cents",
    "cent",
    "from",
    "until",
    "between",
}
"""Words beside a number that make it another one, or none."""
_BLANKS = " \t\u00a0\u2000-\u200a\u202f\u205f\u3000"
_APOSTROPHES = "'\u2019\u02bc\u2018\u00b4`\uff07"
_RUN = re.compile(rf"[0-9](?:[0-9.,_{_BLANKS}{_APOSTROPHES}]*[0-9])?")
_WHOLE = re.compile("(?:[.,][-\u2013\u2014]{1,2}|[.,](?![0-9]))")
_WORD = re.compile(r"[^\W\d_]*[$€£¥￥₩₹₽฿₺₪]|[^\W\d_]+")
_HARMLESS = re.compile(rf"[{_BLANKS}~\u2248*\u2020\u2021?!.:;\"]*")
_PLAIN = re.compile(r"(\d+)(?:[.,](\d{1,2}))?", re.ASCII)
_GROUPED = re.compile(
    rf"([1-9]\d{{0,2}})(?:(?P<by>[.,_]|[{_APOSTROPHES}]|[{_BLANKS}])\d{{3}})(?:(?P=by)\d{{3}})*(?:[.,](?P<part>\d{{1,2}}))?",
    re.ASCII,
)
_INDIAN = re.compile(r"[1-9]\d?(?:,\d\d)+,\d{3}(?:\.(?P<part>\d{1,2}))?", re.ASCII)


def read_amount(text: str) -> tuple[Decimal, str | None] | None:
    """The one amount that a text says, and its currency where that is not the dollar; None: it has no digit.

    Raises:
        ValueError: it has digits, and says no single amount in a usual form.
    """
    if not any(character.isnumeric() for character in text):
        return None
    found = list(_RUN.finditer(text))
    if len(found) != 1:
        raise ValueError("not one amount")
    before, after = text[: found[0].start()], text[found[0].end() :]
    if whole := _WHOLE.match(after):
        after = after[whole.end() :]
    words = [word.lower() for word in (*_WORD.findall(before), *_WORD.findall(after))]
    glued = [side.lower() for side in (_last_word(before), _first_word(after)) if side]
    kilo = bool(glued) and glued[-1] == "k" and _first_word(after).lower() == "k"
    if kilo:
        words.remove("k")
        glued.remove("k")
    rest = _WORD.sub("", before), _WORD.sub("", after)
    if not all(_HARMLESS.fullmatch(part) for part in rest) or set(words) & _MULTIPLES:
        raise ValueError("what stands beside the amount may change it")
    if before.endswith((".", ",")) or any(
        word not in _FOREIGN and word not in DOLLARS and not word.startswith("discont") for word in glued
    ):
        raise ValueError("the digits are part of something else")
    currencies = {_FOREIGN[word] for word in words if word in _FOREIGN}
    if len(currencies) > 1:
        raise ValueError("more than one currency")
    amount = _number(found[0][0], kilo)
    return amount, next(iter(currencies), None)


def _number(text: str, kilo: bool) -> Decimal:
    """A number in one of the usual forms.

    Raises:
        ValueError: it is in none of them.
    """
    if kilo:
        if not (plain := _PLAIN.fullmatch(text)):
            raise ValueError("no usual form of a number")
        return Decimal(f"{plain[1]}.{plain[2] or 0}") * 1000
    if plain := _PLAIN.fullmatch(text):
        return Decimal(f"{plain[1]}.{plain[2]}" if plain[2] else plain[1])
    grouped = _GROUPED.fullmatch(text) or _INDIAN.fullmatch(text)
    if grouped is None or (grouped["part"] and text[-len(grouped["part"]) - 1] == grouped.groupdict().get("by")):
        raise ValueError("no usual form of a number")
    digits = re.sub("[^0-9]", "", text)
    part = grouped["part"] or ""
    return Decimal(f"{digits[: len(digits) - len(part)]}.{part}" if part else digits)


def _last_word(text: str) -> str:
    """The word that a text ends with, without a blank after it."""
    words = list(_WORD.finditer(text))
    return words[-1][0] if words and words[-1].end() == len(text) else ""


def _first_word(text: str) -> str:
    found = _WORD.match(text)
    return found[0] if found else ""

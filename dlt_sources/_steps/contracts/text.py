"""Raw records as JSON text and back, for any record an API may send."""

from __future__ import annotations

import json
import math
import re
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from numbers import Rational, Real
from typing import Any

import msgspec
import orjson

_ROUNDED = re.compile(r"\d[.eE]\d|\d[eE][+-]|\d{16}|NaN|Infinity|\\u[dD][89a-fA-F]")
"""What a text holds whose numbers orjson would round, or which it does not read; also texts that only look so."""


class Exact(float):
    """A number of a JSON text: a float to whoever computes with it, and to the letter where it is read as text.

    Pydantic makes a Decimal, or with coerce_numbers_to_str a text, from what `str` says of a float; everything else
    sees the float that any other JSON parser gives.
    """

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Exact:
        """The number of a JSON token."""
        made = super().__new__(cls, text)
        made.text = text
        return made

    def __str__(self) -> str:
        return self.text

    def whole(self) -> int | Exact:
        """The number as an exact int, such as that of ``1e2``; itself where it has a fraction, however small."""
        exact = Decimal(self.text)
        number = int(exact)
        return number if number == exact else self


def text_of(record: Any) -> str:
    """A record as JSON text that UTF-8 can hold; one that came as text stays to the letter."""
    if isinstance(record, msgspec.Raw):
        return bytes(record).decode()
    try:
        text = orjson.dumps(record, default=_plain)
        if b"null" in text:  # orjson writes NaN and infinity as if nothing had been there
            text = orjson.dumps(_spelled(record), default=_plain)
        return text.decode()
    except TypeError:  # half a surrogate pair or a number beyond 64 bits: Python's own encoder escapes it
        return json.dumps(record, default=str)


def parse(text: str) -> Any:
    """The record of a JSON text. No digit of a number is lost (`Exact`); of a key that is repeated the last one counts."""
    if not _ROUNDED.search(text):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass
    return json.loads(text, parse_float=Exact)


def _plain(value: Any) -> Any:
    """A value that orjson does not know: another library's float as a number, all else as text."""
    if type(value) is Decimal:  # what a database's rows hold most; the questions below cost more than the answer
        return str(value)
    if isinstance(value, Exact):
        return orjson.Fragment(value.text)
    if isinstance(value, Real) and not isinstance(value, Rational):
        return orjson.Fragment(str(value) if math.isfinite(value) else json.dumps(float(value)))
    return str(value)


def _spelled(value: Any) -> Any:
    """A record in which ``NaN``, ``Infinity`` and ``-Infinity`` are written out, as Python's own encoder does."""
    if isinstance(value, float):
        return value if math.isfinite(value) or isinstance(value, Exact) else orjson.Fragment(json.dumps(float(value)))
    if isinstance(value, dict):
        return {name: _spelled(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_spelled(part) for part in value]
    if isinstance(value, Enum):
        return _spelled(value.value)
    if is_dataclass(value) and not isinstance(value, type):
        return {part.name: _spelled(getattr(value, part.name)) for part in fields(value)}
    return value


def value_at(text: str | None, path: str) -> str | None:
    """The value at a path (a JSON list) of a record that DuckDB does not read, as its `json_extract_string` would give it."""
    try:
        found = parse(text or "")
        for part in json.loads(path):
            if isinstance(found, str):  # its characters are not places
                return None
            found = found[part]
    except (ValueError, RecursionError, LookupError, TypeError):
        return None
    if found is None or isinstance(found, str):
        return found and found.encode("utf-8", "backslashreplace").decode()
    return str(found) if isinstance(found, Exact) else json.dumps(found)


def is_encoding(name: str) -> str:
    """The name of an encoding of texts, if it is one."""
    try:
        if (text := 'id,"name"\n' * 20).encode(name).decode(name) == text:
            return name
    except (LookupError, UnicodeError):
        pass
    raise ValueError(f"{name!r} is not an encoding of text; name one such as utf-8, cp1252, latin-1 or utf-16")

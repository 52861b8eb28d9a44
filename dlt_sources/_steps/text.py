"""Raw records as JSON text and back, for any record an API may send."""

from __future__ import annotations

import json
from typing import Any

import orjson


def text_of(record: Any) -> str:
    """A record as JSON text that UTF-8 can hold."""
    try:
        return orjson.dumps(record, default=str).decode()
    except TypeError:  # half a surrogate pair or a number beyond 64 bits: Python's own encoder escapes it
        return json.dumps(record, default=str)


def parse(text: str) -> Any:
    """The record of a text that `text_of` wrote: orjson refuses what Python's encoder had to write."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


def is_encoding(name: str) -> str:
    """The name of an encoding of texts, if it is one."""
    try:
        if (text := 'id,"name"\n' * 20).encode(name).decode(name) == text:
            return name
    except (LookupError, UnicodeError):
        pass
    raise ValueError(f"{name!r} is not an encoding of text; name one such as utf-8, cp1252, latin-1 or utf-16")

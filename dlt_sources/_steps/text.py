"""Raw records as JSON text and back, for any record an API may send."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What moves a cursor, changes colours, titles or the clipboard, or turns the order of letters around; not tab and newline."""


def visible(text: str) -> str:
    """The text with control characters spelled out, as JSON spells them: JSON stays the same JSON."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


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

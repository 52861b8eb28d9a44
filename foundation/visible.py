"""Texts from outside, so that a terminal shows them and obeys none of them."""

from __future__ import annotations

import re
import sys
from io import TextIOWrapper

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What moves a cursor, changes colours, titles or the clipboard, or turns the order of letters around; not tab and newline."""


def visible(text: str) -> str:
    """The text with control characters spelled out, as JSON spells them: JSON stays the same JSON."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def replace_what_cannot_be_shown() -> None:
    """Let a terminal or a pipe that knows few characters get `?` for the others, and not end the program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")

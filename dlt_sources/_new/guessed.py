"""What is said of a field, and from how many values on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from .written_times import Written

MOSTLY = 0.95
"""Share of the values that decides what a field is, where they are enough to tell."""
ENOUGH = 20
"""Values from which on a share, a length or a small number of different values says something."""
TEXT_NAME = re.compile(r"zip|postal|postcode|plz|phone|fax|iban|(^|_)(sku|isbn|ean|gtin)(_|$)|account_?n")
"""Names of fields whose digits are not numbers."""


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


def guess_times(found: Written) -> Guess:
    """A date or a time, by the ways in which the values write it."""
    words: dict[str, Any] = {}
    if found.formats:
        words["format"] = found.formats[0] if len(found.formats) == 1 else list(found.formats)
    if found.epoch:
        words["epoch"] = found.epoch
    return Guess(found.kind, date if found.kind == "date" else datetime, words, doubts=found.doubts)

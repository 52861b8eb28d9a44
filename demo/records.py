"""What the demo's generator is made of: days, records with versions, and randomness that is the same everywhere."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol, TypeVar

import orjson

FIRST_DAY, START = date(2020, 1, 31), date(2020, 1, 1)
DAYS = 4  # day 0 is FIRST_DAY with all of January; each later day brings about 3 % more
SHARE = 0.03
Reason = tuple[str, str, str]  # (table, field, rule)

WORDS = [
    "Blue",
    "Night",
    "River",
    "Ghost",
    "Electric",
    "Heart",
    "Sing",
    "Love",
    "Ocean",
    "Paper",
    "Tiger",
    "Golden",
    "Road",
    "Static",
    "Moon",
    "Summer",
]
ODD = [
    "Världen É Din",
    'Say "Yes"',
    "One, Two, Three",
    "Line\nBreak",
    "Party 🎉",
    "Niño's Song",
    "100% / 50%",
    "東京の夜",
]


def day_of(number: int) -> date:
    """The calendar day of a virtual day, 0 to ``DAYS - 1``."""
    return FIRST_DAY + timedelta(days=number)


@dataclass
class Version:
    """What a record says from a day on.

    Attributes:
        day: the virtual day it appears.
        body: the record as sent; None: the record is gone.
        reason: why a correct pipeline rejects it; None: it accepts it.
        items: for a session: per item, why it is rejected or None.
    """

    day: int
    body: Any
    reason: Reason | None = None
    items: list[Reason | None] = field(default_factory=list)


Slot = list[Version]


@dataclass(frozen=True)
class Token:
    """A JSON value to the letter, such as NaN, half a surrogate pair or more digits than a double has."""

    text: str

    def __str__(self) -> str:
        return self.text


def json_text(value: Any, option: int = 0) -> bytes:
    """A value as JSON, its tokens to the letter.

    Args:
        option: orjson's.
    """
    return orjson.dumps(
        value, default=lambda token: orjson.Fragment(token.text), option=option | orjson.OPT_PASSTHROUGH_DATACLASS
    )


class Dated(Protocol):
    """What a record says from a day on: `Version`, or as the API sends it."""

    day: int
    body: Any


Of = TypeVar("Of", bound=Dated)


def current(slot: list[Of], day: int) -> Of | None:
    """The version of a record that its system answers with on a day."""
    found = [version for version in slot if version.day <= day]
    return found[-1] if found and found[-1].body is not None else None


def arrival(number: int, count: int) -> int:
    """The virtual day the record with this number arrives: the last ones arrive on the later days."""
    later = count - number
    per_day = max(int(count * SHARE), 5)
    return max(0, DAYS - 1 - (later - 1) // per_day)


def moment(rng: random.Random, day: int, spread: int) -> str:
    """An ISO timestamp with microseconds and no zone, on the day or up to `spread` days before."""
    base = datetime.combine(day_of(day) - timedelta(days=int((spread + 1) * rng.random())), datetime.min.time())
    moment = base + timedelta(microseconds=int(86_399e6 * rng.random()))
    return moment.isoformat(timespec="microseconds")


def some(rng: random.Random, slots: list[Slot], count: int) -> list[Slot]:
    """Up to `count` of the slots in random order."""
    order = sorted(range(len(slots)), key=[rng.random() for _ in slots].__getitem__)
    return [slots[place] for place in order[:count]]


def pick(rng: random.Random, values: Any) -> Any:
    """One of the values."""
    return values[int(len(values) * rng.random())]


def code(rng: random.Random, prefix: str) -> str:
    """An id such as ``TR0123456789ABCDEF``."""
    return f"{prefix}{rng.getrandbits(64):016X}"


def new_uuid(rng: random.Random) -> str:
    """A uuid in lower case."""
    return str(uuid.UUID(int=rng.getrandbits(128)))


def title(rng: random.Random) -> str:
    """The title of a song; a few are odd but right."""
    if rng.random() < 0.02:
        return str(pick(rng, ODD))
    return f"{pick(rng, WORDS)} {pick(rng, WORDS)} {int(100 * rng.random())}"

"""The fields of a table, inferred from a sample: names, types, nullability, personal data; and what names a row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import combinations
from typing import Any

from .._steps.declared.names import field_name
from .guess import beside_commas, guess
from .guessed import Guess
from .leaves import MISSING, Leaf, Path
from .personal import find_personal

_OWN = re.compile(r"(.*_)?(id|uuid|guid|key|no|nr|number|code|sku|ref|reference|slug|isbn|symbol|iso\d?|login|name)")
_GENERIC = {
    "id",
    "name",
    "value",
    "type",
    "date",
    "code",
    "key",
    "title",
    "url",
    "first",
    "last",
    "text",
    "number",
    "status",
    "time",
    "uuid",
    "count",
    "version",
}
_NOTHING = {
    "",
    "-",
    "--",
    "#n/a",
    "n/a",
    "na",
    "nan",
    "none",
    "null",
    "\\n",
    "0000-00-00",
    "0000-00-00 00:00:00",
    "0000-00-00 00:00:00.000000",
}
"""Texts by which sources say that there is no value, in small letters: spreadsheets, exports of databases, MySQL's zero dates."""
MOST_IN_KEY = 3


@dataclass
class Field:
    """One field of a contract to be written.

    Attributes:
        leaf: the sample's values; None: Millrace itself knows the value, such as a file's name.
        pii, reason: of a field that is likely to be personal.
        about: what it means; "" as its name says. blank: texts that stand for NULL, such as "" and "N/A".
    """

    name: str
    path: Path
    guess: Guess
    nullable: bool = False
    optional: bool = False
    pii: str = ""
    reason: str = ""
    leaf: Leaf | None = None
    about: str = ""
    blank: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """What it means, as far as its name says."""
        return self.about or self.name.replace("_", " ").capitalize()

    @property
    def can_name(self) -> bool:
        """Whether it can be part of a key: every row of the sample has a value, also where a database would allow NULL."""
        whole = self.leaf is not None and len(self.leaf.there) == len(self.leaf.values)
        return whole and not self.blank and self.pii != "drop" and self.guess.kind not in (float, Decimal, bool)


@dataclass
class Found:
    """A table to be written.

    Attributes:
        left: what no field is made of: path and why.
        parent: the table whose records hold these rows in the list `explode`.
        doubts: what the sample leaves open about the table as a whole.
    """

    name: str
    contract: str
    fields: list[Field]
    rows: int
    key: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    parent: Found | None = None
    explode: str = ""
    lists: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    place: dict[str, Any] = field(default_factory=dict)

    def field(self, name: str) -> Field:
        """The field of a name."""
        return next(found for found in self.fields if found.name == name)


def infer(leaves: Iterable[Leaf], table: str, taken: Iterable[str] = ()) -> list[Field]:
    """The fields for single values, in their order.

    Args:
        taken: names that other fields have.
    """
    every, names = beside_commas(leaves), set(taken)
    singular = singular_of(table)
    same = [leaf.name.casefold() for leaf in every]
    found = []
    for leaf in every:
        whole = _written(leaf.path)
        short = len(leaf.path) > 1 and isinstance(leaf.path[-1], str) and same.count(leaf.name.casefold()) == 1
        plain = field_name(leaf.name)
        name = field_name(leaf.name if short and plain not in _GENERIC else whole, names, singular)
        names.add(name)
        above = field_name(str(leaf.path[-2])) if len(leaf.path) > 1 else table
        pii, reason = find_personal(name, above, leaf.there) or ("", "")
        made, blank = _guess(leaf, name)
        if pii and made.annotation.startswith("Literal"):
            made = Guess("str", str, {"max_length": 100})
        if pii == "drop":
            made = Guess("str", str, {"coerce_numbers_to_str": True} if made.kind not in (str, date, datetime) else {})
            blank = ()
        nullable, optional = leaf.can_be_null or bool(blank), leaf.can_be_missing
        found.append(Field(name, leaf.path, made, nullable, optional, pii, reason, leaf, blank=blank))
    return found


def _guess(leaf: Leaf, name: str) -> tuple[Guess, tuple[str, ...]]:
    """What a field is; and which of its texts stand for NULL: those that say so, where what else comes is not text."""
    blank = {value for value in leaf.there if isinstance(value, str) and value.strip().casefold() in _NOTHING}
    if blank and len(blank) < len(set(map(str, leaf.there))):
        values = [None if isinstance(value, str) and value in blank else value for value in leaf.values]
        made = guess(replace(leaf, values=values), name)
        if made.kind is not str:
            return made, tuple(sorted(blank))
    return guess(leaf, name), ()


def _written(path: Path) -> str:
    return ".".join(map(str, path))


def singular_of(table: str) -> str:
    """One of a table's rows: `orders` is `order`, `categories` is `category`."""
    if table.endswith("ies") and len(table) > 4:
        return f"{table[:-3]}y"
    if re.search(r"(sses|shes|ches|xes|zes)$", table):
        return table[:-2]
    return (
        table[:-1]
        if table.endswith("s") and not table.endswith(("ss", "us", "is", "news")) and len(table) > 2
        else table
    )


def class_of(table: str) -> str:
    """The name of a table's contract."""
    name = "".join(part.capitalize() for part in singular_of(table).split("_"))
    return (
        f"{name}Row"
        if name in ("Contract", "Decimal", "Literal", "Annotated", "Any", "None", "True", "False")
        else name
    )


def find_key(
    fields: Sequence[Field], table: str, within: Sequence[int] | None = None, most: int = MOST_IN_KEY
) -> list[str]:
    """The fields that name a row of the sample: one, or as few as possible; none where none do.

    Args:
        within: per row the number of the record that it is part of: unique is what is so inside its record.
        most: fields of a key at most; above `MOST_IN_KEY` any fields are tried, not only the likely ones.
    """
    usable = [f for f in fields if f.can_name]
    columns = {f.name: [_hashable(value) for value in f.leaf.values] for f in usable if f.leaf}
    ranks = {f.name: _rank(f, table) for f in usable}
    rows = len(next(iter(columns.values()), []))

    def is_unique(names: Sequence[str]) -> bool:
        parts = [columns[name] for name in names] + ([list(within)] if within is not None else [])
        return len(set(zip(*parts, strict=True))) == rows

    order = sorted(columns, key=lambda name: ranks[name])
    alone = [name for name in order if is_unique([name])]
    named = [name for name in alone if ranks[name] <= 2]
    if named:
        return [named[0]]
    likely = [name for name in columns if ranks[name] <= 3][:12]
    for size in range(2, MOST_IN_KEY + 1):
        for names in combinations(likely, size):
            if is_unique(names):
                return list(names)
    if alone or rows < 2 or most <= MOST_IN_KEY or not is_unique(order):
        return alone[:1] if rows > 1 else []
    kept = list(order)
    for name in reversed(order):  # the least likely leave first
        if is_unique(rest := [other for other in kept if other != name]):
            kept = rest
    return [name for name in columns if name in kept] if len(kept) <= most else []


def _rank(found: Field, table: str) -> int:
    """How likely a field is to be made to name a row: 0 most."""
    singular, name = singular_of(table), found.name
    if found.pii:
        return 5
    if name in (
        "id",
        "uuid",
        "guid",
        f"{singular}_id",
        f"{table}_id",
        f"{singular}_uuid",
        f"{singular}_number",
        f"{singular}_key",
        f"{singular}id",
    ):
        return 0
    if re.fullmatch(r"(.*_)?(id|uuid|guid|key)|\w+id", name):
        return 1
    if _OWN.fullmatch(name) or re.search(r"(number|code|id)$", name):
        return 2
    if found.guess.kind is date or found.guess.annotation.startswith("Literal"):
        return 3
    return 4 if found.guess.kind in (int, str) else 6


def _hashable(value: Any) -> Any:
    return None if value is MISSING else value if isinstance(value, str | int | date) else str(value)


def find_cursor(fields: Sequence[Field]) -> str | None:
    """The time that moves when a row changes, by its name; None: no field says so."""
    for field_ in fields:
        moves = re.search(r"updated|modified|changed|last_(update|change|edit)|mtime", field_.name)
        if moves and field_.guess.kind in (date, datetime) and not field_.nullable and not field_.pii:
            return field_.name
    return None

"""A sample's records as their single values: by path, each with what every record has there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._steps.contracts.contract import FILE, FILE_ROW, INDEX, PARENT
from .._steps.judge.drift import MOST, VALUE

Path = tuple[str | int, ...]
MISSING = object()
"""What a record without the key has there."""
DEEPEST = 6
SHORT_LIST = 5
"""Elements of a list that is taken for one value in parts, such as a place."""
_TAKEN = (PARENT, INDEX, FILE, FILE_ROW)
"""Names of a record's own that a path cannot reach: there they mean what Millrace knows of the row."""


@dataclass
class Leaf:
    """One value of the records.

    Attributes:
        values: what each record has, in their order: `MISSING` where it has no such key.
        cells: whether the values are a file's or a page's cells: texts, whatever they mean.
        declared: the type that a database or a file declares for it, in SQL's words; "" for none.
        nullable: whether a database allows NULL; None: it says nothing.
        commas: whether other cells beside it have decimal commas.
    """

    path: Path
    values: list[Any]
    cells: bool = False
    declared: str = ""
    nullable: bool | None = None
    commas: bool = False

    @property
    def there(self) -> list[Any]:
        """The values that are not null."""
        return [value for value in self.values if value is not MISSING and value is not None]

    @property
    def can_be_null(self) -> bool:
        """Whether a record had null or nothing there, or the database allows it."""
        return self.nullable is True or len(self.there) < len(self.values)

    @property
    def can_be_missing(self) -> bool:
        """Whether a record had no such key."""
        return any(value is MISSING for value in self.values)

    @property
    def name(self) -> str:
        """The last name on the path."""
        return str(next(part for part in reversed(self.path) if isinstance(part, str)))


@dataclass
class Taken:
    """Records taken apart.

    Attributes:
        leaves: single values, in the order in which the records have them.
        lists: lists of objects that are keys of the record itself: tables of their own.
        left: what no field can be made of: path and why.
    """

    leaves: list[Leaf]
    lists: dict[str, list[list[Any]]] = field(default_factory=dict)
    left: dict[Path, str] = field(default_factory=dict)


def take_apart(records: Sequence[Mapping[str, Any]]) -> Taken:
    """JSON records as their single values."""
    found: dict[Path, list[Any]] = {}
    children: dict[Path, list[str]] = {}
    for number, record in enumerate(records):
        for path, value in _walk(record, ()):
            if path not in found:
                found[path] = [MISSING] * len(records)
                names = children.setdefault(path[:-1], [])
                names.append(str(path[-1]))
            found[path][number] = value
    taken = Taken([], left={path: "Millrace uses this name itself" for path in found if path[0] in _TAKEN})
    for path in taken.left:
        del found[path]
    objects = {path[:length] for path in found for length in range(1, len(path))}
    maps = _find_maps(found)
    for path in sorted(maps, key=len):
        if not any(path[: len(other)] == other for other in taken.left):
            taken.left[path] = "a map with keys of its own; declare it as `dict`, with checked_only(...)"
    for path, values in found.items():
        if any(path[: len(other)] == other for other in maps):
            continue
        leaf = Leaf(path, values)
        if path in objects:
            if leaf.there:
                taken.left[path] = f"an object in most records, and something else in {len(leaf.there)}"
            continue
        _sort(leaf, taken)
    return taken


def _sort(leaf: Leaf, taken: Taken) -> None:
    """Put a value where it belongs: among the fields, the tables or what is left."""
    there = leaf.there
    lists = [value for value in there if isinstance(value, list)]
    if not there:
        taken.left[leaf.path] = "null in every record"
    elif any(isinstance(value, dict) for value in there):
        taken.left[leaf.path] = "an object without keys, or one nested too deeply"
    elif not lists:
        taken.leaves.append(leaf)
    elif all(isinstance(part, dict) for value in lists for part in value):
        if not any(lists):
            taken.left[leaf.path] = "an empty list in every record"
        elif len(leaf.path) > 1:
            taken.left[leaf.path] = (
                "a list inside an object: only a key of the record itself can be a table (`explode`)"
            )
        else:
            taken.lists[leaf.name] = [value if isinstance(value, list) else [] for value in leaf.values]
    elif parts := _parts(leaf, lists):
        taken.leaves += parts
    else:
        taken.left[leaf.path] = "a list of single values: name the places that matter, such as `path='tags[0]'`"


def _parts(leaf: Leaf, lists: list[list[Any]]) -> list[Leaf]:
    """The places of a list that is as short in every record: the parts of one value."""
    lengths = {len(value) for value in lists}
    if len(lengths) != 1 or len(lists) < len(leaf.there) or not 1 < (length := lengths.pop()) <= SHORT_LIST:
        return []
    if len(lists) < 2 or any(isinstance(part, list | dict) for value in lists for part in value):
        return []
    return [
        Leaf((*leaf.path, place), [value[place] if isinstance(value, list) else value for value in leaf.values])
        for place in range(length)
    ]


def _walk(value: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, Any]]:
    for name, part in value.items():
        if isinstance(part, dict) and part and len(path) < DEEPEST:
            yield from _walk(part, (*path, name))
        else:
            yield (*path, name), part


def _find_maps(found: Mapping[Path, Any]) -> set[Path]:
    """Objects whose keys are values: too many to be fields, or addresses and numbers of accounts."""
    names: dict[Path, set[str]] = {}
    for path in found:
        for length in range(1, len(path)):
            names.setdefault(path[:length], set()).add(str(path[length]))
    return {path for path, keys in names.items() if len(keys) > MOST or any(VALUE.search(key) for key in keys)}

"""Where an answer in JSON has its records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._steps.web.paging import written
from .sample_error import SampleError

_LISTS = (
    "data",
    "results",
    "items",
    "records",
    "rows",
    "value",
    "values",
    "content",
    "entries",
    "elements",
    "objects",
    "hits",
    "list",
)
_DEEPEST = 4


def find_records(content: Any, table: str) -> str:
    """JSONPath of the records in an answer: a list of objects, the values of a map, or the answer itself.

    Raises:
        SampleError: it holds no object at all.
    """
    if isinstance(content, list):
        return "$"
    if not isinstance(content, dict) or not content:
        raise SampleError(f"the answer is {type(content).__name__}, or an empty object: there is no record in it")
    if _is_map(content):
        return "$.*"
    lists = list(_lists(content, ()))
    maps = [] if any(value for _, value in lists) else list(_maps(content, ()))
    if maps:
        return f"{written(min(maps, key=len))}.*"
    if lists:
        path, _ = min(lists, key=lambda found: _rank(found[0], found[1], table))
        return written(path)
    wrapped = [
        (name, value) for name, value in content.items() if isinstance(value, dict) and name.lower() in (*_LISTS, table)
    ]
    if len(wrapped) == 1:
        return f"{written((wrapped[0][0], next(iter(wrapped[0][1]))))}.`parent`"
    return f"{written((next(iter(content)),))}.`parent`"


def _is_map(content: Mapping[str, Any]) -> bool:
    """Whether an object's values are records under keys of their own: three or more objects that have most keys in common."""
    objects = [set(value) for value in content.values() if isinstance(value, dict)]
    if len(objects) < len(content) or len(objects) <= 2:
        return False
    return len(set.intersection(*objects)) > max(1, len(set.union(*objects)) / 2)


def _maps(content: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Where objects are whose values are records."""
    for name, value in content.items():
        if isinstance(value, dict) and _is_map(value):
            yield (*path, name)
        elif isinstance(value, dict) and len(path) < _DEEPEST:
            yield from _maps(value, (*path, name))


def _lists(content: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """Lists of objects, and empty ones, by their path."""
    for name, value in content.items():
        if isinstance(value, list) and all(isinstance(part, dict) for part in value):
            yield (*path, name), value
        elif isinstance(value, dict) and len(path) < _DEEPEST:
            yield from _lists(value, (*path, name))


def _rank(path: tuple[str, ...], value: list[Any], table: str) -> tuple[int, int, int]:
    """Which list is more likely to hold the records: by its name, how deep it is, how long."""
    name = path[-1].lower()
    known = 0 if name == table else 1 + _LISTS.index(name) if name in _LISTS else len(_LISTS) + 1
    side = name in ("errors", "links", "warnings", "included", "facets", "messages")
    return (2 if side else 0 if known <= len(_LISTS) else 1, len(path), -len(value))


def list_lost_names(content: Mapping[str, Any]) -> Iterator[str]:
    """What to know where the names under which a map has its records are in none of their fields."""
    above: Any = content
    for name in () if _is_map(content) else min(_maps(content, ()), key=len):
        above = above[name]
    if not all(name in map(str, record.values()) for name, record in above.items()):
        yield (
            "the records are the values of a map, and their names in it are in no field: where these matter, read the address with"
            " `connector: python`, whose extract.py yields each record with its name"
        )

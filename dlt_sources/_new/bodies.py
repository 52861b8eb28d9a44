"""APIs that take the question in a body: the body as the command line gives it, and where in it the next page is asked for."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dlt.common.jsonpath import set_value_at_path

from .._steps.declared.address import name_secrets
from .._steps.web.paging import Signs, written
from .sample_error import SampleError

_PAGE = {"page", "pagenumber", "pageno", "pageindex", "p"}
_OFFSET = {"offset", "from", "skip", "start", "startat"}
_LIMIT = {"limit", "size", "pagesize", "perpage", "take", "count", "rows", "maxresults"}
_USUAL = (("page", "page_number"), ("offset", "offset"), ("from", "offset"), ("skip", "offset"))
_CURSORS = ("cursor", "after", "page_token", "pageToken")

Records = Callable[[Mapping[str, Any]], set[bytes]]
"""The records that a changed body brings; by the paths of what is changed."""


def read_body(text: str) -> dict[str, Any]:
    """The body that `--body` gives.

    Raises:
        SampleError: it is not a JSON object, or has a secret in clear. Its text is not part of the message.
    """
    try:
        body = json.loads(text)
        if not isinstance(body, dict):
            raise ValueError("it is not an object")
        return name_secrets(body)
    except ValueError as error:
        raise SampleError(f'--body: {error}. Give a JSON object, such as --body \'{{"status": "paid"}}\'') from None


def changed(body: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a body with other values at some paths."""
    made = copy.deepcopy(dict(body))
    for path, value in changes.items():
        set_value_at_path(made, path, value)
    return made


def find_pages(
    body: Mapping[str, Any], records: Records, first: set[bytes], count: int, signs: Signs
) -> dict[str, Any] | None:
    """The paginator that brings other records by a change of the body, where the body as it is brings the same again.

    Args:
        first: the records of the first answer; count: how many they are. signs: what it says of its pages.
    """
    if signs.next:
        after, value = signs.next
        for name in dict.fromkeys((str(after[-1]), re.sub(r"(?i)^next_?", "", str(after[-1])), *_CURSORS)):
            if re.fullmatch(r"\w+", name) and _is_next(records, {name: value}, first):
                return {"type": "cursor", "cursor_path": written(after), "cursor_body_path": name}
    for path, kind, now in _places(body):
        if not _is_next(records, {path: now + (1 if kind == "page_number" else count)}, first):
            continue
        if kind == "offset":
            limit = next((place for place, name, _ in _numbers(body) if name in _LIMIT), "limit")
            return {
                "type": kind,
                "limit": count,
                "offset_body_path": path,
                "limit_body_path": limit,
                "total_path": None,
            }
        from_0 = records({path: 0}) == first != records({path: 1})
        return {"type": kind, "base_page": 0 if from_0 else now, "page_body_path": path, "total_path": None}
    return None


def _is_next(records: Records, changes: Mapping[str, Any], first: set[bytes]) -> bool:
    found = records(changes)
    return bool(found) and not found & first and records({}) == first


def _places(body: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """(path, kind of paginator, value of the first page) of what may ask for a page: what the body has, then usual names."""
    for path, name, value in _numbers(body):
        if name in _PAGE | _OFFSET:
            yield path, "page_number" if name in _PAGE else "offset", value
    yield from ((name, kind, 1 if kind == "page_number" else 0) for name, kind in _USUAL if name not in body)


def _numbers(body: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str, int]]:
    """(path, plain name, value) of the whole numbers in a body."""
    for name, value in body.items():
        if not re.fullmatch(r"\w+", name):
            continue
        if isinstance(value, dict):
            yield from _numbers(value, f"{above}{name}.")
        elif isinstance(value, int) and not isinstance(value, bool):
            yield f"{above}{name}", name.lower().replace("_", ""), value

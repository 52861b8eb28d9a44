"""Where the records are in an answer: a JSONPath, followed to the bytes that they came in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from dlt.common import jsonpath
from jsonpath_ng import Child, DatumInContext, Fields, Index, Root, This

from ..declared.source_error import quote_value
from .raw_json import Path, elements, inside, keys, load


class Selector:
    """A ``data_selector``: the path of a list, or with wildcards and filters paths of lists or of single records.

    Raises:
        ValueError: it is not JSONPath.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self.expression = jsonpath.compile_path(text)
        except Exception as error:
            raise ValueError(f"data_selector {text!r} is not JSONPath ({error})") from None
        self.path = _fixed(self.expression)

    def find(self, body: bytes) -> list[msgspec.Raw]:
        """The records of an answer, in their order.

        Raises:
            LookupError: there are none at the path; says what there is.
            NotJsonError: the answer is not JSON.
        """
        if self.path is not None:
            return self._listed(body, self.path)
        content = load(body)
        found = [_path_of(match) for match in self.expression.find(content)]
        if not found:
            self._refuse_unless_empty(body, content)
        records: list[msgspec.Raw] = []
        for raw in pick(body, found):
            records += [msgspec.Raw(raw)] if (listed := elements(raw)) is None else listed
        return records

    def _listed(self, body: bytes, path: Path) -> list[msgspec.Raw]:
        found = inside(body, path)
        if found is None:
            raise LookupError(f"there is nothing at data_selector {self.text!r}; {_describe(body)}")
        if found.strip() == b"null" and not _reports_error(body):
            return []
        records = elements(found)
        if records is None:
            raise LookupError(f"there is no list of records at data_selector {self.text!r}; {_describe(found)}")
        return records

    def _refuse_unless_empty(self, body: bytes, content: Any) -> None:
        """No match is not an error where a wildcard or filter has an empty list to go over."""
        expression = self.expression
        while isinstance(expression, Child):
            expression = expression.left
            found = [match.value for match in expression.find(content)]
            if any(value == [] or value is None for value in found) and not _reports_error(body):
                return
            if found and isinstance(self.expression, Child) and _filters(self.expression):
                return
        raise LookupError(f"there is nothing at data_selector {self.text!r}; {_describe(body)}")


def pick(body: bytes, paths: Iterable[Path]) -> list[bytes]:
    """The values at paths that are there, as bytes; what several paths go through is taken apart once."""
    opened: dict[Path, Any] = {}

    def open_(path: Path) -> Any:
        if path not in opened:
            whole = body if not path else bytes(open_(path[:-1])[path[-1]])
            listed = elements(whole)
            opened[path] = dict(_members(whole)) if listed is None else listed
        return opened[path]

    return [bytes(open_(path[:-1])[path[-1]]) if path else body for path in paths]


def _members(whole: bytes) -> Iterable[tuple[str, bytes]]:
    return ((key, inside(whole, (key,)) or b"null") for key in keys(whole))


def _fixed(expression: Any) -> Path | None:
    """The path of an expression that names one place; None: it may name many."""
    if isinstance(expression, Root | This):
        return ()
    if isinstance(expression, Fields) and len(expression.fields) == 1 and expression.fields[0] != "*":
        return (str(expression.fields[0]),)
    if isinstance(expression, Index) and len(expression.indices) == 1 and expression.indices[0] >= 0:
        return (int(expression.indices[0]),)
    if isinstance(expression, Child):
        left, right = _fixed(expression.left), _fixed(expression.right)
        return None if left is None or right is None else left + right
    return None


def _path_of(match: DatumInContext) -> Path:
    """Keys and places from the answer's root to a match."""
    parts: list[str | int] = []
    at: Any = match
    while at is not None:
        if isinstance(at.path, Fields):
            parts.append(str(at.path.fields[0]))
        elif isinstance(at.path, Index):
            parts.append(int(at.path.indices[0]))
        at = at.context
    return tuple(reversed(parts))


def _filters(expression: Any) -> bool:
    return "Filter" in repr(expression)


def _reports_error(body: bytes) -> bool:
    """Whether an answer with a successful status says that something failed."""
    for name in ("error", "errors", "fault"):
        found = inside(body, (name,))
        if found is not None and found.strip() not in (b"null", b"false", b"[]", b"{}", b'""'):
            return True
    return False


def _describe(body: bytes) -> str:
    """What an answer is, and where its lists are."""
    if body.lstrip()[:1] != b"{":
        kind = {b"[": "a list", b'"': "a text", b"n": "null"}.get(body.lstrip()[:1], "a number or constant")
        return f"the answer there is {kind}" + (": use `$`" if kind == "a list" else "")
    named = keys(body)
    lists = [name for name in named if (inside(body, (name,)) or b"").lstrip()[:1] == b"["]
    text = f"the keys there are {quote_value(', '.join(named[:20]) or 'none')}"
    return text + (f"; lists are at {quote_value(', '.join(lists[:10]))}" if lists else "")

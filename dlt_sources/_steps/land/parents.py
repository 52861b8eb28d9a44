"""Endpoints that are asked once for each record of another table: what is kept of these records, and what is asked with it.

Values are kept, never records: those that fill the placeholders of the endpoint, and those that the contract takes from
`_for_each`. They come from a server, so that they may be anything: none of them leads to another path.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

import msgspec
import orjson

from ..contracts.columns import columns_of
from ..contracts.contract import FOR_EACH, Contract
from ..contracts.text import text_of
from ..declared.endpoint import PLACEHOLDER, Endpoint
from ..declared.source_yml import Table
from ..web.raw_json import NotJsonError, Path, inside

LONGEST = 1_000
"""Characters of a value that an endpoint is asked with: servers refuse the address that a longer one would make."""
_NUMBER = re.compile(rb"-?[0-9][0-9.eE+-]*")
_ABOVE = (".", "..")
"""Parts of a path that clients, and servers that decode it first, resolve to another path."""


@dataclass
class Asked:
    """What is asked for one record: path and query parameters; and what lands beside each record of the answer."""

    path: str
    params: dict[str, Any]
    beside: bytes


class Parents:
    """What one endpoint is asked with.

    Args:
        endpoint: the one with `for_each`.
        wanted: paths in the other table's records whose values land beside the rows, too.

    Attributes:
        records: how many came. unusable: those that nothing is asked for. lacking: those without one of the placeholders' names.
        is_part: the other table has more records than came.
        finish: reads the other table to its end.
    """

    def __init__(self, endpoint: Endpoint, wanted: Iterable[Path] = ()) -> None:
        self.endpoint = endpoint
        self.places: dict[str, Path] = {name: tuple(name.split(".")) for name in endpoint.placeholders}
        self.paths = list(dict.fromkeys([*self.places.values(), *wanted]))
        self.values: dict[tuple[bytes, ...], tuple[bytes | None, ...]] = {}
        self.records = self.unusable = self.lacking = 0
        self.is_part = False
        self.finish: Callable[[], None] = lambda: None

    def count_again(self) -> None:
        """The other table is read a second time: the values of its records stay."""
        self.records = self.unusable = self.lacking = 0

    def add(self, record: Any) -> None:
        """Keep the values of a record; of records with the same values of the placeholders, those of the last one."""
        self.records += 1
        raw = bytes(record) if isinstance(record, msgspec.Raw) else text_of(record).encode()
        try:
            tokens = [inside(raw, path) for path in self.paths]
        except NotJsonError:  # refine rejects it
            self.unusable += 1
            return
        count = len(self.places)
        found = [token for token in tokens[:count] if token is not None]
        self.lacking += len(found) < count
        if len(found) < count or self._fill(found) is None:
            self.unusable += 1
        else:
            self.values[tuple(found)] = tuple(tokens[count:])

    def requests(self, params: Mapping[str, Any]) -> Iterator[Asked]:
        """What to ask, in the order in which the records came.

        Args:
            params: the endpoint's, with the values of settings.
        """
        for found, rest in self.values.items():
            filled = self._fill(found)
            assert filled is not None
            path, texts = filled
            own = {name: texts[hole[1]] for name, value in self.endpoint.params.items() if (hole := _hole(value))}
            yield Asked(path, {**params, **own}, self._beside([*found, *rest]))

    def _fill(self, found: Iterable[bytes]) -> tuple[str, dict[str, str]] | None:
        """The path, and the values by placeholder; None: they cannot be used."""
        texts = {}
        for name, token in zip(self.places, found, strict=True):
            if not (text := _text(token)):
                return None
            texts[name] = text
        path = fill(self.endpoint.path, texts)
        return None if path is None else (path, texts)

    def _beside(self, tokens: list[bytes | None]) -> bytes:
        """The values as the last member of a JSON object, to the letter."""
        made: dict[str, Any] = {}
        for path, token in zip(self.paths, tokens, strict=True):
            if token is None or any(path[:length] in self.paths for length in range(1, len(path))):
                continue
            part = made
            for name in path[:-1]:
                part = part.setdefault(str(name), {})
            part[str(path[-1])] = orjson.Fragment(token)
        return orjson.dumps({FOR_EACH: made})[1:-1]


def of_source(tables: Mapping[str, Table], contracts: Mapping[str, type[Contract]]) -> dict[str, Parents]:
    """Of each table that is asked for by the records of another one: what it is asked with, still empty."""
    return {
        name: Parents(table.endpoint, wanted(contracts[name]))
        for name, table in tables.items()
        if table.endpoint and table.for_each
    }


def wanted(contract: type[Contract]) -> list[Path]:
    """The paths in the other table's records that a contract takes values from."""
    paths = [path for column in columns_of(contract, stored=False) for path in column.paths]
    return [path[1:] for path in paths if path[0] == FOR_EACH]


def fill(template: str, values: Mapping[str, str]) -> str | None:
    """A path whose placeholders are filled, each value percent-encoded; None: it would be another path."""
    used = {hole[1]: values[hole[1]] for hole in PLACEHOLDER.finditer(template)}
    if any(part in _ABOVE for value in used.values() for part in re.split(r"[/\\]", value)):
        return None
    safe = {name: quote(value, safe="") for name, value in used.items()}
    path = PLACEHOLDER.sub(lambda hole: safe[hole[1]], template)
    before, after = (text.partition("?")[0].split("/") for text in (template, path))
    if any(old != new and unquote(new) in ("", *_ABOVE) for old, new in zip(before, after, strict=True)):
        return None
    return path


def put_beside(record: msgspec.Raw, values: bytes) -> msgspec.Raw:
    """A record with a member more at its end; one that is not an object stays as it is, and refine rejects it."""
    text = bytes(record).strip()
    if text[:1] != b"{":
        return record
    comma = b"," if text[1:-1].strip() else b""
    return msgspec.Raw(text[:-1] + comma + values + b"}")


def _text(token: bytes) -> str | None:
    """A text or number as it is asked with; None: it is neither, too long, or half a surrogate pair."""
    token = token.strip()
    if token[:1] == b'"':
        text = str(json.loads(token, strict=False))
        return text if len(text) <= LONGEST and text.encode("utf-8", "replace").decode() == text else None
    if len(token) > LONGEST:
        return None
    return token.decode() if _NUMBER.fullmatch(token) else None


def _hole(value: Any) -> re.Match[str] | None:
    """The placeholder that is the whole of a parameter's value."""
    return PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None

"""What of a rejected row people may read: landing keeps the original, everything else sees what this module lets through.

A record may be the row of several tables (the elements of its lists are rows, too), so what is personal is decided by the
contracts of all of them. As soon as one of their fields is tagged, a rejected row shows only the values of fields that are
named and not tagged, and of a message only what comes from the contract, not from the row.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, get_args

from pydantic import BaseModel

from ..contracts.columns import Column, columns_of
from ..contracts.contract import FILE, FOR_EACH, INDEX, PARENT, Contract
from .messages import OWN_TEXT, safe_message
from .source_yml import Table

Path = tuple[str | int | None, ...]
"""A place in a record; None is any element of a list."""

HIDDEN = "***"
_NOTE = f"{HIDDEN} personal fields, and what the contract does not name"
_NUMBER_OR_DATE = re.compile(r"\s*[-+]?\d[\d.,:TZ+ -]{0,39}\s*|\s*(?:nan|inf|true|false|yes|no)\s*", re.I)
_CONTAINED, _EQUAL = 4, 3
"""Characters from which on a personal value is looked for inside other values, and from which on it is compared with them."""


@dataclass(frozen=True)
class Redaction:
    """What may be read of the rejected rows of one table.

    Attributes:
        private: where personal values are in the table's rows, as Pydantic sees them; nothing: all may be read.
        shown: the values that may be read: where they are, and the field they are for.
        words: names that a message's place may have: fields of the contract and of what is nested in it.
    """

    private: tuple[Path, ...] = ()
    shown: tuple[tuple[Path, Column], ...] = ()
    words: frozenset[str] = frozenset()

    def row(self, raw: Any) -> Any:
        """The raw row as people may read it."""
        if not self.private:
            return raw
        secrets = self._secrets(raw)
        kept: dict[str, Any] = {}
        for path, column in self.shown:
            value = next((found for found in _found(raw, path)), None)
            if value is not None:
                kept[".".join(map(str, path))] = HIDDEN if _may_be_personal(value, column, secrets) else value
        return kept | {"": _NOTE}

    def reasons(self, reasons: list[dict[str, str]], raw: Any) -> list[dict[str, str]]:
        """Why the row was rejected: place, rule and message without anything that the row itself brought."""
        if not self.private:
            return reasons
        secrets = self._secrets(raw)
        return [self._reason(reason, secrets) for reason in reasons]

    def _reason(self, reason: Mapping[str, str], secrets: frozenset[str]) -> dict[str, str]:
        place = [
            part if part.isdigit() or part in self.words else HIDDEN for part in reason["field"].split(".") if part
        ]
        rule, message = reason["rule"], safe_message(reason["rule"], reason["message"])
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,99}", rule) or _holds(rule, secrets):
            rule = "custom_rule"
        if _holds(message, secrets):
            message = OWN_TEXT
        return {**reason, "field": ".".join(place), "rule": rule, "message": message}

    def _secrets(self, raw: Any) -> frozenset[str]:
        """The row's personal values as text: none of them may be read under another name either."""
        found = (
            str(value).casefold().strip()
            for path in self.private
            for place in _found(raw, path, near=True)
            for value in _scalars(place)
            if not isinstance(value, bool)
        )
        return frozenset(text for text in found if len(text) >= _EQUAL)


def of_contract(contract: type[Contract]) -> Redaction:
    """The redaction of a table whose record is the row of no other table."""
    return of_tables({"": Table(contract=contract.__name__, key=["_"])}, {"": contract})[""]


def of_tables(tables: Mapping[str, Table], contracts: Mapping[str, type[Contract]]) -> dict[str, Redaction]:
    """The redaction of every table of a source, by the contracts of all tables made from the same record."""
    redactions: dict[str, Redaction] = {}
    for name, table in tables.items():
        root = table.from_ or name
        private = [place for family in _family(root, tables) for place in _private(tables[family], contracts[family])]
        if not private:
            redactions[name] = Redaction()
            continue
        columns = [(path, column) for column in columns_of(contracts[name], stored=False) for path in column.paths]
        if table.explode and root in contracts:  # of which record an element is helps to find it
            above = columns_of(contracts[root], stored=False)
            columns += [((PARENT, *path), column) for column in above for path in column.paths]
        shown = {
            path: column
            for path, column in columns
            if not column.private and not column.computed and not related(_place(path, table.explode), private)
        }
        redactions[name] = Redaction(
            tuple(sorted({_seen_from(place, table.explode) for place in private}, key=str)),
            tuple(shown.items()),
            _words(contracts[name]),
        )
    return redactions


def has_private(contracts: Iterable[type[Contract]]) -> bool:
    """Whether a field of one of the contracts is tagged hash or drop."""
    return any(column.private for contract in contracts for column in columns_of(contract, stored=False))


def conflict(tables: Mapping[str, Table], contracts: Mapping[str, type[Contract]]) -> str | None:
    """In words, what would publish a tagged value in spite of its tag: path in the declaration, why, fix; None: nothing."""
    for name, table in tables.items():
        columns = {column.name: column for column in columns_of(contracts[name], stored=False)}
        for column in columns.values():
            if column.private and (FILE,) in column.paths:
                return (
                    f"tables.{name}: {table.contract}.{column.name} is the name of a file, which logs and messages show: it"
                    " cannot be tagged; let the source use names without personal data"
                )
        if table.cursor in columns and columns[table.cursor].private:
            return (
                f"tables.{name}.cursor: {table.contract}.{table.cursor} is tagged {columns[table.cursor].pii}, and a cursor's"
                " value is remembered in clear; use another field"
            )
        if table.for_each and (place := _untagged(table, columns.values(), tables, contracts)):
            return (
                f"tables.{name}.endpoint: {place} is (part of) a value of {table.for_each} that is tagged as personal,"
                f" and it lands beside each row; give {table.contract} a field with path='{FOR_EACH}.{place}' that is tagged, too"
            )
        for other in _family(table.from_ or name, tables):
            private = _private(tables[other], contracts[other])
            for column in columns.values():
                places = [_place(path, table.explode) for path in column.paths]
                if column.stored and column.pii is None and any(related(place, private) for place in places):
                    return (
                        f"tables.{name}: {table.contract}.{column.name} holds (part of) a value that"
                        f" {tables[other].contract} tags as personal; tag it too, or say pii='keep' to keep it in clear"
                    )
    return None


def _untagged(
    table: Table, columns: Collection[Column], tables: Mapping[str, Table], contracts: Mapping[str, type[Contract]]
) -> str | None:
    """A value of another table's records that lands beside this one's rows, is tagged there and is not here."""
    assert table.endpoint and table.for_each
    private = [
        place for other in _family(table.for_each, tables) for place in _private(tables[other], contracts[other])
    ]
    ways = [path for column in columns for path in column.paths if path[0] == FOR_EACH]
    tagged = {path for column in columns if column.pii for path in column.paths}
    places = [*(tuple(name.split(".")) for name in table.endpoint.placeholders), *(way[1:] for way in ways)]
    found = (place for place in places if related(place, private) and (FOR_EACH, *place) not in tagged)
    return next((".".join(map(str, place)) for place in found), None)


def _family(root: str, tables: Mapping[str, Table]) -> list[str]:
    """The tables whose rows are made from the records of `root`."""
    return [name for name, table in tables.items() if (table.from_ or name) == root]


def _private(table: Table, contract: type[Contract]) -> list[Path]:
    """Where in the record the contract's tagged fields are."""
    columns = [column for column in columns_of(contract, stored=False) if column.private]
    places = [_place(path, table.explode) for column in columns for path in column.paths]
    named = (PARENT, INDEX, FILE, FOR_EACH)
    if any(str(path[0]).startswith("_") and path[0] not in named for c in columns for path in c.paths):
        places += [
            _place((name,), table.explode) for name in contract.needs
        ]  # the contract's own code makes it of these
    return [place for place in places if place]


def _place(path: tuple[str | int, ...], explode: str | None) -> Path:
    """Where in the record a path of the table's rows leads; empty: nowhere."""
    if path[0] == PARENT:
        return path[1:]
    if path == (INDEX,):
        return ()
    return (explode, None, *path) if explode else path


def _seen_from(place: Path, explode: str | None) -> Path:
    """A place of the record as the table's rows have it: inside the element, or in its record."""
    if explode is None:
        return place
    if len(place) > 2 and place[0] == explode:
        return place[2:]
    return (PARENT, *place)


def related(place: Path, places: Iterable[Path]) -> bool:
    """Whether a place is one of the others, inside one of them or around one of them."""
    return bool(place) and any(all(map(_alike, place, other)) for other in places)


def _alike(one: str | int | None, other: str | int | None) -> bool:
    return one == other or (one is None and isinstance(other, int)) or (other is None and isinstance(one, int))


def _found(raw: Any, path: Path, *, near: bool = False) -> Iterator[Any]:
    """The values at a path; with `near` also what is where the path should have gone on and cannot: a text, a list."""
    if not path:
        yield raw
        return
    part: Any
    part, *rest = path
    if part is None and isinstance(raw, list):
        for item in raw:
            yield from _found(item, tuple(rest), near=near)
    elif (isinstance(raw, dict) and part in raw) or (
        isinstance(raw, list) and isinstance(part, int) and part < len(raw)
    ):
        yield from _found(raw[part], tuple(rest), near=near)
    elif near and not isinstance(raw, dict):
        yield raw


def _scalars(value: Any) -> Iterator[Any]:
    """All single values inside a value, however deep."""
    rest = [value]
    while rest:
        item = rest.pop()
        if isinstance(item, dict):
            rest += item.values()
        elif isinstance(item, list | tuple):
            rest += item
        elif item is not None:
            yield item


def _may_be_personal(value: Any, column: Column, secrets: frozenset[str]) -> bool:
    """Whether the value of an untagged field is not what it should be, or is that of a tagged one."""
    if isinstance(value, dict | list | tuple | bytes):
        return True
    if column.kind in (int, float, Decimal, bool, date, datetime) and isinstance(value, str):
        return not _NUMBER_OR_DATE.fullmatch(value) or _holds(value, secrets)
    return _holds(str(value), secrets)


def _holds(text: str, secrets: frozenset[str]) -> bool:
    text = text.casefold().strip()
    return any(secret == text or (len(secret) >= _CONTAINED and secret in text) for secret in secrets)


def _words(contract: type[BaseModel]) -> frozenset[str]:
    """Names of the fields of a contract and of all models nested in it."""
    models, found = [contract], set[type[BaseModel]]()
    while models:
        model = models.pop()
        if model not in found:
            found.add(model)
            models += [inner for field in model.model_fields.values() for inner in _models(field.annotation)]
    return frozenset(name for model in found for name in model.model_fields)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)

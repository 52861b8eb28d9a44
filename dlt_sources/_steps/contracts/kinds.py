"""The types that a column can have, and which of them a field's annotation asks for."""

from __future__ import annotations

import types
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from pathlib import PurePath
from typing import Annotated, Any, Literal, NewType, TypeVar, Union, get_args, get_origin
from uuid import UUID

import pydantic
from pydantic.networks import AnyUrl, EmailStr, IPvAnyAddress, IPvAnyInterface, IPvAnyNetwork, PostgresDsn

_AS_TEXT: dict[type, int | None] = {
    UUID: 36,
    IPv4Address: 15,
    IPv4Interface: 18,
    IPv4Network: 18,
    IPv6Address: 64,
    IPv6Interface: 64,
    IPv6Network: 64,
    IPvAnyAddress: 64,  # type: ignore[dict-item]
    IPvAnyInterface: 64,  # type: ignore[dict-item]
    IPvAnyNetwork: 64,  # type: ignore[dict-item]
    AnyUrl: None,
    PostgresDsn.__bases__[0]: None,  # URLs of one host, and of several
    EmailStr: 320,  # type: ignore[dict-item]
}
"""Types whose values are stored as text, and their longest text in characters; None: no limit of their own."""
_PYDANTICS: dict[Any, type] = {
    pydantic.AwareDatetime: datetime,
    pydantic.NaiveDatetime: datetime,
    pydantic.PastDatetime: datetime,
    pydantic.FutureDatetime: datetime,
    pydantic.PastDate: date,
    pydantic.FutureDate: date,
}
_PLAIN = (str, bool, int, float, Decimal, datetime, date)  # datetime before date: it is one
_INSTEAD: dict[type, str] = {
    timedelta: "use int or float, with the unit in `unit`",
    time: "use str, with a pattern",
    bytes: "use str (base64, hex)",
    dict: "name its parts with `path`, or use checked_only(...)",
    Mapping: "name its parts with `path`, or use checked_only(...)",
    list: "make a table of its elements with `from` and `explode`, or use checked_only(...)",
    tuple: "name its parts with `path`, or use checked_only(...)",
    set: "make a table of its elements with `from` and `explode`, or use checked_only(...)",
    frozenset: "make a table of its elements with `from` and `explode`, or use checked_only(...)",
    pydantic.BaseModel: "name its parts with `path`, or use checked_only(...)",
    pydantic.SecretStr: 'use str with pii="hash" or pii="drop"',
    pydantic.SecretBytes: 'use str with pii="hash" or pii="drop"',
    complex: "use two float fields",
    PurePath: "use str",
}
STORABLE = "str, int, float, Decimal, bool, date, datetime, Literal, Enum, UUID, EmailStr, a URL or an IP address"


def kind_of(annotation: Any) -> tuple[type, bool, int | None]:
    """What a column has to be for an annotation: (its Python type, whether it may be NULL, the longest text that the type itself allows).

    Raises:
        TypeError: no column can hold it; says what to use instead.
    """
    annotation = _bare(annotation)
    if get_origin(annotation) in (Union, types.UnionType):
        return _kind_of_union(annotation)
    if get_origin(annotation) is Literal:
        return _kind_of_values(annotation, get_args(annotation))
    if annotation in _PYDANTICS:
        return _PYDANTICS[annotation], False, None
    plain = get_origin(annotation) or annotation
    if not isinstance(plain, type):
        raise TypeError(f"{_name(annotation)} has no column type; use {STORABLE}")
    if issubclass(plain, Enum):
        return _kind_of_values(annotation, tuple(member.value for member in plain))
    for kind, longest in _AS_TEXT.items():
        if issubclass(plain, kind):
            return str, False, longest
    for kind in _PLAIN:
        if issubclass(plain, kind):
            return kind, False, None
    instead = next((fix for kind, fix in _INSTEAD.items() if issubclass(plain, kind)), f"use {STORABLE}")
    raise TypeError(f"{_name(annotation)} has no column type; {instead}")


def is_list(annotation: Any) -> bool:
    """Whether a field's annotation is a list, or a list that may be null."""
    annotation = _bare(annotation)
    if get_origin(annotation) in (Union, types.UnionType):
        return all(is_list(part) for part in get_args(annotation) if part is not type(None))
    return (get_origin(annotation) or annotation) is list


def _bare(annotation: Any) -> Any:
    """The annotation without what wraps it: metadata, names for types, type variables' bounds."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif isinstance(annotation, TypeVar) and annotation.__bound__ is not None:
            annotation = annotation.__bound__
        elif hasattr(annotation, "__value__"):  # a `type` statement
            annotation = annotation.__value__
        else:
            return annotation


def _kind_of_union(annotation: Any) -> tuple[type, bool, int | None]:
    parts = get_args(annotation)
    found = [kind_of(part) for part in parts if part is not type(None)]
    kinds = {kind for kind, _, _ in found}
    if len(kinds) > 1:
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise TypeError(
            f"{_name(annotation)} could be any of {names}, and a column has one type; choose one (a str takes numbers, too, with"
            " coerce_numbers_to_str=True)"
        )
    if not kinds:
        raise TypeError(f"{_name(annotation)} has no column type; use {STORABLE}")
    longest = [length for _, _, length in found]
    nullable = type(None) in parts or any(null for _, null, _ in found)
    return found[0][0], nullable, None if None in longest else max(filter(None, longest))


def _kind_of_values(annotation: Any, values: tuple[Any, ...]) -> tuple[type, bool, int | None]:
    plain = [value.value if isinstance(value, Enum) else value for value in values]
    kinds = {type(value) for value in plain} - {type(None)}
    if len(kinds) != 1 or not kinds <= set(_PLAIN):
        raise TypeError(
            f"{_name(annotation)}: a column has one type, and its values have not; use values of one of {STORABLE}"
        )
    [kind] = kinds
    return kind, None in plain, max(len(value) for value in plain if value is not None) if kind is str else None


def _name(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)

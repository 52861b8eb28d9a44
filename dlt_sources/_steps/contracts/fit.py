"""Whether a column can hold what Pydantic returned, and what it then holds."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from warehouse.column_types import LONGEST_TEXT

from .columns import Column
from .rules import plain
from .text import Exact

_TEXTUAL = ("pydantic", "pydantic_core", "uuid", "ipaddress")
"""Modules whose values (URLs, UUIDs, addresses) are stored as the text that they print."""


class Unfit(ValueError):
    """The column cannot hold the value; says why, without the value."""


def fit(column: Column, value: Any) -> Any:
    """The value as the column holds it: an exact value of the column's kind.

    Raises:
        Unfit: the column cannot hold it.
    """
    value = plain(value)
    if value is None:
        if column.nullable:
            return None
        raise Unfit("the contract's own code returned None, and the field may not be null")
    if column.kind is str:
        return _text(column, value)
    if column.kind is bool and isinstance(value, bool):
        return value
    if column.kind is int and isinstance(value, int):
        return _whole(int(value))
    if column.kind is int and isinstance(value, Exact):
        raise Unfit("the number has a fraction, too small for a double to show")
    if column.kind is float and isinstance(value, float | int):
        return float(value)
    if column.kind is Decimal and isinstance(value, Decimal | int):
        return _decimal(column, Decimal(value))
    if column.kind is datetime and isinstance(value, datetime):
        return _moment(value)
    if column.kind is date and isinstance(value, date) and not isinstance(value, datetime):
        return date(value.year, value.month, value.day)
    raise Unfit(
        f"the contract's own code returned a {type(value).__name__}, and the column holds {column.kind.__name__}"
    )


def _text(column: Column, value: Any) -> str:
    if not isinstance(value, str):
        if not type(value).__module__.startswith(_TEXTUAL):
            raise Unfit(f"the contract's own code returned a {type(value).__name__}, and the column holds str")
        value = str(value)
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise Unfit("the text holds half of a surrogate pair, which UTF-8 cannot") from None
    if column.pii != "hash":
        if column.max_length is not None and len(value) > column.max_length:
            raise Unfit(f"the text is longer than {column.max_length} characters")
        if size > LONGEST_TEXT:
            raise Unfit(f"the text is longer than {LONGEST_TEXT:,} bytes, the most that a column holds")
    return str(value)


def _whole(value: int) -> int:
    if not -(2**63) <= value < 2**63:
        raise Unfit("the number is beyond 64 bits")
    return value


def _decimal(column: Column, value: Decimal) -> Decimal:
    digits, places = column.max_digits or 0, column.decimal_places or 0
    if not value.is_finite():
        raise Unfit("it is not a finite number")
    if value and value.adjusted() >= digits - places:
        raise Unfit(f"the number has more than {digits - places} digits before the point")
    _, found, exponent = value.as_tuple()
    extra = -int(exponent) - places
    if extra > 0 and any(found[-extra:] if extra <= len(found) else found):
        raise Unfit(f"the number has more than {places} decimal places")
    return Decimal(f"{value:.{places}f}") if value else Decimal(0)


def _moment(value: datetime) -> datetime:
    if value.tzinfo is not None:
        try:
            value = value.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            raise Unfit("in UTC the time is outside of the years 1 to 9999") from None
    return datetime(value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond)

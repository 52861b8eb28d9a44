"""What a contract takes for a time: ISO 8601, and numbers or other formats only where its field says so.

Pydantic reads every number, and every text of digits, as seconds or milliseconds since 1970, by its size: 20240131
becomes a day in August 1970. So each date and datetime inside a contract's core schema is wrapped in a `TimeReader`
(`wrap_times`), which refuses numbers unless the field has `epoch` or `formats`. It is part of the Pydantic model itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal, InvalidOperation
from functools import cache
from typing import Any, Literal, get_args

from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

Epoch = Literal["s", "ms", "us"]
MICROSECONDS: dict[str, int] = {"s": 1_000_000, "ms": 1_000, "us": 1}
"""How many microseconds one of the unit is."""
_NUMBER = re.compile(r"[+-]?\d{1,40}(\.\d{0,40})?", re.ASCII)
_NUMBER_LIKE = re.compile(r"\s*[+-]?(?=[.,]?\d)[\d_]*[.,]?[\d_]*(?:[eE][+-]?\d+)?\s*")
_DIGITS = {
    "Y": "4",
    "m": "1,2",
    "d": "1,2",
    "H": "1,2",
    "I": "1,2",
    "M": "1,2",
    "S": "1,2",
    "y": "2",
    "j": "1,3",
    "f": "1,6",
}
_NAMES = {
    "b": r"[^\W\d_]+",
    "B": r"[^\W\d_]+",
    "a": r"[^\W\d_]+",
    "A": r"[^\W\d_]+",
    "p": r"[AaPp][Mm]",
    "z": r"(?:Z|[+-]\d\d:?\d\d)",
}
_DAYS = ({"m", "d"}, {"b", "d"}, {"B", "d"}, {"j"})
_1970 = datetime(1970, 1, 1)
_EXACT = Context(prec=100)


@dataclass(frozen=True)
class TimeReader:
    """Reads what comes for a date or datetime, before Pydantic does.

    Attributes:
        kind: the core schema's type: "date" or "datetime".
        epoch: unit of numbers, counted from 1970 in UTC; None: a number is refused.
        formats: strptime formats; when there are any, a text or whole number has to have one of them.
        naive: whether moments that are counted have no zone, because they are compared with bounds that have none.
    """

    kind: str
    epoch: Epoch | None = None
    formats: tuple[str, ...] = ()
    naive: bool = False

    def __call__(self, value: Any) -> Any:
        if self.formats and (text := _digits_of(value)) is not None:
            return self._written(text)
        if not _is_number(value):
            return value
        if self.epoch is None or not _is_countable(value):
            raise PydanticCustomError(
                "time_from_number",
                'a number is not a time: if it counts from 1970, say so with epoch="s" or epoch="ms"; if its digits are a date,'
                ' with format="%Y%m%d"',
            )
        return self._counted(value)

    def _counted(self, value: Any) -> datetime | date:
        """The moment of a number: what is below a microsecond is cut off, as Pydantic does in a text."""
        try:
            number = Decimal(_text(value).strip() if isinstance(value, str | bytes) else str(value))
            if number.adjusted() > 20:  # a number of many digits takes long to write out
                raise OverflowError
            exact = _EXACT.multiply(number, Decimal(MICROSECONDS[self.epoch or "s"]))
            moment = _1970 + timedelta(microseconds=math.floor(exact))
        except (OverflowError, InvalidOperation, ValueError):
            raise PydanticCustomError(
                "time_out_of_range", "the number is a time outside of the years 1 to 9999"
            ) from None
        return self._made(moment if self.naive or self.kind == "date" else moment.replace(tzinfo=UTC))

    def _written(self, text: str) -> datetime | date:
        for form in self.formats:
            if _shape(form).fullmatch(text):
                try:
                    return self._made(datetime.strptime(text, form))
                except ValueError:
                    continue
        raise PydanticCustomError(
            "time_format", "not a date or time of the format {formats}", {"formats": " or ".join(self.formats)}
        )

    def _made(self, moment: datetime) -> datetime | date:
        """As a date where that is asked for; with a time of day it stays a moment, for Pydantic to refuse."""
        return moment.date() if self.kind == "date" and moment.time() == datetime.min.time() else moment


def check_words(epoch: Any, formats: Any) -> dict[str, Any]:
    """The notes of a field for ``epoch`` and ``format`` as they were given to `column`.

    Raises:
        TypeError: not a unit, or a format that does not say a day, or says it in a way that depends on the machine.
    """
    if epoch is not None and epoch not in get_args(Epoch):
        raise TypeError(f"column: epoch={epoch!r} is not one of {', '.join(get_args(Epoch))}")
    if epoch and formats:
        raise TypeError("column: a number is either counted from 1970 (epoch) or a date in digits (format): choose one")
    given = (formats,) if isinstance(formats, str) else tuple(formats or ())
    for form in given:
        if why := _unusable(form):
            raise TypeError(f"column: format={form!r} {why}")
    return ({"epoch": epoch} if epoch else {}) | ({"formats": given} if given else {})


def infos(annotation: Any) -> Iterator[FieldInfo]:
    """The `Field(...)` and `column(...)` inside an annotation, which Pydantic reads for rules and for nothing else."""
    annotation = getattr(annotation, "__value__", annotation)  # of a `type` statement
    for part in get_args(annotation):
        if isinstance(part, FieldInfo):
            yield part
        else:
            yield from infos(part)


def wrap_times(schema: Any, fields: Mapping[str, FieldInfo], resolve: Callable[[Any], Any]) -> None:
    """Put a `TimeReader` before every date and datetime of a contract's core schema.

    Args:
        fields: the contract's fields, whose notes may say `epoch` or `formats`.
        resolve: gives the schema that a reference stands for.

    Raises:
        TypeError: a field that is not a date or datetime says so.
    """
    within = schema
    while within["type"] != "model-fields":
        if "schema" not in within:
            return
        within = within["schema"]
    for name, described in within["fields"].items():
        words: dict[str, Any] = {}
        for info in [*infos(fields[name].annotation), fields[name]] if name in fields else []:
            words |= info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        epoch, formats = words.get("epoch"), tuple(words.get("formats", ()))
        described["schema"], found = _wrapped(described["schema"], epoch, formats, resolve, frozenset())
        if not found and (epoch or formats):
            raise TypeError(f"{name}: `epoch` and `format` are for dates and datetimes; remove it, or correct the type")


def _wrapped(
    schema: Any, epoch: Epoch | None, formats: tuple[str, ...], resolve: Callable[[Any], Any], seen: frozenset[str]
) -> tuple[Any, bool]:
    """A part of a core schema with its times wrapped; whether there are any."""
    if isinstance(schema, list | tuple):
        parts = [_wrapped(part, epoch, formats, resolve, seen) for part in schema]
        return type(schema)(part for part, _ in parts), any(found for _, found in parts)
    if not isinstance(schema, dict):
        return schema, False
    kind = schema.get("type")
    if kind in ("date", "datetime"):
        return _reader(schema, kind, epoch, formats), True
    if kind == "function-before" and isinstance(schema["function"].get("function"), TimeReader):
        return schema, True  # of a contract inside a contract
    if kind == "definition-ref":  # other fields may share it, with other words
        if schema["schema_ref"] in seen:
            return schema, False
        meant = resolve(schema)
        if meant is None or meant.get("type") == "model":
            return schema, False
        seen |= {schema["schema_ref"]}
        made, found = _wrapped({k: v for k, v in meant.items() if k != "ref"}, epoch, formats, resolve, seen)
        return (made, True) if found else (schema, False)
    changed, any_found = dict(schema), False
    for key, value in schema.items():
        if key not in ("metadata", "serialization", "function", "default", "expected", "members", "cls"):
            changed[key], found = _wrapped(value, epoch, formats, resolve, seen)
            any_found = any_found or found
    return (changed, True) if any_found else (schema, False)


def _reader(schema: dict[str, Any], kind: str, epoch: Epoch | None, formats: tuple[str, ...]) -> dict[str, Any]:
    bounds = [schema.get(bound) for bound in ("ge", "gt", "le", "lt")]
    plain = any(isinstance(bound, datetime) and bound.tzinfo is None for bound in bounds)
    reader = TimeReader(kind, epoch, formats, naive=plain or schema.get("tz_constraint") == "naive")
    return {"type": "function-before", "function": {"type": "no-info", "function": reader}, "schema": schema}


def _is_number(value: Any) -> bool:
    """Whether Pydantic might read the value as a count of seconds or milliseconds."""
    if isinstance(value, str | bytes):
        return _NUMBER_LIKE.fullmatch(_text(value)) is not None
    return isinstance(value, int | float | Decimal)


def _is_countable(value: Any) -> bool:
    """Whether a number says plainly how much it is; a text with an exponent has lost its digits."""
    return not isinstance(value, bool) and (
        not isinstance(value, str | bytes) or _NUMBER.fullmatch(_text(value).strip()) is not None
    )


def _digits_of(value: Any) -> str | None:
    """A text, or a whole number's digits, for a format to match; None: the value is neither."""
    if isinstance(value, str | bytes):
        return _text(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return str(int(value)) if isinstance(value, int) or (math.isfinite(value) and value == int(value)) else None


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def parts_of(form: str) -> list[str]:
    """A format taken apart: directives such as ``%Y``, and single characters."""
    return re.findall(r"%.?|.", form, re.DOTALL)


@cache
def _shape(form: str) -> re.Pattern[str]:
    """What a text of the format looks like: more exact than strptime, which reads 2024111 as ``%Y%m%d`` in one of two ways."""
    parts = parts_of(form)
    made = []
    for place, part in enumerate(parts):
        beside = [*parts[max(place - 1, 0) : place], *parts[place + 1 : place + 2]]
        if part == "%%":
            made.append("%")
        elif part[0] != "%":
            made.append(re.escape(part))
        elif part[1] in _NAMES:
            made.append(_NAMES[part[1]])
        elif any(other.isdigit() or (other[0] == "%" and other[-1] in _DIGITS) for other in beside):
            made.append(f"[0-9]{{{_DIGITS[part[1]].rpartition(',')[2]}}}")  # all digits, or nobody knows where it ends
        else:
            made.append(f"[0-9]{{{_DIGITS[part[1]]}}}")
    return re.compile("".join(made))


def _unusable(form: Any) -> str | None:
    """Why a format cannot be used, or None."""
    if not isinstance(form, str):
        return "is not a text"
    found = [part[1:] for part in parts_of(form) if part[0] == "%" and part != "%%"]
    if unknown := [letter for letter in found if letter not in {*_DIGITS, *_NAMES}]:
        return f"has %{unknown[0]}; what can be used is {' '.join(f'%{letter}' for letter in [*_DIGITS, *_NAMES])}"
    if len(set(found)) < len(found):
        return "says a part twice"
    if not set(found) & {"Y", "y"} or not any(day <= set(found) for day in _DAYS):
        return "does not say year, month and day"
    if ("I" in found) != ("p" in found):
        return "needs %I and %p together: hours to 12 are before or after noon"
    return None

"""The one statement of what a row is: a Pydantic model with a description per field and a little metadata.

Everything else that must know a table's columns reads them from the contract (columns.py): the bulk check, the Arrow
and warehouse types, SQLMesh's external models, the checks of staging, the reference pages.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, get_args

from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, GetCoreSchemaHandler

from warehouse.staging import JUDGED_MARKS

from .times import Epoch, check_words, wrap_times

Pii = Literal["hash", "drop", "keep"]
Parts = tuple[str | int, ...]
Way = str | Parts
"""A path as a contract may write it."""
PAYLOAD = "_payload"
"""Column of a landed record that is kept as JSON text; landed tables without it have the source's own columns."""
MARKS = tuple(JUDGED_MARKS)
"""What every judged row says of itself: its landed load, its number there, whether the source deleted it, when it was read."""
FILE, FILE_ROW, MALFORMED = "_file", "_file_row", "_malformed"
"""Rows of files also say which file they are from and which row of it (from 0); a line that is not a row holds what it was and why, and nothing else."""
PARENT, INDEX = "_parent", "_index"
"""Names under which a row made from a list element sees its record and its place in the list."""
FOR_EACH = "_for_each"
"""Member of a record that was asked for by a record of another table: the values that this one gave."""
RESERVED = frozenset(
    {PAYLOAD, *MARKS, PARENT, INDEX, FOR_EACH, FILE, FILE_ROW, MALFORMED, "_parent_ok", "filename", "file_row_number"}
)
"""Names no column of a source may have: landed rows use them for themselves."""


class Contract(BaseModel):
    """Base of every row contract. Unknown input keys are ignored; NaN and infinity are never numbers, and numbers never times."""

    needs: ClassVar[tuple[str, ...]] = ()
    """Names a landed row must have besides those its fields name: what a validator of the contract reads."""
    ignores: ClassVar[tuple[str, ...]] = ()
    """Paths of what the source sends and nobody needs: it is not reported as drift."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, loc_by_alias=False, hide_input_in_errors=True)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> Any:
        schema: Any = handler(source)
        wrap_times(handler.resolve_ref_schema(schema), cls.model_fields, handler.resolve_ref_schema)
        return schema


def column(
    description: str,
    *,
    path: Way | list[Way] | None = None,
    pii: Pii | None = None,
    unit: str | None = None,
    epoch: Epoch | None = None,
    format: str | Sequence[str] | None = None,
    **constraints: Any,
) -> Any:
    """A field of a contract.

    Args:
        description: what it means; it becomes the column's comment everywhere.
        path: where the value is in the landed row when that is not the field's own name: ``user_location[0]``,
            ``_parent.user_id`` (the record a list element came from), ``_index`` (its place, from 0), ``_for_each.id``
            (the record of another table that the endpoint was asked with) or ``_file`` (the name of the file it came from). A list of paths is tried in order: sources rename columns. A text is also
            tried as one name, so ``Amount [EUR]`` names a column; a name with dots inside a longer path is quoted,
            ``user."first.name"``, or the path is a tuple of its parts, ``("user", "first.name", 0)``.
        pii: personal data: ``hash`` salts and hashes it in refine, ``drop`` never lets it leave refine, ``keep`` says
            that it is known to be personal and is needed in clear.
        unit: unit of a number, e.g. ``USD`` or ``seconds``.
        epoch: of a date or datetime: its numbers count from 1970, in ``s``, ``ms`` or ``us``. Without it a number is no
            time: 20240131 would be a day of August 1970. ISO 8601 is read as ever.
        format: of a date or datetime: how it is written, for `strptime`: ``%Y%m%d``; the first of a list that matches
            counts, and nothing else is read but native dates and timestamps.
        constraints: Pydantic's own words for `Field`: ge, le, gt, lt, multiple_of, min_length, max_length, pattern,
            max_digits, decimal_places, strict, coerce_numbers_to_str, default and so on.

    Raises:
        TypeError: a word that is not known. A rule with a typo in its name would be no rule, and personal data with one
            in `pii` would be published.
    """
    _refuse_unknown("column", constraints)
    if pii not in (None, *get_args(Pii)):
        raise TypeError(f"column: pii={pii!r} is not one of {', '.join(get_args(Pii))}{_nearest(pii, get_args(Pii))}")
    extra: dict[str, Any] = {key: value for key, value in (("pii", pii), ("unit", unit)) if value}
    extra |= check_words(epoch, format)
    ways = path if isinstance(path, list) else [] if path is None else [path]
    alias = [AliasPath(*parts) for way in ways for parts in _ways(way)]  # type: ignore[arg-type]
    return Field(
        description=description,
        validation_alias=AliasChoices(*alias) if alias else None,
        json_schema_extra=extra,
        **constraints,
    )


def computed(description: str, expression: str, **constraints: Any) -> Any:
    """A column worked out from the row's other columns, after they were found right: a flag, a key.

    Args:
        description: what it means.
        expression: DuckDB SQL over the contract's stored columns; it must not be NULL.
        constraints: ``max_length`` of a text, ``max_digits`` and ``decimal_places`` of a Decimal.
    """
    _refuse_unknown("computed", constraints)
    return Field(
        default=None,
        description=description,
        validation_alias=AliasPath("\0"),  # nothing a source sends can set it
        json_schema_extra={"computed": expression},
        **constraints,
    )


def checked_only(description: str, **constraints: Any) -> Any:
    """A field that must be right for the row to be accepted but is not a column of its own (a nested list, say)."""
    _refuse_unknown("checked_only", constraints)
    return Field(description=description, exclude=True, **constraints)


_WORDS = set(inspect.signature(Field).parameters) - {
    "extra",
    "description",
    "validation_alias",
    "json_schema_extra",
    "exclude",
} | {"coerce_numbers_to_str"}
"""What `Field` takes by name, less what the functions above set; Pydantic itself takes any other word for a note to be kept."""
_OWN = {"description", "path", "pii", "unit", "epoch", "format", "expression"}


def _refuse_unknown(function: str, given: dict[str, Any]) -> None:
    for word in given.keys() - _WORDS:
        raise TypeError(f"{function}: unknown keyword {word!r}{_nearest(word, _WORDS | _OWN)}")


def _nearest(word: object, known: Any) -> str:
    close = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


_PART = r'"(?:[^"]|"")*"|[^.\[\]"]+'
_TEXT = re.compile(rf"(?:{_PART})(?:\.(?:{_PART})|\[[0-9]+\])*")


def _ways(way: Way) -> list[Parts]:
    """What a path may mean: ``user.name`` is the part of a part, or a column of just that name.

    Raises:
        TypeError: it is neither a text nor a tuple of names and places.
    """
    if isinstance(way, tuple):
        if not way or not isinstance(way[0], str) or not all(type(part) in (str, int) for part in way):
            raise TypeError(f"column: path={way!r}: a tuple begins with a name; names and places (int) follow")
        return [way]
    if not isinstance(way, str):
        raise TypeError(f"column: path={way!r} is neither a text nor a tuple of names and places")
    if not _TEXT.fullmatch(way):
        return [(way,)]
    parts = tuple(map(_part, re.findall(rf"{_PART}|\[[0-9]+\]", way)))
    parts = (str(parts[0]), *parts[1:])  # a record is an object: its first part is a name, also in digits
    return [parts] if parts == (way,) or parts[0] in RESERVED or '"' in way else [parts, (way,)]


def _part(text: str) -> str | int:
    if text.startswith('"'):
        return text[1:-1].replace('""', '"')
    place = text.strip("[]")
    return int(place) if re.fullmatch("[0-9]+", place) else text

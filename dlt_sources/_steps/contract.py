"""The one statement of what a row is: a Pydantic model with a description per field and a little metadata.

Everything else that must know a table's columns reads it here (`columns_of`): the bulk check, the Arrow and warehouse
types, SQLMesh's external models, the base of the Soda checks, the reference pages.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

import annotated_types as at
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

Pii = Literal["hash", "drop", "keep"]
PAYLOAD = "_payload"
"""Column of a landed record that is kept as JSON text; landed tables without it have the source's own columns."""
MARKS = ("_load_id", "_row", "_deleted", "_read_at")
"""What every judged row says of itself: its landed load, its number there, whether the source deleted it, when it was read."""
FILE, FILE_ROW, MALFORMED = "_file", "_file_row", "_malformed"
"""Rows of files also say which file they are from and which row of it (from 0); a line that is no row holds what it was and why, and nothing else."""
PARENT, INDEX = "_parent", "_index"
"""Names under which a row made from a list element sees its record and its place in the list."""
RESERVED = frozenset(
    {PAYLOAD, *MARKS, PARENT, INDEX, FILE, FILE_ROW, MALFORMED, "_parent_ok", "filename", "file_row_number"}
)
"""Names no column of a source may have: landed rows use them for themselves."""


class Contract(BaseModel):
    """Base of every row contract. Unknown input keys are ignored; NaN and infinity are never numbers."""

    needs: ClassVar[tuple[str, ...]] = ()
    """Names a landed row must have besides those its fields name: what a validator of the contract reads."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, loc_by_alias=False, hide_input_in_errors=True)


def column(
    description: str,
    *,
    path: str | list[str] | None = None,
    pii: Pii | None = None,
    unit: str | None = None,
    **constraints: Any,
) -> Any:
    """A field of a contract.

    Args:
        description: what it means; it becomes the column's comment everywhere.
        path: where the value is in the landed row when that is not the field's own name: ``user_location[0]``,
            ``_parent.user_id`` (the record a list element came from), ``_index`` (its place, from 0) or ``_file`` (the
            name of the file it came from). A list of paths is tried in order: sources rename columns.
        pii: personal data: ``hash`` salts and hashes it in refine, ``drop`` never lets it leave refine, ``keep`` says
            that it is known to be personal and is needed in clear.
        unit: unit of a number, e.g. ``USD`` or ``seconds``.
        constraints: Pydantic's own (ge, le, gt, lt, min_length, max_length, pattern, max_digits, decimal_places, default).
    """
    extra: dict[str, Any] = {key: value for key, value in (("pii", pii), ("unit", unit)) if value}
    alias = [AliasPath(*_path(way)) for way in ([path] if isinstance(path, str) else path or [])]  # type: ignore[arg-type]
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
        constraints: ``max_length`` of a text.
    """
    return Field(
        default=None,
        description=description,
        validation_alias=AliasPath("\0"),  # nothing a source sends can set it
        json_schema_extra={"computed": expression},
        **constraints,
    )


def checked_only(description: str, **constraints: Any) -> Any:
    """A field that must be right for the row to be accepted but is no column of its own (a nested list, say)."""
    return Field(description=description, exclude=True, **constraints)


@dataclass(frozen=True)
class Column:
    """One field of a contract, taken apart: where it comes from, what it must be, what it becomes."""

    name: str
    paths: tuple[tuple[str | int, ...], ...]
    kind: type
    nullable: bool
    has_default: bool
    description: str
    stored: bool
    pii: Pii | None = None
    unit: str | None = None
    computed: str | None = None
    choices: tuple[Any, ...] = ()
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    ge: Any = None
    gt: Any = None
    le: Any = None
    lt: Any = None
    max_digits: int | None = None
    decimal_places: int | None = None
    coerce_numbers_to_str: bool = False

    @property
    def private(self) -> bool:
        """Whether its value must not be read in clear after refine."""
        return self.pii in ("hash", "drop")

    @property
    def path(self) -> tuple[str | int, ...]:
        """Where its value is in the landed row: the first of the ways to try."""
        return self.paths[0]

    @property
    def sql_type(self) -> str:
        """The warehouse type, in words both DuckDB and Redshift know. Text lengths are in characters."""
        if self.pii == "hash":
            return "VARCHAR(64)"
        if self.kind is str:
            longest = self.max_length or max((len(c) for c in self.choices), default=0) or 65535
            return f"VARCHAR({longest})"
        if self.kind is Decimal:
            return f"DECIMAL({self.max_digits},{self.decimal_places})"
        return {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", date: "DATE", datetime: "TIMESTAMP"}[self.kind]


def columns_of(contract: type[Contract], *, stored: bool = True) -> list[Column]:
    """The contract's columns in order; with ``stored=False`` also those that are dropped or only checked.

    Raises:
        TypeError: a field is of a type that no column can hold; names contract, field and the types there are.
    """
    columns = [_column(contract, name, field) for name, field in contract.model_fields.items()]
    return [c for c in columns if c.stored or not stored]


def has_own_code(contract: type[Contract]) -> bool:
    """Whether the contract has validators of its own: then only Pydantic can tell what a row is."""
    own = contract.__pydantic_decorators__
    return bool(own.field_validators or own.model_validators)


def lacking(contract: type[Contract], names: Iterable[str], shown: str) -> str | None:
    """In words, the column a table must have for the contract and has not under any of its names; None: it has all.

    Args:
        names: the table's columns. shown: the same for people.
    """
    there = set(names)
    for field, ways in _required(contract).items():
        if not there & set(ways):
            return (
                f"no column {' or '.join(ways)} (for {contract.__name__}.{field}); it has {shown}. If it was renamed,"
                " add the new name to the field's `path` in contract.py"
            )
    return None


def _required(contract: type[Contract]) -> dict[str, list[str]]:
    """Fields that a landed row must have (NULL or not): per field, the names its value may come under."""
    named = {
        c.name: [str(path[0]) for path in c.paths]
        for c in columns_of(contract, stored=False)
        if not c.has_default and not str(c.path[0]).startswith("_")
    }
    return named | {name: [name] for name in contract.needs}


_DLT = {
    str: "text",
    bool: "bool",
    int: "bigint",
    float: "double",
    date: "date",
    datetime: "timestamp",
    Decimal: "decimal",
}


def dlt_columns(contract: type[Contract], *, all_nullable: bool = False) -> dict[str, dict[str, Any]]:
    """The contract's stored columns as dlt column hints: types, lengths and nullability.

    Args:
        all_nullable: the table also takes rows that only delete, which hold nothing but their key.
    """
    hints: dict[str, dict[str, Any]] = {}
    for c in columns_of(contract):
        hint: dict[str, Any] = {"data_type": "text" if c.pii == "hash" else _DLT[c.kind], "description": c.description}
        hint["nullable"] = c.nullable or all_nullable
        if found := re.search(r"\((\d+)(?:,(\d+))?\)", c.sql_type):
            hint["precision"] = int(found[1])
            if found[2]:
                hint["scale"] = int(found[2])
        if hint["data_type"] == "timestamp":
            hint["timezone"] = False
        hints[c.name] = hint
    return hints


_KINDS = (str, bool, int, float, Decimal, date, datetime, list)


def _column(contract: type[Contract], name: str, field: FieldInfo) -> Column:
    kind, nullable, choices, inner = _unwrap(field.annotation)
    if kind not in _KINDS:
        raise TypeError(
            f"{contract.__name__}.{name}: {kind} has no column type; use str, int, float, Decimal, bool, date, datetime,"
            " or checked_only(...) for a list"
        )
    facts: dict[str, Any] = {}
    for meta in (*inner, *field.metadata):
        facts |= _facts(meta)
    if kind is Decimal and not (facts.get("max_digits") and facts.get("decimal_places") is not None):
        raise TypeError(f"{contract.__name__}.{name}: a Decimal needs max_digits and decimal_places")
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    alias = field.validation_alias
    return Column(
        name=name,
        paths=_paths(alias) or ((name,),),
        kind=kind,
        nullable=nullable,
        has_default=not field.is_required(),
        description=field.description or "",
        stored=not field.exclude and extra.get("pii") != "drop",
        choices=choices,
        **{**{name: extra.get(name) for name in ("pii", "unit", "computed")}, **facts},  # type: ignore[arg-type]
    )


def _unwrap(annotation: Any) -> tuple[Any, bool, tuple[Any, ...], tuple[Any, ...]]:
    """(type, nullable, literal choices, metadata) of an annotation such as ``Annotated[str, ...] | None``."""
    if get_origin(annotation) is Annotated:
        kind, nullable, choices, meta = _unwrap(get_args(annotation)[0])
        return kind, nullable, choices, (*meta, *get_args(annotation)[1:])
    if get_origin(annotation) in (Union, types.UnionType):
        parts = [a for a in get_args(annotation) if a is not type(None)]
        if len(parts) != 1:
            return annotation, False, (), ()
        kind, _, choices, meta = _unwrap(parts[0])
        return kind, True, choices, meta
    if get_origin(annotation) is Literal:
        return type(get_args(annotation)[0]), False, get_args(annotation), ()
    if get_origin(annotation) is list:
        return list, False, (), ()
    return annotation, False, (), ()


def _facts(meta: Any) -> dict[str, Any]:
    match meta:
        case at.Ge(ge):
            return {"ge": ge}
        case at.Gt(gt):
            return {"gt": gt}
        case at.Le(le):
            return {"le": le}
        case at.Lt(lt):
            return {"lt": lt}
        case at.MinLen(n):
            return {"min_length": n}
        case at.MaxLen(n):
            return {"max_length": n}
        case FieldInfo():
            return {key: value for inner in meta.metadata for key, value in _facts(inner).items()}
    names = (
        "pattern",
        "max_digits",
        "decimal_places",
        "coerce_numbers_to_str",
    )  # Pydantic's own metadata has no public class
    return {name: value for name in names if (value := getattr(meta, name, None)) is not None}


def _paths(alias: Any) -> tuple[tuple[str | int, ...], ...]:
    if isinstance(alias, AliasPath):
        return (tuple(alias.path),)
    if isinstance(alias, AliasChoices):
        return tuple(path for choice in alias.choices for path in _paths(choice))
    return ((alias,),) if isinstance(alias, str) else ()


def _path(text: str) -> list[str | int]:
    """``user_location[0]`` as ``["user_location", 0]``."""
    return [int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", text)]

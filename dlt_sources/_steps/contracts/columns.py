"""A contract's fields as columns: where each value is in the landed row, what it has to be, and what holds it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any, get_args

from pydantic import AliasChoices, AliasPath
from pydantic.fields import FieldInfo

from warehouse.column_types import FORMS, LONGEST_TEXT, dlt_hint

from .contract import FILE, FILE_ROW, FOR_EACH, INDEX, PARENT, Contract, Pii
from .core_schema import checks_rows, config_of, field_schema, inner
from .kinds import is_list, kind_of
from .rules import Rule, demands, rule_of
from .times import infos


@dataclass(frozen=True)
class Column:
    """One field of a contract, taken apart: where it comes from, what it must be, what it becomes.

    Attributes:
        kind: the Python type that its column holds; of a field that is only checked, or
            dropped, `list` or `object`.
        choices, pattern, min_length ... decimal_places: what holds for every stored value, for the checks and the pages.
        rule: what the bulk check may go by.
    """

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
    rule: Rule = field(default_factory=Rule, compare=False)

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
        """The type of the stored value, in DuckDB's words. Text lengths are in characters."""
        return "VARCHAR(64)" if self.pii == "hash" else self.clear_type

    @property
    def clear_type(self) -> str:
        """The type before a personal value is hashed."""
        word = FORMS[self.kind].sql
        if self.kind is str:
            longest = min(
                self.max_length or max((len(c) for c in self.choices), default=0) or LONGEST_TEXT, LONGEST_TEXT
            )
            return f"{word}({longest})"
        return f"{word}({self.max_digits},{self.decimal_places})" if self.kind is Decimal else word


@cache
def _all_columns(contract: type[Contract]) -> tuple[Column, ...]:
    contract.model_rebuild()
    _refuse_lost_fields(contract)
    return tuple(_column(contract, name, found) for name, found in contract.model_fields.items())


def columns_of(contract: type[Contract], *, stored: bool = True) -> list[Column]:
    """The contract's columns in order; with ``stored=False`` also those that are dropped or only checked.

    Raises:
        TypeError: a field is of a type that no column can hold, or was written in a way that Pydantic does not see; names
            contract, field and the fix.
    """
    return [c for c in _all_columns(contract) if c.stored or not stored]


def describe_missing(contract: type[Contract], names: Iterable[str], shown: str) -> str | None:
    """In words, the columns a table must have for the contract and has not under any of their names; None: it has all.

    Args:
        names: the table's columns. shown: the same for people.
    """
    there = set(names)
    lost = [
        f"{' or '.join(ways)} (for {contract.__name__}.{needed})"
        for needed, ways in _required(contract).items()
        if not there & set(ways)
    ]
    if not lost:
        return None
    return (
        f"no column {', no column '.join(lost)}; it has {shown if there else 'none'}. If it was renamed,"
        " add the new name to the field's `path` in contract.py"
    )


def _required(contract: type[Contract]) -> dict[str, list[str]]:
    """Fields that a landed row must have (NULL or not): per field, the names its value may come under."""
    named = {
        c.name: list(dict.fromkeys(str(path[0]) for path in c.paths))
        for c in columns_of(contract, stored=False)
        if not c.has_default and not is_made(contract, c)
    }
    return named | {name: [name] for name in contract.needs}


def is_made(contract: type[Contract], column: Column) -> bool:
    """Whether no source sends the value: Millrace knows it (a file's name, a record's place), or the contract's own code
    makes it under a name that begins with an underscore and is not among the contract's `needs`.
    """
    name = str(column.path[0])
    made = name.startswith("_") and name not in (FOR_EACH, *contract.needs) and checks_rows(contract)
    return made or bool(column.computed) or name in (PARENT, INDEX, FILE, FILE_ROW)


def names_asked_for(contract: type[Contract]) -> frozenset[str]:
    """The columns of a table that the contract may read: those that its fields name, and what its own code needs."""
    fields = (c for c in columns_of(contract, stored=False) if not c.computed)
    return frozenset({str(path[0]) for c in fields for path in c.paths} | set(contract.needs))


def dlt_columns(contract: type[Contract], *, all_nullable: bool = False) -> dict[str, dict[str, Any]]:
    """The contract's stored columns as dlt column hints: types, lengths and nullability.

    Args:
        all_nullable: the table also takes rows that only delete, which hold nothing but their key.
    """
    return {
        c.name: {**dlt_hint(c.sql_type), "description": c.description, "nullable": c.nullable or all_nullable}
        for c in columns_of(contract)
    }


_NOTES = ("pii", "unit", "computed")
_RULES = ("epoch", "formats")
"""Notes that the core schema already has."""


def _column(contract: type[Contract], name: str, found: FieldInfo) -> Column:
    where = f"{contract.__name__}.{name}"
    notes = _notes(where, found)
    stored = not found.exclude and notes.get("pii") != "drop"
    rule = rule_of(contract, name)
    try:
        kind, nullable, own_length = kind_of(found.annotation)
    except TypeError as error:
        if stored:
            raise TypeError(f"{where}: {error}") from None
        kind, nullable, own_length = list if is_list(found.annotation) else object, rule.nullable, None
    schema, holds = inner(field_schema(contract, name)["schema"])
    asked = demands(schema, config_of(contract))
    size = _size(asked, found, own_length)
    if kind is Decimal and stored:
        _check_digits(where, size["max_digits"], size["decimal_places"])
    facts = (
        {key: getattr(asked, key) for key in ("ge", "gt", "le", "lt", "pattern", "min_length", "choices")}
        if holds
        else {}
    )
    return Column(
        name=name,
        paths=_paths(found.validation_alias) or ((name,),),
        kind=kind,
        nullable=nullable,
        has_default=not found.is_required(),
        description=found.description or "",
        stored=stored,
        rule=rule,
        **notes,
        **facts,
        **size,  # type: ignore[arg-type]
    )


def _check_digits(where: str, digits: int | None, places: int | None) -> None:
    if not digits or places is None:
        raise TypeError(f"{where}: a Decimal needs max_digits and decimal_places")
    if not 0 <= places <= digits <= 38:
        raise TypeError(f"{where}: a column holds at most 38 digits, the decimal places among them")


def _size(asked: Rule, found: FieldInfo, own_length: int | None) -> dict[str, int | None]:
    """How long or wide a value can be: by the schema, else by the field's metadata, else by its type."""
    metadata = [part for meta in found.metadata for part in _parts(meta)]
    size: dict[str, int | None] = {}
    for key in ("max_length", "max_digits", "decimal_places"):
        stated = [getattr(asked, key), *(getattr(part, key, None) for part in metadata)]
        known = [value for value in stated if isinstance(value, int)]
        size[key] = min(known) if known else None
    if size["max_length"] is None:
        size["max_length"] = own_length
    return size


def _parts(meta: Any) -> list[Any]:
    """A field's metadata taken apart: groups such as `Len` hold others."""
    if isinstance(meta, FieldInfo):
        return [part for inside in meta.metadata for part in _parts(inside)]
    try:
        return [meta, *meta]
    except TypeError:
        return [meta]


def _notes(where: str, found: FieldInfo) -> dict[str, Any]:
    """What contract.py's functions wrote on a field: in its own column(...), or in one inside its annotation."""
    notes: dict[str, Any] = {}
    for info in [*infos(found.annotation), found]:
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        if unknown := sorted(set(extra) - {*_NOTES, *_RULES}):
            raise TypeError(f"{where}: unknown keyword {unknown[0]!r}; use column(...), which says what there is")
        if extra.get("pii", "keep") not in get_args(Pii):
            raise TypeError(f"{where}: pii={extra['pii']!r} is not one of {', '.join(get_args(Pii))}")
        if info is not found and (info.validation_alias or info.alias or info.exclude):
            raise TypeError(
                f"{where}: a path, an alias or checked_only(...) inside the annotation has no effect; move it behind the `=`"
            )
        for note in set(notes) & set(extra):
            if notes[note] != extra[note]:
                raise TypeError(
                    f"{where}: {note}={extra[note]!r}, and its annotation says {note}={notes[note]!r}; remove one of them"
                )
        notes |= extra
    return {note: notes.get(note) for note in _NOTES}


def _refuse_lost_fields(contract: type[Contract]) -> None:
    """Fields that Pydantic would take for something else, without a word, and their rules with them."""
    for name, found in contract.model_fields.items():
        if isinstance(found.default, tuple) and any(isinstance(part, FieldInfo) for part in found.default):
            raise TypeError(f"{contract.__name__}.{name}: there is a comma after its column(...): remove it")
    if contract.model_computed_fields:
        name = next(iter(contract.model_computed_fields))
        raise TypeError(
            f"{contract.__name__}.{name}: a computed_field is not a column; use computed(...), or a validator"
        )


def _paths(alias: Any) -> tuple[tuple[str | int, ...], ...]:
    if isinstance(alias, AliasPath):
        return (tuple(alias.path),)
    if isinstance(alias, AliasChoices):
        return tuple(path for choice in alias.choices for path in _paths(choice))
    return ((alias,),) if isinstance(alias, str) else ()

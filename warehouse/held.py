"""What the rows of a table held, field by field, and what its contract lets them hold."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """A field in some rows.

    Attributes:
        rows: rows that have it. values: those of them in which it is not NULL.
        kinds: the types that its values came in, in words.
    """

    rows: int
    values: int
    kinds: frozenset[str]

    def __add__(self, other: Field) -> Field:
        return Field(self.rows + other.rows, self.values + other.values, self.kinds | other.kinds)


@dataclass(frozen=True)
class Seen:
    """What the rows of one table held.

    Attributes:
        rows: how many there were.
        fields: the contract's fields, by name. unknown: what the contract does not declare, by path.
        as_columns: whether the rows share their columns: one that is missing is missing for good.
    """

    rows: int
    fields: dict[str, Field]
    unknown: dict[str, Field]
    as_columns: bool = False


@dataclass(frozen=True)
class Expected:
    """What a table may hold.

    Attributes:
        fields: its declared fields, each with a text that changes with its declaration.
        foreseen: paths that are not news: those of the fields, and what is ignored or read otherwise.
    """

    fields: dict[str, str]
    foreseen: frozenset[str] = frozenset()

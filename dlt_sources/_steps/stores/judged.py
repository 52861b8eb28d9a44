"""What judging leaves: accepted rows as the warehouse will hold them, rejected rows with the reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from warehouse.column_types import arrow_type
from warehouse.held import Seen
from warehouse.quote import identifier, literal
from warehouse.staging import JUDGED_MARKS, REJECTED_COLUMNS, without_marks

from ..contracts.columns import Column

MARKS_SCHEMA = {name: arrow_type(kind) for name, kind in JUDGED_MARKS.items()}
REJECTED_SCHEMA = pa.schema({name: arrow_type(kind) for name, kind in without_marks(REJECTED_COLUMNS).items()})


@dataclass(frozen=True)
class Left:
    """A landed load without the rows of withdrawn files: how many rows it has left, and the numbers of those that are gone."""

    rows: int
    gone: frozenset[int]


@dataclass(frozen=True)
class Judged:
    """What became of one table's landed rows.

    Attributes:
        accepted: Parquet files with the contract's columns and the marks (and ``_index``, the place in its list, for the
            elements of one).
        rejected: Parquet files of rejected rows (`REJECTED_SCHEMA`).
        counts: per load id: (landed, accepted, rejected).
        files: for rows of files: each file's name and newest load, also of files without an accepted row.
        gone: Parquet files of rows that were accepted and count no longer: their file was withdrawn.
        recounted: per load that was judged earlier and held a withdrawn file's rows: what is left of it.
        seen: what the rows held, to be compared with the contract; None: nothing is known of it.
    """

    accepted: list[Path]
    rejected: list[Path]
    counts: dict[str, tuple[int, int, int]]
    files: dict[str, str] = field(default_factory=dict)
    gone: list[Path] = field(default_factory=list)
    recounted: dict[str, Left] = field(default_factory=dict)
    seen: Seen | None = None

    @property
    def sql(self) -> str:
        """The accepted rows as a DuckDB query."""
        return f"SELECT * FROM read_parquet([{', '.join(map(literal, self.accepted))}])"


def stored(rows: str, columns: list[Column], marks: Iterable[str], *, careful: bool = True) -> str:
    """Query that leaves out dropped fields, hashes those tagged so and adds the computed ones, then the row's own marks.

    A row for which a computed column has no value is found by `has_computed`.

    Args:
        careful: an expression that fails for a row gives NULL there; else it fails the query, and costs less.
    """
    attempt = "TRY({})" if careful else "{}"
    out, more = [], []
    for column in columns:
        name = identifier(column.name)
        if column.computed:
            more.append(f"{attempt.format(f'CAST({column.computed} AS {column.sql_type})')} AS {name}")
        elif column.stored:
            out.append(f"{stored_value(column)} AS {name}")
    query = f"SELECT {', '.join([*out, *marks])} FROM {rows}"
    if not more:
        return query
    ordered = [identifier(column.name) for column in columns if column.stored]
    return f"SELECT {', '.join([*ordered, *marks])} FROM (SELECT *, {', '.join(more)} FROM ({query}))"


def stored_value(column: Column) -> str:
    """SQL for a value in clear as it is stored."""
    name = identifier(column.name)
    if column.pii == "hash":
        return f"sha256(getvariable('pii_salt') || CAST({name} AS VARCHAR))"
    return f"CAST({name} AS {column.sql_type})"


def has_computed(columns: list[Column]) -> str:
    """SQL: whether a row of `stored` has every computed value that it must have; a deleted row has what its key gives."""
    needed = [f"{identifier(c.name)} IS NOT NULL" for c in columns if c.computed and not c.nullable]
    return f"(_deleted OR ({' AND '.join(needed)}))" if needed else "TRUE"

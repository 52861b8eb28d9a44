"""Drift, as data: how what a source sends departs from its contract, in ``stg_ops.drift``, and what was seen before.

A drift is recorded once, with when it was first and last seen and of how many rows, and ended when it is over. What it is
compared with is ``stg_ops.fields``: the types and the share of values that each declared field came with. Learnt from the
first rows, it is written again only when it changes, so that a load that looks like the one before costs one query.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from .connection import Connection
from .held import Expected, Field, Seen

TABLES = {
    "drift": "source VARCHAR(100), table_name VARCHAR(100), path VARCHAR(200), what VARCHAR(10), type VARCHAR(100),"
    " first_seen TIMESTAMP, last_seen TIMESTAMP, rows BIGINT, ended_at TIMESTAMP",
    "fields": "source VARCHAR(100), table_name VARCHAR(100), field VARCHAR(100), declared VARCHAR(200), types VARCHAR(200),"
    " rows BIGINT, values BIGINT, empty_rows BIGINT, empty_since TIMESTAMP",
}
MANY = 1000
"""Rows from which a field's usual share of values is known."""
UNKNOWN, GONE, TYPE, EMPTY = "unknown", "gone", "type", "null"


@dataclass(frozen=True)
class Drift:
    """One way in which a table departs from its contract.

    Attributes:
        what: `unknown` (a field that is not declared), `gone` (a declared one is not sent any more), `type` (its values
            come in another type than before) or `null` (it has come without a value since `first_seen`).
        type: of an unknown field or of the new values; of the others the type that there was.
        rows: rows in which it was so. ended_at: when it was over; None: it is still so.
    """

    source: str
    table_name: str
    path: str
    what: str
    type: str
    first_seen: datetime
    last_seen: datetime
    rows: int
    ended_at: datetime | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is about, in its source."""
        return self.table_name, self.path, self.what

    def __str__(self) -> str:
        where = f"{self.source}.{self.table_name}"
        since = f"{self.first_seen:%Y-%m-%d %H:%M}"
        return {
            UNKNOWN: f"{where}: new field {self.path} ({self.type}), which the contract does not know",
            GONE: f"{where}: {self.path} is not sent any more since {since}",
            TYPE: f"{where}: {self.path} comes as {self.type} since {since}",
            EMPTY: f"{where}: {self.path} is always NULL since {since}",
        }[self.what]


@dataclass
class Known:
    """A row of ``stg_ops.fields``."""

    declared: str
    kinds: frozenset[str] = frozenset()
    rows: int = 0
    values: int = 0
    empty_rows: int = 0
    empty_since: datetime | None = None

    @property
    def is_empty_now(self) -> bool:
        """Whether so many rows without a value are not chance, by the share of values before them."""
        if not self.values or not self.empty_rows:
            return False
        chance = (1 - (self.values + 1) / (self.rows + 2)) ** self.empty_rows
        return chance < 0.1 and self.empty_rows > 1 if self.values == self.rows else chance < 1e-6


@dataclass
class Noted:
    """What one load changed: drift that is new, and of that what the first rows of its table did not have already."""

    new: list[Drift] = field(default_factory=list)
    alerts: list[Drift] = field(default_factory=list)


def read(con: Connection, source: str | None = None, ops: str = "stg_ops") -> list[Drift]:
    """Drift as it is recorded, of a source or of all, that is over included.

    Args:
        ops: the schema of the record.
    """
    where, values = (" WHERE source = ?", [source]) if source else ("", [])
    columns = 'source, table_name, path, what, type, first_seen, last_seen, "rows", ended_at'
    rows = con.execute(f"SELECT {columns} FROM {ops}.drift{where} ORDER BY 1, 2, 3, 4", values).fetchall()
    return [Drift(*row) for row in rows]


def read_open(con: Connection | None, ops: str, source: str | None = None) -> list[Drift]:
    """Drift that is not over; none where no run has recorded any.

    Args:
        con: None: there is no record yet. ops: the schema of the record.
    """
    made = "SELECT 1 FROM information_schema.tables WHERE table_schema = ? AND table_name = 'drift'"
    if con is None or not con.execute(made, [ops]).fetchall():
        return []
    return [drift for drift in read(con, source, ops) if drift.ended_at is None]


def compare(
    source: str, table: str, held: Seen, expected: Expected, known: dict[str, Known], now: datetime
) -> list[Drift]:
    """The drift in a load; `known` becomes what the next one is compared with."""
    found = [
        Drift(source, table, path, UNKNOWN, _words(fresh.kinds), now, now, fresh.rows)
        for path, fresh in held.unknown.items()
        if path not in expected.foreseen
    ]
    for name in known.keys() - expected.fields.keys():
        del known[name]
    for name, declared in expected.fields.items():
        before = known.get(name)
        if before is None or before.declared != declared:
            before = known[name] = Known(declared)
        now_held = held.fields.get(name, Field(0, 0, frozenset()))
        strange = now_held.kinds - before.kinds if before.kinds else frozenset()
        if strange:
            found.append(Drift(source, table, name, TYPE, _words(strange), now, now, now_held.values))
        if not before.kinds:
            before.kinds = now_held.kinds
        if now_held.values:
            before.empty_rows, before.empty_since = 0, None
            if before.rows < MANY:
                before.rows, before.values = before.rows + held.rows, before.values + now_held.values
        elif held.rows:
            if not before.values:
                before.rows = min(before.rows + held.rows, MANY)
                continue
            before.empty_rows += held.rows
            before.empty_since = before.empty_since or now
            if before.is_empty_now or (now_held.rows == 0 and held.as_columns):
                what = EMPTY if now_held.rows else GONE
                found.append(Drift(source, table, name, what, _words(before.kinds), before.empty_since, now, held.rows))
    return found


def find_ended(
    table: str, held: Seen, expected: Expected, drifts: Iterable[Drift], again: Collection[tuple[str, str, str]]
) -> list[Drift]:
    """Drift of the table that is over: declared since, or it has values (of the old type) again."""
    over = []
    for drift in drifts:
        if drift.table_name != table or drift.ended_at is not None or drift.key in again:
            continue
        if drift.what == UNKNOWN:
            ended = drift.path in expected.foreseen
        else:
            ended = drift.path not in expected.fields or bool(
                held.fields.get(drift.path, Field(0, 0, frozenset())).values
            )
            other = {GONE: EMPTY, EMPTY: GONE}.get(drift.what, "")
            ended = ended or (table, drift.path, other) in again
        if ended:
            over.append(drift)
    return over


def _words(kinds: Collection[str]) -> str:
    return " or ".join(sorted(kinds))[:100] or "always NULL"

"""Drift, as data: how what a source sends departs from its contract, in ``stg_ops.drift``, and what was seen before.

A drift is recorded once, with when it was first and last seen and of how many rows, and ended when it is over. What it is
compared with is ``stg_ops.fields``: the types and the share of values that each declared field came with. Learnt from the
first rows, it is written again only when it changes, so that a load that looks like the one before costs one query.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping
from dataclasses import astuple, dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .connection import Connection, connect
from .held import Expected, Field, Seen

if TYPE_CHECKING:
    from settings import Settings

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
class _Known:
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


def note(source: str, seen: Mapping[str, Seen], expected: Mapping[str, Expected], settings: Settings) -> Noted:
    """Compare what a load held with what was there before, and record how it departs from the contract.

    Args:
        seen, expected: per table of the source; a table without rows in this load is not among the former.
    """
    now, noted = settings.moment(), Noted()
    with connect(settings) as con:
        known, drifts = _read_fields(con, source), {drift.key: drift for drift in read(con, source)}
        before, after = copy.deepcopy(known), dict(drifts)
        for name, held in seen.items():
            if held.rows == 1 and not any(found.rows for found in held.fields.values()):
                continue  # nothing of the contract in it: the mark of a file without rows, or no record at all
            first = name not in known
            found = _compare(source, name, held, expected[name], known.setdefault(name, {}), now)
            for drift in found:
                old = drifts.get(drift.key)
                if old is not None and old.ended_at is None:
                    if not drift.rows:  # a database's column that is not read: nothing new is known of it
                        continue
                    drift = replace(drift, first_seen=old.first_seen, rows=old.rows + drift.rows)
                else:
                    noted.new.append(drift)
                    noted.alerts += [] if first else [drift]
                after[drift.key] = drift
            over = _find_ended(name, held, expected[name], drifts.values(), {drift.key for drift in found})
            after |= {drift.key: replace(drift, ended_at=now) for drift in over}
        if (known, drifts) != (before, after):
            con.execute("BEGIN")
            _write(con, source, before, known, drifts, after)
            con.execute("COMMIT")
    return noted


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


def _compare(
    source: str, table: str, held: Seen, expected: Expected, known: dict[str, _Known], now: datetime
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
            before = known[name] = _Known(declared)
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


def _find_ended(
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


def _read_fields(con: Connection, source: str) -> dict[str, dict[str, _Known]]:
    """What is known of the source's fields, by table and name."""
    found: dict[str, dict[str, _Known]] = {}
    columns = 'table_name, field, declared, types, "rows", "values", empty_rows, empty_since'
    for table, name, declared, types, *numbers in con.execute(
        f"SELECT {columns} FROM stg_ops.fields WHERE source = ?", [source]
    ).fetchall():
        kinds = frozenset(kind for kind in types.split(",") if kind)
        found.setdefault(table, {})[name] = _Known(declared, kinds, *numbers)
    return found


def _write(
    con: Connection,
    source: str,
    before: dict[str, dict[str, _Known]],
    known: dict[str, dict[str, _Known]],
    drifts: dict[tuple[str, str, str], Drift],
    after: dict[tuple[str, str, str], Drift],
) -> None:
    """Write the tables whose fields are not as they were, and the drift that changed."""
    tables = [name for name, fields in known.items() if before.get(name) != fields]
    rows = [
        [source, table, name, f.declared, ",".join(sorted(f.kinds)), f.rows, f.values, f.empty_rows, f.empty_since]
        for table in tables
        for name, f in known[table].items()
    ]
    for table in tables:
        con.execute("DELETE FROM stg_ops.fields WHERE source = ? AND table_name = ?", [source, table])
    _insert(con, "fields", rows)
    changed = [drift for key, drift in after.items() if drifts.get(key) != drift]
    for drift in changed:
        con.execute(
            "DELETE FROM stg_ops.drift WHERE source = ? AND table_name = ? AND path = ? AND what = ?",
            [source, *drift.key],
        )
    _insert(con, "drift", [list(astuple(drift)) for drift in changed])


def _insert(con: Connection, table: str, rows: list[list[Any]]) -> None:
    """Rows in one statement: Redshift takes as long for one row as for all."""
    if rows:
        marks = ", ".join(f"({', '.join('?' * len(row))})" for row in rows)
        con.execute(f"INSERT INTO stg_ops.{table} VALUES {marks}", [value for row in rows for value in row])

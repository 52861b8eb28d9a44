"""Drift is noted: what the loads of a run held is compared with what was there before, source by source, and recorded.

On Redshift, where each commit takes its time, that of several sources is read, and written, together. A run that is killed
loses what it has not written: drift that lasts is noted with the next load.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping
from dataclasses import astuple, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from .connection import Connection, connect
from .drift import Drift, Known, Noted, compare, find_ended
from .held import Expected, Seen

if TYPE_CHECKING:
    from settings import Settings

MANY = 20
"""Sources of which what was noted is written at a time on Redshift."""
TOGETHER = 1000
"""Rows of one statement."""

_Fields = dict[str, dict[str, Known]]
"""What is known of a source's fields, by table and name."""
_Drifts = dict[tuple[str, str, str], Drift]


class _Record(NamedTuple):
    """What is recorded of a source."""

    fields: _Fields
    drifts: _Drifts


class Notes:
    """What is noted of some sources, written together for `MANY` of them on Redshift.

    Args:
        sources: their names.
    """

    def __init__(self, sources: Collection[str], settings: Settings) -> None:
        self.settings, self._sources = settings, list(sources)
        self._written: dict[str, _Record] | None = None
        self._changed: dict[str, _Record] = {}

    def note(self, source: str, seen: Mapping[str, Seen], expected: Mapping[str, Expected]) -> Noted:
        """Compare what a load held with what was there before, and note how it departs from the contract.

        Args:
            seen, expected: per table of the source; a table without rows in this load is not among the former.
        """
        now, noted = self.settings.moment(), Noted()
        if self._written is None:
            self._written = self._read()
        before = self._changed.get(source) or self._written[source]
        known, drifts = copy.deepcopy(before.fields), before.drifts
        after = dict(drifts)
        for name, held in seen.items():
            if held.rows == 1 and not any(found.rows for found in held.fields.values()):
                continue  # nothing of the contract in it: the mark of a file without rows, or no record at all
            first = name not in known
            found = compare(source, name, held, expected[name], known.setdefault(name, {}), now)
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
            over = find_ended(name, held, expected[name], drifts.values(), {drift.key for drift in found})
            after |= {drift.key: replace(drift, ended_at=now) for drift in over}
        if (known, after) != before:
            self._changed[source] = _Record(known, after)
        if not self.settings.aws or len(self._changed) >= MANY:
            self.write()
        return noted

    def write(self) -> None:
        """Write what was noted, as one commit."""
        if not self._changed or self._written is None:
            return
        with connect(self.settings) as con:
            con.execute("BEGIN")
            _write_fields(con, self._written, self._changed)
            _write_drift(con, self._written, self._changed)
            con.execute("COMMIT")
        self._written |= self._changed
        self._changed = {}

    def _read(self) -> dict[str, _Record]:
        found = {name: _Record({}, {}) for name in self._sources}
        marks = ", ".join("?" * len(found))
        columns = 'source, table_name, field, declared, types, "rows", "values", empty_rows, empty_since'
        with connect(self.settings) as con:
            query = f"SELECT {columns} FROM stg_ops.fields WHERE source IN ({marks})"
            for source, table, name, declared, types, *numbers in con.execute(query, self._sources).fetchall():
                kinds = frozenset(kind for kind in types.split(",") if kind)
                found[source].fields.setdefault(table, {})[name] = Known(declared, kinds, *numbers)
            columns = 'source, table_name, path, what, type, first_seen, last_seen, "rows", ended_at'
            query = f"SELECT {columns} FROM stg_ops.drift WHERE source IN ({marks}) ORDER BY 1, 2, 3, 4"
            for drift in (Drift(*row) for row in con.execute(query, self._sources).fetchall()):
                found[drift.source].drifts[drift.key] = drift
        return found


def note(source: str, seen: Mapping[str, Seen], expected: Mapping[str, Expected], settings: Settings) -> Noted:
    """Note what a load of one source held, and write it."""
    notes = Notes([source], settings)
    noted = notes.note(source, seen, expected)
    notes.write()
    return noted


def _write_fields(con: Connection, before: Mapping[str, _Record], after: Mapping[str, _Record]) -> None:
    """Write the tables whose fields are not as they were."""
    tables = [
        (source, table)
        for source, record in after.items()
        for table, fields in record.fields.items()
        if before[source].fields.get(table) != fields
    ]
    rows = [
        [source, table, name, f.declared, ",".join(sorted(f.kinds)), f.rows, f.values, f.empty_rows, f.empty_since]
        for source, table in tables
        for name, f in after[source].fields[table].items()
    ]
    _delete(con, "fields", ["source", "table_name"], tables)
    _insert(con, "fields", rows)


def _write_drift(con: Connection, before: Mapping[str, _Record], after: Mapping[str, _Record]) -> None:
    """Write the drift that changed."""
    changed = [
        drift
        for source, record in after.items()
        for key, drift in record.drifts.items()
        if before[source].drifts.get(key) != drift
    ]
    keys = [(drift.source, *drift.key) for drift in changed]
    _delete(con, "drift", ["source", "table_name", "path", "what"], keys)
    _insert(con, "drift", [list(astuple(drift)) for drift in changed])


def _delete(con: Connection, table: str, columns: list[str], keys: Iterable[tuple[str, ...]]) -> None:
    each = f"({' AND '.join(f'{column} = ?' for column in columns)})"
    for some in _parts(list(keys)):
        values = [value for key in some for value in key]
        con.execute(f"DELETE FROM stg_ops.{table} WHERE {' OR '.join([each] * len(some))}", values)


def _insert(con: Connection, table: str, rows: list[list[Any]]) -> None:
    """Rows in few statements: Redshift takes as long for one row as for all."""
    for some in _parts(rows):
        marks = ", ".join(f"({', '.join('?' * len(row))})" for row in some)
        con.execute(f"INSERT INTO stg_ops.{table} VALUES {marks}", [value for row in some for value in row])


def _parts(rows: list[Any]) -> Iterable[list[Any]]:
    return (rows[start : start + TOGETHER] for start in range(0, len(rows), TOGETHER))

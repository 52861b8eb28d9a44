"""Staging: judged rows into the warehouse schema ``stg_<source>``, one transaction for each batch of loads.

Besides the contract's columns a staging row has ``_load_id`` and ``_row`` (which landed row it is), ``_deleted`` and
``_refine_id``: the refine that wrote it, growing with time, so that models find what changed since they last looked. How
far a source is stands beside its rows, in ``_state``, and commits with them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from settings import Settings
from warehouse import load
from warehouse.connection import Connection, connect
from warehouse.quote import identifier, literal
from warehouse.staging import LOADS, LOADS_COLUMNS, MARKS, REJECTED, SINCE, STATE, staging_schema

from ..declared.declaration import Source
from ..stores.engine import engine
from ..stores.judged import Judged
from ..stores.shape import Changes, ContractChangedError, Shape, changes_of, shape_of, waiting
from . import external, legacy_staging
from .altered import follow, rewrite
from .merges import Counted, merges, select_counts
from .stagings import NEVER, Progress, progress_of, rebuild_schema, tables_in
from .tables import columns_for, create_table, for_redshift, keeps_no_deleted, match_columns, redshift_keys

EMPTY = "''"
FEW = 200
"""So many counts of loads go to Redshift as values: a file and what is done with it are four statements more."""


class Staging:
    """The warehouse schema of one source.

    Args:
        state: what it remembers, as it was read.
        aside: the one in which a rebuild gathers its rows.
    """

    def __init__(self, source: Source, settings: Settings, state: Mapping[str, str], *, aside: bool = False) -> None:
        self.source, self.settings, self.aside = source, settings, aside
        self.schema = rebuild_schema(source.name) if aside else staging_schema(source.name)
        self._state = dict(state)

    @classmethod
    def open(cls, source: Source, settings: Settings, *, aside: bool = False) -> Staging:
        """The schema with its state; what is missing of it is made."""
        staging = cls(source, settings, {}, aside=aside)
        staging.know(staging._make_missing())
        return staging

    def _make_missing(self) -> dict[str, str]:
        """Make what is missing; returns the state."""
        with connect(self.settings) as con:
            tables = tables_in(con, [self.schema]).get(self.schema, set())
            if STATE not in tables and legacy_staging.DLT_STATE in tables:
                legacy_staging.take_over(self, con, rewrite)
                tables = tables_in(con, [self.schema])[self.schema]
            missing = [name for name in self.names if name not in tables]
            if missing:
                con.execute("BEGIN")
                for query, values in self.making(missing):
                    con.execute(query, values)
                con.execute("COMMIT")
            return dict(con.execute(f"SELECT name, value FROM {self.qualified(STATE)}").fetchall())

    @property
    def names(self) -> list[str]:
        """The names of all its tables."""
        return [*self.source.tables, REJECTED, LOADS, STATE]

    def making(self, missing: Iterable[str]) -> list[load.Statement]:
        """The statements that make tables, and the schema where that is missing, too."""
        schema = f"CREATE SCHEMA IF NOT EXISTS {identifier(self.schema)}"
        made = [self.create(name) for name in missing]
        return [(query, []) for query in (schema, *made)] + self.remember(self.as_made(missing))

    def as_made(self, names: Iterable[str]) -> dict[str, str]:
        """What to remember of tables that are made: their shapes, and whether a view will stand there."""
        made = [name for name in names if name in self.source.tables]
        state = {f"shape:{name}": _text(shape_of(self.source, name)) for name in made}
        views = set(external.externals(self.source, self.settings)) & set(made)
        return state | {f"{external.VIEW}{name}": "silver" if self.aside else "" for name in sorted(views)}

    def create(self, name: str, columns: Mapping[str, str] | None = None) -> str:
        """The statement that makes a table of today's shape, or with other columns."""
        columns = columns_for(self.source, name) if columns is None else columns
        if not self.settings.aws:
            return create_table(self.schema, name, columns)
        keys = {n: words for n, words in redshift_keys(self.source, name).items() if n in columns}
        return create_table(self.schema, name, for_redshift(columns), keys)

    def qualified(self, name: str) -> str:
        """A table's name with its schema, quoted."""
        return f"{identifier(self.schema)}.{identifier(name)}"

    def view(self, name: str) -> str:
        """Which view over silver stands in a table's place; empty: none, it has its rows itself."""
        return self._state.get(f"{external.VIEW}{name}", "")

    def view_marks(self) -> list[str]:
        """The names in the state of every view that stands in a table's place."""
        return [mark for mark, value in self._state.items() if value and mark.startswith(external.VIEW)]

    def dropping(self, name: str) -> str:
        """The statement that removes a table, or the view in its place."""
        return f"DROP {'VIEW' if self.view(name) else 'TABLE'} IF EXISTS {self.qualified(name)}"

    def know(self, state: Mapping[str, str]) -> None:
        """Values of the state that were written."""
        self._state |= state

    @property
    def last_load(self) -> str:
        """The newest landed load that is in staging; empty when there is none."""
        return self._state.get("last_load", "")

    @property
    def in_order(self) -> bool:
        """Whether every load up to `last_load` is in staging: ids of loads did not always grow."""
        return self._state.get("in_order", "1") == "1"

    @property
    def refine_id(self) -> str:
        """The newest refine in staging: it changes whenever staging does."""
        return self._state.get("refine_id", NEVER)

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return progress_of(self._state)

    def loads(self) -> set[str]:
        """The landed loads whose rows were refined."""
        with connect(self.settings) as con:
            return {
                str(load) for (load,) in con.execute(f"SELECT DISTINCT load_id FROM {self.qualified(LOADS)}").fetchall()
            }

    def accepted(self, without: Iterable[str]) -> set[str]:
        """The tables of which rows of other loads than these were accepted."""
        query = f"SELECT DISTINCT table_name, load_id FROM {self.qualified(LOADS)} WHERE accepted > 0"
        with connect(self.settings) as con:
            rows = con.execute(query).fetchall()
        apart = set(without)
        return {str(table) for table, load in rows if load not in apart}

    def recorded_columns(self, name: str) -> dict[str, dict[str, str]]:
        """What a table's columns were made for: per column its type, its place in the landed row, what it keeps of personal data."""
        shape: Shape = json.loads(self._state.get(f"shape:{name}", "{}"))
        return dict(shape.get("columns", {}))

    def names_before(self, name: str) -> dict[str, str]:
        """Today's names of renamed columns, with those that they had."""
        changes = self.changes().get(name)
        return {new: old for old, new in changes.renamed.items()} if changes else {}

    def changes(self) -> dict[str, Changes]:
        """Per table whose contract or declaration changed since its rows were written: what that means for it."""
        return changes_of(self.source, self._state)

    def adapt(self) -> list[str]:
        """Let the tables follow their contracts where they can by themselves; returns what was done, for a person.

        Raises:
            ContractChangedError: one cannot; nothing was changed.
        """
        changed = self.changes()
        if waits := waiting(self.source.name, changed):
            raise ContractChangedError(waits)
        if not changed:
            return []
        since = self.next_refine()
        state = {f"shape:{name}": _text(shape_of(self.source, name)) for name in changed}
        state |= {f"{SINCE}{name}": since for name in changed if self.refine_id != NEVER}
        if any(changed[name].widened for name in self.source.operational if name in changed):
            state["rebuilt"] = since  # the operational Postgres gets these tables again, with their new types
        with load.transaction(self.settings) as con:
            for name, changes in changed.items():
                state |= follow(self, con, name, changes)
            for query, values in self.remember(state):
                con.execute(query, values)
        self._state |= state
        if self.refine_id == NEVER:
            return []
        return [
            f"contract of {self.source.name}.{name} changed ({changes.words}); existing rows were judged by the previous"
            f" one: `python runner.py rebuild {self.source.name} {name}` judges them again"
            for name, changes in changed.items()
        ]

    def write(self, judged: dict[str, Judged], folder: Path, *, last_load: str, in_order: bool) -> None:
        """Merge what became of landed loads and remember how far that is, in one transaction.

        Loads may have been refined before: rows that were rejected then and are not now leave ``_rejected``. A replay
        that is cut short has gone back to its newest load, and the next refine goes on from there.

        Args:
            folder: where intermediate Parquet files go.
            last_load, in_order: what to remember under these names.
        """
        # loads without rows move the mark of where to go on, but leave nothing new to model
        refine_id = self.next_refine() if judged else self.refine_id
        state = {"refine_id": refine_id, "last_load": last_load, "in_order": str(int(in_order))}
        views = [name for name in external.externals(self.source, self.settings) if name in judged]
        placed: list[load.Statement] = []
        for name in views if not self.aside else []:
            statements, marks = external.placing(self, name)
            placed += [(statement, []) for statement in statements]
            state |= marks
        queries, counts = merges(self, judged)
        if counts and not (self.settings.aws and len(counts) <= FEW):
            queries[LOADS], counts = select_counts(counts), []
        placed += self._count(counts, refine_id)
        with engine(folder, memory=self.settings.memory) as con:
            rows = [
                self._rows(name, f"SELECT *, {literal(refine_id)} AS _refine_id FROM ({query})", folder, con)
                for name, query in queries.items()
                if name not in views
            ]
        rows = [some for some in rows if not some.is_empty]
        load.replace(self.schema, rows, [*placed, *self.remember(state)], self.settings)
        self._state |= state

    def _count(self, counts: list[Counted], refine_id: str) -> list[load.Statement]:
        """The statements that put counts of loads in the place of earlier ones, without a file: for few."""
        if not counts:
            return []
        table, names = self.qualified(LOADS), ", ".join(map(identifier, LOADS_COLUMNS))
        pairs = " OR ".join(["(table_name = ? AND load_id = ?)"] * len(counts))
        places = ", ".join([f"({', '.join('?' * len(LOADS_COLUMNS))})"] * len(counts))
        return [
            (f"DELETE FROM {table} WHERE {pairs}", [value for counted in counts for value in counted[1:3]]),
            (
                f"INSERT INTO {table} ({names}) VALUES {places}",
                [v for counted in counts for v in (*counted, refine_id)],
            ),
        ]

    def _rows(self, name: str, query: str, folder: Path, con: Connection) -> load.Rows:
        """The rows of a query for a table; on AWS also written to a file, once."""
        types = columns_for(self.source, name) | {"_deleted": MARKS["_deleted"]}
        types = for_redshift(types) if self.settings.aws else types
        found = {row[0]: row[1] for row in con.execute(f"DESCRIBE {query}").fetchall()}
        if found.get("_read_at") == "TIMESTAMP WITH TIME ZONE":  # a cast would look zones up, row by row
            query = f"SELECT * REPLACE (make_timestamp(epoch_us(_read_at)) AS _read_at) FROM ({query})"
        path = folder / f"staged.{name}.parquet" if self.settings.aws else None
        if path:
            con.execute(f"COPY (SELECT *{self._storable(name)} FROM ({query})) TO {literal(path)} (FORMAT parquet)")
        columns = {column: types[column] for column in found}
        kept = not keeps_no_deleted(self.source, name)
        return load.Rows(name, query, columns, match_columns(self.source, name), keeps_deleted=kept, file=path)

    def _storable(self, name: str) -> str:
        """Of texts for Redshift, what leaves out the one character it cannot hold."""
        if not self.settings.aws:
            return ""
        types = columns_for(self.source, name).items()
        texts = [identifier(n) for n, kind in types if kind.startswith("VARCHAR") and n != "_refine_id"]
        return f" REPLACE ({', '.join(f'replace({n}, chr(0), {EMPTY}) AS {n}' for n in texts)})"

    def remember(self, state: Mapping[str, str]) -> list[load.Statement]:
        """The statements that write values of the state."""
        if not state:
            return []
        marks, pairs = ", ".join("?" * len(state)), ", ".join(["(?, ?)"] * len(state))
        table = self.qualified(STATE)
        return [
            (f"DELETE FROM {table} WHERE name IN ({marks})", list(state)),
            (f"INSERT INTO {table} (name, value) VALUES {pairs}", [part for item in state.items() for part in item]),
        ]

    def note(self, state: Mapping[str, str]) -> None:
        """Write values of the state by themselves."""
        load.replace(self.schema, [], self.remember(state), self.settings)
        self._state |= state

    def next_refine(self) -> str:
        """An id greater than that of every refine so far."""
        known = [self.refine_id, *(value for name, value in self._state.items() if name.startswith(SINCE))]
        return f"{max(time.time_ns(), *(int(value or 0) + 1 for value in known)):020d}"


def silver_lacks(source: str, tables: Iterable[str]) -> str:
    """What a person has to know of tables that silver has lost."""
    named = ", ".join(f"{source}.{name}" for name in tables)
    return f"silver has lost earlier rows of {named}; `python runner.py rebuild {source}` rebuilds it from landing"


def _text(shape: Shape) -> str:
    return json.dumps(shape, separators=(",", ":"))

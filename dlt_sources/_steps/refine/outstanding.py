"""How many rows of a table are rejected as they are now: rows whose newest version is.

A row that came again and was accepted is not counted, and one that was rejected twice is counted once, so a source that has
been corrected is within its limit again. Versions are told apart by the table's key, read from the landed row by the
contract's own rules: what people may see of a rejected row may lack it. A row whose key cannot be read has no later version;
it counts as long as its load is the newest, or its file has not come again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from settings import Settings
from warehouse.column_types import arrow_type
from warehouse.connection import connect, export
from warehouse.quote import identifier, literal
from warehouse.staging import LOADS, REJECTED, staging_schema
from warehouse.united import ask_each

from ..contracts.columns import columns_of
from ..contracts.contract import FILE, INDEX, Contract
from ..contracts.fit import fit
from ..declared.declaration import Source
from ..declared.source_yml import RejectLimit, Table
from ..judge.explain import raw_of, validator_of
from ..judge.judge import alike
from ..judge.raw_rows import landed_rows
from ..stores import withdrawn
from ..stores.engine import engine
from ..stores.judged import MARKS_SCHEMA, stored_value
from ..stores.lake import Landing
from ..stores.salt import read_salt

CHUNK = 20_000
Counts = dict[str, tuple[int, int]]
"""Per table: rows that were landed, and those of them that were rejected."""
_LATER = "(CAST(o._load_id AS DOUBLE) > CAST(k._load_id AS DOUBLE) OR (o._load_id = k._load_id AND o._row > k._row))"
_MARKS = [(name, MARKS_SCHEMA[name]) for name in ("_load_id", "_row")]
_MARKS += [("file", pa.string()), ("readable", pa.bool_())]


@dataclass(frozen=True)
class Rejected:
    """Rejected rows of a table, of how many, and how many there may be."""

    rejected: int
    rows: int
    limit: RejectLimit

    @property
    def exceeds(self) -> bool:
        """Whether both numbers of the limit are exceeded; or whatever the limit, not one row is right.

        A single row proves nothing of its table: it can be the mark of a file that came without rows.
        """
        beyond = self.rejected > self.limit.rows and self.rejected > self.limit.share * self.rows
        return beyond or 1 < self.rows == self.rejected


def row_keys(source: Source) -> dict[str, tuple[list[str], frozenset[str]]]:
    """Per table: the columns that name a row, and those whose values are personal."""
    return {
        name: (table.key, frozenset(column.name for column in columns_of(source.contracts[name]) if column.private))
        for name, table in source.tables.items()
    }


def count_refined(published: Mapping[str, str | None], settings: Settings) -> dict[str, Counts]:
    """Per source and table how many rows were landed and rejected since a refine.

    Args:
        published: per source that refine; None: since ever.
    """
    queries = (
        f"SELECT {literal(name)} AS source, table_name, sum(landed), sum(rejected)"
        f" FROM {identifier(staging_schema(name))}.{LOADS} WHERE _refine_id > {literal(since or '')} GROUP BY table_name"
        for name, since in published.items()
    )
    found: dict[str, Counts] = {name: {} for name in published}
    with connect(settings) as con:
        for name, table, landed, rejected in ask_each(con, queries):
            found[name][table] = int(landed), int(rejected)
    return found


def count_rejected(
    source: Source, published: str | None, settings: Settings, counts: Counts | None = None
) -> dict[str, Rejected]:
    """Per table that was refined since the refine `published`: its rejected rows.

    Rows are compared one by one only where all that were ever rejected would exceed the limit.

    Args:
        counts: of the source's tables, where somebody has counted already.
    """
    since, found = published or "", {}
    schema = identifier(staging_schema(source.name))
    counts = count_refined({source.name: published}, settings)[source.name] if counts is None else counts
    with connect(settings) as con:
        for name in [name for name in counts if name in source.tables]:
            landed, rejected = counts[name]
            limit = source.tables[name].max_rejected
            found[name] = Rejected(rejected, landed, limit)
            if rejected > limit.rows:
                query = f"SELECT count(*) FROM {schema}.{identifier(name)} WHERE _refine_id > ?"
                [(accepted,)] = con.execute(query, [since]).fetchall()
                if Rejected(rejected, max(int(accepted), 1), limit).exceeds:
                    del found[name]
    for name in counts:
        if name in source.tables and name not in found:
            found[name] = _Versions(source, name, settings).count(since)
    return dict(sorted(found.items()))


class _Versions:
    """The newest versions of one table's rows.

    Attributes:
        key: the columns that name a row.
        named: these, and of an element of a list those that name its record.
    """

    def __init__(self, source: Source, name: str, settings: Settings) -> None:
        self.source, self.name, self.settings = source, name, settings
        self.table: Table = source.tables[name]
        self.contract: type[Contract] = source.contracts[name]
        self.landing = Landing(source.name, settings)
        every = {column.name: column for column in columns_of(self.contract, stored=False)}
        self.key = [every[name] for name in self.table.key]
        self.named = [every[name] for name in dict.fromkeys([*self.table.key, *self.table.parent_key])]

    def count(self, since: str) -> Rejected:
        """Count the rows that were refined after the refine `since`."""
        work = self.settings.workplace(self.source.name)
        work.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=work, prefix="limit.") as name:
            folder = Path(name)
            local = [] if self.settings.aws else [Path(self.landing.root)]
            self.con = engine(folder, *local, memory=self.settings.memory, spill=folder / "spill")
            self.con.execute("SET VARIABLE pii_salt = ?", [read_salt(self.settings)])
            try:
                self._fetch(folder, since)
                self._read_rejected(folder)
                self._read_removed(folder)
                self._read_files(folder)
                rejected, rows = self._compare()
            finally:
                self.con.close()
        return Rejected(rejected, rows, self.table.max_rejected)

    def _fetch(self, folder: Path, since: str) -> None:
        """Create `bad` (rejected rows), `good` (keys of accepted ones), `records` and `loads` from the warehouse."""
        schema, where = identifier(staging_schema(self.source.name)), f"_refine_id > {literal(since)}"
        record = self.table.parent_key if self.table.from_ else self.table.key
        queries = {
            "bad": f"SELECT id, load_id AS _load_id, row_number AS _row FROM {schema}.{REJECTED}"
            f" WHERE table_name = {literal(self.name)} AND {where}",
            "good": f"SELECT {_names(self.table.key)}, _load_id, _row FROM {schema}.{identifier(self.name)} WHERE {where}",
            "records": f"SELECT {_names(record)}, _load_id, _row FROM {schema}.{identifier(self.table.from_ or self.name)}"
            f" WHERE {where}",
            "loads": f"SELECT load_id AS _load_id FROM {schema}.{LOADS} WHERE table_name = {literal(self.name)}"
            f" AND landed > 0 AND {where}",
        }
        for name, query in queries.items():
            path = folder / f"{name}.parquet"
            export(query, path, self.settings)
            self.con.execute(f"CREATE TABLE {name} AS SELECT * FROM read_parquet({literal(path)})")

    def _read_rejected(self, folder: Path) -> None:
        """Create `keyed`: the rejected rows with their keys."""
        fields = [(column.name, arrow_type(column.sql_type)) for column in self.named]
        empty = pa.schema([*fields, *_MARKS]).empty_table()
        self.con.register("empty", empty)
        self.con.execute("CREATE TABLE keyed AS SELECT * FROM empty")
        places: dict[tuple[str, int], list[int | None]] = {}
        for name, load, row in self.con.execute("SELECT id, _load_id, _row FROM bad").fetchall():
            place = name.rsplit("/", 1)[1]  # no number where what should be a list is something else
            places.setdefault((load, row), []).append(int(place) if self.table.explode and place.isdigit() else None)
        for rows in self._landed({load for load, _ in places}, folder, "SEMI JOIN bad USING (_load_id, _row)"):
            found = ((row, index) for row in rows for index in places.pop((row["_load_id"], row["_row"]), []))
            self._keep("keyed", [self._keyed(row, index) for row, index in found])
        expired = [self._unread(*place) for place, indexes in places.items() for _ in indexes]
        self._keep("keyed", expired)  # the lake's lifecycle has removed their raw rows

    def _read_removed(self, folder: Path) -> None:
        """Create `removed`: rows that a later read found deleted, and that have left staging."""
        self.con.execute("CREATE TABLE removed AS SELECT * FROM empty")
        if not self.table.removes or self.table.files or self.table.from_:
            return
        for rows in self._landed(set(self._later_loads()), folder, "WHERE _deleted"):
            self._keep("removed", [self._keyed(row, None) for row in rows])

    def _read_files(self, folder: Path) -> None:
        """Create `replaced`: files that came again or were withdrawn, with the load that did it."""
        self.con.execute("CREATE TABLE replaced (file VARCHAR, _load_id VARCHAR)")
        name = self.table.from_ or self.name  # of a list's rows the file is their record's
        if not self.source.tables[name].files:
            return
        for file in self.landing.files(name, self._later_loads()):
            for known in withdrawn.names_in(self.landing.fetch([file], folder / "landed")):
                self.con.execute("INSERT INTO replaced VALUES (?, ?)", [known, file.load])
        for known, load in withdrawn.marks_of(self.landing, name, folder / "marks").items():
            self.con.execute("INSERT INTO replaced VALUES (?, ?)", [known, load])

    def _compare(self) -> tuple[int, int]:
        """(rejected rows, all rows), each in its newest version."""
        key, parents = _names(self.table.key), self.table.parent_key
        replaced = [
            "FROM replaced AS o WHERE o.file = k.file AND CAST(o._load_id AS DOUBLE) > CAST(k._load_id AS DOUBLE)"
        ]
        if parents:
            replaced.append(f"FROM records AS o WHERE {_same(parents)} AND {_LATER}")
        stands = " AND ".join(f"NOT EXISTS ({found})" for found in replaced)
        self.con.execute(
            f"CREATE TABLE newest AS SELECT * FROM keyed WHERE readable QUALIFY row_number() OVER"
            f" (PARTITION BY {key} ORDER BY CAST(_load_id AS DOUBLE) DESC, _row DESC) = 1"
        )
        self.con.execute(
            f"CREATE TABLE outstanding AS SELECT {key} FROM newest AS k WHERE {stands}"
            f" AND NOT EXISTS (FROM good AS o WHERE {_same(self.table.key)} AND {_LATER})"
            f" AND NOT EXISTS (FROM removed AS o WHERE {_same(self.table.key)} AND {_LATER})"
        )
        [(unreadable,)] = self.con.execute(
            f"SELECT count(*) FROM keyed AS k WHERE NOT readable AND {stands}"
            " AND _load_id = (SELECT max_by(_load_id, CAST(_load_id AS DOUBLE)) FROM loads)"
        ).fetchall()
        [(bad,)] = self.con.execute("SELECT count(*) FROM outstanding").fetchall()
        either = f"SELECT {key} FROM good UNION SELECT {key} FROM outstanding"
        [(rows,)] = self.con.execute(f"SELECT count(*) FROM ({either})").fetchall()
        return bad + unreadable, rows + unreadable

    def _later_loads(self) -> list[str]:
        [(oldest,)] = self.con.execute("SELECT min(CAST(_load_id AS DOUBLE)) FROM bad").fetchall()
        return [load for load in self.landing.loads() if oldest is not None and float(load) > oldest]

    def _landed(self, loads: set[str], folder: Path, which: str) -> Iterator[list[dict[str, Any]]]:
        """Landed rows of some loads, in chunks."""
        files = self.landing.files(self.table.from_ or self.name, loads)
        for group in alike(self.landing.fetch(files, folder / "landed")).values():
            found = self.con.cursor().execute(f"SELECT * FROM ({landed_rows(self.con, group)}) {which}")
            for batch in found.to_arrow_reader(CHUNK):
                yield batch.to_pylist()

    def _keyed(self, row: dict[str, Any], index: int | None) -> dict[str, Any]:
        """The key of a landed row, as its contract reads it."""
        found = self._unread(row["_load_id"], row["_row"]) | {"file": row.get(FILE)}
        try:
            raw = raw_of(row if index is None else row | {INDEX: index}, self.table.explode)
        except Exception:  # not JSON that can be read
            return found
        for names in (self.table.parent_key, self.table.key):
            try:
                values, _, _ = validator_of(self.contract, tuple(names)).validate_python(raw)
                found |= {
                    column.name: fit(column, values[column.name]) for column in self.named if column.name in names
                }
            except Exception:  # noqa: S112 (whatever the contract's own code raises: this row has no such key)
                continue
        return found | {"readable": all(found[name] is not None for name in self.table.key)}

    def _unread(self, load: str, row: int) -> dict[str, Any]:
        nothing = dict.fromkeys(column.name for column in self.named)
        return nothing | {"_load_id": load, "_row": row, "file": None, "readable": False}

    def _keep(self, table: str, rows: list[dict[str, Any]]) -> None:
        """Add rows to a table, personal keys as staging holds them."""
        if rows:
            fields = [(column.name, arrow_type(column.clear_type)) for column in self.named]
            self.con.register("chunk", pa.Table.from_pylist(rows, schema=pa.schema([*fields, *_MARKS])))
            values = ", ".join(stored_value(column) for column in self.named)
            self.con.execute(f"INSERT INTO {table} SELECT {values}, _load_id, _row, file, readable FROM chunk")


def _names(columns: Iterable[str]) -> str:
    return ", ".join(map(identifier, columns))


def _same(columns: Iterable[str]) -> str:
    return " AND ".join(f"o.{identifier(name)} = k.{identifier(name)}" for name in columns)

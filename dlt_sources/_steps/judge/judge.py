"""Judge landed rows by their contract: every row is accepted, or rejected with a reason; never dropped.

In bulk where the engine can tell (see bulk.py), by Pydantic row by row where it cannot. Memory stays constant: rows
stream through DuckDB from and to Parquet.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse.quote import identifier, literal

from ..contracts.columns import Column, columns_of
from ..contracts.contract import FILE, INDEX, MALFORMED, PAYLOAD, Contract
from ..contracts.core_schema import checks_rows
from ..declared.redact import Redaction, of_contract
from ..declared.source_yml import Table
from ..stores.engine import engine
from ..stores.judged import MARKS_SCHEMA, Judged, has_computed, stored
from . import bulk, drift, tokens, worded
from .asked import PLACE, Asker, Chunk, ask_all
from .raw_rows import landed_rows

CHUNK = 5_000
"""Rows that Pydantic is asked about at a time: a signal waits for the end of one such piece, half a second or so."""


class Judge:
    """Judges the tables of one source, each in a DuckDB of its own in memory that spills into `folder`.

    Args:
        source: name for the rejected rows.
        folder: where the results go; emptied by its owner.
        salt: salt of hashed personal fields.
        now: time written on rejected rows.
        memory: that DuckDB may hold, as in the settings.
    """

    def __init__(self, source: str, folder: Path, salt: str, now: datetime, memory: str) -> None:
        self.source, self.folder, self.now = source, folder, now.astimezone(UTC).replace(tzinfo=None)
        self.salt, self.memory = salt, memory

    def judge(
        self,
        name: str,
        table: Table,
        contract: type[Contract],
        files: list[str],
        parent: Judged | None = None,
        redaction: Redaction | None = None,
        number: Callable[[list[str]], dict[str, int]] | None = None,
    ) -> Judged:
        """Judge the rows of `table` in the landed `files` (Parquet, named ``<load id>.<file id>.parquet``).

        For a table made with ``from``, `files` are its parent's and `parent` is what became of the parent's rows.

        Args:
            redaction: what people may read of rejected rows; None: what the table's own contract says.
            number: gives columns the numbers that Iceberg knows them by, so that silver takes accepted files as they are.
        """
        self.number = number
        self.redaction = of_contract(contract) if redaction is None else redaction
        parts = [
            self._judge_alike(name, number, table, contract, group, parent)
            for number, group in enumerate(alike(files).values())
        ]
        counts: dict[str, tuple[int, int, int]] = {}
        for load, found in ((load, found) for part in parts for load, found in part.counts.items()):
            before = counts.get(load, (0, 0, 0))
            counts[load] = (before[0] + found[0], before[1] + found[1], before[2] + found[2])
        named: dict[str, str] = {}
        for file, load in ((file, load) for part in parts for file, load in part.files.items()):
            named[file] = max(load, named.get(file, "0"), key=float)
        accepted, rejected = [p for part in parts for p in part.accepted], [p for part in parts for p in part.rejected]
        return Judged(accepted, rejected, counts, named, seen=drift.merge_seen(part.seen for part in parts))

    def _judge_alike(
        self, name: str, number: int, table: Table, contract: type[Contract], files: list[str], parent: Judged | None
    ) -> Judged:
        """Judge files that have the same columns: what a source sends changes over the years."""
        self.con = engine(
            self.folder, *{Path(file).parent for file in files}, memory=self.memory, spill=self.folder / "spill"
        )
        self.con.execute("SET VARIABLE pii_salt = ?", [self.salt])
        every = columns_of(contract, stored=False)
        marks = MARKS_SCHEMA | ({INDEX: pa.int64()} if table.explode else {})
        self._judge_in_bulk(contract, every, marks, files, table, parent)
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        sure = folder / f"accepted.{number}.0.parquet"
        self._accept(every, marks, sure)
        good, *bad = (
            folder / f"{part}.parquet"
            for part in (f"accepted.{number}.1", f"rejected.{number}.0", f"rejected.{number}.1")
        )
        for path in (good, *bad):
            path.unlink(missing_ok=True)
        if pq.read_metadata(sure).num_rows < self.con.execute("SELECT count(*) FROM judged").fetchall()[0][0]:
            self._explain(name, table, contract, marks, sure, good, *bad)
        accepted, rejected = [sure, *([good] if good.exists() else [])], [path for path in bad if path.exists()]
        seen = drift.observe(self.con, contract, table.explode)
        judged = Judged(accepted, rejected, self._counts(accepted, rejected, table.explode), self._files(), seen=seen)
        self.con.close()  # and with it its memory
        return judged

    def _accept(self, every: list[Column], marks: Iterable[str], sure: Path) -> None:
        """Write the rows that are certainly right, as they are stored.

        First as if every computed column had a value in every row, which costs nothing where it is so.
        """
        needed = [column.name for column in every if column.computed and not column.nullable]
        for careful in (False, True):
            rows = stored("judged WHERE _ok", every, marks, careful=careful)
            whole = f"SELECT * FROM ({rows}) WHERE {has_computed(every)}" if careful else rows
            try:
                form = f"FORMAT parquet, COMPRESSION zstd{self._numbers(whole)}"
                self.con.execute(f"COPY ({whole}) TO {literal(sure)} ({form})")
            except (duckdb.DataError, duckdb.InvalidInputException):  # a computed expression fails for some row
                if careful:
                    raise
                continue
            if careful or not _holds_nulls(sure, needed):
                return

    def _numbers(self, query: str) -> str:
        """Option of COPY: the number of each column."""
        if self.number is None:
            return ""
        names = [str(row[0]) for row in self.con.execute(f"DESCRIBE {query}").fetchall()]
        pairs = ", ".join(f"{identifier(name)}: {number}" for name, number in self.number(names).items())
        return f", FIELD_IDS {{{pairs}}}"

    def _judge_in_bulk(
        self,
        contract: type[Contract],
        every: list[Column],
        marks: Iterable[str],
        files: list[str],
        table: Table,
        parent: Judged | None,
    ) -> None:
        """Create `judged`: per row to judge its values, and whether Pydantic would certainly accept them (``_ok``).

        JSON is taken apart once, into tables that spill when they are large; native columns are judged as they stream.
        """
        self.con.execute(
            f"CREATE TEMP VIEW landed AS SELECT *, TRUE AS _parent_ok FROM ({landed_rows(self.con, files)})"
        )
        landed = {row[0]: row[1] for row in self.con.execute("DESCRIBE landed").fetchall()}
        columns = [column for column in every if not column.computed]
        conditions = ["_parent_ok"]
        if PAYLOAD in landed:  # a line that is not a record has none
            kind, origin, checks = "TABLE", "tokens", tokens.take_apart(self.con, columns, table.explode, parent)
            conditions.append("_is_object")
        else:
            kind, origin, checks = "VIEW", "landed", [bulk.native_check(column, landed) for column in columns]
            conditions += [f"{MALFORMED} IS NULL"] if MALFORMED in landed else []
        values = [
            f"CAST({value} AS {column.clear_type}) AS {identifier(column.name)}"
            for column, (value, _) in zip(columns, checks, strict=True)
            if column.stored
        ]
        ok = "FALSE" if checks_rows(contract) else " AND ".join([*conditions, *(check for _, check in checks)])
        self.con.execute(
            f"CREATE TEMP {kind} judged AS SELECT {', '.join([*values, *marks])}, ({ok}) AS _ok FROM {origin}"
        )

    def _explain(
        self,
        name: str,
        table: Table,
        contract: type[Contract],
        marks: dict[str, pa.DataType],
        sure: Path,
        good: Path,
        bad: Path,
        alike: Path,
    ) -> None:
        """Ask Pydantic about the rows that bulk did not accept; write what it accepts and what it rejects.

        Args:
            alike: for rejected rows that are like others that it was asked about.
        """
        every = columns_of(contract, stored=False)
        asker = Asker(self.source, name, table, contract, self.redaction, self.now)
        with contextlib.ExitStack() as stack:
            writers: dict[Path, pq.ParquetWriter] = {}
            rows = self._find_unsure(sure, table.explode)
            rows -= worded.word(self.con, asker, alike)
            cores = int(self.con.execute("SELECT current_setting('threads')").fetchall()[0][0])
            for chunk, answer in ask_all(asker, self._unsure(table.explode), rows, cores):
                kept, incomplete = self._store(answer.accepted, every, marks)
                rejected = [answer.rejected, asker.reject(chunk, incomplete)]
                for path, part in ((good, kept), (bad, pa.concat_tables(rejected))):
                    if len(part):
                        if path not in writers:
                            writers[path] = stack.enter_context(pq.ParquetWriter(path, part.schema, compression="zstd"))
                        writers[path].write(part)

    def _store(
        self, rows: pa.Table, every: list[Column], marks: dict[str, pa.DataType]
    ) -> tuple[pa.Table, dict[int, list[dict[str, str]]]]:
        """Accepted rows as they are stored; and by place those that lack a computed value, with the reasons."""
        self.con.register("chunk", rows)
        made = self.con.execute(stored("chunk", every, [*marks, PLACE])).to_arrow_table()
        incomplete: dict[int, list[dict[str, str]]] = {}
        for column in (column for column in every if column.computed and not column.nullable):
            lost = pc.and_not(pc.is_null(made[column.name]), made["_deleted"])
            for place in made.filter(lost)[PLACE].to_pylist():
                why = {
                    "field": column.name,
                    "rule": "computed",
                    "message": "its expression gives no value for this row",
                }
                incomplete.setdefault(place, []).append(why)
        whole = made.filter(pc.invert(pc.is_in(made[PLACE], pa.array(list(incomplete), pa.int64()))))
        return whole.drop_columns(PLACE), incomplete

    def _unsure_rows(self, sure: Path, explode: str | None) -> str:
        """The landed rows that bulk did not accept, whole, as SQL: found by what is missing from the accepted ones."""
        accepted = f"SELECT * FROM read_parquet({literal(sure)})"
        if not explode:
            return f"SELECT * FROM landed ANTI JOIN ({accepted}) AS a USING (_load_id, _row)"
        return (
            f"SELECT l._load_id, l._row, l._deleted, l._read_at, j.{INDEX},"
            " (l._load_id, l._row) IN (SELECT (_load_id, _row) FROM parents) AS _parent_ok"
            f" FROM landed AS l JOIN (SELECT _load_id, _row, {INDEX} FROM judged ANTI JOIN ({accepted}) AS a"
            f" USING (_load_id, _row, {INDEX})) AS j USING (_load_id, _row)"
        )

    def _find_unsure(self, sure: Path, explode: str | None) -> int:
        """Keep the rows that bulk did not accept as a table; returns how many they are."""
        self.con.execute(f"CREATE TABLE explain AS {self._unsure_rows(sure, explode)}")
        if explode:
            wanted = "FROM landed SEMI JOIN explain USING (_load_id, _row)"
            self.con.execute(f"CREATE TABLE explain_records AS SELECT _load_id, _row, {PAYLOAD} {wanted}")
        return int(self.con.execute("SELECT count(*) FROM explain").fetchall()[0][0])

    def _unsure(self, explode: str | None) -> Iterator[Chunk]:
        """The rows that bulk did not accept, in chunks: by a second cursor, so that the first stays free for each chunk's work."""
        for batch in self.con.cursor().execute("SELECT * FROM explain").to_arrow_reader(CHUNK):
            rows, records = pa.Table.from_batches([batch]), None
            if explode:
                self.con.register("chunk", rows)
                found = "SELECT * FROM explain_records SEMI JOIN chunk USING (_load_id, _row)"
                records = self.con.execute(found).to_arrow_table()
            yield Chunk(rows, records)

    def _files(self) -> dict[str, str]:
        if FILE not in {row[0] for row in self.con.execute("DESCRIBE landed").fetchall()}:
            return {}
        newest = f"SELECT {FILE}, arg_max(_load_id, CAST(_load_id AS DOUBLE)) FROM landed GROUP BY 1"
        return dict(self.con.execute(newest).fetchall())

    def _counts(
        self, accepted: list[Path], rejected: list[Path], explode: str | None
    ) -> dict[str, tuple[int, int, int]]:
        """Per load: rows landed, accepted and rejected.

        Raises:
            RuntimeError: they do not add up.
        """
        parts = [f"SELECT _load_id, 1 AS a, 0 AS r FROM read_parquet([{', '.join(map(literal, accepted))}])"]
        parts += [f"SELECT load_id, 0, 1 FROM read_parquet({literal(path)})" for path in rejected]
        judged = {
            load: (a, r)
            for load, a, r in self.con.execute(
                f"SELECT _load_id, sum(a)::BIGINT, sum(r)::BIGINT FROM ({' UNION ALL '.join(parts)}) GROUP BY 1"
            ).fetchall()
        }
        landed = dict(self.con.execute(tokens.count_landed(explode)).fetchall())
        for load, count in landed.items():
            if sum(judged.get(load, (0, 0))) != count:
                raise RuntimeError(f"{self.source}: load {load}: {count} rows landed but {judged.get(load)} judged")
        return {load: (count, *judged[load]) for load, count in landed.items()}


def alike(files: list[str]) -> dict[str, list[str]]:
    """The files by the names and types of their columns."""
    groups: dict[str, list[str]] = {}
    for path in files:
        groups.setdefault(str(pq.read_schema(path).remove_metadata()), []).append(path)
    return groups


def _holds_nulls(path: Path, names: list[str]) -> bool:
    """Whether a column of a Parquet file may have a NULL, by what the file says of itself."""
    facts = pq.read_metadata(path)
    places = [facts.schema.names.index(name) for name in names]
    columns = [facts.row_group(group).column(place) for group in range(facts.num_row_groups) for place in places]
    return any(c.statistics is None or not c.statistics.has_null_count or c.statistics.null_count for c in columns)

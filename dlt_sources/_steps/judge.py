"""Judge landed rows by their contract: every row is accepted, or rejected with a reason; never dropped.

In bulk where the engine can tell (see bulk.py), by Pydantic row by row where it cannot. Memory stays constant: rows
stream through DuckDB from and to Parquet.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from runtime.visible import visible
from warehouse.quote import identifier, literal

from . import bulk
from .contract import FILE, INDEX, MALFORMED, PARENT, PAYLOAD, Column, Contract, columns_of, has_own_code
from .engine import engine
from .explain import ask, ask_of_vanished, raw_of
from .judged import MARKS_SCHEMA, REJECTED_SCHEMA, Judged, arrow_type, clear_type, stored
from .redact import Redaction, of_contract
from .source_yml import Table
from .text import text_of

CHUNK = 20_000
LONGEST = 60_000
"""Bytes of a raw row that its rejection keeps: Redshift's longest text is counted in them; landing has the whole."""


class Judge:
    """Judges the tables of one source, each in a DuckDB of its own in memory that spills into `folder`.

    Args:
        source: name for the rejected rows.
        folder: where the results go; emptied by its owner.
        salt: salt of hashed personal fields.
        now: time written on rejected rows.
    """

    def __init__(self, source: str, folder: Path, salt: str, now: datetime) -> None:
        self.source, self.folder, self.now = source, folder, now.astimezone(UTC).replace(tzinfo=None)
        self.salt = salt

    def judge(
        self, name: str, table: Table, contract: type[Contract], files: list[str], parent: Judged | None = None,
        redaction: Redaction | None = None,
    ) -> Judged:  # fmt: skip
        """Judge the rows of `table` in the landed `files` (Parquet, named ``<load id>.<file id>.parquet``).

        For a table made with ``from``, `files` are its parent's and `parent` is what became of the parent's rows.

        Args:
            redaction: what people may read of rejected rows; None: what the table's own contract says.
        """
        self.redaction = of_contract(contract) if redaction is None else redaction
        parts = [
            self._judge_alike(name, number, table, contract, group, parent)
            for number, group in enumerate(_alike(files).values())
        ]
        counts: dict[str, tuple[int, int, int]] = {}
        for load, found in ((load, found) for part in parts for load, found in part.counts.items()):
            before = counts.get(load, (0, 0, 0))
            counts[load] = (before[0] + found[0], before[1] + found[1], before[2] + found[2])
        named: dict[str, str] = {}
        for file, load in ((file, load) for part in parts for file, load in part.files.items()):
            named[file] = max(load, named.get(file, "0"), key=float)
        accepted, rejected = [p for part in parts for p in part.accepted], [p for part in parts for p in part.rejected]
        return Judged(accepted, rejected, counts, named)

    def _judge_alike(
        self, name: str, number: int, table: Table, contract: type[Contract], files: list[str], parent: Judged | None
    ) -> Judged:
        """Judge files that have the same columns: what a source sends changes over the years."""
        self.con = engine(self.folder, *{Path(file).parent for file in files}, spill=self.folder / "spill")
        self.con.execute("SET VARIABLE pii_salt = ?", [self.salt])
        every = columns_of(contract, stored=False)
        columns = [column for column in every if not column.computed]
        marks = MARKS_SCHEMA | ({INDEX: pa.int64()} if table.explode else {})
        self._judge_in_bulk(columns, marks, files, table, parent, sure=not has_own_code(contract))
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        sure = folder / f"accepted.{number}.0.parquet"
        self.con.execute(
            f"COPY ({stored('judged WHERE _ok', every, marks)}) TO {literal(sure)} (FORMAT parquet, COMPRESSION zstd)"
        )
        good, bad = folder / f"accepted.{number}.1.parquet", folder / f"rejected.{number}.parquet"
        for path in (good, bad):
            path.unlink(missing_ok=True)
        self._explain(name, table, contract, columns, every, marks, good, bad)
        accepted, rejected = [sure, *([good] if good.exists() else [])], [bad] if bad.exists() else []
        judged = Judged(accepted, rejected, self._counts(accepted, rejected), self._files())
        self.con.close()  # and with it its memory
        return judged

    def _judge_in_bulk(
        self, columns: list[Column], marks: Iterable[str], files: list[str], table: Table, parent: Judged | None,
        sure: bool,
    ) -> None:  # fmt: skip
        """Make `judged`: per row to judge its values, and whether they are surely valid (``_ok``).

        JSON is taken apart once, into tables that spill when they are large; native columns are judged as they stream.
        """
        self.con.execute(
            "CREATE TEMP VIEW landed AS SELECT * EXCLUDE (filename), TRUE AS _parent_ok,"
            " regexp_extract(filename, '([0-9]+\\.[0-9]+)\\.[^/]+$', 1) AS _load_id"
            f" FROM read_parquet([{', '.join(map(literal, files))}], union_by_name = true, filename = true)"
        )
        landed = {row[0]: row[1] for row in self.con.execute("DESCRIBE landed").fetchall()}
        if PAYLOAD in landed:
            kind, origin, checks = "TABLE", "tokens", self._take_apart(columns, table, parent)
        else:
            kind, origin, checks = "VIEW", "landed", [bulk.native_check(column, landed) for column in columns]
        values = [
            f"CAST({value} AS {clear_type(column)}) AS {identifier(column.name)}"
            for column, (value, _) in zip(columns, checks, strict=True)
            if column.kind is not list
        ]
        ok = " AND ".join(["_parent_ok", *(check for _, check in checks)]) if sure else "FALSE"
        if MALFORMED in landed:
            ok += f" AND {MALFORMED} IS NULL"
        self.con.execute(
            f"CREATE TEMP {kind} judged AS SELECT {', '.join([*values, *marks])}, ({ok}) AS _ok FROM {origin}"
        )
        self.con.execute(f"CREATE TEMP VIEW unsure AS {self._unsure_rows(ok, table.explode, PAYLOAD in landed)}")

    def _take_apart(self, columns: list[Column], table: Table, parent: Judged | None) -> list[tuple[str, str]]:
        """Make the table `tokens` of JSON records and return (value, is surely valid) per column, as SQL over it."""
        own, above = bulk.json_paths(columns)
        records = f"SELECT _load_id, _row, _deleted, _read_at, _parent_ok, {_extract(PAYLOAD, own)} AS own FROM landed"
        if table.explode and parent:
            items = f"json_extract({PAYLOAD}, {literal(_list_path(table.explode) + '[*]')})"
            is_list = f"json_valid({PAYLOAD}) AND json_type({PAYLOAD}, {literal(_list_path(table.explode))}) = 'ARRAY'"
            self.con.execute(f"CREATE TEMP TABLE parents AS SELECT _load_id, _row FROM ({parent.sql})")
            self.con.execute(
                f"CREATE TEMP TABLE records AS SELECT _load_id, _row, _deleted, _read_at, {items} AS items,"
                f" {_extract(PAYLOAD, above)} AS parent FROM landed WHERE {is_list}"
            )
            records = f"""
                SELECT _load_id, _row, _deleted, _read_at, {INDEX}, parent, {_extract("item", own)} AS own,
                    (_load_id, _row) IN (SELECT (_load_id, _row) FROM parents) AS _parent_ok
                FROM (SELECT *, unnest(items) AS item, generate_subscripts(items, 1) - 1 AS {INDEX} FROM records)"""
        self.con.execute(f"CREATE TEMP TABLE tokens AS {records}")
        return [
            (f"CAST({INDEX} AS BIGINT)", "TRUE")
            if column.path == (INDEX,)
            else bulk.json_check(column, bulk.json_token(column, own, above))
            for column in columns
        ]

    def _explain(
        self, name: str, table: Table, contract: type[Contract], columns: list[Column], every: list[Column],
        marks: dict[str, pa.DataType], good: Path, bad: Path,
    ) -> None:  # fmt: skip
        """Ask Pydantic about the rows the engine was not sure of; write what it accepts and what it rejects."""
        fields = [(c.name, arrow_type(c)) for c in columns if c.kind is not list]
        schema = pa.schema([*fields, *marks.items()])
        with contextlib.ExitStack() as stack:
            writers: dict[Path, pq.ParquetWriter] = {}
            for rows in self._unsure():
                accepted: list[dict[str, Any]] = []
                rejected: list[dict[str, Any]] = []
                for row in rows:
                    raw = raw_of(row)
                    values, reasons = ask(contract, raw, row["_parent_ok"])
                    if reasons and row["_deleted"] and not table.explode:
                        values, reasons = ask_of_vanished(contract, table.key, raw)
                    if reasons:
                        rejected.append(self._rejection(name, row, raw, reasons))
                    else:
                        accepted.append(values | {mark: row[mark] for mark in marks})
                self.con.register("chunk", pa.Table.from_pylist(accepted, schema=schema))
                kept = self.con.execute(stored("chunk", every, marks)).to_arrow_table()
                for path, part in ((good, kept), (bad, pa.Table.from_pylist(rejected, schema=REJECTED_SCHEMA))):
                    if len(part):
                        if path not in writers:
                            writers[path] = stack.enter_context(pq.ParquetWriter(path, part.schema, compression="zstd"))
                        writers[path].write(part)

    def _unsure_rows(self, ok: str, explode: str | None, is_json: bool) -> str:
        """The landed rows that Pydantic must look at, whole, as SQL."""
        if not is_json:
            return f"SELECT * FROM landed WHERE NOT ({ok})"
        columns = "landed.*"
        if explode:
            item = f"json_extract({PAYLOAD}, {literal(_list_path(explode))} || '[' || judged.{INDEX} || ']')"
            columns = (
                f"landed._load_id, landed._row, landed._deleted, landed._read_at, judged.{INDEX}, CAST({item} AS VARCHAR) AS {PAYLOAD},"
                f" {PAYLOAD} AS {PARENT}, (landed._load_id, landed._row) IN (SELECT (_load_id, _row) FROM parents) AS _parent_ok"
            )
        return f"SELECT {columns} FROM landed JOIN judged USING (_load_id, _row) WHERE NOT judged._ok"

    def _unsure(self) -> Iterator[list[dict[str, Any]]]:
        """The rows of `unsure` in chunks: by a second cursor, so that the first stays free for each chunk's work."""
        self.con.execute("CREATE TABLE explain AS SELECT * FROM unsure")
        for batch in self.con.cursor().execute("SELECT * FROM explain").to_arrow_reader(CHUNK):
            yield batch.to_pylist()

    def _rejection(self, name: str, row: dict[str, Any], raw: Any, reasons: list[dict[str, str]]) -> dict[str, Any]:
        raw, reasons = self.redaction.row(raw), self.redaction.reasons(reasons, raw)
        place = [name, row["_load_id"], row["_row"]] + ([row[INDEX]] if INDEX in row else [])
        return {
            "id": "/".join(map(str, place)),
            "source": self.source,
            "table_name": name,
            "load_id": row["_load_id"],
            "row_number": row["_row"],
            "raw": _cut(visible(text_of(raw))),  # people read these in a terminal
            **reasons[0] | {"message": visible(reasons[0]["message"])[:1000]},
            "errors": _cut(visible(text_of(reasons))),
            "rejected_at": self.now,
        }

    def _files(self) -> dict[str, str]:
        if FILE not in {row[0] for row in self.con.execute("DESCRIBE landed").fetchall()}:
            return {}
        newest = f"SELECT {FILE}, arg_max(_load_id, CAST(_load_id AS DOUBLE)) FROM landed GROUP BY 1"
        return dict(self.con.execute(newest).fetchall())

    def _counts(self, accepted: list[Path], rejected: list[Path]) -> dict[str, tuple[int, int, int]]:
        parts = [f"SELECT _load_id, 1 AS a, 0 AS r FROM read_parquet([{', '.join(map(literal, accepted))}])"]
        parts += [f"SELECT load_id, 0, 1 FROM read_parquet({literal(path)})" for path in rejected]
        judged = {
            load: (a, r)
            for load, a, r in self.con.execute(
                f"SELECT _load_id, sum(a)::BIGINT, sum(r)::BIGINT FROM ({' UNION ALL '.join(parts)}) GROUP BY 1"
            ).fetchall()
        }
        landed = dict(self.con.execute("SELECT _load_id, count(*) FROM judged GROUP BY 1").fetchall())
        for load, count in landed.items():
            if sum(judged.get(load, (0, 0))) != count:
                raise RuntimeError(f"{self.source}: load {load}: {count} rows landed but {judged.get(load)} judged")
        return {load: (count, *judged[load]) for load, count in landed.items()}


def _list_path(name: str) -> str:
    return bulk.json_path((name,))


def _extract(column: str, paths: list[str]) -> str:
    listed = ", ".join(map(literal, paths))
    return f"CASE WHEN json_valid({column}) THEN json_extract({column}, [{listed}]) END"


def _alike(files: list[str]) -> dict[str, list[str]]:
    """The files by the names and types of their columns."""
    groups: dict[str, list[str]] = {}
    for path in files:
        groups.setdefault(str(pq.read_schema(path).remove_metadata()), []).append(path)
    return groups


def _cut(text: str) -> str:
    return text.encode()[:LONGEST].decode(errors="ignore")

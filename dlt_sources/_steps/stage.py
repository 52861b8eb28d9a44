"""Staging: judged rows into the warehouse schema ``stg_<source>``, one dlt package at a time.

Besides the contract's columns a staging row has ``_load_id`` and ``_row`` (which landed row it is), ``_deleted`` and
``_refine_id``: the refine that wrote it, growing with time, so that models find what changed since they last looked.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
import pyarrow.parquet as pq
from dlt.extract.resource import DltResource

from settings import Settings
from warehouse.connection import connect
from warehouse.quote import identifier, literal

from . import destination, pipelines, withdrawn
from .columns import dlt_columns
from .declaration import Source
from .destination import for_redshift
from .engine import engine
from .judged import REJECTED_SCHEMA, Judged

REJECTED, LOADS = "_rejected", "_loads"
MARKS: dict[str, dict[str, Any]] = {
    "_load_id": {"data_type": "text", "precision": 32, "nullable": False},
    "_row": {"data_type": "bigint", "nullable": False},
    "_deleted": {"data_type": "bool", "nullable": False},
    "_read_at": {"data_type": "timestamp", "timezone": False, "nullable": False},
    "_refine_id": {"data_type": "text", "precision": 32, "nullable": False},
}
EMPTY = "''"
_ARROW = {
    "text": pa.string(), "bigint": pa.int64(), "double": pa.float64(), "bool": pa.bool_(), "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}  # fmt: skip
_REFINED = {"_refine_id": {**MARKS["_refine_id"], "description": "Refine that wrote the row; grows with time"}}
REJECTED_COLUMNS: dict[str, dict[str, Any]] = {
    "id": {
        "data_type": "text",
        "precision": 200,
        "nullable": False,
        "description": "Table, load, row and list position",
    },
    "source": {"data_type": "text", "precision": 100, "description": "Source the row came from"},
    "table_name": {"data_type": "text", "precision": 100, "description": "Table the row was meant for"},
    "load_id": {"data_type": "text", "precision": 32, "description": "Landed load it came in"},
    "row_number": {"data_type": "bigint", "description": "Its row in that load"},
    "raw": {"data_type": "text", "precision": 65535, "description": "The row as landed, JSON, personal fields masked"},
    "field": {
        "data_type": "text",
        "precision": 200,
        "description": "Field that broke the contract; empty: the row itself",
    },
    "rule": {"data_type": "text", "precision": 100, "description": "Rule that was broken, in Pydantic's words"},
    "message": {"data_type": "text", "precision": 1000, "description": "What the rule says to a person"},
    "errors": {"data_type": "text", "precision": 65535, "description": "Every broken rule of the row, JSON"},
    "rejected_at": {"data_type": "timestamp", "timezone": False, "description": "When it was rejected, UTC"},
    "_deleted": {"data_type": "bool", "hard_delete": True, "description": "Set only on its way out of this table"},
    **_REFINED,
}
LOADS_COLUMNS: dict[str, dict[str, Any]] = {
    "source": {"data_type": "text", "precision": 100, "description": "Source that was read"},
    "table_name": {"data_type": "text", "precision": 100, "description": "Table that was refined"},
    "load_id": {"data_type": "text", "precision": 32, "description": "Landed load; unix time of the read"},
    "landed": {"data_type": "bigint", "description": "Rows the load holds"},
    "accepted": {"data_type": "bigint", "description": "Rows that met their contract"},
    "rejected": {"data_type": "bigint", "description": "Rows that did not"},
    "refined_at": {"data_type": "timestamp", "timezone": False, "description": "When it was refined, UTC"},
    **_REFINED,
}


class Staging:
    """The warehouse schema of one source and the dlt pipeline that writes it."""

    def __init__(self, source: Source, settings: Settings) -> None:
        self.source, self.settings = source, settings
        self.pipe = pipelines.pipeline(
            f"stage_{source.name}",
            destination.warehouse(settings),
            f"stg_{source.name}",
            settings,
            destination.way(settings),
        )
        made = self._made() if self._state else set()
        if self._state and not made:
            self.pipe.drop()  # the warehouse is gone: what dlt remembers of it is no longer true
        pipelines.prepare(self.pipe, settings)
        if "refine_id" not in self._state:
            self._create([*source.tables, REJECTED, LOADS], f"{0:020d}", "", True)
        elif missing := [name for name in source.tables if name not in made]:
            self._create(
                missing, self.refine_id, self.last_load, self.in_order
            )  # declared since: empty until rows come
        if not settings.aws:
            settings.warehouse.chmod(0o600)  # dlt may have made it

    def _made(self) -> set[str]:
        """The tables that the warehouse has."""
        with self.pipe.sql_client() as client:
            query = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"
            return {name for (name,) in client.execute_sql(query, f"stg_{self.source.name}") or []}

    @property
    def _state(self) -> dict[str, Any]:
        sources: dict[str, Any] = self.pipe.state.get("sources", {})
        return dict(sources.get(self.source.name, {}))

    @property
    def last_load(self) -> str:
        """The newest landed load that is in staging; empty when there is none."""
        return str(self._state.get("last_load", ""))

    @property
    def in_order(self) -> bool:
        """Whether every load up to `last_load` is in staging: ids of loads did not always grow."""
        return bool(self._state.get("in_order"))

    def loads(self) -> set[str]:
        """The landed loads whose rows were refined."""
        with self.pipe.sql_client() as client:
            found = client.execute_sql(f"SELECT DISTINCT load_id FROM {client.make_qualified_table_name(LOADS)}")
        return {str(row[0]) for row in found or []}

    @property
    def refine_id(self) -> str:
        """The newest refine in staging: it changes whenever staging does."""
        return str(self._state["refine_id"])

    @property
    def progress(self) -> tuple[str, str]:
        """(the newest load in staging; the newest refine, all zeros when no row was ever refined)."""
        return self.last_load, self.refine_id

    @classmethod
    def of_all(cls, sources: Iterable[Source], settings: Settings) -> dict[str, tuple[str, str]]:
        """Per source that has a staging: its `progress`, as committed.

        One look at the warehouse for all sources: a run with nothing to do asks for no more.
        """
        from dlt.common.versioned_state import decompress_state

        found: dict[str, tuple[str, str]] = {}
        with connect(settings) as con:
            query = (
                "SELECT table_schema, table_name FROM information_schema.tables WHERE left(table_schema, 4) = 'stg_'"
            )
            made: defaultdict[str, set[str]] = defaultdict(set)
            for name, table in con.execute(query).fetchall():
                made[name].add(table)
            for source in (s for s in sources if {*s.tables, "_dlt_pipeline_state"} <= made[f"stg_{s.name}"]):
                schema = identifier(f"stg_{source.name}")
                row = con.execute(
                    f"SELECT s.state FROM {schema}._dlt_pipeline_state AS s JOIN {schema}._dlt_loads AS l ON l.load_id ="
                    " s._dlt_load_id WHERE l.status = 0 AND s.pipeline_name = ? ORDER BY l.load_id DESC LIMIT 1",
                    [f"stage_{source.name}"],
                ).fetchone()
                state = decompress_state(row[0])["sources"][source.name] if row else {}
                if "refine_id" in state:
                    found[source.name] = (state["last_load"], state["refine_id"])
        return found

    @classmethod
    def make(cls, sources: Iterable[Source], settings: Settings) -> None:
        """Make, empty, the tables that sources were given since their last run: for models and checks over them."""
        sources = list(sources)
        found = cls.of_all(sources, settings)
        for source in (source for source in sources if source.name not in found):
            cls(source, settings)

    def write(self, judged: dict[str, Judged], folder: Path, *, last_load: str, in_order: bool) -> None:
        """Merge what became of landed loads and remember how far that is, in one package.

        Loads may have been refined before: rows that were rejected then and are not now leave ``_rejected``. A replay
        that is cut short has gone back to its newest load, and the next refine goes on from there.

        Args:
            folder: where intermediate Parquet files go.
            last_load, in_order: what to remember under these names.
        """
        # loads without rows move the mark of where to go on, but leave nothing new to model
        refine_id = f"{max(time.time_ns(), int(self.refine_id) + 1):020d}" if judged else self.refine_id
        con = engine(folder)
        state = {"refine_id": refine_id, "last_load": last_load, "in_order": in_order}
        resources = []
        for name, query in self._queries(judged).items():
            path = folder / f"staged.{name}.parquet"
            con.execute(
                f"COPY (SELECT *{self._storable(name)}, {literal(refine_id)} AS _refine_id FROM ({query}))"
                f" TO {literal(path)} (FORMAT parquet)"
            )
            resources.append(self._resource(name, path, state))
        self._run(resources)

    def _create(self, names: list[str], refine_id: str, last_load: str, in_order: bool) -> None:
        """Make tables, empty, and the schema if need be: models may then be planned before rows come."""
        state = {"refine_id": refine_id, "last_load": last_load, "in_order": in_order}
        with tempfile.TemporaryDirectory() as folder:
            resources = []
            for name in names:
                columns, _ = self._hints(name)
                path = Path(folder) / f"{name}.parquet"
                pq.write_table(pa.table({n: pa.array([], _arrow(c)) for n, c in columns.items()}), path)
                resources.append(self._resource(name, path, state))
            self._run(resources)

    def _run(self, resources: list[DltResource]) -> None:
        @dlt.source(name=self.source.name)
        def staged() -> Any:
            return resources

        newest = pipelines.newest_load(self.pipe)
        pipelines.run(self.pipe, staged(), newest=newest, loader_file_format="parquet")

    def _resource(self, name: str, path: Path, state: dict[str, Any]) -> DltResource:
        columns, keys = self._hints(name)

        def rows() -> Iterator[Any]:
            dlt.current.source_state().update(state)  # commits with the package
            yield dlt.mark.with_file_import(str(path), "parquet", pq.read_metadata(path).num_rows)

        disposition: Any = {"disposition": "merge", "strategy": "delete-insert", "deduplicated": True}
        return dlt.resource(rows(), name=name, columns=columns, write_disposition=disposition, **keys)  # type: ignore[call-overload, no-any-return]

    def _hints(self, name: str) -> tuple[Any, dict[str, Any]]:
        """Dlt's columns of a table, in the warehouse's own measures, and how its rows are merged."""
        columns, keys = self._columns(name)
        return (for_redshift(columns, self.source.tables.get(name)) if self.settings.aws else columns), keys

    def _columns(self, name: str) -> tuple[Any, dict[str, Any]]:
        if name == REJECTED:
            return REJECTED_COLUMNS, {"primary_key": "id"}
        if name == LOADS:
            return LOADS_COLUMNS, {"primary_key": ["table_name", "load_id"]}
        table, contract = self.source.tables[name], self.source.contracts[name]
        removes = table.removes or table.explode is not None or table.by_file
        columns = dlt_columns(contract, all_nullable=removes or table.sees_deletes) | MARKS
        if removes or table.files:
            columns["_deleted"] = columns["_deleted"] | {"hard_delete": True}
        if table.explode:
            return columns, {"merge_key": table.parent_key}
        if table.by_file:
            return columns, {"merge_key": table.file_column(contract)}  # a file that comes again replaces its rows
        if table.mode in ("append", "scd2"):
            return columns, {"merge_key": "_load_id"}
        return columns, {"primary_key": table.key}

    def _storable(self, name: str) -> str:
        """Of texts for Redshift, what leaves out the one character it cannot hold."""
        columns, _ = self._hints(name)
        texts = [identifier(n) for n, column in columns.items() if column["data_type"] == "text" and n != "_refine_id"]
        return (
            f" REPLACE ({', '.join(f'replace({n}, chr(0), {EMPTY}) AS {n}' for n in texts)})"
            if self.settings.aws
            else ""
        )

    def _queries(self, judged: dict[str, Judged]) -> dict[str, str]:
        """What to merge into each table, as SQL over the judged files."""
        queries = {name: self._newest(name, judged) for name in judged}
        ids, recounted = self._recounted(judged)
        queries[REJECTED] = self._rejections(judged, ids)
        now = literal(self.settings.moment())
        counts = [(name, load, *found) for name, result in judged.items() for load, found in result.counts.items()]
        selects = [
            f"SELECT {literal(self.source.name)} AS source, {literal(name)} AS table_name, {literal(load)} AS load_id,"
            f" {landed}::BIGINT AS landed, {accepted}::BIGINT AS accepted, {rejected}::BIGINT AS rejected,"
            f" CAST({now} AS TIMESTAMP) AS refined_at"
            for name, load, landed, accepted, rejected in counts + recounted
        ]
        return queries | ({LOADS: " UNION ALL ".join(selects)} if selects else {})

    def _recounted(self, judged: dict[str, Judged]) -> tuple[list[str], list[tuple[str, str, int, int, int]]]:
        """Of loads that were judged earlier and held rows of withdrawn files: (ids of those that were rejected;
        (table, load, landed, accepted, rejected) of what is left).
        """
        left = [(name, load, rest) for name, result in judged.items() for load, rest in result.recounted.items()]
        ids: list[str] = []
        counts = []
        for name, load, rest in left:
            with self.pipe.sql_client() as client:
                query = f"SELECT id, row_number FROM {client.make_qualified_table_name(REJECTED)} WHERE table_name = %s AND load_id = %s"
                found = client.execute_sql(query, name, load) or []
            gone = [str(row[0]) for row in found if int(row[1]) in rest.gone]
            ids += gone
            broken = len(found) - len(gone)
            counts.append((name, load, rest.rows, rest.rows - broken, broken))
        return ids, counts

    def _newest(self, name: str, judged: dict[str, Judged]) -> str:
        """The rows that count: the newest of each key; of a record's elements, those of its newest accepted version."""
        table, accepted = self.source.tables[name], judged[name].sql
        if table.by_file:
            return _newest_files(judged[name], table.file_column(self.source.contracts[name]))
        if table.mode == "append":
            return accepted
        if table.mode == "scd2":
            return first(accepted, [*table.key, "_load_id"], "_row")
        if not table.explode:
            newest = first(accepted, table.key, "_row")
            lost = judged[name].gone and withdrawn.removed_keys(judged[name].gone, newest, table.key)
            return f"{newest} UNION ALL BY NAME {lost}" if lost else newest
        parent_key = ", ".join(map(identifier, table.parent_key))
        records = first(judged[table.from_ or ""].sql, table.parent_key, "_row")
        rows = f"SELECT items.* FROM ({accepted}) AS items SEMI JOIN ({records}) AS r USING (_load_id, _row)"
        emptied = (  # a record without accepted elements: its earlier ones go, by a row that only deletes
            f"SELECT {parent_key}, _load_id, _row, _read_at, TRUE AS _deleted FROM ({records}) ANTI JOIN ({rows}) AS i USING (_load_id, _row)"
        )
        return f"SELECT * EXCLUDE (_index) FROM ({first(rows, table.key, '_index')}) UNION ALL BY NAME {emptied}"

    def _rejections(self, judged: dict[str, Judged], withdrawn: list[str]) -> str:
        """What was rejected now; and what was before and is not any more, or came in files that are withdrawn, on its way out."""
        files = ", ".join(literal(path) for result in judged.values() for path in result.rejected)
        empty = ", ".join(
            f"NULL::{'BIGINT' if n == 'row_number' else 'TIMESTAMP' if n == 'rejected_at' else 'VARCHAR'} AS {n}"
            for n in REJECTED_SCHEMA.names
        )
        now = f"SELECT * FROM read_parquet([{files}])" if files else f"SELECT {empty} WHERE FALSE"
        earlier = ", ".join(map(literal, [*self._rejected_before(judged), *withdrawn]))
        gone = f" UNION ALL BY NAME SELECT id, TRUE AS _deleted FROM (SELECT unnest([{earlier}]::VARCHAR[]) AS id) ANTI JOIN ({now}) AS n USING (id)"
        return f"SELECT *, FALSE AS _deleted FROM ({now}){gone if earlier else ''}"

    def _rejected_before(self, judged: dict[str, Judged]) -> list[str]:
        """Ids of what was rejected before of the loads that were judged again, table by table: raw rows may have expired."""
        loads = {name: [*judged[self.source.tables[name].from_ or name].counts] for name in judged}
        asked = [(name, *found) for name, found in loads.items() if found]
        if not asked:
            return []
        each = " OR ".join(
            f"(table_name = %s AND load_id IN ({', '.join(['%s'] * (len(part) - 1))}))" for part in asked
        )
        with self.pipe.sql_client() as client:
            query = f"SELECT id FROM {client.make_qualified_table_name(REJECTED)} WHERE {each}"
            found = client.execute_sql(query, *(value for part in asked for value in part))
        return [str(row[0]) for row in found or []]


def _newest_files(judged: Judged, column: str) -> str:
    """The rows of each file's newest load; a file without accepted rows leaves one that only deletes."""
    pairs = ", ".join(f"({literal(file)}, {literal(load)})" for file, load in judged.files.items())
    column = identifier(column)
    newest = f"SELECT * FROM (VALUES {pairs}) AS files({column}, _load_id)"
    rows = f"SELECT rows.* FROM ({judged.sql}) AS rows SEMI JOIN ({newest}) AS newest USING ({column}, _load_id)"
    emptied = (
        f"SELECT {column}, _load_id, 0 AS _row, TIMESTAMP 'epoch' AS _read_at, TRUE AS _deleted FROM ({newest}) AS newest"
        f" ANTI JOIN ({rows}) AS rows USING ({column})"
    )
    return f"{rows} UNION ALL BY NAME {emptied}"


def _arrow(column: Mapping[str, Any]) -> pa.DataType:
    if column["data_type"] == "decimal":
        return pa.decimal128(column["precision"], column["scale"])
    return _ARROW[column["data_type"]]


def first(query: str, key: list[str], position: str) -> str:
    """The newest row of each key, as SQL; of one load's rows one that is there before one that vanished."""
    names = ", ".join(map(identifier, key))
    return (
        f"SELECT * FROM ({query}) QUALIFY row_number() OVER"
        f" (PARTITION BY {names} ORDER BY CAST(_load_id AS DOUBLE PRECISION) DESC, _deleted, {position} DESC) = 1"
    )

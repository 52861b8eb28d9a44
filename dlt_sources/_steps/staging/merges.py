"""What to merge into the tables of staging, as SQL over judged files: the rows that count, and those that take others away."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from warehouse.connection import connect
from warehouse.quote import identifier, literal
from warehouse.staging import REJECTED, REJECTED_COLUMNS, without_marks

from ..declared.declaration import Source
from ..stores import withdrawn
from ..stores.judged import Judged

if TYPE_CHECKING:
    from .stage import Staging


Counted = tuple[str, str, str, int, int, int, datetime]
"""A row of ``_loads`` but for its refine: source, table, load; rows landed, accepted and rejected; when it was refined."""


def merges(staging: Staging, judged: dict[str, Judged]) -> tuple[dict[str, str], list[Counted]]:
    """(what to merge into each table, as SQL over the judged files; what became of the rows of each load)."""
    queries = {name: _newest(staging.source, name, judged) for name in judged}
    ids, recounted = _recounted(staging, judged)
    queries[REJECTED] = _rejections(staging, judged, ids)
    source, now = staging.source.name, staging.settings.moment()
    counts = [(name, load, *found) for name, result in judged.items() for load, found in result.counts.items()]
    return queries, [(source, *counted, now) for counted in counts + recounted]


def select_counts(counts: list[Counted]) -> str:
    """The same rows as SQL."""
    return " UNION ALL ".join(
        f"SELECT {literal(source)} AS source, {literal(name)} AS table_name, {literal(load)} AS load_id,"
        f" {landed}::BIGINT AS landed, {accepted}::BIGINT AS accepted, {rejected}::BIGINT AS rejected,"
        f" CAST({literal(now)} AS TIMESTAMP) AS refined_at"
        for source, name, load, landed, accepted, rejected, now in counts
    )


def _recounted(staging: Staging, judged: dict[str, Judged]) -> tuple[list[str], list[tuple[str, str, int, int, int]]]:
    """Of loads that were judged earlier and held rows of withdrawn files: (ids of those that were rejected;
    (table, load, landed, accepted, rejected) of what is left).
    """
    left = [(name, load, rest) for name, result in judged.items() for load, rest in result.recounted.items()]
    ids: list[str] = []
    counts = []
    for name, load, rest in left:
        query = f"SELECT id, row_number FROM {staging.qualified(REJECTED)} WHERE table_name = ? AND load_id = ?"
        with connect(staging.settings) as con:
            found = con.execute(query, [name, load]).fetchall()
        gone = [str(row[0]) for row in found if int(row[1]) in rest.gone]
        ids += gone
        broken = len(found) - len(gone)
        counts.append((name, load, rest.rows, rest.rows - broken, broken))
    return ids, counts


def _newest(source: Source, name: str, judged: dict[str, Judged]) -> str:
    """The rows that count: the newest of each key; of a record's elements, those of its newest accepted version."""
    table, accepted = source.tables[name], judged[name].sql
    if table.by_file:
        return _newest_files(judged[name], table.file_column(source.contracts[name]))
    if table.mode == "append":
        return accepted
    if table.mode == "scd2":
        return newest_per_key_in_duckdb(accepted, [*table.key, "_load_id"], "_row")
    if not table.explode:
        newest = newest_per_key_in_duckdb(accepted, table.key, "_row")
        lost = judged[name].gone and withdrawn.removed_keys(judged[name].gone, newest, table.key)
        return f"{newest} UNION ALL BY NAME {lost}" if lost else newest
    parent_key = ", ".join(map(identifier, table.parent_key))
    records = newest_per_key_in_duckdb(judged[table.from_ or ""].sql, table.parent_key, "_row")
    rows = f"SELECT items.* FROM ({accepted}) AS items SEMI JOIN ({records}) AS r USING (_load_id, _row)"
    emptied = (  # a record without accepted elements: its earlier ones go, by a row that only deletes
        f"SELECT {parent_key}, _load_id, _row, _read_at, TRUE AS _deleted FROM ({records}) ANTI JOIN ({rows}) AS i USING (_load_id, _row)"
    )
    if gone := judged[table.from_ or ""].gone:  # of records that withdrawn files had
        lost = withdrawn.removed_keys(gone, records, table.parent_key)
        emptied += f" UNION ALL BY NAME SELECT {parent_key}, _load_id, _row, _read_at, _deleted FROM ({lost})"
    return f"SELECT * EXCLUDE (_index) FROM ({newest_per_key_in_duckdb(rows, table.key, '_index')}) UNION ALL BY NAME {emptied}"


def _rejections(staging: Staging, judged: dict[str, Judged], withdrawn: list[str]) -> str:
    """What was rejected now; and what was before and is not any more, or came in files that are withdrawn, on its way out."""
    files = ", ".join(literal(path) for result in judged.values() for path in result.rejected)
    empty = ", ".join(f"NULL::{kind} AS {name}" for name, kind in without_marks(REJECTED_COLUMNS).items())
    now = f"SELECT * FROM read_parquet([{files}])" if files else f"SELECT {empty} WHERE FALSE"
    earlier = ", ".join(map(literal, [*_rejected_before(staging, judged), *withdrawn]))
    gone = f" UNION ALL BY NAME SELECT id, TRUE AS _deleted FROM (SELECT unnest([{earlier}]::VARCHAR[]) AS id) ANTI JOIN ({now}) AS n USING (id)"
    return f"SELECT *, FALSE AS _deleted FROM ({now}){gone if earlier else ''}"


def _rejected_before(staging: Staging, judged: dict[str, Judged]) -> list[str]:
    """Ids of what was rejected before of the loads that were judged again, table by table: raw rows may have expired."""
    loads = {name: [*judged[staging.source.tables[name].from_ or name].counts] for name in judged}
    asked = [(name, *found) for name, found in loads.items() if found]
    if not asked:
        return []
    each = " OR ".join(f"(table_name = ? AND load_id IN ({', '.join(['?'] * (len(part) - 1))}))" for part in asked)
    query = f"SELECT id FROM {staging.qualified(REJECTED)} WHERE {each}"
    with connect(staging.settings) as con:
        found = con.execute(query, [value for part in asked for value in part]).fetchall()
    return [str(row[0]) for row in found]


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


def newest_per_key(query: str, key: list[str], position: str) -> str:
    """The newest row of each key, as SQL; of one load's rows one that is there before one that vanished."""
    names = ", ".join(map(identifier, key))
    return (
        f"SELECT * FROM ({query}) AS every QUALIFY row_number() OVER"  # Redshift wants the alias
        f" (PARTITION BY {names} ORDER BY CAST(_load_id AS DOUBLE PRECISION) DESC, _deleted, {position} DESC) = 1"
    )


def newest_per_key_in_duckdb(query: str, key: list[str], position: str) -> str:
    """The same as `newest_per_key`, in DuckDB's words: only rows whose key came more than once are put in order, since to do that with all
    of a large load costs more than all else.
    """
    names = ", ".join(map(identifier, key))
    same = " AND ".join(f"it.{name} IS NOT DISTINCT FROM twice.{name}" for name in map(identifier, key))
    twice = f"(SELECT {names} FROM ({query}) GROUP BY ALL HAVING count(*) > 1) AS twice ON {same}"
    sorted_ = newest_per_key(f"SELECT it.* FROM ({query}) AS it SEMI JOIN {twice}", key, position)
    return f"SELECT it.* FROM ({query}) AS it ANTI JOIN {twice} UNION ALL {sorted_}"

"""What a rebuild carries over from silver: rows of loads whose raw rows have expired, by today's contract as far as that can say.

Silver holds what the contract of its time made of them: values in the columns' own types, some only hashed. A value that
today's column cannot hold, lacks or refuses rejects its row; rules that are Python code have had their say already.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from settings import Settings
from warehouse.connection import connect, export
from warehouse.quote import identifier, literal
from warehouse.staging import LOADS, REJECTED

from ..contracts.columns import Column, columns_of
from ..contracts.contract import INDEX, MARKS
from ..declared.declaration import Source
from ..judge import bulk
from ..silver.silver import Silver, held_loads
from ..staging.stage import Staging
from ..stores.engine import engine
from ..stores.judged import REJECTED_SCHEMA, Judged
from ..stores.lake import Landing
from ..stores.landed import Landed
from ..stores.salt import read_salt

_RULE = "carried_over"


def expired(part: Source, used: Staging, settings: Settings) -> dict[str, set[str]]:
    """Per table the loads that silver or the record of loads knows rows of, and landing has no more, or not whole."""
    landing, silver = Landing(part.name, settings), Silver(part.name, settings)
    with connect(settings) as con:
        rows = con.execute(f"SELECT table_name, load_id FROM {used.qualified(LOADS)} WHERE landed > 0").fetchall()
    found: dict[str, set[str]] = {}
    committed = set(landing.loads())
    for name, table in part.tables.items():
        known = {load for counted, load in rows if counted == name} | held_loads(silver, name)
        of = table.from_ or name
        there = {file.load for file in landing.files(of, known)}
        there -= Landed(part, landing, known & committed).broken(of)
        if known - there:
            found[name] = known - there
    return found


def carry_over(gone: Mapping[str, set[str]], used: Staging, aside: Staging) -> dict[str, int]:
    """Put the rows of expired loads into a rebuild's silver and staging; returns how many were accepted per table."""
    source, settings = aside.source, aside.settings
    if aside.loads() >= {load for loads in gone.values() for load in loads}:
        return {}
    folder = settings.workplace(source.name) / "rebuild"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        judged = {}
        for name in (name for name in source.tables if name in gone):
            judged[name] = _carry(name, sorted(gone[name], key=float), used, aside, folder)
            Silver(source.name, settings, aside=True).write(name, judged[name].accepted, sorted(gone[name], key=float))
        aside.write(judged, folder, last_load=aside.last_load, in_order=aside.in_order)
        counts = {name: sum(accepted for _, accepted, _ in found.counts.values()) for name, found in judged.items()}
        return {name: count for name, count in counts.items() if count}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _carry(name: str, loads: list[str], used: Staging, aside: Staging, folder: Path) -> Judged:
    source, settings = aside.source, aside.settings
    con = engine(folder, memory=settings.memory, spill=folder / "spill")
    con.execute("SET VARIABLE pii_salt = ?", [read_salt(settings)])
    columns, table = columns_of(source.contracts[name]), source.tables[name]
    marks = [*MARKS, *([INDEX] if table.explode else [])]
    _fetch(con, name, loads, used, folder, columns, marks)
    _judge(con, columns, used.recorded_columns(name))
    accepted, rejected, earlier = (folder / f"{name}.{what}.parquet" for what in ("accepted", "rejected", "earlier"))
    names = ", ".join([*(identifier(c.name) for c in columns), *marks])
    con.execute(f"COPY (SELECT {names} FROM judged WHERE _field IS NULL) TO {literal(accepted)} (FORMAT parquet)")
    con.execute(
        f"COPY ({_rejections(source.name, name, columns, marks, settings)}) TO {literal(rejected)} (FORMAT parquet)"
    )
    con.close()
    marked = ", ".join(literal(load) for load in loads)
    kept = ", ".join(map(identifier, REJECTED_SCHEMA.names))
    before = (
        f"SELECT {kept} FROM {used.qualified(REJECTED)} WHERE table_name = {literal(name)} AND load_id IN ({marked})"
    )
    export(before, earlier, settings)
    files = [path for path in (rejected, earlier) if pq.read_metadata(path).num_rows]
    found = Judged([accepted], files, _counts(accepted, files, loads))
    if table.by_file:
        found.files.update(_files(accepted, table.file_column(source.contracts[name])))
    return found


def _fetch(
    con: Any, name: str, loads: list[str], used: Staging, folder: Path, columns: Iterable[Column], marks: list[str]
) -> None:
    """Create `carried`: the rows of silver with today's names; a column that silver lacks is NULL."""
    path = folder / f"{name}.silver.parquet"
    reader = Silver(used.source.name, used.settings).rows(name, loads)
    there: set[str] = set(reader.schema.names) if reader is not None else set()
    if reader is not None:
        with pq.ParquetWriter(path, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
    renamed = used.names_before(name)
    values = []
    for column in [c.name for c in columns] + marks:
        held = column if column in there else renamed.get(column, column)
        values.append(f"{identifier(held) if held in there else 'NULL'} AS {identifier(column)}")
    rows = f"read_parquet({literal(path)})" if there else "(SELECT 1 WHERE FALSE)"
    con.execute(f"CREATE TEMP VIEW carried AS SELECT {', '.join(values)} FROM {rows}")


def _judge(con: Any, columns: list[Column], before: Mapping[str, Mapping[str, str]]) -> None:
    """Create `judged`: the rows in today's types, and the first field that does not fit (``_field``)."""
    values = []
    for column in columns:
        x = identifier(column.name)
        if column.pii == "hash" and before.get(column.name, {}).get("pii") != "hash":
            x = f"sha256(getvariable('pii_salt') || CAST({x} AS VARCHAR))"
        elif column.pii != "hash" and before.get(column.name, {}).get("pii") == "hash":
            x = "NULL"  # only its hash is known
        values.append(f"TRY_CAST({x} AS {column.sql_type}) AS {identifier(column.name)}")
    old = ", ".join(f"{identifier(c.name)} AS {identifier(f'_was_{c.name}')}" for c in columns)
    rest = "* EXCLUDE (" + ", ".join(identifier(c.name) for c in columns) + ")"
    con.execute(f"CREATE TEMP VIEW typed AS SELECT {', '.join(values)}, {old}, {rest} FROM carried")
    types = {row[0]: row[1] for row in con.execute("DESCRIBE typed").fetchall()}
    fits = " ".join(
        f"WHEN NOT coalesce({_fits(column, types)}, FALSE) THEN {literal(column.name)}" for column in columns
    )
    con.execute(f"CREATE TEMP TABLE judged AS SELECT *, CASE {fits} END AS _field FROM typed")


def _fits(column: Column, types: Mapping[str, str]) -> str:
    """SQL: whether the value is one that today's column takes; a deleted row has what its key needs."""
    x = identifier(column.name)
    needed = "TRUE" if column.nullable else f"(_deleted OR {x} IS NOT NULL)"
    held = f"({x} IS NOT NULL OR {identifier(f'_was_{column.name}')} IS NULL)"
    if column.pii == "hash" or column.computed:
        return f"{needed} AND {held}"
    _, ok = bulk.native_check(dataclasses.replace(column, paths=((column.name,),)), types)
    rules = "TRUE" if "FALSE" in ok.split() or ok.strip("()") == "FALSE" else f"({x} IS NULL OR {ok})"
    return f"{needed} AND {held} AND {rules}"


def _rejections(source: str, table: str, columns: list[Column], marks: list[str], settings: Settings) -> str:
    clear = ", ".join(f"{literal(c.name)}, {identifier(f'_was_{c.name}')}" for c in columns if c.pii is None)
    index = f" || '/' || {INDEX}" if INDEX in marks else ""
    return (
        f"SELECT {literal(table)} || '/' || _load_id || '/' || _row{index} AS id, {literal(source)} AS source,"
        f" {literal(table)} AS table_name, _load_id AS load_id, _row AS row_number,"
        f" CAST(json_object({clear}) AS VARCHAR) AS raw, _field AS field, {literal(_RULE)} AS rule,"
        " 'its raw row has expired, and what silver kept does not fit the contract' AS message,"
        f" CAST(json_array(json_object('field', _field, 'rule', {literal(_RULE)})) AS VARCHAR) AS errors,"
        f" CAST({literal(settings.moment())} AS TIMESTAMP) AS rejected_at FROM judged WHERE _field IS NOT NULL"
    )


def _counts(accepted: Path, rejected: list[Path], loads: list[str]) -> dict[str, tuple[int, int, int]]:
    good = Counter(pq.read_table(accepted, columns=["_load_id"])["_load_id"].to_pylist())
    bad = Counter(n for path in rejected for n in pq.read_table(path, columns=["load_id"])["load_id"].to_pylist())
    return {load: (good[load] + bad[load], good[load], bad[load]) for load in loads}


def _files(accepted: Path, column: str) -> dict[str, str]:
    """Each file of carried rows, with its newest load."""
    rows = pq.read_table(accepted, columns=[column, "_load_id"])
    newest = rows.group_by(column).aggregate([("_load_id", "max")]).to_pylist()
    return {row[column]: row["_load_id_max"] for row in newest}

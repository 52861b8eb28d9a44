"""Files that count no longer: withdrawn by a person, gone from the folder, or replaced by another file of their month.

A mark per file lands like everything else, in ``<landing>/<source>/_withdrawn_<table>/``, so a replay and a rebuild from
landing come to the same rows. It concerns what the file delivered in loads before the mark; delivered again, it counts again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from warehouse.column_types import arrow_type
from warehouse.quote import identifier, literal

from ..contracts.columns import Column
from ..contracts.contract import FILE
from .engine import engine
from .judged import MARKS_SCHEMA, Judged, Left
from .lake import LOAD_IN_NAME, LOAD_OF_FILE, LandedFile, Landing

if TYPE_CHECKING:
    from dlt.extract.resource import DltResource

_FOLDER = "_withdrawn_{}"
MARK = "withdrawn"
"""Key in what a read remembers of a file: a person has withdrawn this content of it."""


def folder_of(table: str) -> str:
    """The folder of landing that has a table's marks."""
    return _FOLDER.format(table)


def resource_of(table: str, files: list[str], now: datetime) -> DltResource:
    """The marks of some files as rows to land."""
    from .pipelines import resource

    def rows() -> Any:
        yield pa.table({"file": files, "read_at": [now] * len(files)})

    return resource(rows(), folder_of(table), write_disposition="append")


def marks_of(landing: Landing, table: str, folder: Path) -> dict[str, str]:
    """Every file of a table that was withdrawn, with the newest load that says so."""
    files = landing.files(folder_of(table), landing.loads())
    marks: dict[str, str] = {}
    for load, path in zip((file.load for file in files), landing.fetch(files, folder), strict=True):
        for name in pq.read_table(path, columns=["file"])["file"].to_pylist():
            marks[name] = max(load, marks.get(name, "0"), key=float)
    return marks


def names_in(paths: list[str]) -> set[str]:
    """The files whose rows landed Parquet files hold."""
    return {name for path in paths for name in pq.read_table(path, columns=[FILE])[FILE].unique().to_pylist()}


def drop_withdrawn(judged: Judged, paths: list[str], marks: Mapping[str, str], folder: Path, memory: str) -> Judged:
    """What was judged, less the rows, accepted and rejected, that files delivered before they were withdrawn.

    Args:
        paths: the landed files that were judged.
        folder: where the remaining rows go.
    """
    known = set(marks) & set(judged.files)
    if not known:
        return judged
    con = engine(folder, *{Path(path).parent for path in paths}, memory=memory, spill=folder / "spill")
    pairs = ", ".join(f"({literal(name)}, {literal(marks[name])})" for name in sorted(known))
    con.execute(
        f"CREATE TEMP TABLE gone AS SELECT _load_id, _row FROM (SELECT {FILE}, _row,"
        f" {LOAD_OF_FILE} AS _load_id"
        f" FROM read_parquet([{', '.join(map(literal, paths))}], union_by_name = true, filename = true)) AS l"
        f" JOIN (VALUES {pairs}) AS m(file, mark) ON l.{FILE} = m.file WHERE CAST(l._load_id AS DOUBLE) < CAST(m.mark AS DOUBLE)"
    )
    written: dict[str, Path] = {}
    for what, join in (("kept", "ANTI"), ("gone", "SEMI")):
        written[what] = folder / f"{what}.parquet"
        con.execute(
            f"COPY (SELECT a.* FROM ({judged.sql}) AS a {join} JOIN gone USING (_load_id, _row))"
            f" TO {literal(written[what])} (FORMAT parquet, COMPRESSION zstd)"
        )
    less = dict(con.execute("SELECT _load_id, count(*) FROM gone GROUP BY 1").fetchall())
    rejected, broken = [], dict[str, int]()
    if judged.rejected:
        rejected = [folder / "rejected.kept.parquet"]
        con.execute(
            f"COPY (SELECT r.* FROM read_parquet([{', '.join(map(literal, judged.rejected))}]) AS r ANTI JOIN gone AS g"
            f" ON r.load_id = g._load_id AND r.row_number = g._row) TO {literal(rejected[0])} (FORMAT parquet)"
        )
        counted = f"SELECT load_id, count(*) FROM read_parquet({literal(rejected[0])}) GROUP BY 1"
        broken = dict(con.execute(counted).fetchall())
    con.close()
    left = {load: landed - less.get(load, 0) for load, (landed, _, _) in judged.counts.items()}
    counts = {load: (rows, rows - broken.get(load, 0), broken.get(load, 0)) for load, rows in left.items()}
    return replace(judged, accepted=[written["kept"]], rejected=rejected, counts=counts, gone=[written["gone"]])


def filter_files(paths: list[str], marks: Mapping[str, str], folder: Path, memory: str) -> tuple[list[str], set[str]]:
    """Landed files of records without those that files delivered before they were withdrawn, and the loads that lost some:
    what the rows of the records' lists are made of.
    """
    rest, lost = [], set[str]()
    for path in paths:
        load = LOAD_IN_NAME.match(Path(path).name)
        gone = [name for name in names_in([path]) if load and float(marks.get(name, "0")) > float(load[1])]
        if load and gone:
            folder.mkdir(parents=True, exist_ok=True)
            kept = folder / Path(path).name
            with engine(folder, Path(path).parent, memory=memory) as con:
                con.execute(
                    f"COPY (SELECT * FROM read_parquet({literal(path)}) WHERE {FILE} NOT IN ({', '.join(map(literal, gone))}))"
                    f" TO {literal(kept)} (FORMAT parquet)"
                )
            lost.add(load[1])
            path = str(kept)
        rest.append(path)
    return rest, lost


def recount_earlier(
    judged: Judged,
    table: str,
    landing: Landing,
    loads: Collection[str],
    marks: Mapping[str, str],
    fresh: Mapping[str, str],
) -> None:
    """Count again what loads before those that were judged brought, now that some files of the table are withdrawn.

    Args:
        judged: what was judged of the table; gets the counts.
        loads: those that were judged, or would have been if they had rows.
        marks, fresh: as of `recount`.
    """
    for file, load in fresh.items():
        judged.files[file] = max(load, judged.files.get(file, "0"), key=float)
    last = max(map(float, loads))
    earlier = [load for load in landing.loads() if load not in judged.counts and float(load) <= last]
    judged.recounted.update(recount(landing, landing.files(table, earlier), marks, fresh))


def recount(
    landing: Landing, files: list[LandedFile], marks: Mapping[str, str], fresh: Collection[str]
) -> dict[str, Left]:
    """What is left of the loads that hold rows of newly withdrawn files.

    Args:
        files: what the table has landed in loads that are not judged now.
        marks: every file that was withdrawn, with the load that says so.
        fresh: those of them that are newly withdrawn.
    """
    rows: defaultdict[str, int] = defaultdict(int)
    gone: defaultdict[str, set[int]] = defaultdict(set)
    concerned: set[str] = set()
    for file in files:
        with landing.fs.open(file.path, "rb") as opened:  # of an object on S3 these two columns only
            read = pq.read_table(opened, columns=[FILE, "_row"])
        rows[file.load] += len(read)
        for name in read[FILE].unique().to_pylist():
            if float(marks.get(name, "0")) > float(file.load):
                gone[file.load] |= set(read.filter(pc.equal(read[FILE], name))["_row"].to_pylist())
                concerned |= {file.load} if name in fresh else set()
    return {load: Left(rows[load] - len(gone[load]), frozenset(gone[load])) for load in concerned}


def nothing(columns: list[Column], folder: Path) -> Judged:
    """The result of judging no row."""
    fields = {c.name: arrow_type(c.sql_type) for c in columns if c.stored} | MARKS_SCHEMA
    path = folder / "none.parquet"
    pq.write_table(pa.schema(fields.items()).empty_table(), path)
    return Judged([path], [], {})


def removed_keys(gone: list[Path], newest: str, key: list[str]) -> str:
    """SQL for rows that only delete: of keys that withdrawn files had, and no other file has.

    Args:
        newest: SQL for the row of each key that counts.
    """
    names = ", ".join(map(identifier, key))
    rows = f"SELECT * FROM read_parquet([{', '.join(map(literal, gone))}])"
    once = f"{rows} QUALIFY row_number() OVER (PARTITION BY {names} ORDER BY _load_id, _row) = 1"
    return f"SELECT g.* REPLACE (TRUE AS _deleted) FROM ({once}) AS g ANTI JOIN ({newest}) AS n USING ({names})"

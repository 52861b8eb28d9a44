"""What the bulk cases share: a first run from nothing, the floors of files, and what is read out of what was printed."""

from __future__ import annotations

import os
import re
import shutil
import statistics
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.bulk import peers, trips
from benchmarks.bulk.project import Project, Took, take

BROKEN = [
    ("0 %", "", ""),
    ("1 %", 'column("Tip")', 'column("Tip", le=6.93)'),
    ("50 %", 'column("Fare")', 'column("Fare", le=30)'),
]
"""A share of the trips, and how the contract is changed so that they break it."""
FILE_FLOOR = """
import duckdb
con = duckdb.connect({database!r})
con.execute("CREATE SCHEMA stg_trips")
con.execute("CREATE TABLE stg_trips.trips AS SELECT * FROM '{files}'")
for name, query in {marts!r}.items():
    con.execute(f"CREATE TABLE {{name}} AS {{query}}")
"""


def fresh(folder: Path) -> Path:
    """An empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def first_run(
    folder: Path, at: str, connector: str = "sql_database", *, change: tuple[str, str] = ("", ""), **table: Any
) -> tuple[Project, Took]:
    """A new checkout and its first run."""
    project = Project(fresh(folder / "project"), at, connector, **table)
    contract = project.small.code / "dlt_sources/trips/contract.py"
    contract.write_text(contract.read_text().replace(*change) if change[0] else contract.read_text())
    project.take("-m", "dlt_sources.derive")
    return project, project.run("run")


def write_files(folder: Path, kind: str, rows: int) -> Path:
    """Five files of trips, as a system would drop them."""
    drop = fresh(folder / f"drop-{kind}")
    for number in range(5):
        query = trips.in_duckdb(rows // 5 * number + 1, rows // 5 * (number + 1))
        form = "FORMAT parquet, COMPRESSION zstd"
        if kind == "csv":
            iso = "strftime(updated_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS updated_at"
            form, query = "FORMAT csv, HEADER", f"SELECT * REPLACE ({iso}) FROM ({query})"
        duckdb.execute(f"COPY ({query}) TO '{drop / f'{number}.{kind}'}' ({form})")
    return drop


def take_file_floor(folder: Path, drop: Path, kind: str) -> tuple[Took, dict[str, list[tuple[Any, ...]]]]:
    """DuckDB alone: the files into a table, the marts."""
    database = folder / "files.duckdb"
    database.unlink(missing_ok=True)
    script = FILE_FLOOR.format(database=str(database), files=drop / f"*.{kind}", marts=peers.queries())
    took = take([sys.executable, "-c", script], folder, dict(os.environ))
    return took, peers.marts_of(database)


def take_unjudged(folder: Path, project: Project) -> float:
    """Seconds of what refine does with rows that landed, without judging: Parquet to Parquet, and into a table."""
    landed = project.small.data / "lake/landing/trips/trips__*/*.parquet"
    database = folder / "unjudged.duckdb"
    database.unlink(missing_ok=True)
    with duckdb.connect(str(database)) as con:
        begun = time.monotonic()
        con.execute(
            f"COPY (SELECT * FROM '{landed}') TO '{folder / 'unjudged.parquet'}' (FORMAT parquet, COMPRESSION zstd)"
        )
        con.execute(f"CREATE TABLE trips AS SELECT * FROM '{folder / 'unjudged.parquet'}'")
    return time.monotonic() - begun


def median(found: Iterable[Took]) -> float:
    """Seconds on the clock."""
    return statistics.median(took.seconds for took in found)


def memory(found: Iterable[Took]) -> float:
    """The most of all, in MB."""
    return max(took.memory for took in found) / 1e6


def step(took: Took, name: str) -> float:
    """Seconds of a step, as the run printed them."""
    return float(re.findall(rf"^  {name} .*?([\d.]+) s", took.output, re.MULTILINE)[0])


def as_text(marts: dict[str, list[tuple[Any, ...]]]) -> str:
    """What marts hold, the same for numbers of different types."""
    return repr({name: [[_plain(value) for value in row] for row in rows] for name, rows in sorted(marts.items())})


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.9g}"
    return str(value).removesuffix("+00:00")

"""What the bulk cases share: a first run from nothing, the floors of files, and what is read out of what was printed."""

from __future__ import annotations

import os
import re
import shutil
import statistics
import sys
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

REFINE = """
import shutil, time, unittest.mock
import settings
from dlt_sources._steps.judge import drift, judge
from dlt_sources._steps.declared.declaration import load_sources
from dlt_sources._steps.refine.refine import refine

def take():
    for path in given.data_dir.glob("warehouse*"):
        path.unlink()
    shutil.rmtree(given.silver)
    begun = time.monotonic()
    refine(source, given)
    return time.monotonic() - begun

def unseen(column, landed):
    return check(column, landed)[0], "TRUE"

if __name__ == "__main__":
    given, source, check, found = settings.load(), load_sources()["trips"], judge.bulk.native_check, ([], [])
    for turn in range({times} + 1):  # the first loads libraries
        judged = take()
        with unittest.mock.patch.object(judge.bulk, "native_check", unseen), unittest.mock.patch.object(drift, "observe"):
            unjudged = take()
        if turn:
            found[0].append(judged)
            found[1].append(unjudged)
    for seconds in found:
        print(*seconds)
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


def take_refine(project: Project, times: int) -> tuple[float, float]:
    """Median seconds of refining what landed, and of the same with every row accepted unseen."""
    took = project.take("-c", REFINE.format(times=times))
    judged, unjudged = ([float(text) for text in line.split()] for line in took.output.splitlines()[-2:])
    return statistics.median(judged), statistics.median(unjudged)


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

"""``python -m benchmarks.bulk [ROWS [CASE ...]]``: rows of Postgres, Parquet, CSV and JSON to the marts, beside a floor and a peer.

Each case runs in turn with what it is compared with, `TIMES` times; printed are medians of seconds on the clock, ratios, the
most memory, and whether all hold the same rows. With 5 million rows it takes about ten minutes and 6 GB of disk.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.bulk import api, cases, peers, trips
from benchmarks.bulk.project import Took
from demo.postgres import Postgres

TIMES = 3
ROWS = 5_000_000


CASES = ("chains", "files", "api", "rejects", "increments")


def main(rows: int, wanted: Sequence[str] = CASES) -> None:
    """Measure, and print tables."""
    with tempfile.TemporaryDirectory(prefix="bulk-") as name:
        folder = Path(name)
        postgres = Postgres(folder / "postgres")
        postgres.start()
        try:
            con = trips.connect(postgres.dsn)
            trips.fill(con, "trips", rows)
            measured: dict[str, Callable[[], None]] = {
                "chains": lambda: compare_chains(folder, postgres.dsn, rows),
                "files": lambda: compare_files(folder, rows),
                "api": lambda: compare_api(folder, rows // 10),
                "rejects": lambda: compare_rejects(folder, postgres.dsn, rows),
                "increments": lambda: compare_increments(folder, postgres.dsn, con, rows),
            }
            for case in wanted:
                measured[case]()
        finally:
            postgres.close()


def compare_chains(folder: Path, dsn: str, rows: int) -> None:
    """Postgres to the marts: this project, DuckDB alone, and the peer."""
    peer = peers.Peer(cases.fresh(folder / "peer"))
    ours, land, floor, theirs = [], [], [], []
    for _ in range(TIMES):
        project, took = cases.first_run(folder, dsn)
        ours.append(took)
        land.append(peers.take_land(folder, dsn))
        alone, marts = peers.take_floor(folder, dsn)
        floor.append(alone)
        loaded, made, same = peer.take(dsn)
        theirs.append(Took(loaded.seconds + made.seconds, loaded.cpu + made.cpu, max(loaded.memory, made.memory), ""))
        assert cases.as_text(project.marts()) == cases.as_text(marts) == cases.as_text(same)
    base = cases.median(ours)
    print(f"\n{rows:,} rows of Postgres to three marts; the same rows in all\n")
    print("| chain | seconds | ours is | MB |\n|---|---|---|---|")
    for words, found in (
        ("this project: landed, judged, kept, checked, published", ours),
        ("dlt with connectorx, then dbt-duckdb", theirs),
        ("DuckDB alone: scanner to Parquet, table, marts", floor),
    ):
        print(
            f"| {words} | {cases.median(found):.1f} | {base / cases.median(found):.2f} x | {cases.memory(found):.0f} |"
        )
    landed = statistics.median(cases.step(took, "land") for took in ours)
    alone_ = cases.median(land)
    print(
        f"| land alone, beside the scanner to a Parquet file ({alone_:.1f} s) | {landed:.1f} | {landed / alone_:.2f} x | |"
    )


def compare_files(folder: Path, rows: int) -> None:
    """Files of the same trips to the marts, beside DuckDB reading them."""
    print(f"\n{rows:,} rows of files to three marts\n")
    print("| files | seconds | DuckDB alone | ours is | MB |\n|---|---|---|---|---|")
    for kind in ("parquet", "csv"):
        drop = cases.write_files(folder, kind, rows)
        ours, floor = [], []
        for _ in range(TIMES):
            project, took = cases.first_run(folder, str(drop), "files", files=f"*.{kind}")
            ours.append(took)
            alone, marts = cases.take_file_floor(folder, drop, kind)
            floor.append(alone)
            assert cases.as_text(project.marts()) == cases.as_text(marts)
        print(
            f"| {kind} | {cases.median(ours):.1f} | {cases.median(floor):.1f} | {cases.median(ours) / cases.median(floor):.2f} x"
            f" | {cases.memory(ours):.0f} |"
        )


def compare_api(folder: Path, rows: int) -> None:
    """JSON of an API to the marts, beside DuckDB reading the same pages from files."""
    answers, ours, floor = api.pages(rows), [], []
    drop = cases.fresh(folder / "pages")
    api.write_pages(answers, drop)
    with api.serving(answers) as address:
        for _ in range(TIMES):
            project, took = cases.first_run(folder, address, "rest_api")
            ours.append(took)
            alone, marts = cases.take_file_floor(folder, drop, "json")
            floor.append(alone)
            assert cases.as_text(project.marts()) == cases.as_text(marts)
    landed = statistics.median(cases.step(took, "land") for took in ours)
    print(f"\n{rows:,} records of {len(trips.COLUMNS)} fields from an API, pages of {api.PAGE:,}, to three marts\n")
    print("| chain | seconds | ours is | MB |\n|---|---|---|---|")
    print(f"| this project | {cases.median(ours):.1f} | 1.00 x | {cases.memory(ours):.0f} |")
    print(
        f"| DuckDB alone, from files | {cases.median(floor):.1f} | {cases.median(ours) / cases.median(floor):.2f} x | |"
    )
    print(f"| land alone: {rows / landed:,.0f} records a second | {landed:.1f} | | |", flush=True)


def compare_rejects(folder: Path, dsn: str, rows: int) -> None:
    """Refine where a share of the rows breaks the contract, beside the same load without judging."""
    print(f"\nrefine of {rows:,} rows by the share that is rejected, beside the same with every row accepted unseen\n")
    print("| rejected | seconds | without judging | ratio |\n|---|---|---|---|")
    for share, old, new in cases.BROKEN:
        project, _ = cases.first_run(folder, dsn, change=(old, new), max_rejected={"share": 1})
        judged, unjudged = cases.take_refine(project, TIMES if share != "50 %" else 1)
        print(f"| {share} | {judged:.1f} | {unjudged:.1f} | {judged / unjudged:.2f} x |", flush=True)


def compare_increments(folder: Path, dsn: str, con: Any, rows: int) -> None:
    """50,000 changed rows on a history, and on one that is as large again four times."""
    print("\n50,000 changed rows, by the existing rows\n")
    print("| rows | seconds | ratio |\n|---|---|---|")
    base = 0.0
    for count in (rows // 5, rows * 4):
        trips.fill(con, "trips", count)
        project, _ = cases.first_run(folder, dsn)
        found = []
        for _ in range(TIMES):
            trips.change(con, "trips", 50_000)
            found.append(project.run("run", "--now"))
        base = base or cases.median(found)
        print(f"| {count:,} | {cases.median(found):.1f} | {cases.median(found) / base:.2f} x |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS, sys.argv[2:] or CASES)

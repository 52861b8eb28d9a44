"""Ten million taxi trips from a file to the dashboards: time and memory against a quarter of them.

``python -m benchmarks.taxi [ROWS]``. Prints ratios within one run: the time should grow no faster than the rows, and the
peak memory hardly at all. The memory counts the whole process, with the file's pages that DuckDB keeps while it may.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[1]
TRIPS = """
SELECT
    (1 + i % 2)::BIGINT AS "VendorID",
    TIMESTAMP '2020-01-01' + to_seconds((i * 7919) % 2678400) AS tpep_pickup_datetime,
    TIMESTAMP '2020-01-01' + to_seconds((i * 7919) % 2678400 + i % 3600) AS tpep_dropoff_datetime,
    (i % 6)::DOUBLE AS passenger_count,
    round((i % 2000) / 100, 2) AS trip_distance,
    CASE WHEN i % 50 = 0 THEN NULL ELSE 1.0::DOUBLE END AS "RatecodeID",
    'N' AS store_and_fwd_flag,
    (1 + i % 263)::BIGINT AS "PULocationID",
    CASE WHEN i % 10000 = 0 THEN 999 ELSE 1 + (i * 31) % 263 END::BIGINT AS "DOLocationID",
    (1 + i % 4)::BIGINT AS payment_type,
    round(5 + (i % 5000) / 100, 2) AS fare_amount,
    0.5::DOUBLE AS extra, 0.5::DOUBLE AS mta_tax, round((i % 700) / 100, 2) AS tip_amount, 0.0::DOUBLE AS tolls_amount,
    0.3::DOUBLE AS improvement_surcharge, round(8 + (i % 6000) / 100, 2) AS total_amount, 2.5::DOUBLE AS congestion_surcharge
FROM range({rows}) AS r(i)
"""


def measure(rows: int, folder: Path) -> tuple[float, float]:
    """Run the pipeline over a file of so many trips in a process of its own; returns (seconds, peak MB)."""
    drop = folder / f"drop{rows}"
    drop.mkdir()
    path = drop / "yellow_tripdata_2020-01.parquet"
    duckdb.execute(f"COPY ({TRIPS.format(rows=rows)}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    zones = "SELECT i AS \"LocationID\", 'B' AS \"Borough\", 'Z' || i AS \"Zone\", 'S' AS service_zone FROM range(1, 266) r(i)"
    duckdb.execute(f"COPY ({zones}) TO '{drop / 'taxi_zone_lookup.csv'}' (HEADER)")
    postgres = {"ELT_POSTGRES_URL": "postgresql://nobody@127.0.0.1:9/none"}  # no sink here: exit code 4 is expected
    environment = {"ELT_DATA_DIR": str(folder / f"data{rows}"), "ELT_TAXI_FILES": str(drop), **postgres}
    start = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "runner.py", "run", "taxi"], cwd=ROOT, env=os.environ | environment, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds, code = time.monotonic() - start, os.waitstatus_to_exitcode(status)
    with duckdb.connect(str((folder / f"data{rows}" / "serving.duckdb").resolve()), read_only=True) as con:
        found = con.execute("SELECT count(*), count(DISTINCT trip_key) FROM taxi.fact_trip").fetchall()
    good = rows - -(-rows // 10_000)
    if code != 4 or found != [(good, good)]:
        raise SystemExit(f"{rows} rows: exit code {code}, {found} trips published instead of {good}")
    return seconds, usage.ru_maxrss / 1024


def main(rows: int) -> None:
    """Measure and print."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as folder:
        few, many = measure(rows // 4, Path(folder)), measure(rows, Path(folder))
    print(f"rows     {rows // 4:>12,} {rows:>12,}   x 4.0")
    print(f"seconds  {few[0]:>12.1f} {many[0]:>12.1f}   x {many[0] / few[0]:.1f}")
    print(f"peak MB  {few[1]:>12.0f} {many[1]:>12.0f}   x {many[1] / few[1]:.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000)

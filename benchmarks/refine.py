"""What judging in bulk is worth, and that its cost follows the rows: ``python -m benchmarks.refine``.

Judges shipped contracts over JSON (DeFtunes), native columns (taxi) and a CSV's cells (sales). Ratios of one run on one
machine; the seconds beside them are for orientation only.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from demo.deftunes import DefTunes
from demo.records import json_text
from dlt_sources._steps.judge import bulk
from dlt_sources._steps.judge.judge import Judge
from dlt_sources._steps.stores.judged import Judged
from dlt_sources.door import load_sources

_TRIPS = """SELECT 1 AS VendorID, TIMESTAMP '2023-01-01' + INTERVAL (i) SECOND AS tpep_pickup_datetime,
TIMESTAMP '2023-01-01 00:10:00' + INTERVAL (i) SECOND AS tpep_dropoff_datetime, (i % 5)::DOUBLE AS passenger_count,
i % 300 / 10 AS trip_distance, 1.0::DOUBLE AS RatecodeID, 'N' AS store_and_fwd_flag, 1 + i % 265 AS PULocationID,
1 + i % 263 AS DOLocationID, 1 AS payment_type, 10.5::DOUBLE AS fare_amount, 1.0::DOUBLE AS extra, 0.5::DOUBLE AS mta_tax,
2.0::DOUBLE AS tip_amount, 0.0::DOUBLE AS tolls_amount, 1.0::DOUBLE AS improvement_surcharge, 15.0::DOUBLE AS total_amount,
'yellow_tripdata_2023-01.parquet' AS _file, i AS _file_row FROM range({rows}) AS t(i)"""
_LINES = """SELECT '2022-01-02' AS ORDERDATE, '2022-01-05' AS SHIPDATE, (10000 + i)::VARCHAR AS ORDERNUMBER, '1' AS ORDERLINENUMBER,
'S10_1678' AS PRODUCTCODE, 'Motorcycles' AS PRODUCTLINE, '95' AS MSRP, (100 + i % 90)::VARCHAR AS CUSTOMERID, 'Land of Toys' AS CUSTOMERNAME,
'NYC' AS CITY, 'USA' AS COUNTRY, 'NA' AS TERRITORY, 'Yu' AS CONTACTLASTNAME, 'Kwai' AS CONTACTFIRSTNAME, '30' AS QUANTITYORDERED,
'95.70' AS PRICEEACH, '2871.00' AS SALES, 'Shipped' AS STATUS, 'batch.csv' AS _file, i AS _file_row FROM range({rows}) AS t(i)"""


def seconds(work: Callable[[], object]) -> float:
    """The best of three."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


class Case:
    """Landed rows of one source and the tables made from them."""

    def __init__(self, source: str, tables: tuple[str, ...], landed: pa.Table, folder: Path) -> None:
        declared = load_sources()[source]
        self.tables = {name: (declared.tables[name], declared.contracts[name]) for name in tables}
        self.landed, self.folder = landed, folder

    def judge(self, rows: int) -> dict[str, Judged]:
        """Judge the first `rows` of them."""
        path = self.folder / f"1.5.{rows}.parquet"
        if not path.exists():
            marks = {"_row": pa.array(range(rows), pa.int64()), "_deleted": pa.array([False] * rows)}
            marks["_read_at"] = pa.array([datetime(2020, 1, 1)] * rows, pa.timestamp("us"))
            part = self.landed.slice(0, rows)
            pq.write_table(pa.table({name: part[name] for name in part.column_names} | marks), path)
        results: dict[str, Judged] = {}
        for name, (table, contract) in self.tables.items():
            judge = Judge("benchmark", self.folder / "work", "salt", datetime.now(UTC), "1GB")
            results[name] = judge.judge(name, table, contract, [str(path)], results.get(table.from_ or ""))
        return results

    def measure(self, name: str) -> str:
        """Judge all rows, a quarter of them, and a part with no rule known."""
        rows = len(self.landed)
        whole, quarter = seconds(lambda: self.judge(rows)), seconds(lambda: self.judge(rows // 4))
        some = rows // 10
        part = seconds(lambda: self.judge(some))
        with (
            patch.object(bulk, "json_check", lambda c, _: bulk._unknown(c)),
            patch.object(bulk, "native_check", lambda c, _: bulk._unknown(c)),
        ):
            alone = seconds(lambda: self.judge(some))
        judged = sum(count[0] for result in self.judge(rows).values() for count in result.counts.values())
        return f"{name:<22}{judged:>10,}{judged / whole:>16,.0f}{whole / quarter:>22.1f}{alone / part:>26.1f}"


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        texts = [json_text(slot[0].body).decode() for slot in DefTunes(scale=0.3).sessions]
        made = {
            "JSON (DeFtunes)": ("deftunes_api", ("sessions", "session_items"), pa.table({"_payload": texts})),
            "columns (taxi)": ("taxi", ("yellow_trips",), duckdb.sql(_TRIPS.format(rows=400_000)).to_arrow_table()),
            "CSV (sales)": ("sales", ("order_lines",), duckdb.sql(_LINES.format(rows=200_000)).to_arrow_table()),
        }
        print(f"{'landed as':<22}{'rows':>10}{'rows a second':>16}{'all : a quarter':>22}{'Pydantic alone : bulk':>26}")
        for number, (label, (source, tables, landed)) in enumerate(made.items()):
            folder = Path(name, str(number))
            folder.mkdir()
            print(Case(source, tables, landed, folder).measure(label))


if __name__ == "__main__":
    main()

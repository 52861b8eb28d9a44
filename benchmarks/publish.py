"""What a publish of a large table costs by what changed in it: ``python -m benchmarks.publish [ROWS]``.

A fact of ROWS rows in daily slices is published; then again after nothing, a day, a tenth of the days and rows all over it
have changed. CPU seconds of this process; the ratio is to the first publish, which copies the table whole.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time

import duckdb

import settings as configuration
from warehouse.connection import connect
from warehouse.publish import publish

STORED = "sqlmesh__shop.shop__fact__1"
PER_DAY = 50_000
CHANGES = {
    "nothing": "SELECT 1",
    "a day": f"UPDATE {STORED} SET amount = amount + 1 WHERE day = (SELECT max(day) FROM {STORED})",
    "a tenth of the days": f"UPDATE {STORED} SET amount = amount + 1 WHERE day_of_year % 10 = 3",
    "one row in a hundred, all over it": f"UPDATE {STORED} SET amount = amount + 1 WHERE id % 100 = 7",
}


def fill(con: duckdb.DuckDBPyConnection, rows: int) -> None:
    """A fact as SQLMesh keeps it, with its view."""
    con.execute("CREATE SCHEMA sqlmesh__shop; CREATE SCHEMA shop")
    con.execute(
        f"CREATE TABLE {STORED} AS SELECT i AS id, DATE '2020-01-01' + (i // {PER_DAY})::INTEGER AS day,"
        f" (i // {PER_DAY}) % 365 AS day_of_year, 'order ' || i AS name, (random() * 1000)::DECIMAL(10, 2) AS amount,"
        " (random() * 1000)::DECIMAL(10, 2) AS tax, (random() * 100)::INTEGER AS customer, random() AS ratio,"
        " 'shop ' || (random() * 100)::INTEGER AS shop, TIMESTAMP '2020-01-01' + INTERVAL (i) SECOND AS sold_at"
        f" FROM range({rows}) AS r (i)"
    )
    con.execute(f"CREATE VIEW shop.fact AS SELECT * FROM warehouse.{STORED}")


def main(rows: int) -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory(prefix="publish-") as name:
        os.environ["ELT_DATA_DIR"] = name
        settings = configuration.load()
        with duckdb.connect(str(settings.warehouse)) as con:
            fill(con, rows)
        print(f"\n{rows:,} rows in slices of {PER_DAY:,}\n\n| changed | CPU, s | ratio |\n|---|---|---|")
        whole = 0.0
        for what, change in [("the table is new", "SELECT 1"), *CHANGES.items()]:
            with connect(settings) as con:
                con.execute(change)
                con.execute("CHECKPOINT")
            start = time.process_time()
            publish({"shop"}, settings, slices={"shop.fact": "day"})
            took = time.process_time() - start
            whole = whole or took
            print(f"| {what} | {took:.1f} | {took / whole:.2f} x |", flush=True)
            with connect(settings) as con:
                con.execute(f"ATTACH '{settings.serving.resolve()}' AS served (READ_ONLY)")
                assert con.execute("(FROM shop.fact EXCEPT ALL FROM served.shop.fact) LIMIT 1").fetchall() == []
                con.execute("DETACH served")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000)

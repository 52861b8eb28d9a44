"""The rows of the bulk cases: taxi trips of 19 columns (8 decimals, 3 timestamps), made by number so that every case has the same."""

from __future__ import annotations

import re
from typing import Any

import psycopg2

COLUMNS = {
    "trip_id": "bigint",
    "vendor_id": "integer",
    "pickup_at": "timestamp",
    "dropoff_at": "timestamp",
    "passengers": "integer",
    "distance": "numeric(10,2)",
    "rate_code": "integer",
    "store_flag": "varchar(1)",
    "pickup_zone": "integer",
    "dropoff_zone": "integer",
    "payment_type": "integer",
    "fare": "numeric(10,2)",
    "extra": "numeric(10,2)",
    "mta_tax": "numeric(10,2)",
    "tip": "numeric(10,2)",
    "tolls": "numeric(10,2)",
    "surcharge": "numeric(10,2)",
    "total": "numeric(10,2)",
    "updated_at": "timestamptz",
}
FIRST = "2020-01-01"
SECONDS = 6
"""Between one trip and the next: five million cover a year."""
VALUES = f"""i, 1 + i % 2, timestamp '{FIRST}' + i * interval '{SECONDS} seconds',
timestamp '{FIRST}' + (i * {SECONDS} + i % 3600) * interval '1 second', 1 + i % 6, (i % 2000)::numeric / 100,
CASE WHEN i % 50 = 0 THEN NULL ELSE 1 END, CASE WHEN i % 9 = 0 THEN 'Y' ELSE 'N' END, 1 + i % 263, 1 + i * 31 % 263, 1 + i % 4,
5 + (i % 5000)::numeric / 100, 0.5, 0.5, (i % 700)::numeric / 100, 0, 0.3, 8 + (i % 6000)::numeric / 100,
timestamptz '{FIRST} 00:00:00+00' + i * interval '{SECONDS} seconds'"""
MARTS = {
    "by_day": {
        "day": "CAST(t.pickup_at AS DATE)",
        "trips": "COUNT(*)::BIGINT",
        "total": "SUM(t.total)::DECIMAL(38, 2)",
        "distance": "AVG(t.distance)::DOUBLE",
    },
    "by_zone": {
        "pickup_zone": "t.pickup_zone::BIGINT",
        "trips": "COUNT(*)::BIGINT",
        "tips": "SUM(t.tip)::DECIMAL(38, 2)",
    },
    "by_payment": {
        "payment_type": "t.payment_type::BIGINT",
        "trips": "COUNT(*)::BIGINT",
        "fares": "SUM(t.fare)::DECIMAL(38, 2)",
        "newest": "MAX(t.updated_at)::TIMESTAMP",
    },
}
"""Per mart its columns, of which the first is its grain, in words that DuckDB and Redshift share."""


def in_duckdb(first: int, last: int) -> str:
    """The same trips as a query of DuckDB, from one number to another."""
    values = [part.strip() for part in re.split(r",(?![^(]*\))", VALUES.replace("\n", " "))]
    named = ", ".join(
        f"CAST({value} AS {kind}) AS {name}" for value, (name, kind) in zip(values, COLUMNS.items(), strict=True)
    )
    return f"SELECT {named} FROM range({first}, {last + 1}) AS g(i)"


def fill(con: Any, table: str, rows: int) -> None:
    """Make a table of so many trips in Postgres."""
    described = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    with con, con.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {table}; CREATE TABLE {table} ({described})")
        cursor.execute(f"INSERT INTO {table} SELECT {VALUES} FROM generate_series(1::bigint, {rows}) AS g(i)")
        cursor.execute(f"ALTER TABLE {table} ADD PRIMARY KEY (trip_id); CREATE INDEX ON {table} (updated_at)")
    con.autocommit = True
    con.cursor().execute(f"VACUUM ANALYZE {table}")
    con.autocommit = False


def change(con: Any, table: str, rows: int) -> None:
    """Let so many trips, evenly spread, be newer than all others."""
    with con, con.cursor() as cursor:
        cursor.execute(f"SELECT count(*), max(updated_at) FROM {table}")
        count, newest = cursor.fetchone()
        cursor.execute(
            f"UPDATE {table} SET total = total + 1, updated_at = %s + interval '1 hour' WHERE trip_id %% {count // rows} = 0",
            [newest],
        )


def connect(dsn: str) -> Any:
    """A connection to the Postgres of the trips."""
    return psycopg2.connect(dsn)


TRIP = {"pickup_at": f"{FIRST} 00:00:00", "pickup_zone": 1, "payment_type": 1}
"""One trip, and what each mart makes of it."""


def unit_test(mart: str) -> dict[str, Any]:
    """A unit test of a mart, as SQLMesh declares it."""
    grain = next(iter(MARTS[mart]))
    row = {grain: {"day": FIRST}.get(grain, 1), "trips": 1}
    outputs = {"partial": True, "query": {"rows": [row], "partial": True}}
    return {f"test_{mart}": {"model": f"trips_gold.{mart}", "inputs": {"stg_trips.trips": [TRIP]}, "outputs": outputs}}


def select(mart: str) -> str:
    """What a mart selects of trips `t`."""
    return ",\n  ".join(f"{value} AS {name}" for name, value in MARTS[mart].items())

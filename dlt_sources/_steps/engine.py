"""DuckDB in memory: the engine that compares, judges and reshapes rows between Parquet files."""

from __future__ import annotations

from pathlib import Path

import duckdb

import settings as configuration


def engine(spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A connection that reads times as UTC, keeps to the memory it is given and spills into the folder, if one is given."""
    con = duckdb.connect(config={"memory_limit": configuration.load().memory})
    con.execute("SET TimeZone = 'UTC'")
    if spill is not None:
        con.execute(f"SET temp_directory = '{str(spill).replace(chr(39), chr(39) * 2)}'")
    return con

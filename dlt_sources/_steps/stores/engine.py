"""DuckDB in memory: the engine that compares, judges and reshapes rows between Parquet files."""

from __future__ import annotations

from pathlib import Path

import duckdb

from warehouse.quote import literal

from .memory import share_of


def engine(*folders: Path, memory: str, spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A connection that reads times as UTC, keeps to the memory it is given and spills into a folder, if one is given.

    It reads and writes files below `folders` and nothing else: no address, no extension, whatever a statement says.

    Args:
        memory: as in the settings; a thread that shares it with others gets its part.
    """
    con = duckdb.connect(config={"memory_limit": share_of(memory)})
    con.execute("SET TimeZone = 'UTC'")
    if spill is not None:
        con.execute(f"SET temp_directory = {literal(spill)}")
    con.execute(f"SET allowed_directories = [{', '.join(map(literal, folders))}]")
    for switch in ("autoinstall_known_extensions", "autoload_known_extensions", "enable_external_access"):
        con.execute(f"SET {switch} = false")
    return con

"""What the bulk cases are compared with: the engine alone, and the fastest chain of other tools that was found.

Neither judges a row, keeps what a source sent, checks anything or publishes: they only move rows and make the marts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import yaml

from benchmarks.bulk.project import Took, take
from benchmarks.bulk.trips import MARTS, select

PACKAGES = [
    "dlt[duckdb,sql_database]==1.31.0",
    "connectorx==0.4.6",
    "dbt-duckdb==1.11.1",
    "dbt-core==1.10.23",
    "duckdb==1.5.5",
    "psycopg2-binary",
    "pyarrow",
]
LAND = """
import duckdb
from dlt_sources._steps.land.connectors.scanned import extension
con = duckdb.connect({database!r})
con.execute("SET TimeZone = 'UTC'")
con.execute(f"LOAD '{{extension()}}'")
con.execute("ATTACH '{dsn}' AS pg (TYPE postgres, READ_ONLY, SCHEMA 'deftunes')")
con.execute("COPY (SELECT * FROM pg.deftunes.trips) TO '{file}' (FORMAT parquet, COMPRESSION zstd)")
"""
FLOOR = (
    LAND
    + """
con.execute("CREATE SCHEMA stg_trips")
con.execute("CREATE TABLE stg_trips.trips AS SELECT * FROM '{file}'")
for name, query in {marts!r}.items():
    con.execute(f"CREATE TABLE {{name}} AS {{query}}")
"""
)
DLT = """
import dlt
from dlt.sources.sql_database import sql_table
pipeline = dlt.pipeline("trips", pipelines_dir="pipelines", destination=dlt.destinations.duckdb({database!r}), dataset_name="stg_trips")
table = sql_table("{dsn}", table="trips", schema="deftunes", backend="connectorx", backend_kwargs={{"return_type": "arrow_stream"}}, chunk_size=100000)
print(pipeline.run(table, write_disposition="replace", loader_file_format="parquet"))
"""


def queries() -> dict[str, str]:
    """The marts as SQL."""
    return {name: f"SELECT {select(name)} FROM stg_trips.trips AS t GROUP BY 1" for name in MARTS}


def take_land(folder: Path, dsn: str) -> Took:
    """DuckDB's scanner to a Parquet file, in a process of its own."""
    given = {"database": ":memory:", "dsn": dsn, "file": str(folder / "trips.parquet")}
    return take([sys.executable, "-c", LAND.format(**given)], Path.cwd(), dict(os.environ))


def take_floor(folder: Path, dsn: str) -> tuple[Took, dict[str, list[tuple[Any, ...]]]]:
    """DuckDB alone: the scanner to Parquet, a table, the marts."""
    database = folder / "floor.duckdb"
    database.unlink(missing_ok=True)
    script = FLOOR.format(database=str(database), dsn=dsn, file=folder / "floor.parquet", marts=queries())
    took = take([sys.executable, "-c", script], Path.cwd(), dict(os.environ))
    return took, marts_of(database)


class Peer:
    """dlt with connectorx into DuckDB, then dbt-duckdb, in an environment of their own.

    Args:
        folder: for the environment, the projects and the data.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin = folder, folder / "venv" / "bin"
        uv = shutil.which("uv") or ".uv/bin/uv"
        subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder / "venv"], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--python", self.bin / "python", *PACKAGES], check=True)
        self.database = folder / "peer.duckdb"
        project = folder / "dbt"
        (project / "models").mkdir(parents=True)
        profile = {
            "peer": {"target": "dev", "outputs": {"dev": {"type": "duckdb", "path": str(self.database), "threads": 2}}}
        }
        (project / "profiles.yml").write_text(yaml.safe_dump(profile))
        described = {"name": "peer", "version": "1.0", "profile": "peer", "models": {"+materialized": "table"}}
        (project / "dbt_project.yml").write_text(yaml.safe_dump(described))
        for name, query in queries().items():
            (project / "models" / f"{name}.sql").write_text(query)

    def take(self, dsn: str) -> tuple[Took, Took, dict[str, list[tuple[Any, ...]]]]:
        """Both, one after the other, from nothing."""
        self.database.unlink(missing_ok=True)
        shutil.rmtree(self.folder / "pipelines", ignore_errors=True)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ELT_")}
        script = DLT.format(database=str(self.database), dsn=dsn.replace("postgresql://", "postgresql+psycopg2://"))
        loaded = take([str(self.bin / "python"), "-c", script], self.folder, environment)
        words = [str(self.bin / "dbt"), "run", "--profiles-dir", "."]
        made = take(words, self.folder / "dbt", environment | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"})
        return loaded, made, marts_of(self.database)


def marts_of(database: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What the marts of a DuckDB file hold."""
    with duckdb.connect(str(database), read_only=True) as con:
        return {name: con.execute(f"FROM main.{name} ORDER BY 1").fetchall() for name in MARTS}

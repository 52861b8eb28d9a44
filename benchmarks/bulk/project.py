"""A checkout of this project with one source of trips and three marts over it, and its command line in real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import yaml

from benchmarks.bulk.trips import MARTS, select, unit_test
from tests.small import Small

CONTRACT = '''"""What a trip is."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from dlt_sources.contract import Contract, column

Money = Annotated[Decimal, Field(max_digits=10, decimal_places=2)]


class Trip(Contract):
    """One trip."""

    trip_id: int = column("The trip", ge=1)
    vendor_id: int = column("Who sent it", ge=1, le=6)
    pickup_at: datetime = column("When it began, as the city's clocks show it")
    dropoff_at: datetime = column("When it ended")
    passengers: int | None = column("Riders", ge=0, le=9)
    distance: Money = column("Miles", ge=0)
    rate_code: int | None = column("Rate", ge=1, le=99)
    store_flag: str = column("Whether it was kept in the car", pattern="^[YN]$", max_length=1)
    pickup_zone: int = column("Zone of the start", ge=1, le=265)
    dropoff_zone: int = column("Zone of the end", ge=1, le=265)
    payment_type: int = column("How it was paid", ge=0, le=6)
    fare: Money = column("Fare")
    extra: Money = column("Extras")
    mta_tax: Money = column("Tax")
    tip: Money = column("Tip")
    tolls: Money = column("Tolls")
    surcharge: Money = column("Surcharge")
    total: Money = column("All of it")
    updated_at: datetime = column("When the row was last changed")
'''
MODEL = """MODEL (
  name trips_gold.{name},
  kind FULL,
  owner analytics,
  grain {grain},
  description 'Trips {name}.',
  column_descriptions ({described}),
  audits (UNIQUE_VALUES(columns := ({grain})), NOT_NULL(columns := ({grain})))
);

SELECT
  {select}
FROM stg_trips.trips AS t
GROUP BY 1
"""
TABLE: dict[str, Any] = {"contract": "Trip", "key": ["trip_id"], "mode": "upsert"}
CURSOR = {"cursor": "updated_at", "overlap": "PT10M"}
CONNECTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "sql_database": ({"url": "${TRIPS_AT}"}, {"table": "trips"}),
    "files": ({"url": "${TRIPS_AT}"}, {"files": "*"}),
    "rest_api": (
        {"base_url": "${TRIPS_AT}"},
        {
            "endpoint": {
                "path": "trips",
                "data_selector": "$",
                "paginator": {"type": "page_number", "base_page": 1, "total_path": None},
            }
        },
    ),
}
"""Per connector the words of its connection and of its table."""


@dataclass(frozen=True)
class Took:
    """What a process took: seconds on the clock and of CPU, and the most memory, in bytes."""

    seconds: float
    cpu: float
    memory: int
    output: str


def take(words: list[str], folder: Path, environment: dict[str, str]) -> Took:
    """Run a command to its end.

    Raises:
        RuntimeError: it failed; with what it printed.
    """
    begun = time.monotonic()
    with subprocess.Popen(
        words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
    seconds, process.returncode = time.monotonic() - begun, os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {process.returncode}: {output[-3000:]}")
    return Took(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, output)


class Project:
    """The checkout.

    Args:
        at: where the trips are: a database's address or a folder.
        connector: how they are read.
    """

    def __init__(self, folder: Path, at: str, connector: str = "sql_database", **table: Any) -> None:
        self.small = Small(folder)
        self.small.environment |= {"ELT_TRIPS_AT": at}
        connection, words = CONNECTIONS[connector]
        source = self.small.code / "dlt_sources/trips"
        source.mkdir()
        declared = {"description": "trips", "owner": "me", "schedule": "@daily", "connector": connector}
        own = CURSOR if connector == "sql_database" else {}
        tables = {"trips": TABLE | own | words | table}
        (source / "source.yml").write_text(yaml.safe_dump(declared | {"connection": connection, "tables": tables}))
        (source / "contract.py").write_text(CONTRACT)
        models = self.small.code / "sqlmesh_project/models/trips_gold"
        models.mkdir()
        for name, columns in MARTS.items():
            described = ", ".join(f"{column} = '{column}'" for column in columns)
            text = MODEL.format(name=name, grain=next(iter(columns)), described=described, select=select(name))
            (models / f"{name}.sql").write_text(text)
            test = self.small.code / f"sqlmesh_project/tests/test_{name}.yaml"
            test.write_text(yaml.safe_dump(unit_test(name)))
        self.take("-m", "dlt_sources.derive")

    def take(self, *arguments: str) -> Took:
        """``python ARGUMENTS`` in the checkout."""
        return take([sys.executable, *arguments], self.small.code, self.small.environment)

    def run(self, *arguments: str) -> Took:
        """``python runner.py ARGUMENTS``."""
        return self.take("runner.py", *arguments)

    def marts(self) -> dict[str, list[tuple[Any, ...]]]:
        """What dashboards read."""
        with duckdb.connect(str((self.small.data / "serving.duckdb").resolve()), read_only=True) as con:
            return {name: con.execute(f"FROM trips_gold.{name} ORDER BY 1").fetchall() for name in MARTS}

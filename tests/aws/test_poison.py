"""A record that no column can hold, or that nothing can read, is a rejected row on both targets, and no more than that."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
import yaml

from dlt_sources._steps.declared import own_code
from tests import forks
from tests.aws.estate import AwsPipeline
from tests.dlt_sources.judging import ask_pydantic
from tests.harness import Pipeline, checkout
from tests.web import serve

pytestmark = pytest.mark.slow

CONTRACT = '''"""What a thing is."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from pydantic import field_validator

from dlt_sources.contract import Contract, column, computed


class Thing(Contract):
    """One thing."""

    id: int = column("The thing", ge=1)
    at: datetime | None = column("Moment, UTC", default=None)
    day: date | None = column("Day", default=None)
    n: int | None = column("Number", default=None)
    amount: Decimal | None = column("Amount", max_digits=12, decimal_places=2, default=None)
    share: float | None = column("Share", default=None)
    text: str | None = column("Text", default=None)
    code: UUID | None = column("Code", default=None)
    odd: str | None = column("What the contract's own code stumbles over", max_length=9, default=None)
    half: int = computed("Half of an even number; none of an odd one", "CASE WHEN id % 2 = 0 OR id < 1000 THEN id // 2 END")

    @field_validator("odd")
    @classmethod
    def _stumble(cls, value: str | None) -> str | None:
        return {"a": "a", None: None}[value]
'''
MODEL = """MODEL (
  name poison.things,
  kind FULL,
  owner analytics,
  grain id,
  description 'Things.',
  column_descriptions (id = 'The thing', text = 'Text'),
  audits (UNIQUE_VALUES(columns := (id)))
);

SELECT t.id::BIGINT AS id, t.text::VARCHAR(100) AS text FROM stg_poison.things AS t
"""
UNIT_TEST = """test_things:
  model: poison.things
  inputs:
    stg_poison.things:
      rows:
      - {id: 1, text: a}
  outputs:
    query:
      rows:
      - {id: 1, text: a}
"""
ODD: list[dict[str, Any]] = [
    {"at": "0001-01-01T00:00:00+01:00"},
    {"at": "9999-12-31T23:59:59-01:00"},
    {"at": "infinity"},
    {"at": "0000-00-00"},
    {"at": "2020-02-30T00:00:00"},
    {"day": "10000-01-01"},
    {"day": "-0001-01-01"},
    {"n": 9223372036854775808},
    {"n": -(2**70)},
    {"n": 10**400},
    {"n": 1e308},
    {"amount": 10**30},
    {"amount": "1e999999"},
    {"amount": "NaN"},
    {"share": "1e999"},
    {"share": 10**400},
    {"text": "cut \ud83d"},
    {"text": "x" * 70_000},
    {"code": "no code"},
    {"odd": "b"},
    {"id": 1001},
    {"id": 2**63},
    {"id": None},
    {"text": {"deep": [{"deeper": []}]}},
]
FINE: list[dict[str, Any]] = [
    {"at": "0001-01-02T00:00:00"},
    {"at": "9999-12-30T23:59:59.999999Z"},
    {"n": 2**63 - 1},
    {"n": -(2**63)},
    {"amount": "9999999999.99"},
    {"share": 5e-324},
    {"text": "a\x00b"},
    {"text": "🎉"},
    {"text": ""},
    {"odd": "a"},
    {"code": "8F14E45F-CEEA-467F-A0E6-000000000000"},
    {"at": "2020-01-02T03:04:05+14:00"},
]


def records() -> list[dict[str, Any]]:
    """Odd records among good ones; each has an id of its own, unless that is what is odd."""
    return [{"id": 2 * number + 2} | values for number, values in enumerate([*FINE, *ODD, *FINE])]


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[dict[str, tuple[dict[str, Any], dict[str, Any]]]]:
    """The records from an API, as far as they can be told as a CSV's cells from a folder, and columns of their own."""
    body = json.dumps(records()).encode()

    for name in ("cells", "columns"):
        (tmp_path / name).mkdir()
    names = list(FIELDS)
    cells = pa.table({name: [_cell(record.get(name)) for record in records()] for name in names})
    pa.csv.write_csv(cells, tmp_path / "cells" / "things.csv")
    pq.write_table(pa.table(COLUMNS), tmp_path / "columns" / "things.parquet")
    with serve(lambda request: (200, {"content-type": "application/json"}, body)) as url:
        yield {
            "poison": ({"base_url": url}, {"endpoint": {"path": "things"}}),
            "poison_cells": ({"url": str(tmp_path / "cells")}, {"files": "*.csv"}),
            "poison_columns": ({"url": str(tmp_path / "columns")}, {"files": "*.parquet"}),
        }


FIELDS = ("id", "at", "day", "n", "amount", "share", "text", "code", "odd")
COLUMNS = {
    "id": pa.array([2, 4, 6, 8, 10, 12], pa.int64()),
    "at": pa.array(
        [datetime(2020, 1, 2), None, datetime(9999, 12, 31, 23, 59), None, None, datetime(1, 1, 1)], pa.timestamp("us")
    ),
    "n": pa.array([2**64 - 1, 1, None, 2**63, 0, 5], pa.uint64()),
    "amount": pa.array(
        [None, Decimal("12345678901.00"), Decimal("1.005"), Decimal(1), None, None], pa.decimal128(20, 3)
    ),
    "share": pa.array([float("nan"), 1.0, None, float("inf"), 0.5, None], pa.float64()),
    "text": pa.array(["a", "b" * 70_000, None, "", "é", None], pa.string()),
}


def _cell(value: Any) -> str | None:
    return None if value is None else str(value).encode(errors="replace").decode().replace("\x00", "0")


def declare(project: Path, name: str, connection: dict[str, Any], table: dict[str, Any]) -> None:
    """A source of the project's own."""
    folder = project / "dlt_sources" / name
    folder.mkdir()
    declared = {
        "description": "things",
        "owner": "me",
        "schedule": "@daily",
        "connection": connection,
        "connector": "rest_api" if "endpoint" in table else "files",
        "tables": {"things": {"contract": "Thing", "key": ["id"], "max_rejected": {"share": 1}, **table}},
    }
    (folder / "source.yml").write_text(yaml.safe_dump(declared))
    (folder / "contract.py").write_text(CONTRACT)


@pytest.mark.parametrize("target", ["laptop", pytest.param("aws", marks=pytest.mark.nightly)])
def test_the_good_ones_reach_gold_and_the_odd_ones_are_rejected_with_a_reason(
    tmp_path: Path,
    request: pytest.FixtureRequest,
    upstream: dict[str, tuple[dict[str, Any], dict[str, Any]]],
    target: str,
) -> None:
    project = checkout(tmp_path / "project")
    for name, (connection, table) in upstream.items():
        declare(project, name, connection, table)
    (project / "sqlmesh_project" / "models" / "poison").mkdir()
    (project / "sqlmesh_project" / "models" / "poison" / "things.sql").write_text(MODEL)
    (project / "sqlmesh_project" / "tests" / "test_poison.yaml").write_text(UNIT_TEST)
    pipeline = Pipeline(tmp_path / "data", {})
    if target == "aws":
        pipeline = AwsPipeline(tmp_path / "data", request.getfixturevalue("estate"), {})
    names = list(upstream)

    def command(*words: str) -> str:
        done = forks.run(words, project, os.environ | pipeline.environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    command("-m", "dlt_sources.derive")
    said = json.loads(command("runner.py", "run", *names, "--json"))
    assert "poison" in said["published"]
    contract = own_code.load(project / "dlt_sources" / "poison" / "contract.py").Thing
    expect(pipeline, "poison", contract, records())
    cells = [{name: _cell(record.get(name)) or None for name in FIELDS} for record in records()]
    expect(pipeline, "poison_cells", contract, cells)
    expect(pipeline, "poison_columns", contract, pa.table(COLUMNS).to_pylist())
    [[published]] = pipeline.query("SELECT count(*) FROM poison.things", "serving.duckdb")
    [[staged]] = pipeline.query("SELECT count(*) FROM stg_poison.things")
    assert published == staged > len(FINE)
    again = json.loads(command("runner.py", "run", *names, "--json"))
    assert (again["landed"], again["rejected"], again["exit_code"]) == (0, 0, 0)


def expect(pipeline: Pipeline, source: str, contract: Any, raws: list[dict[str, Any]]) -> None:
    """What Pydantic accepts of the records is in staging with its values; the others are rejected rows that name field and rule."""
    accepted, broken = {}, 0
    for raw in raws:
        values, _ = ask_pydantic(contract, raw)
        if values is None or (values["id"] > 1000 and values["id"] % 2):
            broken += 1
        else:
            accepted[values["id"]] = values
    names = [name for name in FIELDS if name not in ("text",)]
    listed = ", ".join(f'"{name}"' for name in names)
    found = pipeline.query(f"SELECT {listed} FROM stg_{source}.things ORDER BY id")
    assert [_alike(dict(zip(names, row, strict=True))) for row in found] == [
        _alike({name: values[name] for name in names}) for _, values in sorted(accepted.items())
    ]
    rejected = pipeline.query(f"SELECT field, rule, message FROM stg_{source}._rejected")
    assert len(rejected) == broken > 0
    assert all(rule and message for _, rule, message in rejected)


def _alike(row: dict[str, Any]) -> dict[str, Any]:
    return {
        n: v.astimezone(UTC).replace(tzinfo=None) if isinstance(v, datetime) and v.tzinfo else v for n, v in row.items()
    }

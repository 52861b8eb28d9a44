"""Staging read from silver where it lies: the rows, types and gold of a copy, whatever happened to them, and from one to the other.

Two sources of the same rows and contracts: `kept` copies its staging, `lake` declares `staging: external`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from redshift_stand_in.client import Client

from tests.aws.estate import IAM_USER, ROLE, AwsPipeline, Estate, alike, differences
from tests.harness import Pipeline
from tests.small import Small

pytestmark = pytest.mark.slow

CONTRACT = '''"""What a thing is."""

from datetime import date, datetime
from decimal import Decimal

from dlt_sources.contract import Contract, column


class Thing(Contract):
    """One thing, of every kind of column."""

    id: int = column("The thing", ge=1)
    name: str | None = column("Its name", max_length=20, default=None)
    note: str | None = column("JSON", max_length=4096, default=None)
    price: Decimal | None = column("Its price", max_digits=12, decimal_places=3, default=None)
    huge: Decimal | None = column("Every digit", max_digits=38, decimal_places=10, default=None)
    ratio: float | None = column("A share", default=None)
    ok: bool | None = column("Whether", default=None)
    day: date | None = column("The day", default=None)
    at: datetime | None = column("The moment", default=None)
    mail: str | None = column("Whom", max_length=64, pii="hash", default=None)
    kind: str | None = column("Which", max_length=10, default=None){more}
'''
MORE = '\n    fresh: int | None = column("What came later", default=None)'
TABLES: dict[str, dict[str, Any]] = {
    "newest": {"mode": "upsert", "deletes": "soft"},
    "current": {"mode": "upsert", "deletes": "reconcile"},
    "versions": {"mode": "scd2", "deletes": "soft"},
    "every": {"mode": "append"},
}
EXTRACT = """import json
from pathlib import Path

def newest(request, values):
    yield from json.loads(Path(values["rows"]).read_text())

current = versions = newest

def every(request, values):
    for row in newest(request, values):
        yield row | {"id": row["id"] + row.get("turn", 0)}
"""
MODEL = """MODEL (
  name {source}_gold.{table}_now,
  kind {kind},
  owner analytics,
  grain ({grain}),
  description 'Things.',
  ignored_rules ARRAY('nomissingunittest', 'nomissingaudits', 'nomissingdescriptions')
);

SELECT
  t.id::BIGINT AS id,
  t.name::VARCHAR(80) AS name,
  t.note::VARCHAR(16384) AS note,
  t.price::DECIMAL(12, 3) AS price,
  t.huge::DECIMAL(38, 10) AS huge,
  t.ratio::DOUBLE PRECISION AS ratio,
  t.ok::BOOLEAN AS ok,
  t.day::DATE AS day,
  t.at::TIMESTAMP AS at,
  t.mail::VARCHAR(256) AS mail,
  t._deleted::BOOLEAN AS is_deleted
FROM stg_{source}.{table} AS t{where}
"""
ONE = {
    "id": 1,
    "name": "ä€😀",
    "note": '{"a": [1, "ü"], "b": null}',
    "price": "123456789.125",
    "huge": "1234567890123456789012345678.0123456789",
    "ratio": 0.1,
    "ok": True,
    "day": "1969-12-31",
    "at": "2026-02-03T04:05:06.000007+02:00",
    "mail": "a@x.org",
}
DAYS = [
    [ONE, {"id": 2, "name": "two\0nul", "at": "2026-02-03T04:05:06"}, {"id": 3, "ok": False}, {"id": 0}, {"id": 6}],
    [ONE | {"price": "much"}, {"id": 2, "name": "two"}, {"id": 4, "day": "2026-01-01"}, {"id": 5, "name": ""}],
    [ONE | {"price": "-0.001"}, {"id": 3, "ratio": -1e300}, {"id": 4, "day": "2026-01-01"}, {"id": 5, "fresh": 7}],
]


class Things(Small):
    """Both sources, on either target."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        super().__init__(folder)
        self.environment |= environment
        for source in ("kept", "lake"):
            self.declare_all(source, "external" if source == "lake" else "copied")
        self("-m", "dlt_sources.derive")
        for source in ("kept", "lake"):
            models = self.code / "sqlmesh_project/models" / f"{source}_gold"
            models.mkdir()
            for table, declared in TABLES.items():
                grows = table == "newest"
                grain = {"scd2": "id, is_deleted, price"}.get(declared["mode"], "id")
                kind = "INCREMENTAL_BY_UNIQUE_KEY (\n    unique_key (id)\n  )" if grows else "FULL"
                where = "\nWHERE\n  @refined_since(t._refine_id)" if grows else ""
                text = MODEL.format(source=source, table=table, grain=grain, kind=kind, where=where)
                (models / f"{table}_now.sql").write_text(text)

    def declare_all(self, source: str, staging: str, more: str = "") -> None:
        folder = self.code / "dlt_sources" / source
        folder.mkdir(exist_ok=True)
        common = {"contract": "Thing", "key": ["id"], "max_rejected": {"share": 1}, "shrink_floor": 0}
        declared = {
            "description": "things",
            "owner": "me",
            "schedule": "@daily",
            "connector": "python",
            "connection": {"values": {"rows": str(self.folder / "rows.json")}},
            "tables": {name: common | table | {"staging": staging} for name, table in TABLES.items()},
        }
        (folder / "source.yml").write_text(yaml.safe_dump(declared, sort_keys=False))
        (folder / "contract.py").write_text(CONTRACT.format(more=more))
        (folder / "extract.py").write_text(EXTRACT)

    def send(self, rows: list[dict[str, Any]]) -> None:
        turn = 100 * (1 + DAYS.index(rows) if rows in DAYS else 9)  # no row of `every` comes twice
        told = [row | ({"turn": turn} if row["id"] else {}) for row in rows]
        (self.folder / "rows.json").write_text(json.dumps(told))


def gold(pipeline: Pipeline, source: str) -> dict[str, Any]:
    """What is published of a source."""
    found = {f"{table}_now": f"SELECT * FROM {source}_gold.{table}_now" for table in TABLES}
    return alike({name: pipeline.query(query, "serving.duckdb") for name, query in found.items()})


def staged(pipeline: AwsPipeline, source: str, *, marks: bool = True) -> dict[str, Any]:
    """A source's staging; without what tells one load from another, as two sources have loads of their own."""
    columns = "id, name, note, price, huge, ratio, ok, day, at, mail, kind, _row, _deleted"
    columns += ", _load_id, _read_at, _refine_id" if marks else ""
    return alike({table: pipeline.query(f"SELECT {columns} FROM stg_{source}.{table}") for table in TABLES})


def views(pipeline: AwsPipeline, source: str) -> set[str]:
    """The tables of staging that are views."""
    query = f"SELECT table_name FROM information_schema.views WHERE table_schema = 'stg_{source}'"
    return {name for (name,) in pipeline.query(query)}


@pytest.fixture(scope="module")
def things(tmp_path_factory: pytest.TempPathFactory, estate: Estate) -> Things:
    return Things(tmp_path_factory.mktemp("things"), estate.environment)


@pytest.fixture(scope="module")
def on_aws(things: Things, estate: Estate) -> AwsPipeline:
    """Three days on AWS: changes, deletes, rejected rows, and what came back."""
    things.send(DAYS[0])
    refused = things.run("run", "--now", code=2)
    assert "Redshift has no schema lake_lake over its silver" in refused.stdout + refused.stderr
    assert "python -m runtime.bootstrap" in refused.stdout + refused.stderr
    pipeline = AwsPipeline(things.data, estate, {})
    assert len(gold(pipeline, "kept")["every_now"]) == 4  # only the source that asks for it stops
    admin = Client(estate.redshift)
    admin(f"CREATE EXTERNAL SCHEMA lake_lake FROM DATA CATALOG DATABASE 'silver_lake' IAM_ROLE '{ROLE}'")
    refused = things.run("run", "lake", "--now", code=2)
    assert "GRANT USAGE ON SCHEMA lake_lake TO" in refused.stdout + refused.stderr
    admin(f'GRANT USAGE ON SCHEMA lake_lake TO "{IAM_USER.partition(":")[2]}"')
    for rows in DAYS:
        things.send(rows)
        things.run("run", "--now")
    return pipeline


def test_staging_is_the_copy_s_row_for_row(on_aws: AwsPipeline) -> None:
    assert views(on_aws, "lake") == set(TABLES) and views(on_aws, "kept") == set()
    here, there = staged(on_aws, "kept", marks=False), staged(on_aws, "lake", marks=False)
    assert list(differences(here, there)) == []
    assert [len(there[table]) for table in ("newest", "current", "every")] == [6, 4, 11] and len(there["versions"]) > 11


def test_columns_have_the_copy_s_types(on_aws: AwsPipeline) -> None:
    asked = (
        "SELECT table_name, column_name, data_type, character_maximum_length, numeric_precision, numeric_scale FROM"
        " information_schema.columns WHERE table_schema = '{}' AND left(table_name, 1) <> '_' ORDER BY table_name, ordinal_position"
    )
    assert on_aws.query(asked.format("stg_lake")) == on_aws.query(asked.format("stg_kept"))


def test_no_row_was_copied(on_aws: AwsPipeline, estate: Estate) -> None:
    said = [statement.sql for statement in estate.redshift.statements]
    written = [sql for sql in said if "stg_lake" in sql and sql.lstrip().startswith(("INSERT", "DELETE"))]
    assert written and not [sql for sql in written if any(f'"{table}"' in sql.split("SELECT")[0] for table in TABLES)]


def test_gold_is_the_copy_s_and_the_laptop_s(on_aws: AwsPipeline, estate: Estate, tmp_path: Path) -> None:
    assert list(differences(gold(on_aws, "kept"), gold(on_aws, "lake"))) == []
    here = Things(tmp_path, {"ELT_PII_SALT": estate.salt})
    for rows in DAYS:
        here.send(rows)
        here.run("run", "--now")
    laptop = Pipeline(here.data, {})
    plain = json.loads(json.dumps(gold(laptop, "lake"), default=str).replace("\\u0000", ""))
    assert list(differences(json.loads(json.dumps(gold(on_aws, "lake"), default=str)), plain)) == []


def test_checks_look_at_it(things: Things, on_aws: AwsPipeline) -> None:
    checked = json.loads(things.run("check", "lake", "--json").stdout)
    text = json.dumps(checked)
    assert "no rows have come yet" not in text and "error" not in text.lower().replace('"error": null', ""), text


@pytest.mark.nightly
def test_run_again_and_replayed_it_is_the_same(things: Things, on_aws: AwsPipeline) -> None:
    before = staged(on_aws, "lake"), gold(on_aws, "lake")
    things.run("run", "lake")
    assert (staged(on_aws, "lake"), gold(on_aws, "lake")) == before
    for source in ("kept", "lake"):
        things.run("replay", source)
    assert list(differences(staged(on_aws, "kept", marks=False), staged(on_aws, "lake", marks=False))) == []
    assert gold(on_aws, "lake") == before[1]


@pytest.mark.nightly
def test_a_load_counts_when_it_is_recorded(things: Things, on_aws: AwsPipeline, estate: Estate) -> None:
    """Killed between silver and staging: staging is what it was, and the next run ends it."""
    before = staged(on_aws, "lake")
    things.send([*DAYS[2][:2], {"id": 9, "name": "nine"}])
    estate.redshift.fault(r'INSERT INTO "stg_lake"."_loads"', "error:struck")
    things.run("run", "--now", code=None)
    estate.redshift.calm()
    assert staged(on_aws, "lake") == before
    things.run("run", "--now")
    assert list(differences(staged(on_aws, "kept", marks=False), staged(on_aws, "lake", marks=False))) == []
    assert list(differences(gold(on_aws, "kept"), gold(on_aws, "lake"))) == []


@pytest.mark.nightly
def test_a_contract_gains_a_field_and_all_is_rebuilt(things: Things, on_aws: AwsPipeline) -> None:
    for source in ("kept", "lake"):
        things.declare_all(source, "external" if source == "lake" else "copied", MORE)
    things("-m", "dlt_sources.derive")
    things.run("plan")
    fresh = "SELECT id, fresh FROM stg_{}.newest ORDER BY 1"
    assert on_aws.query(fresh.format("lake")) == on_aws.query(fresh.format("kept"))
    things.run("rebuild", "lake")
    things.run("rebuild", "kept")
    assert views(on_aws, "lake") == set(TABLES)
    assert on_aws.query(fresh.format("lake")) == on_aws.query(fresh.format("kept"))
    assert (5, None) in on_aws.query(fresh.format("lake")) or (5, 7) in on_aws.query(fresh.format("lake"))
    assert list(differences(staged(on_aws, "kept", marks=False), staged(on_aws, "lake", marks=False))) == []
    assert list(differences(gold(on_aws, "kept"), gold(on_aws, "lake"))) == []


@pytest.mark.nightly
def test_from_a_view_to_a_table_and_back(things: Things, on_aws: AwsPipeline, estate: Estate) -> None:
    """Each change is one transaction: struck in its middle, what was there stays, and the next run changes it."""
    before, published = staged(on_aws, "lake"), gold(on_aws, "lake")
    for staging, strike, there in (
        ("copied", r'DROP VIEW IF EXISTS "stg_lake"."current"', set[str]()),
        ("external", r'CREATE VIEW "stg_lake"."current"', set(TABLES)),
    ):
        things.declare_all("lake", staging, MORE)
        estate.redshift.fault(strike, "cut")
        struck = things.run("run", "lake", code=None)
        estate.redshift.calm()
        assert struck.returncode != 0 and staged(on_aws, "lake") == before
        things.run("run", "lake")
        assert views(on_aws, "lake") == there
        assert list(differences(staged(on_aws, "lake"), before)) == []
        assert list(differences(gold(on_aws, "lake"), published)) == []


@pytest.mark.nightly
def test_a_copy_that_silver_lost_rows_of_stays(things: Things, on_aws: AwsPipeline, estate: Estate) -> None:
    things.declare_all("lake", "copied", MORE)
    things.run("run", "lake")
    before = staged(on_aws, "lake")
    estate.cloud.client("glue").delete_table(DatabaseName="silver_lake", Name="every")
    things.declare_all("lake", "external", MORE)
    refused = things.run("run", "lake", code=2)
    assert "lake.every cannot be read from silver" in refused.stdout + refused.stderr
    assert "runner.py rebuild lake" in refused.stdout + refused.stderr and staged(on_aws, "lake") == before
    things.run("rebuild", "lake")
    assert views(on_aws, "lake") == set(TABLES)
    assert list(differences(staged(on_aws, "kept", marks=False), staged(on_aws, "lake", marks=False))) == []


def test_doctor_asks_for_it(things: Things, on_aws: AwsPipeline) -> None:
    assert "lake: Redshift reads silver" in things.run("doctor", code=None).stdout

"""Every change of a contract through the command line, on both targets: gold ends as a fresh project's would be.

The changes are those of tests/dlt_sources/test_contract_changes.py, each in a table of its own with a gold model over it:
those that follow by themselves in the source `easy`, those that wait for a rebuild in `hard`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.aws.estate import AwsPipeline, Estate, alike, differences
from tests.dlt_sources.test_contract_changes import ALIKE, BEFORE, CHANGES, DAYS, HEAD, TAG, Change
from tests.harness import Pipeline
from tests.small import Small

pytestmark = [
    pytest.mark.slow,
    pytest.mark.nightly,
]  # tests/dlt_sources/test_contract_changes.py has the changes one by one

STOPPED = {  # by their checks, as they should be: every row is rejected, or a key comes twice
    "a required column that nobody sends",
    "text to int",
    "text to datetime",
    "int to bool",
    "a list's text to int",
    "upsert to append",
}
SOURCES = {
    source: {
        f"t{n:02}": change
        for n, (name, change) in enumerate(CHANGES.items())
        if bool(change.waits) == waits and name not in STOPPED | ALIKE
    }
    for source, waits in (("easy", False), ("hard", True))
}
EXTRACT = """import json
from pathlib import Path

def _orders(request, values):
    yield from json.loads(Path(__file__).with_name("rows.json").read_text())

"""
MODEL = """MODEL (
  name {schema}.{table}_now,
  kind {kind},
  owner analytics,
  grain ({grain}),
  description 'Orders.',
  ignored_rules ARRAY('nomissingunittest', 'nomissingaudits', 'nomissingdescriptions')
);

SELECT
  {columns}
FROM stg_{source}.{table} AS t{where}
"""


class Shops(Small):
    """The two sources, on either target."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None) -> None:
        super().__init__(folder)
        self.environment |= environment or {}
        self.alter(changed=False)

    def alter(self, *, changed: bool) -> None:
        """Declare the sources as they were, or as they are after their changes; with the models that follow."""
        keys = {source: self._source(source, changed) for source in SOURCES}
        self("-m", "dlt_sources.derive")
        for source, tables in keys.items():
            models = self.code / "sqlmesh_project/models" / f"{source}_gold"
            shutil.rmtree(models, ignore_errors=True)
            models.mkdir()
            external = yaml.safe_load((self.code / f"sqlmesh_project/external_models/{source}.yaml").read_text())
            columns = {model["name"].split(".")[-1].strip('"'): model["columns"] for model in external}
            for table, declared in tables.items():
                names = [name for name in columns[table] if not name.startswith("_")]
                grows = declared.get("mode", "upsert") == "upsert" and "deletes" not in declared and table < "t30"
                text = MODEL.format(
                    source=source,
                    schema=f"{source}_gold",
                    table=table,
                    grain=", ".join(declared["key"]),
                    columns=",\n  ".join(f"t.{name} AS {name}" for name in names),
                    kind=f"INCREMENTAL_BY_UNIQUE_KEY (\n    unique_key ({', '.join(declared['key'])})\n  )"
                    if grows
                    else "FULL",
                    where="\nWHERE\n  @refined_since(t._refine_id)" if grows else "",
                )
                (models / f"{table}_now.sql").write_text(text)

    def _source(self, source: str, changed: bool) -> dict[str, dict[str, Any]]:
        folder = self.code / "dlt_sources" / source
        folder.mkdir(exist_ok=True)
        lines, tables = [HEAD], dict[str, dict[str, Any]]()
        for table, change in SOURCES[source].items():
            now, name = change if changed else Change(), f"{table}x" if changed and change.rename != "orders" else table
            lines += _contract(f"Order{name}", BEFORE | now.fields)
            tables[name] = {"contract": f"Order{name}", "key": ["id"], "skip_if_unchanged": True, **now.table}
            tables[name] |= {"max_rejected": {"share": 1}}
            if change.tag and not change.without_tags:
                lines += _contract(f"Tag{name}", TAG | now.tag)
                tables[f"{name}_tags"] = {
                    "contract": f"Tag{name}",
                    "key": ["id", "place"],
                    "from": name,
                    "explode": "tags",
                    "parent_key": ["id"],
                    "max_rejected": {"share": 1},
                }
        (folder / "contract.py").write_text("\n".join(lines) + "\n")
        read = [f"{name} = _orders" for name, table in tables.items() if "from" not in table]
        (folder / "extract.py").write_text(EXTRACT + "\n".join(read) + "\n")
        declared = {
            "description": "orders",
            "owner": "me",
            "schedule": "@daily",
            "connector": "python",
            "tables": tables,
        }
        (folder / "source.yml").write_text(yaml.safe_dump(declared, sort_keys=False))
        return tables

    def send(self, rows: list[dict[str, Any]]) -> None:
        for source in SOURCES:
            (self.code / "dlt_sources" / source / "rows.json").write_text(json.dumps(rows))

    def live(self, pipeline: Pipeline) -> None:
        """Two days, the changes, a third day, and the commands that finish the changes."""
        for rows in DAYS[:2]:
            self.send(rows)
            self.run("run", "--now")
        before = pipeline.gold("hard_gold")
        self.alter(changed=True)
        self.send(DAYS[2])
        held = self.run("run", "--now", code=2)
        assert "run `python runner.py rebuild hard`" in held.stderr and "Traceback" not in held.stdout + held.stderr
        assert pipeline.gold("hard_gold") == before
        (waits,) = [row["text"] for row in self.status()["unfinished"] if row["what"] == "contract"]
        assert all(f"contract of hard.{table}" in waits for table in SOURCES["hard"])
        for source in SOURCES:  # the models that were made for the contracts before cannot read every new one
            rebuilt = self.run("rebuild", source, code=1)
            assert "model failed" in rebuilt.stderr and "Traceback" not in rebuilt.stdout + rebuilt.stderr
        assert pipeline.gold("hard_gold") == before
        self.run("plan")
        assert self.status()["unfinished"] == []
        assert "nothing to publish" in self.run("run", "--now").stdout


def _contract(name: str, fields: dict[str, str | None]) -> Iterable[str]:
    return [f"class {name}(Contract):", *(f"    {n}: {text}" for n, text in fields.items() if text is not None), ""]


def _gold(pipeline: Pipeline) -> dict[str, Any]:
    """What is published, the columns in alphabetical order: an engine may move one that got another type."""
    columns: dict[str, list[str]] = {}
    query = (
        "SELECT table_schema, table_name, column_name FROM information_schema.columns WHERE table_schema IN"
        " ('easy_gold', 'hard_gold') ORDER BY 1, 2, 3"
    )
    for schema, table, column in pipeline.query(query, "serving.duckdb"):
        columns.setdefault(f'"{schema}"."{table}"', []).append(f'"{column}"')
    return alike(
        {
            table: pipeline.query(f"SELECT {', '.join(names)} FROM {table}", "serving.duckdb")
            for table, names in columns.items()
        }
    )


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory, estate: Estate) -> tuple[dict[str, Any], dict[str, Any]]:
    """Gold of a laptop that went through the changes, and of one that never knew another contract."""
    folder = tmp_path_factory.mktemp("laptop")
    shops = Shops(folder, {"ELT_PII_SALT": estate.salt})
    used = Pipeline(shops.data, {})
    shops.live(used)
    fresh = Pipeline(folder / "fresh", {})
    shutil.copytree(shops.data / "lake" / "landing", fresh.folder / "lake" / "landing")
    for source in SOURCES:
        shops.run("replay", source, ELT_DATA_DIR=str(fresh.folder))
    return _gold(used), _gold(fresh)


def test_gold_is_a_fresh_project_s(laptop: tuple[dict[str, Any], dict[str, Any]]) -> None:
    used, fresh = laptop
    assert list(differences(used, fresh)) == []


def test_gold_is_the_same_on_aws(laptop: tuple[dict[str, Any], dict[str, Any]], estate: Estate, tmp_path: Path) -> None:
    shops = Shops(tmp_path, estate.environment)
    pipeline = AwsPipeline(shops.data, estate, {})
    shops.live(pipeline)
    assert list(differences(_gold(pipeline), laptop[1])) == []

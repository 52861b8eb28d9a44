"""A plan over models that others follow from, and one that is cut short while it switches prod to what it has built."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import forks
from tests.small import Small

pytestmark = pytest.mark.slow

MERGED = """MODEL (
  name shop_gold.things_now,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key id
  ),
  owner analytics,
  grain id,
  description 'Things.',
  column_descriptions (id = 'The thing', name = 'Its name'),
  audits (UNIQUE_VALUES(columns := (id)), NOT_NULL(columns := (id, name)))
);

SELECT
  t.id::BIGINT AS id,
  {name}::VARCHAR(80) AS name
FROM stg_shop.things AS t
WHERE
  @REFINED_SINCE(t._refine_id)
"""
FOLLOWS = """MODEL (
  name shop_gold.{model},
  kind {kind},
  owner analytics,
  grain name,
  description 'Names.',
  column_descriptions (name = 'A name', things = 'Things of this name'),
  audits (UNIQUE_VALUES(columns := (name)), NOT_NULL(columns := (name, things)))
);

SELECT
  t.name::VARCHAR(80) AS name,
  COUNT(*)::BIGINT AS things
FROM shop_gold.things_now AS t
GROUP BY
  t.name
"""
UNIT_TEST = """test_{model}:
  model: shop_gold.{model}
  inputs:
    shop_gold.things_now:
      - {{id: 1, name: one}}
  outputs:
    query:
      - {{name: one, things: 1}}
"""
KILLED = """
import os, runpy, signal, sys
from sqlmesh.core.snapshot.evaluator import SnapshotEvaluator
original, when = SnapshotEvaluator.promote, sys.argv.pop()

def promote(self, *arguments, **options):
    if when == "after":
        original(self, *arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)

SnapshotEvaluator.promote = promote
sys.argv[0] = "runner.py"
runpy.run_path("runner.py", run_name="__main__")
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Small:
    shop = Small(tmp_path_factory.mktemp("plans"), "shop")
    edit(shop, "t.name")
    models = shop.code / "sqlmesh_project/models/shop_gold"
    for model, kind in (("names_view", "VIEW"), ("names_full", "FULL")):
        (models / f"{model}.sql").write_text(FOLLOWS.format(model=model, kind=kind))
        (shop.code / f"sqlmesh_project/tests/test_{model}.yaml").write_text(UNIT_TEST.format(model=model))
    shop.deliver("shop", "1.csv", "1,one", "2,two")
    shop.run("run", "--now")
    return shop


def edit(shop: Small, name: str) -> None:
    path: Path = shop.code / "sqlmesh_project/models/shop_gold/things_now.sql"
    path.write_text(MERGED.format(name=name))


def published(shop: Small) -> list[tuple[str, ...]]:
    of = "SELECT name FROM shop_gold.{} ORDER BY 1"
    found = [[row[0] for row in shop.query(of.format(t))] for t in ("things_now", "names_view", "names_full")]
    assert found[0] == found[1] == found[2]
    return found[0]


def test_what_follows_from_an_edited_model_is_built_with_it(shop: Small) -> None:
    edit(shop, "UPPER(t.name)")
    shop.run("plan")
    assert published(shop) == ["ONE", "TWO"]
    assert shop.status()["pending_models"] == []


@pytest.mark.few(2)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("command", [("run", "--now"), ("plan",)])
def test_a_plan_that_was_killed_while_it_switched_is_finished(shop: Small, when: str, command: tuple[str, ...]) -> None:
    prefix = f"{when} {command[0]} "
    edit(shop, f"'{prefix}' || t.name")
    killed = forks.run(["-c", KILLED, "plan", when], shop.code, shop.environment)
    assert killed.returncode == -9, killed.stdout + killed.stderr
    shop.deliver("shop", f"{when}{command[0]}.csv", "2,two")
    shop.run(*command)
    assert published(shop) == [f"{prefix}one", f"{prefix}two"]
    assert shop.status()["pending_models"] == []

"""A file of the models that SQLMesh cannot read stops nothing that is deployed, and no other domain's first build."""

import pytest

from tests import harness
from tests.small import Small
from tests.test_broken_sources import Checkout

pytestmark = pytest.mark.slow

BROKEN = {  # kind: (file, what becomes of its text, what is said of it)
    "model": (
        "models/taxi/dim_zone.sql",
        lambda text: text.replace("SELECT", "SELECT FROM (", 1),
        "models/taxi/dim_zone.sql: line ",
    ),
    "model's head": (
        "models/taxi/fact_trip.sql",
        lambda text: text.replace("MODEL (", "MODEL (("),
        "models/taxi/fact_trip.sql: line ",
    ),
    "blueprints": (
        "models/audiophile/avg_audio_signature.sql",
        lambda text: text.replace("SELECT", "SELECT FROM (", 1),
        "models/audiophile/avg_audio_signature.sql: line ",
    ),
    "no model": ("models/taxi/daily_trips.sql", lambda text: "SELECT 1 AS one", "models/taxi/daily_trips.sql: "),
    "audit": (
        "audits/references.sql",
        lambda text: text.replace("AUDIT (", "AUDIT (("),
        "audits/references.sql: line ",
    ),
    "macro": ("macros/staging.py", lambda text: text + "\ndef (\n", "macros/staging.py: line "),
    "macro's import": (
        "macros/numbers.py",
        lambda text: text.replace("\nfrom sql", "\nimport no_such_package\nfrom sql", 1),
        "macros/numbers.py: No module named",
    ),
    "test": ("tests/test_taxi.yaml", lambda text: text + "\n  x: [unclosed\n", "tests/test_taxi.yaml: line "),
    "external models": (
        "external_models/taxi.yaml",
        lambda text: text + "\n x: [\n",
        "external_models/taxi.yaml: line ",
    ),
    "seed": ("seeds/rank_scale.csv", None, "models/audiophile/rank_scale.sql: "),
}
SOURCES = ("sales", "taxi", "random_users")


DOMAINS = ("people", "sales", "taxi")


@pytest.fixture(scope="module")
def good(last_day_gold):
    """Gold of the last day when nothing is broken: of what runs here; the rest is as on the first."""
    return {name: rows for name, rows in last_day_gold.items() if name.startswith(DOMAINS)}


def damage(checkout, *kinds):
    """Damage files; returns how to undo it."""
    texts = {}
    for kind in kinds:
        path, change = checkout.folder / "sqlmesh_project" / BROKEN[kind][0], BROKEN[kind][1]
        texts[path] = path.read_text()
        path.write_text(change(texts[path])) if change else path.unlink()
    return lambda: [path.write_text(text) for path, text in texts.items()]


def views(pipeline):
    """What prod consists of."""
    query = (
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema NOT LIKE 'stg%' ORDER BY ALL"
    )
    return [row for row in pipeline.query(query) if not row[0].startswith("sqlmesh")]


@pytest.mark.parametrize(
    "kinds",
    [  # one run finds all of its group
        ("model", "model's head", "blueprints", "no model", "test", "external models", "seed"),
        pytest.param(("audit", "macro", "macro's import"), marks=pytest.mark.nightly),
    ],
)
def test_what_is_deployed_is_built_and_published_without_the_files(kinds, good, world, first_day, tmp_path):
    checkout = Checkout(tmp_path, world.environment)
    pipeline = first_day.copy(checkout.data)
    before = views(pipeline)
    good = pipeline.gold() | good
    undo = damage(checkout, *kinds)
    status = checkout.status()
    reasons = "\n".join(row["reason"] for row in status["broken_models"])
    assert len(status["broken_models"]) == len(kinds) == reasons.count("correct the file"), reasons
    assert all(BROKEN[kind][2] in reasons for kind in kinds), reasons
    assert status["pending_models"] == [] and status["tables"] and status["runs"]
    run = checkout("runner.py", "run", *SOURCES)
    assert run.returncode == 2, run.stdout + run.stderr
    assert all(BROKEN[kind][2] in run.stderr for kind in kinds)
    assert "published people, sales, taxi" in run.stdout
    assert pipeline.gold() == good
    plan = checkout("runner.py", "plan")
    assert plan.returncode == 2 and reasons.splitlines()[0] in plan.stderr, plan.stdout + plan.stderr
    assert views(pipeline) == before and pipeline.gold() == good
    undo()
    status = checkout.status()
    assert (status["broken_models"], status["pending_models"]) == ([], [])
    again = checkout("runner.py", "run", *SOURCES)
    assert again.returncode == 0, again.stdout + again.stderr
    assert pipeline.gold() == good


@pytest.mark.nightly
def test_a_domain_that_was_never_built_waits_for_its_files_and_the_others_do_not(world, tmp_path):
    checkout = Checkout(tmp_path, world.environment)
    undo = damage(checkout, "model", "external models")
    run = checkout("runner.py", "run", *SOURCES)
    assert run.returncode == 2 and BROKEN["model"][2] in run.stderr, run.stdout + run.stderr
    assert "published people, sales" in run.stdout
    pipeline = harness.Pipeline(checkout.data, {})
    assert pipeline.gold("taxi") == {} and pipeline.gold("sales")["sales.fact_sales"]
    undo()
    again = checkout("runner.py", "run", "taxi")  # nothing new lands: what waited is built
    assert again.returncode == 0, again.stdout + again.stderr
    assert pipeline.gold("taxi")["taxi.fact_trip"]


def test_without_its_lint_rules_nothing_is_built_and_the_reason_is_said(tmp_path):
    small = Small(tmp_path, "shop")
    small.deliver("shop", "1.csv", "1,one")
    small.run("run", "shop")
    small.deliver("shop", "2.csv", "2,two")
    path = small.code / "sqlmesh_project" / "linter" / "user.py"
    right = path.read_text()
    path.write_text("def (\n")
    run = small.run("run", "shop", code=2)
    assert "sqlmesh_project/linter/user.py: line 1: " in run.stderr and "Traceback" not in run.stdout + run.stderr
    assert small.gold("shop") == [(1, "one")]
    assert "linter/user.py" in small.status()["broken_models"][0]["reason"]
    path.write_text(right)
    small.run("run", "shop")
    assert small.gold("shop") == [(1, "one"), (2, "two")]

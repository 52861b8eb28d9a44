"""Models: changed by plan only, incremental equal to a rebuild, blocked where staging is bad."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import forks, harness
from tests.harness import ROOT, Pipeline

pytestmark = pytest.mark.slow
DEFTUNES = ("deftunes_api", "deftunes_db")
VIEW = Path("sqlmesh_project/models/deftunes/sales_per_country_vw.sql")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A checkout of the project's own code that a test may edit."""
    return harness.checkout(tmp_path_factory.mktemp("checkout") / "millrace")


def sqlmesh(checkout: Path, pipeline: Pipeline, *arguments: str) -> str:
    """The README's command, as a person types it."""
    result = subprocess.run(
        [str(Path(sys.executable).parent / "sqlmesh"), "-p", "sqlmesh_project", *arguments],
        cwd=checkout,
        capture_output=True,
        text=True,
        env=os.environ | pipeline.environment,
        stdin=subprocess.DEVNULL,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.mark.nightly
def test_a_changed_view_is_tried_in_dev_and_prod_waits_for_its_plan(checkout, world, first_day, tmp_path):
    pipeline = first_day.copy(tmp_path / "data")
    environment = os.environ | pipeline.environment | world.environment
    gold = pipeline.gold()
    path = checkout / VIEW
    path.write_text(
        path.read_text().replace("SUM(items.price)::DECIMAL(18, 2)", "(2 * SUM(items.price))::DECIMAL(18, 2)")
    )
    with pytest.raises(AssertionError, match="failing test"):  # the model's own unit test has to agree first
        sqlmesh(checkout, pipeline, "plan", "dev", "--auto-apply")
    unit = checkout / "sqlmesh_project" / "tests" / "test_deftunes.yaml"
    text = unit.read_text().replace("FR, total_sales: 1.00", "FR, total_sales: 2.00")
    unit.write_text(text.replace("null, total_sales: 0.50", "null, total_sales: 1.00"))

    def runner(*arguments: str) -> str:
        result = forks.run(["runner.py", *arguments], checkout, environment)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    assert '"pending_models": [\n    "deftunes.sales_per_country_vw"\n  ]' in runner("status", "--json")
    sqlmesh(checkout, pipeline, "plan", "dev", "--auto-apply")
    total = "SELECT sum(total_sales) FROM {}.sales_per_country_vw"
    [(prod,)] = pipeline.query(total.format("deftunes"))
    [(dev,)] = pipeline.query(total.format("deftunes__dev"))
    assert dev == 2 * prod
    assert pipeline.gold() == gold
    keys = ["-o", "session_month", "-o", "session_year", "-o", "country_code"]
    difference = sqlmesh(checkout, pipeline, "table_diff", "prod:dev", "deftunes.sales_per_country_vw", *keys)
    assert "total_sales" in difference and "0.0" in difference
    said = runner("run", *DEFTUNES)  # nothing new upstream; prod keeps its model
    assert pipeline.query(total.format("deftunes")) == [(prod,)], said
    failing = pipeline.copy(tmp_path / "failing")
    refused = subprocess.run(
        [sys.executable, "runner.py", "plan"],
        cwd=checkout,
        capture_output=True,
        text=True,
        env=environment | failing.environment | {"ELT_DATA_DIR": str(failing.folder)},
    )
    assert refused.returncode == 1 and "the sum of the view is the sum of the fact" in refused.stderr
    assert failing.gold() == gold  # prod has the model; the dashboards keep what they showed
    check = checkout / "soda_checks" / "gold" / "deftunes" / "sales_per_country_vw.yml"
    check.write_text(check.read_text().replace("SUM(total_sales) AS", "SUM(total_sales) / 2 AS"))
    said = runner("plan")
    shown = pipeline.query(total.format("deftunes"), "serving.duckdb")
    assert pipeline.query(total.format("deftunes")) == shown == [(dev,)]
    assert "published deftunes" in said and '"pending_models": []' in runner("status", "--json")


def test_the_incremental_fact_equals_a_rebuild_also_after_half_an_evaluation(world, first_day, tmp_path, request):
    """After one more day; by night after two."""
    pipeline = first_day.copy(tmp_path / "data")
    for _ in range(2 if request.config.getoption("nightly") else 1):
        world.advance()
        kill = "sqlmesh.core.engine_adapter.duckdb:DuckDBEngineAdapter._insert_append_query:before:3"
        pipeline("run", *DEFTUNES, kill=kill, **world.environment)  # dies in the middle of building gold
        assert pipeline("run", *DEFTUNES, **world.environment).code == 0
    fact = "SELECT * EXCLUDE (refine_id) FROM deftunes.fact_order_items ORDER BY ALL"
    incremental = pipeline.query(fact)
    (pipeline.folder / "warehouse.duckdb").unlink()
    (pipeline.folder / "state.duckdb").unlink()
    for source in DEFTUNES:
        assert pipeline("replay", source, **world.environment).code == 0
    assert pipeline.query(fact) == incremental


@pytest.mark.nightly
def test_a_restated_fact_is_whole(first_day, tmp_path):
    pipeline = first_day.copy(tmp_path / "data")
    fact = "SELECT * FROM deftunes.fact_order_items ORDER BY ALL"
    before = pipeline.query(fact)
    restate = ("plan", "--restate-model", "deftunes.fact_order_items", "--auto-apply", "--no-prompts")
    sqlmesh(ROOT, pipeline, *restate)
    assert before and pipeline.query(fact) == before


@pytest.mark.few(1)
@pytest.mark.parametrize("broken", ["owner analytics,\n  ", "description 'Revenue", "grain (session_month"])
def test_a_model_without_owner_description_or_grain_is_refused(checkout, broken, tmp_path):
    path = checkout / VIEW
    text = path.read_text()
    line = next(part for part in text.splitlines(keepends=True) if broken.split("\n")[0].split(" (")[0].strip() in part)
    path.write_text(text.replace(line, ""))
    try:
        lint = "from sqlmesh.cli.main import cli; cli(['-p', 'sqlmesh_project', 'lint'])"
        linted = forks.run(["-c", lint], checkout, os.environ | {"ELT_DATA_DIR": str(tmp_path / "data")})
        assert linted.returncode == 1 and "nomissing" in linted.stdout + linted.stderr, linted.stdout + linted.stderr
    finally:
        path.write_text(text)

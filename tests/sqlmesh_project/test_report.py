"""The report on a pull request says which models changed, whether it breaks, and what it does to the rows."""

import os
import subprocess
import sys

import pytest

from tests import harness

pytestmark = pytest.mark.slow
MODELS = "sqlmesh_project/models/deftunes"


def report(checkout, pipeline):
    environment = os.environ | pipeline.environment
    result = subprocess.run(
        [sys.executable, "-m", "sqlmesh_project.report"], cwd=checkout, env=environment, capture_output=True, text=True
    )
    return result.returncode, result.stdout + result.stderr


def test_an_edited_model_is_reported_with_its_columns_its_rows_and_what_depends_on_it(first_day, tmp_path):
    pipeline = first_day.copy(tmp_path / "data")
    checkout = harness.checkout(tmp_path / "millrace")
    code, text = report(checkout, pipeline)
    assert (code, text) == (0, "### Models: none changes\n\n")

    edited = checkout / MODELS / "sales_per_country_vw.sql"
    old = edited.read_text()
    edited.write_text(old.replace("SUM(items.price)::DECIMAL(18, 2)", "(2 * SUM(items.price))::DECIMAL(18, 2)"))
    assert edited.read_text() != old
    gold = pipeline.gold()
    code, text = report(checkout, pipeline)
    assert code == 0, text
    assert "### Models: 1 edited, 0 added, 0 removed, 0 follow" in text
    assert "**deftunes.sales_per_country_vw**: breaking" in text
    [(rows, changed)] = pipeline.query(
        "SELECT count(*), count(*) FILTER (total_sales <> 0) FROM deftunes.sales_per_country_vw"
    )
    assert (
        f"rows: {rows:,} before, {rows:,} after; 0 gone, 0 new, {changed:,} changed, {rows - changed:,} equal" in text
    )
    assert pipeline.gold() == gold  # the base's own is only read


@pytest.mark.nightly
def test_a_model_that_does_not_build_is_a_report_too_and_fails(first_day, tmp_path):
    pipeline = first_day.copy(tmp_path / "data")
    checkout = harness.checkout(tmp_path / "millrace")
    path = checkout / MODELS / "dim_artists.sql"
    path.write_text(path.read_text().replace("FROM ", "FROM no_", 1))
    code, text = report(checkout, pipeline)
    assert code == 2
    assert "could not be made" in text

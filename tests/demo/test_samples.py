"""The samples can be taken out: what goes follows from what reads what, and an empty project that works is left."""

from __future__ import annotations

import pytest

from demo.folder import SOURCES
from sqlmesh_project.parts import cut
from superset.parts import _without_datasets, _without_schemas
from tests.harness import ROOT
from tests.project import SQLMESH, Project

pytestmark = pytest.mark.samples
OWN_MODEL = """MODEL (
  name sales.own,
  kind VIEW,
  owner analytics,
  grain id,
  description 'Of a sample and of another source.',
  column_descriptions (id = 'It')
);

SELECT
  t.id::BIGINT AS id
FROM stg_shop.things AS t
CROSS JOIN sales.dim_status AS s
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("samples") / "millrace")


@pytest.mark.nightly
@pytest.mark.slow
def test_what_a_person_should_look_at_first_is_not_removed(project: Project) -> None:
    said = project("runner.py", "samples", "remove", "--dry-run")
    assert "dlt_sources/taxi/" in said and "Nothing was changed." in said and "without --yes" not in said
    assert "runner.py" not in said and "/ops" not in said

    contract = project.folder / "dlt_sources/taxi/contract.py"
    contract.write_text(contract.read_text() + "# ours\n")
    refused = project("runner.py", "samples", "remove", code=2)
    assert "your team changed dlt_sources/taxi since shipped" in refused
    assert "changes that are not committed in dlt_sources/taxi/contract.py" in refused

    own = project.folder / "sqlmesh_project/models/sales/own.sql"
    own.write_text(OWN_MODEL)
    refused = project("runner.py", "samples", "remove", "--yes", code=2)
    assert "sales.own (reads sales)" in refused and contract.exists()

    project.git("checkout", "-q", ".")
    own.unlink()
    project("runner.py", "samples", "remove", code=1, answer="n\n")
    assert project.git("status", "--porcelain") == ""


@pytest.mark.slow
def test_the_samples_go_and_an_empty_project_that_works_is_left(project: Project) -> None:
    (project.folder / ".env").write_text("ELT_TARGET=local\nELT_TAXI_FILES=/somewhere\n")
    assert "The samples are removed." in project("runner.py", "samples", "remove", answer="y\n")
    left = set(project.git("ls-files", "--cached").splitlines()) - set(
        project.git("ls-files", "--deleted").splitlines()
    )
    for name in SOURCES:
        assert not [path for path in left if path.startswith((f"dlt_sources/{name}/", f"soda_checks/staging/{name}/"))]
    domains = {path.split("/")[2] for path in left if path.startswith("sqlmesh_project/models/")}
    dashboards = [path for path in left if path.startswith("superset/assets/dashboards/")]
    assert domains == {"ops"} and dashboards == ["superset/assets/dashboards/pipeline_health.yaml"]
    assert "sqlmesh_project/macros/staging.py" in left  # about what every source's staging has
    assert (project.folder / ".env").read_text() == "ELT_TARGET=local\n# ELT_TAXI_FILES=/somewhere\n"

    for words in (["run"], ["run", "--now"], ["status"], ["plan"], ["doctor"], ["check"]):
        project("runner.py", *words)
    for module in ("dlt_sources.derive", "superset.derive", "runtime.reference"):
        project("-m", module, "--check")
    for words in (["format", "--check"], ["lint"], ["test"]):
        project("-c", SQLMESH, "-p", "sqlmesh_project", *words)
    said = project("runner.py", "new", "chart", "ops.loads", "--dry-run")
    assert "has to show what this says of gold: SELECT" in said and "numbers.yml" not in said
    assert "they were removed before" in project("runner.py", "samples", "remove")
    assert "this checkout no longer has dlt_sources/audiophile" in project("runner.py", "demo", code=2)


def test_roles_and_grants_of_what_is_gone_are_taken_out_of_their_files() -> None:
    security = (ROOT / "superset/security.yml").read_text()
    left = _without_datasets(security, {"deftunes.order_items_vw"})
    assert "France" not in left and "Analyst SQL" in left and left.endswith("row_level_security: []\n")
    assert _without_datasets(security, {"sales.order_lines"}) == security
    assert (
        _without_schemas("GRANT USAGE ON SCHEMA a, ops, b TO {r};", {"a", "b"}) == "GRANT USAGE ON SCHEMA ops TO {r};"
    )


def test_blocks_are_cut_whole() -> None:
    assert cut("a:\n  x: 1\nb:\n  y: 2\n", r"^(?=\S)", lambda block: "x" in block) == "b:\n  y: 2\n"

"""What the threat model says is reviewed has an owner in CODEOWNERS, and every rule there fits something."""

from pathlib import PurePosixPath

import pytest

from tests.harness import ROOT

RULES = [line.split() for line in (ROOT / ".github/CODEOWNERS").read_text().splitlines() if line and line[0] != "#"]


def fits(rule, path):
    """GitHub's rules, as far as ours go: a folder, a file at the top, a file of that name anywhere."""
    if rule.endswith("/"):
        return path.startswith(rule.strip("/") + "/")
    return path == rule[1:] if rule.startswith("/") else PurePosixPath(path).name == rule


@pytest.mark.parametrize(
    "path",
    [
        *("dlt_sources/taxi/source.yml", "dlt_sources/taxi/contract.py", "sqlmesh_project/models/taxi/daily_trips.sql"),
        *(
            "superset/assets/roles.yaml",
            ".github/workflows/deploy.yml",
            ".ci/run",
            ".ci/uv.txt",
            "docs/threat-model.md",
        ),
        *(
            "terraform/modules/pipeline/task_policy.json.tftpl",
            "uv.lock",
            "superset/uv.lock",
            "Dockerfile",
            "SECURITY.md",
        ),
    ],
)
def test_what_can_do_harm_has_an_owner(path):
    assert any(fits(rule, path) and owners for rule, *owners in RULES)


def test_every_rule_fits_something():
    for rule, *owners in RULES:
        assert owners and (list(ROOT.glob(rule.lstrip("/"))) or list(ROOT.rglob(rule))), rule

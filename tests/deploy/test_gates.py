"""Each gate of `.ci/gates` passes on this repository and fails on one real mistake, planted in a copy."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.harness import ROOT
from tests.web import serve

pytestmark = pytest.mark.slow

KEY = "AKIA" + "QYLPMN5HHHFPZAM2"  # the shape of a real one; in two parts, or this file would not pass
UNPINNED = """
name: planted
on: pull_request_target
permissions: {}
jobs:
  greet:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
        with: {persist-credentials: false}
      - run: echo "${{ github.event.pull_request.title }}"
"""
OPEN_BUCKET = """
resource "aws_s3_bucket" "open" { bucket = "for-everybody" }
resource "aws_s3_bucket_acl" "open" {
  bucket = aws_s3_bucket.open.id
  acl    = "public-read"
}
"""


def gate(name, root=ROOT, *arguments, **environment):
    """Exit code and words of one gate on a checkout."""
    result = subprocess.run(
        [sys.executable, ROOT / ".ci" / "gates", name, "--root", root, *arguments],
        capture_output=True,
        text=True,
        env={k: v for k, v in os.environ.items() if k != "GH_TOKEN"} | environment,
        stdin=subprocess.DEVNULL,
    )
    return result.returncode, result.stdout + result.stderr


def commit(root):
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run([*git, "add", "--all"], cwd=root, check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", "planted"], cwd=root, check=True)


@pytest.fixture
def copy(tmp_path):
    """What the gates look at, without the code: a small repository with this one's workflows and Dockerfiles."""
    root = tmp_path / "copy"
    (root / "superset").mkdir(parents=True)
    shutil.copytree(ROOT / ".github", root / ".github")
    for name in ("Dockerfile", "superset/Dockerfile", "settings.py", ".env.example"):
        shutil.copy(ROOT / name, root / name)
    subprocess.run(["git", "init", "--quiet", "--initial-branch", "main"], cwd=root, check=True)
    commit(root)
    return root


@pytest.mark.parametrize("name", ["workflows", "dockerfiles", "licences", "sbom"])
def test_a_quick_gate_passes_here(name):
    """The slow ones are `.ci/run`'s."""
    code, text = gate(name)
    assert code == 0, text
    assert text.startswith("ok ")


def test_a_workflow_with_a_wrong_key_fails(copy):
    path = copy / ".github/workflows/gate.yml"
    path.write_text(path.read_text().replace("timeout-minutes: 90", "timeout-minuts: 90"))
    code, text = gate("workflows", copy)
    assert code == 1
    assert "timeout-minuts" in text


def test_a_workflow_that_runs_a_title_or_trusts_a_tag_fails(copy):
    (copy / ".github/workflows/planted.yml").write_text(UNPINNED)
    code, text = gate("workflows", copy)
    assert code == 1
    assert "planted.yml" in text
    for finding in ("potentially untrusted", "template-injection", "unpinned-uses", "dangerous-triggers"):
        assert finding in text


def test_a_permission_too_many_fails(copy):
    path = copy / ".github/workflows/nightly.yml"
    path.write_text(path.read_text().replace("permissions:\n      contents: read", "permissions: write-all", 1))
    code, text = gate("workflows", copy)
    assert code == 1
    assert "excessive-permissions" in text


def test_a_key_in_a_file_fails_and_in_the_history_still_does(copy):
    assert gate("secrets", copy)[0] == 0
    planted = copy / "tests" / "helper.py"
    planted.parent.mkdir()
    planted.write_text(f'boto3.client("s3", aws_access_key_id="{KEY}")\n')
    code, text = gate("secrets", copy)
    assert code == 1
    assert "tests/helper.py:1" in text
    assert KEY not in text  # it does not belong in a log
    commit(copy)
    planted.unlink()
    commit(copy)
    code, text = gate("secrets", copy)
    assert code == 1
    assert "history/tests/helper.py" in text


def test_a_password_in_the_code_fails(copy):
    (copy / "login.py").write_text('password = "tr0ub4dor-and-3"\n')
    code, text = gate("secrets", copy)
    assert code == 1
    assert "login.py:1" in text


def test_an_open_bucket_fails(copy):
    (copy / "terraform").mkdir()
    (copy / "terraform" / "main.tf").write_text(OPEN_BUCKET)
    code, text = gate("terraform", copy)
    assert code == 1
    assert "CKV_AWS_20" in text


def test_a_dockerfile_that_installs_what_it_finds_fails(copy):
    path = copy / "Dockerfile"
    path.write_text(path.read_text().replace("--require-hashes --requirement /tmp/uv.txt", "uv"))
    code, text = gate("dockerfiles", copy)
    assert code == 1
    assert "DL3013" in text


HOLE = {
    "id": "GHSA-g3rq-g295-4j3m",
    "modified": "2024-09-20T16:03:00Z",
    "aliases": ["CVE-2020-28493"],
    "summary": "Regular Expression Denial of Service (ReDoS) in Jinja2",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "jinja2"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.11.3"}]}],
        }
    ],
}


@pytest.fixture
def osv():
    """osv.dev's two questions, with one of its answers."""
    hit = {"vulns": [{"id": HOLE["id"], "modified": HOLE["modified"]}]}

    def answer(request):
        said = HOLE
        if request.method == "POST":
            asked = [(query["package"]["name"], query["version"]) for query in request.get_json()["queries"]]
            said = {"results": [hit if package == ("jinja2", "2.11.2") else {} for package in asked]}
        return 200, {"content-type": "application/json"}, json.dumps(said).encode()

    with serve(answer) as url:
        yield url


def lock(root, version):
    (root / "pyproject.toml").write_text('[project]\nname = "planted"\nversion = "0"\nrequires-python = ">=3.11"\n')
    (root / "uv.lock").write_text(
        'version = 1\nrequires-python = ">=3.11"\n\n[[package]]\nname = "jinja2"\n'
        f'version = "{version}"\nsource = {{ registry = "https://pypi.org/simple" }}\n\n'
        '[[package]]\nname = "planted"\nversion = "0"\nsource = { virtual = "." }\ndependencies = [{ name = "jinja2" }]\n'
        '\n[package.metadata]\nrequires-dist = [{ name = "jinja2" }]\n'
    )


def test_a_locked_package_with_a_known_hole_fails(copy, osv):
    lock(copy, "2.11.2")
    code, text = gate("audit", copy, GATES_OSV=osv)
    assert code == 1
    assert "CVE-2020-28493" in text or "GHSA-g3rq-g295-4j3m" in text
    lock(copy, "2.11.3")
    code, text = gate("audit", copy, GATES_OSV=osv)
    assert code == 0, text
    assert text.startswith("ok ")


def test_every_locked_package_of_ours_is_asked_for(osv):
    code, text = gate("audit", ROOT, GATES_OSV=osv)
    assert code == 0, text
    for folder in (".:", "superset:", ".ci/gates:"):
        assert folder in text


def test_who_cannot_look_says_so_and_fails_where_the_network_is_known_to_be_there(copy):
    lock(copy, "2.11.2")
    nobody = {"GATES_OSV": "http://127.0.0.1:9", "UV_HTTP_RETRIES": "0"}
    code, text = gate("audit", copy, **nobody)
    assert code == 0
    assert text.startswith("NOT AUDITED")
    assert "cannot be reached" in text
    code, text = gate("audit", copy, "--strict", **nobody)
    assert code == 1


@pytest.mark.parametrize("folder", [".", "superset"])
def test_the_bill_of_materials_lists_every_locked_package(folder, tmp_path):
    code, text = gate("sbom", ROOT, GATES_SBOM=str(tmp_path))
    assert code == 0, text
    name = {".": "millrace-pipeline.cdx.json", "superset": "millrace-superset.cdx.json"}[folder]
    parts = {part["name"] for part in json.loads((tmp_path / name).read_text())["components"]}
    assert {".": {"dlt", "sqlmesh", "soda-core"}, "superset": {"apache-superset", "duckdb"}}[folder] <= parts

"""docs/architecture.md says which tests guard which guarantee: they exist, and they are tests."""

import ast
import importlib
import re
import subprocess

import pytest

from tests.harness import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text()
GUARDS = sorted(set(re.findall(r"`(tests/[\w/]+\.py(?:::\w+)?)`", PAGE.partition("## Guarantees")[2])))


@pytest.mark.parametrize("guard", GUARDS)
def test_a_test_that_guards_a_guarantee_exists(guard):
    path, _, name = guard.partition("::")
    text = (ROOT / path).read_text()
    assert re.search(rf"^def {name or 'test_'}", text, re.M), guard


def test_every_guarantee_of_the_readme_is_in_the_table():
    promised = re.findall(
        r"^- \*\*([^*]+?)[.:]?\*\*", (ROOT / "README.md").read_text().partition("Guarantees")[2], re.M
    )
    assert len(promised) > 6 and len(GUARDS) > 30
    table = PAGE.partition("## Guarantees")[2].lower()
    words = {"Late, repeated, corrected and deleted rows": "run twice", "One at a time": "one run at a time"}
    for guarantee in promised:
        assert words.get(guarantee, guarantee).lower() in table, guarantee


@pytest.mark.parametrize(
    "path",
    sorted(set(re.findall(r"`((?:dlt_sources|soda_checks|sqlmesh_project|warehouse|runtime)/[\w/]+\.py)`", PAGE))),
)
def test_code_that_the_page_names_exists(path):
    assert (ROOT / path).exists()


def test_the_layers_of_the_page_are_the_folders():
    page = PAGE.partition("Within `dlt_sources/_steps`:")[2].split("```")[1]
    layers = {name for line in page.splitlines() for name in line.split("  ")[0].split(" · ") if name}
    steps = ROOT / "dlt_sources" / "_steps"
    found = {path.relative_to(steps).parts[0].removesuffix(".py") for path in steps.rglob("*.py")} - {"__init__"}
    assert layers == found


def test_sources_import_nothing_that_begins_with_an_underscore():
    paths = list((ROOT / "dlt_sources").glob("[!_]*/*.py"))
    imported = [
        (str(path.relative_to(ROOT)), node.module)
        for path in paths
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and not node.level
    ]
    assert [(path, name) for path, name in imported if re.search(r"(^|\.)_[^_]", name)] == []


DOORS = ("dlt_sources.door", "soda_checks.door", "sqlmesh_project.door", "superset.door")


def test_what_is_asked_of_a_door_is_behind_it():
    """Doors import what is behind them when it is asked for: a name that is not there would be missed at run time alone."""
    names = subprocess.check_output(["git", "ls-files", "*.py"], cwd=ROOT, text=True).split()
    asked = {
        (node.module, alias.name)
        for name in names
        for node in ast.walk(ast.parse((ROOT / name).read_text()))
        if isinstance(node, ast.ImportFrom) and node.module in DOORS
        for alias in node.names
    }
    assert len(asked) > 50
    assert [(door, name) for door, name in sorted(asked) if not hasattr(importlib.import_module(door), name)] == []

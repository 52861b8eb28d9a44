"""docs/architecture.md says which tests guard which guarantee: they exist, and they are tests."""

import re

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

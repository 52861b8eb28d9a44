"""A table of staging is checked by what follows from its contract and by a team's own checks, whatever file there is of these."""

import pytest
import yaml

import soda_checks.door as door
from dlt_sources.door import check_bases, load_sources
from soda_checks.contracts import Contract, contracts_in
from tests.harness import ROOT
from tests.soda_checks.test_failing import here  # noqa: F401

BASE = 'dataset: "warehouse/${var.path}/orders"\nvariables:\n  path:\n    default: x\ncolumns:\n  - name: id\n    checks:\n      - missing:\n'
OWN = "checks:\n  - row_count:\n      threshold:\n        must_be_less_than: 30\n"
FILES = {
    # what the file holds: the rows of the answer that fails
    "no file": (None, []),
    "own checks": (OWN, ["row_count"]),
    "own checks below words of their own": (f"# why: see the ticket\n{OWN}", ["row_count"]),
    "what an earlier version wrote": (
        f"# Derived from dlt_sources/shop/contract.py\ncolumns:\n  - name: gone\n{OWN}",
        ["row_count"],
    ),
}


def check(here, text):  # noqa: F811
    folder = door.FOLDER / "staging" / "shop"
    folder.mkdir(parents=True)
    if text is not None:
        (folder / "orders.yml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return door.check("staging", "shop", here, {"orders": (["id"], frozenset())}, bases={"orders": BASE})


@pytest.mark.parametrize("what", FILES)
def test_a_team_s_own_checks_stand_beside_those_of_the_contract(here, what):  # noqa: F811
    text, failing = FILES[what]
    results = check(here, text)
    assert {"missing", "row_count"} == {result.check_type for result in results}
    assert [result.check_type for result in results if result.stops] == failing


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no line that begins with `checks:`"),
        ("check:\n  - row_count:\n", "has no line that begins with `checks:`"),
        (b"checks:\n  - row_count: \xff\n", "codec can't decode"),
        ("# a word\nchecks:\n  - row_count:\n  - metric: {[\n", "orders.yml[5,"),
    ],
)
def test_a_file_that_cannot_be_used_is_an_answer_that_names_it_and_its_line(here, text, said):  # noqa: F811
    stops = [result for result in check(here, text) if result.stops]
    assert len(stops) == 1 and "staging/shop/orders.yml: " in str(stops[0]) and said in str(stops[0])


@pytest.mark.samples
def test_every_table_that_is_declared_has_a_contract_over_its_columns():
    for source in load_sources().values():
        bases = check_bases(source)
        found = contracts_in(ROOT / "soda_checks" / "staging" / source.name, bases)
        assert [contract.table for contract in found] == sorted(source.tables)
        for contract in found:
            content = yaml.safe_load(contract.text)
            assert contract.columns and {"dataset", "filter", "columns", "checks"} <= content.keys()
            assert contract == Contract(contract.path, bases[contract.table])

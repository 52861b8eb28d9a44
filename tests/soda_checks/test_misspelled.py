"""What Soda does not know in a contract, and would pass over, is an error that names the file, the check and the fix."""

import copy
import json
import re
from pathlib import Path

import pytest
import soda_core
import yaml

import soda_checks.door as door
from dlt_sources.door import check_bases, load_sources
from soda_checks.contracts import contracts_in
from soda_checks.spelling import NAMES, find_mistakes
from tests.harness import ROOT
from tests.soda_checks.test_failing import columns, here, run  # noqa: F401

SODA = Path(soda_core.__file__).parent
SCHEMA = SODA / "contracts" / "soda_data_contract_json_schema_1_0_0.json"
ELSEWHERE = {"cron", "timezone", "schedule", "checks_schedule", "regex", "default", "type", "required", "soda"}
"""Names below keys whose content is Soda's own affair: schedules, formats, variables."""
VALID = {"row_count": None}
MISTAKES = {
    "a kind": (
        [VALID, {"row_cout": None}],
        "check 2: 'row_cout' is not a kind of check of a table; did you mean 'row_count'?",
    ),
    "a kind of a column": ([VALID, {"missing": None}], "check 2: 'missing' is not a kind of check of a table; known: "),
    "no colon": ([VALID, "row_count"], "check 2: 'row_count' is not a check; write `- row_count:`, with a colon"),
    "two kinds": ([VALID, {"schema": None, "metric": None}], "check 2: a check has one kind, not 2 (schema, metric)"),
    "no kind": ([VALID, {}], "check 2: a check has one kind, not 0"),
    "a number": ([VALID, 3], "check 2: 3 is not a check"),
    "a key": (
        [{"row_count": {"treshold": {"must_be": 3}}}],
        "check 1 (row_count): unknown key 'treshold'; did you mean 'threshold'?",
    ),
    "a limit": (
        [{"row_count": {"threshold": {"must_be_les_than": 3}}}],
        "check 1 (row_count), threshold: unknown key 'must_be_les_than'; did you mean 'must_be_less_than'?",
    ),
    "a bound": (
        [{"row_count": {"threshold": {"must_be_between": {"greter_than": 3}}}}],
        "threshold: must_be_between: unknown key 'greter_than'; did you mean 'greater_than'?",
    ),
    "a level": ([{"row_count": {"threshold": {"level": "warm"}}}], "`level` is 'warm'; did you mean 'warn'?"),
    "a number as text": ([{"row_count": {"threshold": {"must_be": "3"}}}], "threshold: `must_be` is '3', not a number"),
    "a text for keys": ([{"row_count": "3"}], "check 1 (row_count): '3' is not keys with values"),
    "not a list": ({"row_count": None}, "`checks:` is not a list"),
}
EVERYTHING = {
    "dataset": "warehouse/${var.path}/orders",
    "variables": {"path": {"default": "x"}},
    "filter": "id > 0",
    "columns": [
        {"name": "id", "checks": [{"missing": {"name": "there"}}, {"aggregate": {"function": "avg"}}]},
        {"name": "amount", "valid_min": 0, "checks": [{"invalid": {"valid_max": 3, "threshold": {"metric": "count"}}}]},
    ],
    "checks": [
        {"schema": {"allow_extra_columns": True}},
        {"duplicate": {"columns": ["id"], "threshold": {"must_be_less_than": 3}}},
        {"failed_rows": {"name": "n", "qualifier": "q", "query": "SELECT 1"}},
        {"freshness": {"column": "at", "threshold": {"unit": "hour", "must_be_between": {"less_than": 3}}}},
        {"metric": {"expression": "avg(id)", "threshold": {"must_be": "${var.limit}", "level": "warn"}}},
    ],
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_beside_valid_checks_is_an_error_that_names_it(here, what):  # noqa: F811
    checks, said = MISTAKES[what]
    [answer] = [result for result in run(here, "gold", columns(), checks) if result.stops]
    assert answer.outcome == "error" and answer.check_name.startswith("gold/shop/orders.yml: ")
    assert said in answer.check_name


def test_a_team_s_own_checks_of_staging_count_from_the_first_in_their_file(here):  # noqa: F811
    folder = door.FOLDER / "staging" / "shop"
    folder.mkdir(parents=True)
    (folder / "orders.yml").write_text("# ours\nchecks:\n  - row_count:\n  - dupliate:\n      columns: [id]\n")
    base = 'dataset: "warehouse/${var.path}/orders"\nvariables:\n  path:\n    default: x\ncolumns:\n  - name: id\n'
    [answer] = door.check("staging", "shop", here, {"orders": (["id"], frozenset())}, bases={"orders": base})
    assert answer.stops and "staging/shop/orders.yml: check 2: 'dupliate' is not a kind" in answer.check_name


def names_in(node, path=()):
    """The path of every key of a contract."""
    found = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in found:
        if isinstance(key, str) and path[:1] != ("variables",):
            yield (*path, key)
        yield from names_in(value, (*path, key))


def test_every_name_that_lacks_a_letter_is_found():
    assert list(find_mistakes(EVERYTHING)) == []
    for *above, name in names_in(EVERYTHING):
        content = copy.deepcopy(EVERYTHING)
        holder = content
        for key in above:
            holder = holder[key]
        holder[name[:-1]] = holder.pop(name)
        assert any(repr(name[:-1]) in mistake for mistake in find_mistakes(content)), (above, name)


def test_every_name_that_soda_reads_is_known():
    read = set()
    for path in (SODA / "contracts" / "impl").rglob("*.py"):
        read |= set(re.findall(r'\.read_\w+\(\s*(?:key=)?"(\w+)"', path.read_text("utf-8")))
    assert {"threshold", "must_be_less_than", "query", "valid_min"} <= read

    def properties(node):
        if isinstance(node, dict):
            yield from node.get("properties", {})
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            yield from properties(child)

    read |= set(properties(json.loads(SCHEMA.read_text("utf-8"))))
    assert read - ELSEWHERE - NAMES == set()


def test_the_contracts_that_are_here_have_no_mistakes():
    contracts = [c for folder in (ROOT / "soda_checks" / "gold").iterdir() for c in contracts_in(folder, {})]
    sources = load_sources()
    for name in sources.names:
        contracts += contracts_in(ROOT / "soda_checks" / "staging" / name, check_bases(sources[name]))
    for contract in contracts:
        assert list(contract.mistakes()) == [], contract.shown
        assert list(find_mistakes(yaml.safe_load(contract.text))) == [], contract.shown

"""The reference pages say what the code takes, and an editor that knows the schema of source.yml finds mistakes in one."""

import copy
import json
import re

import pytest
import yaml
from jsonschema import Draft202012Validator

from runtime import reference
from settings import Bootstrap, Settings
from tests.harness import ROOT

SOURCES = sorted((ROOT / "dlt_sources").glob("*/source.yml"))


@pytest.fixture(scope="module")
def schema():
    return Draft202012Validator(json.loads((ROOT / "docs/reference/source.schema.json").read_text()))


def declared(path):
    """As YAML's own types, dates as text: what an editor sees."""
    return json.loads(json.dumps(yaml.safe_load(path.read_text()), default=str))


@pytest.mark.slow
def test_the_pages_are_those_that_the_code_derives(monkeypatch, tmp_path):
    monkeypatch.setenv("ELT_DATA_DIR", str(tmp_path))
    assert reference.main(check=True) == 0


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.parent.name)
def test_a_source_keeps_to_the_schema_that_it_names(schema, path):
    assert list(schema.iter_errors(declared(path))) == []
    [line] = [line for line in path.read_text().splitlines() if "$schema=" in line]
    named = (path.parent / line.split("$schema=")[1]).resolve()
    assert named == ROOT / "docs/reference/source.schema.json"


@pytest.mark.samples
@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda source: source.update(conector="files"), "conector"),
        (lambda source: source.pop("owner"), "owner"),
        (lambda source: source.update(connector="ftp"), "ftp"),
        (lambda source: next(iter(source["tables"].values())).update(mode="merge"), "merge"),
        (lambda source: next(iter(source["tables"].values())).update(data_selectr="$"), "data_selectr"),
        (lambda source: source["connection"].update(timeout=0), "0"),
    ],
    ids=["unknown key", "missing key", "no such connector", "no such mode", "unknown key of a table", "out of bounds"],
)
def test_a_mistake_in_a_source_is_found_by_the_schema(schema, change, where):
    source = copy.deepcopy(declared(ROOT / "dlt_sources/deftunes_api/source.yml"))
    change(source)
    found = list(schema.iter_errors(source))
    assert found and where in str(found[0]), found


@pytest.mark.parametrize("kind", [Settings, Bootstrap])
def test_every_setting_says_what_it_is(kind):
    text = (ROOT / "docs/reference/settings.md").read_text()
    for name, field in kind.model_fields.items():
        assert f"| `ELT_{name.upper()}` |" in text
        assert field.description or name in Settings.model_fields, name


def test_every_option_says_what_it_does():
    text = (ROOT / "docs/reference/commands.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) > 40
    for row in rows:
        meaning = re.sub(r"\[[^]]*\]", "", row.strip("| ").rpartition(" | ")[2])
        assert re.search(r"[a-z]{3}", meaning), row

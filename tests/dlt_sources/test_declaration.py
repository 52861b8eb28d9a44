"""A wrong source.yml is refused with the file, the path inside it and the fix."""

from pathlib import Path

import pytest
import soupsieve
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonpath_ng.ext import parse

from dlt_sources._steps.declared import check_tables
from dlt_sources.derive import main
from dlt_sources.door import DeclarationError, load_sources
from tests import needs

GOOD = {
    "description": "things",
    "owner": "me",
    "schedule": "0 6 * * *",
    "connector": "rest_api",
    "connection": {"base_url": "http://127.0.0.1"},
    "tables": {"things": {"contract": "Thing", "key": ["id"], "endpoint": {"path": "things"}}},
}
CONTRACT = """
from dlt_sources._steps.contracts.contract import Contract, column
class Thing(Contract):
    id: int = column("id")
"""


def declare(folder: Path, change=None, contract: str = CONTRACT):
    content = yaml.safe_load(yaml.safe_dump(GOOD))
    if change:
        change(content)
    (folder / "things").mkdir(exist_ok=True)
    (folder / "things" / "source.yml").write_text(yaml.safe_dump(content))
    (folder / "things" / "contract.py").write_text(contract)
    return load_sources(folder)["things"]


def test_the_project_s_own_sources_are_right():
    sources = load_sources()
    assert set(sources) >= {"deftunes_api", "deftunes_db"} or needs.why_no_samples()
    for source in sources.values():
        assert source.contracts.keys() == source.tables.keys()
        assert (source.folder / "README.md").read_text().startswith(f"# {source.name}")


def test_a_source_of_two_files_is_enough(tmp_path):
    assert declare(tmp_path).contracts["things"].__name__ == "Thing"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.update(conector="x"), ["source.yml: conector: unknown key; did you mean 'connector'?"]),
        (lambda c: c["tables"]["things"].update(keys=["id"]), ["tables.things.keys: unknown key; did you mean 'key'?"]),
        (lambda c: c["tables"]["things"].pop("key"), ["tables.things.key: required key is missing; add it"]),
        (lambda c: c.pop("owner"), ["owner: required key is missing"]),
        (lambda c: c.update(schedule="daily"), ["'daily' is not a cron expression"]),
        (lambda c: c.update(connector="rest"), ["connector: 'rest' is not one of", "did you mean 'rest_api'"]),
        (lambda c: c["connection"].update(time_out=3), ["connection.time_out: unknown key; did you mean 'timeout'?"]),
        (lambda c: c["tables"]["things"].update(mode="merge"), ["tables.things.mode", "'upsert'"]),
        (lambda c: c["tables"]["things"].update(overlap="a week"), ["tables.things.overlap"]),
        (
            lambda c: c["tables"]["things"].update(cursor="at", deletes="reconcile"),
            ["deletes can only be seen by a full read"],
        ),
        (
            lambda c: c["tables"]["things"]["endpoint"].update(window={"since": "a", "until": "b"}),
            ["needs `cursor` and `start`"],
        ),
        (
            lambda c: c["tables"].update(
                parts=c["tables"]["things"] | {"from": "thngs", "explode": "x", "parent_key": ["id"]}
            ),
            ["'thngs', which is not a table"],
        ),
        (lambda c: c["tables"]["things"].update(explode="x"), ["`from` and `explode` go together"]),
    ],
)
def test_a_mistake_is_named_with_its_place_and_fix(tmp_path, change, said):
    with pytest.raises(DeclarationError) as error:
        declare(tmp_path, change)
    for text in [str(tmp_path / "things" / "source.yml"), *said]:
        assert text in str(error.value)


def test_a_password_in_a_declaration_is_refused(tmp_path):
    def write_it(content):
        content.update(connector="sql_database", connection={"url": "postgresql://me:hunter2@db/x"})
        content["tables"]["things"] = {"contract": "Thing", "key": ["id"], "table": "things"}

    with pytest.raises(DeclarationError) as error:
        declare(tmp_path, write_it)
    assert "connection.url" in str(error.value) and "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("contract", "said"),
    [
        ("", "has no Contract 'Thing'"),
        (CONTRACT.replace("id: int", "idd: int"), "'id' is not a field of Thing; did you mean 'idd'?"),
    ],
)
def test_a_contract_that_does_not_fit_is_named(tmp_path, contract, said):
    with pytest.raises(DeclarationError, match=said.replace("?", r"\?")):
        _ = declare(tmp_path, contract=contract).contracts


def test_files_that_follow_from_the_contracts_have_not_drifted(capsys):
    assert main(check=True) == 0, capsys.readouterr().out


@given(st.text("$.aAzZ_09whereéß[]'\" -*", max_size=12))
def test_what_is_taken_for_a_plain_path_is_a_json_path(text):
    if check_tables._PLAIN_PATH.fullmatch(text):
        parse(text)


@given(st.text("tdTH.#-_>09é[]:* ,", max_size=12))
def test_what_is_taken_for_a_plain_selector_is_a_css_selector(text):
    if check_tables._PLAIN_SELECTOR.fullmatch(text):
        soupsieve.compile(text)


def test_plain_ones_are_taken_for_plain():
    for text in ("$", "$.data", "results", "data.items", "_embedded.orders2"):
        assert check_tables._PLAIN_PATH.fullmatch(text), text
    for text in ("table", "table.prices", "div#main > table.a_b", "section table"):
        assert check_tables._PLAIN_SELECTOR.fullmatch(text), text

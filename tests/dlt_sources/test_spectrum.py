"""The external schemas over silver: AWS's documented grammar reads the statements, and reads out of them what was meant.

sqlglot cannot read CREATE EXTERNAL SCHEMA; the grammar here is that of Redshift's Database Developer Guide.
"""

import os
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlt_sources.door import load_sources
from dlt_sources.spectrum import declaring, statements
from settings import Settings
from tests import needs
from tests.dlt_sources.test_declared_fields import CONTRACT, PARTS, refused
from tests.harness import ROOT

ROLE = "arn:aws:iam::123456789012:role/millrace-redshift"
TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^'\\]|''|\\.)*')|(?P<name>[A-Za-z_]\w*)|(?P<other>\S))", re.S)
PLAIN = re.compile(r"[a-z_][a-z0-9_]{0,126}")  # an identifier that means itself without quotes
WORDS = ("create", "external", "schema", "if", "not", "exists", "from", "data", "catalog", "database", "iam_role")


def tokens(text: str) -> list[tuple[str, str]]:
    """(kind, what it says) of each word; a literal without its quotes and escapes."""
    found = []
    for match in TOKEN.finditer(text.rstrip()):
        kind = match.lastgroup or ""
        said = match[kind]
        found.append(
            (kind, re.sub(r"''|\\(.)", lambda m: m[1] or "'", said[1:-1], flags=re.S) if kind == "text" else said)
        )
    return found


def read(statement: str) -> dict[str, str]:
    """The parts of a CREATE EXTERNAL SCHEMA [IF NOT EXISTS] name FROM DATA CATALOG DATABASE 'd' IAM_ROLE 'r'.

    Raises:
        AssertionError: it is none, or it is more than one.
    """
    words = tokens(statement)
    place = iter(words)

    def said(*expected: str) -> None:
        for word in expected:
            assert next(place) == ("name", word), f"no {word} where it should be in {statement}"

    def any_of(kind: str) -> str:
        found = next(place)
        assert found[0] == kind, f"{found} is not a {kind} in {statement}"
        return found[1]

    said("CREATE", "EXTERNAL", "SCHEMA", "IF", "NOT", "EXISTS")
    parts = {"schema": any_of("name")}
    said("FROM", "DATA", "CATALOG", "DATABASE")
    parts["database"] = any_of("text")
    said("IAM_ROLE")
    parts["role"] = any_of("text")
    assert next(place, None) is None, f"more than one statement: {statement}"
    return parts


def settings_of(**values: str) -> Settings:
    return Settings.model_construct(**{"redshift_role": ROLE, "glue_prefix": "silver_"} | values)


def test_every_source_has_a_schema_over_its_silver():
    sources = load_sources()
    found = [read(statement) for statement in statements(sources, settings_of())]
    assert found == [{"schema": f"lake_{name}", "database": f"silver_{name}", "role": ROLE} for name in sources]
    assert len(found) > 4 or needs.why_no_samples()


@pytest.mark.parametrize("source", load_sources())
def test_names_need_no_quotes(source):
    [statement] = statements([source], settings_of())
    parts = read(statement)
    assert PLAIN.fullmatch(parts["schema"]) and parts["schema"] not in WORDS
    assert PLAIN.fullmatch(parts["database"])  # Glue's names are lower case


def test_the_role_and_the_databases_are_those_of_the_settings():
    [statement] = statements(["taxi"], settings_of(redshift_role="arn:aws:iam::1:role/x", glue_prefix="mine_"))
    assert read(statement) == {"schema": "lake_taxi", "database": "mine_taxi", "role": "arn:aws:iam::1:role/x"}


@given(role=st.text("'\\;ab- \n", max_size=12), prefix=st.text("'\\;ab-", max_size=8))
def test_nothing_in_a_setting_ends_its_literal(role, prefix):
    [statement] = statements(["taxi"], settings_of(redshift_role=role, glue_prefix=prefix))
    assert read(statement) == {"schema": "lake_taxi", "database": f"{prefix}taxi", "role": role}


def test_the_grammar_refuses_what_is_none():
    for wrong in (
        "CREATE SCHEMA a",
        "CREATE EXTERNAL SCHEMA IF NOT EXISTS a FROM DATA CATALOG DATABASE 'b' IAM_ROLE 'c'; DROP SCHEMA d",
        "CREATE EXTERNAL SCHEMA IF NOT EXISTS 'a' FROM DATA CATALOG DATABASE 'b' IAM_ROLE 'c'",
        "CREATE EXTERNAL SCHEMA IF NOT EXISTS a FROM DATA CATALOG DATABASE 'b' IAM_ROLE 'c",
    ):
        with pytest.raises(AssertionError):
            read(wrong)


def test_the_command_prints_them_all():
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "ELT_REDSHIFT_ROLE": ROLE}
    done = subprocess.run(
        [sys.executable, "-m", "dlt_sources.spectrum"], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    printed = [text for text in done.stdout.strip().removesuffix(";").split(";\n") if text]
    assert printed == statements(load_sources(), settings_of())


SHORT = CONTRACT.replace('column("name")', 'column("name", max_length=4096)')


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"connector": "files"}, "which version of a file counts"),
        (
            {"things": {"staging": "external", "sinks": ["warehouse", "postgres"]}},
            "would read all of silver at each run",
        ),
        ({"things": {"staging": "external", "sort_by": "id"}}, "neither spread nor sorted by the warehouse"),
        ({"things": {"staging": "external", "distribute_by": "id"}}, "remove `distribute_by`"),
        ({"contract": CONTRACT}, "name may be longer than the 4,096 characters"),
        ({"contract": SHORT.replace("4096", "4097")}, "give it a `max_length`"),
        ({"things": {"staging": "elsewhere"}}, "tables.things.staging"),
        ({"parts": PARTS | {"staging": "external"}}, "the rows change with those of 'things'"),
    ],
)
def test_a_table_that_silver_alone_cannot_give_is_refused(tmp_path, change, said):
    declared = {"contract": SHORT, "things": {"staging": "external"}} | change
    reason = refused(tmp_path, **declared) or "nothing was refused"
    assert said in reason and "(line " in reason, reason


@pytest.mark.parametrize("mode", ["append", "replace", "upsert", "scd2"])
def test_any_mode_may_be_read_from_silver(tmp_path, mode):
    more = {"deletes": "soft"} if mode == "scd2" else {}
    assert refused(tmp_path, contract=SHORT, things={"staging": "external", "mode": mode, **more}) is None
    assert declaring(load_sources(tmp_path)) == ["shop"] and declaring(load_sources()) == []

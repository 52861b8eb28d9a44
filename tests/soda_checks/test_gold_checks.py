"""What one model can say of itself is an audit, which blocks before anything is published; what spans models and layers is a
check of Soda's. Nothing is said twice.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
import yaml
from sqlglot import exp
from sqlmesh import Context
from sqlmesh.core.model import Model

from tests import needs
from tests.harness import ROOT
from warehouse.quote import identifier

GOLD = ROOT / "soda_checks" / "gold"
Fact = tuple[str, frozenset[str]]
"""(kind of a check in Soda's words, its columns)."""


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, Model]:
    """The models of gold by name; no warehouse is needed."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("ELT_")]:
            patch.delenv(name)
        patch.setenv("ELT_DATA_DIR", str(tmp_path_factory.mktemp("audits")))
        context = Context(paths=[str(ROOT / "sqlmesh_project")])
        found = {model.name: model for model in context.models.values() if not model.kind.is_external}
        context.close()
    return found


def columns(expression: exp.Expression) -> list[str]:
    return [column.name for column in expression.find_all(exp.Column)]


def audited(model: Model) -> Iterator[Fact]:
    """What the model's audits say, in Soda's words."""
    for name, arguments in model.audits:
        if name == "not_null":
            yield from (("missing", frozenset({column})) for column in columns(arguments["columns"]))
        elif name == "unique_values":
            yield from (("duplicate", frozenset({column})) for column in columns(arguments["columns"]))
        elif name == "unique_combination_of_columns":
            yield "duplicate", frozenset(columns(arguments["columns"]))
        elif name in ("accepted_range", "accepted_values"):
            yield "invalid", frozenset({arguments["column"].name})
        elif name == "number_of_rows":
            yield "row_count", frozenset()


def checked(contract: dict[str, Any]) -> Iterator[Fact]:
    """What a contract's checks say that stop a run."""
    for column in contract.get("columns") or []:
        for check in column.get("checks") or []:
            yield from facts(check, {column["name"]})
    for check in contract.get("checks") or []:
        yield from facts(check, set())


def facts(check: dict[str, Any], its_columns: set[str]) -> Iterator[Fact]:
    for kind, words in check.items():
        words = words or {}
        if (words.get("threshold") or {}).get("level") != "warn":
            yield kind, frozenset(words.get("columns") or its_columns)


@pytest.mark.slow
def test_no_gold_check_repeats_an_audit(models):
    repeated = []
    for path in sorted(GOLD.glob("*/*.yml")):
        contract = yaml.safe_load(path.read_text(encoding="utf-8"))
        said = set(audited(models[f"{path.parent.name}.{path.stem}"]))
        repeated += [(path.name, kind, sorted(names)) for kind, names in checked(contract) if (kind, names) in said]
        assert list(checked(contract)) or "warn" in path.read_text(), f"{path.name} checks nothing"
    assert repeated == []


def test_every_audit_blocks_and_looks_at_the_whole_table(models):
    for name, model in models.items():
        for audit, arguments in model.audits_with_args:
            assert audit.blocking and not audit.skip and "blocking" not in arguments, (name, audit.name)
        assert model.time_column is None, f"{name}: audits of a range of time look at the rows of that range alone"


def test_the_grain_of_every_model_is_audited(models):
    """Of a grain that may be NULL the combination is unique all the same."""
    lacking = {
        name
        for name, model in models.items()
        if name.split(".")[0] != "ops"
        and ("duplicate", frozenset(c for grain in model.grains for c in columns(grain))) not in set(audited(model))
    }
    assert lacking == set()


@pytest.mark.slow
def test_every_audit_finds_the_row_that_it_is_about(models):
    """Each audit of nulls, duplicates, values and ranges: on a table that holds one row which breaks it, and none else."""
    tried = 0
    with duckdb.connect() as con:
        for name, model in models.items():
            types = {column: kind.sql("duckdb") for column, kind in model.columns_to_types_or_raise.items()}
            con.execute("DROP TABLE IF EXISTS t")
            declared = ", ".join(f"{identifier(column)} {kind}" for column, kind in types.items())
            con.execute(f"CREATE TABLE t ({declared})")
            for audit, arguments in model.audits_with_args:
                for rows in broken(audit.name, arguments):
                    query = model.render_audit_query(audit, this_model=exp.to_table("t"), **arguments).sql("duckdb")
                    con.execute("DELETE FROM t")
                    assert con.execute(query).fetchall() == [], (name, audit.name)
                    for row in rows:
                        con.execute(*insert(row, types))
                    assert con.execute(query).fetchall(), (name, audit.name, rows)
                    tried += 1
    assert tried > 200 or needs.removed_samples()


def broken(audit: str, arguments: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """Tables, each with rows that break the audit in one way; what a row does not name is there, and harmless."""
    if audit == "not_null":
        yield from ([{column: None}] for column in columns(arguments["columns"]))
    elif audit in ("unique_values", "unique_combination_of_columns"):
        yield [{}, {}]
    elif audit == "accepted_range":
        yield [{arguments["column"].name: -1}]
        yield [{arguments["column"].name: 101}]
    elif audit == "accepted_values":
        yield [{arguments["column"].name: "?"}]


def insert(row: dict[str, Any], types: dict[str, str]) -> tuple[str, list[Any]]:
    values = [row[column] if column in row else harmless(kind) for column, kind in types.items()]
    return f"INSERT INTO t VALUES ({', '.join('?' * len(values))})", values


def harmless(kind: str) -> Any:
    if kind.startswith("TEXT"):
        return "a"
    return "2020-01-01" if kind.startswith(("TIMESTAMP", "DATE")) else 1

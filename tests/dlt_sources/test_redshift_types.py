"""Columns on Redshift: each contract's type becomes the type that holds all it accepts, and gold passes texts on whole."""

import os
import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import Field
from sqlglot import exp
from sqlmesh import Context
from sqlmesh.core.lineage import lineage

from dlt_sources._steps.contracts.columns import columns_of
from dlt_sources._steps.contracts.contract import Contract, column
from dlt_sources._steps.declared.declaration import DeclarationError
from dlt_sources._steps.declared.source_yml import Table
from dlt_sources._steps.judge.judge import Judge
from dlt_sources._steps.staging.tables import columns_for, create_table, for_redshift, redshift_keys
from dlt_sources.door import load_sources
from tests import needs
from tests.dlt_sources.shop import source_of
from tests.harness import ROOT
from warehouse.column_types import LONGEST_TEXT
from warehouse.staging import LOADS, MARKS, REJECTED

SOURCES = load_sources()
TABLES = [(source, name) for source in SOURCES.values() for name in source.tables]


class Everything(Contract):
    """A column of every type."""

    code: str = column("text with a length", max_length=20)
    long: str = column("text whose bytes pass Redshift's longest", max_length=20_000)
    free: str | None = column("text of any length")
    status: Literal["new", "gone"] = column("choices")
    sign: Annotated[str, Field(max_length=3)] = column("length in the annotation")
    email: str = column("personal", pii="hash", max_length=500)
    number: int = column("whole number")
    share: float = column("number")
    price: Decimal = column("money", max_digits=10, decimal_places=2)
    flag: bool = column("yes or no")
    day: date = column("day")
    at: datetime | None = column("moment")


EXPECTED = {
    "code": "VARCHAR(80)",
    "long": "VARCHAR(65535)",
    "free": "VARCHAR(65535)",
    "status": "VARCHAR(16)",
    "sign": "VARCHAR(12)",
    "email": "VARCHAR(256)",
    "number": "BIGINT",
    "share": "DOUBLE PRECISION",
    "price": "DECIMAL(10,2)",
    "flag": "BOOLEAN",
    "day": "DATE",
    "at": "TIMESTAMP",
    "_load_id": "VARCHAR(128)",
    "_row": "BIGINT",
    "_deleted": "BOOLEAN",
    "_read_at": "TIMESTAMP",
    "_refine_id": "VARCHAR(128)",
}
TYPES = {
    str: "VARCHAR",
    int: "BIGINT",
    float: "DOUBLE PRECISION",
    Decimal: "DECIMAL",
    bool: "BOOLEAN",
    date: "DATE",
    datetime: "TIMESTAMP",
}


def types_of(contract: type[Contract]) -> dict[str, str]:
    return for_redshift({c.name: c.sql_type for c in columns_of(contract)})


def made(source, name) -> dict[str, str]:
    """What Redshift is asked for: per column its type and keys."""
    statement = create_table("stg", name, for_redshift(columns_for(source, name)), redshift_keys(source, name))
    return dict(re.findall(r'"(\w+)" (.*?)(?:, (?=")|\)$)', statement[statement.index("(") + 1 :]))


def test_every_type_of_a_contract_has_its_type_on_redshift():
    assert types_of(Everything) | for_redshift(MARKS) == EXPECTED


@pytest.mark.parametrize(("source", "name"), TABLES, ids=[f"{source.name}.{name}" for source, name in TABLES])
def test_every_column_that_is_declared_has_its_type_length_and_keys(source, name):
    table, found = source.tables[name], made(source, name)
    for c in columns_of(source.contracts[name]):
        text = found[c.name]
        assert text.startswith("VARCHAR(" if c.pii == "hash" else TYPES[c.kind]), c.name
        if text.startswith("VARCHAR"):
            [length] = re.findall(r"^VARCHAR\((\d+)\)", text)
            assert int(length) == min(4 * int(re.findall(r"\d+", c.sql_type)[0]), LONGEST_TEXT), c.name
        if c.kind is Decimal:
            assert text.startswith(f"DECIMAL({c.max_digits},{c.decimal_places})")
    assert "NOT NULL" not in str(found)  # the contract says so, and a contract changes
    assert [n for n, text in found.items() if "DISTKEY" in text] == [table.distribute_by] * bool(table.distribute_by)
    assert [n for n, text in found.items() if "SORTKEY" in text] == [table.sort_by]


@pytest.mark.samples
def test_some_tables_are_spread_by_a_key():
    assert {(s.name, n) for s, n in TABLES if s.tables[n].distribute_by} >= {("deftunes_api", "sessions")}


@pytest.mark.samples
@pytest.mark.parametrize("name", [LOADS, REJECTED])
def test_what_the_pipeline_keeps_about_itself_has_lengths_and_a_sort_key(name):
    found = made(next(iter(SOURCES.values())), name)
    assert all(re.match(r"VARCHAR\(\d+\)|BIGINT|BOOLEAN|TIMESTAMP", text) for text in found.values())
    assert found["load_id"] == "VARCHAR(128) SORTKEY"


# ---- what is accepted fits

WIDE = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXTS = st.one_of(
    st.text(WIDE, max_size=12),
    st.text("🎉é€a", min_size=8, max_size=12),
    st.text("\U0010ffff", min_size=9, max_size=11),
)


class Short(Contract):
    """Texts of ten characters."""

    name: str = column("free text", max_length=10)
    kind: str | None = column("by the bulk check's regex", max_length=10, pattern=r"^[^!]*$")


def judged(folder, contract, rows):
    """(accepted, rejected) rows as a refine judges them."""
    folder.mkdir(parents=True, exist_ok=True)
    marks = {"_row": range(len(rows)), "_deleted": [False] * len(rows), "_read_at": [datetime(2020, 1, 1)] * len(rows)}
    names = list(contract.model_fields)
    landed = pa.table(
        {n: pa.array([row[n] for row in rows], pa.string()) for n in names} | {k: list(v) for k, v in marks.items()}
    )
    landed = landed.cast(
        pa.schema(
            [
                *[(n, pa.string()) for n in names],
                ("_row", pa.int64()),
                ("_deleted", pa.bool_()),
                ("_read_at", pa.timestamp("us")),
            ]
        )
    )
    pq.write_table(landed, folder / "1700000000.5.a.parquet")
    judge = Judge("shop", folder / "work", "salt", datetime(2020, 1, 1), "1GB")
    result = judge.judge("rows", Table(contract="C", key=["name"]), contract, [str(folder / "1700000000.5.a.parquet")])
    return [
        [row for path in paths for row in pq.read_table(path).to_pylist()]
        for paths in (result.accepted, result.rejected)
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(names=["🎉" * 10, "🎉" * 11, "a" * 11, "é" * 10])
@given(names=st.lists(TEXTS, min_size=1, max_size=8))
def test_text_that_is_accepted_fits_in_bytes_and_what_is_longer_is_rejected(tmp_path_factory, names):
    widths = {n: int(re.findall(r"VARCHAR\((\d+)\)", text)[0]) for n, text in types_of(Short).items()}
    accepted, rejected = judged(tmp_path_factory.mktemp("judged"), Short, [{"name": n, "kind": n} for n in names])
    assert {row["_row"] for row in accepted} == {
        at for at, name in enumerate(names) if len(name) <= 10 and "!" not in name
    }
    for row in accepted:
        assert all(len(row[n].encode()) <= width for n, width in widths.items())
    assert len(accepted) + len(rejected) == len(names)


@pytest.mark.parametrize("contract", sorted({c for s in SOURCES.values() for c in s.contracts.values()}, key=str))
def test_no_declared_text_may_be_longer_than_redshift_s_longest(contract):
    """65,535 bytes hold 16,383 characters of any kind: a longer contract could accept what COPY then refuses."""
    for c in columns_of(contract):
        if c.kind is str and c.pii != "hash" and not c.choices:
            assert c.max_length is not None and 4 * c.max_length <= LONGEST_TEXT, f"{contract.__name__}.{c.name}"


class Bad(Contract):
    """A row that is always wrong, with room for more than Redshift's longest text."""

    name: str = column("wrong", max_length=1)


@pytest.mark.samples
def test_a_rejected_row_s_raw_text_fits_in_bytes(tmp_path):
    [_, rejected] = judged(tmp_path, Bad, [{"name": "🎉" * 30_000}, {"name": "é" * 59_000}])
    widths = {
        n: int(re.findall(r"\((\d+)\)", text)[0])
        for n, text in made(next(iter(SOURCES.values())), REJECTED).items()
        if "VARCHAR" in text
    }
    assert len(rejected) == 2
    for row in rejected:
        assert {
            n: len(row[n].encode()) for n, width in widths.items() if n in row and len(row[n].encode()) > width
        } == {}


# ---- keys that name nothing


@pytest.mark.parametrize("key", ["distribute_by", "sort_by"])
@pytest.mark.parametrize("value", ["naem", "_refined", "secret"])
def test_a_key_that_is_not_a_stored_column_is_an_error_that_names_it(tmp_path, inbox, key, value):
    """`secret` is a field, but one that never reaches the warehouse."""
    folder = tmp_path / "sources" / "shop"
    source_of(tmp_path, inbox)
    contract = (folder / "contract.py").read_text()
    (folder / "contract.py").write_text(contract + '    secret: str = column("s", pii="drop", max_length=5)\n')
    content = yaml.safe_load((folder / "source.yml").read_text())
    content["tables"]["things"][key] = value
    (folder / "source.yml").write_text(yaml.safe_dump(content))
    with pytest.raises(DeclarationError, match=rf"source\.yml: tables\.things.*'{value}' is not a"):
        _ = load_sources(folder.parent)["shop"].contracts


@pytest.mark.parametrize("value", ["name", "_load_id", "_refine_id", "_row", "_read_at"])
def test_a_key_may_be_a_mark(tmp_path, inbox, value):
    shop = source_of(tmp_path, inbox, sort_by=value)
    assert "SORTKEY" in made(shop, "things")[value]


# ---- gold


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("ELT_")]:
            patch.delenv(name)
        patch.setenv("ELT_DATA_DIR", str(tmp_path_factory.mktemp("types")))
        context = Context(paths=[str(ROOT / "sqlmesh_project")])
        yield {m.name.replace('"', ""): m for m in context.models.values()}
        context.close()


def free_texts() -> dict[tuple[str, str], int]:
    """Per (staging table, column) of free text: the characters of its contract. Codes are ASCII and need no room."""
    return {
        (f"stg_{source.name}.{name}", c.name): int(re.findall(r"\d+", c.sql_type)[0])
        for source, name in TABLES
        for c in columns_of(source.contracts[name])
        if c.kind is str and c.pii != "hash" and not c.choices and not c.pattern and not c.computed
    }


def passed_on(node, models, free) -> set[tuple[str, str]]:
    """The free texts that a column holds as they are: through casts and renames only, of any branch and model."""
    if isinstance(node.expression, exp.Table):
        place = f"{node.expression.db}.{node.expression.name}", node.name.rsplit(".", 1)[-1].strip('"')
        model = models.get(place[0])
        if place in free or model is None or model.kind.is_external or model.kind.is_seed:
            return {place} & free.keys()
        return passed_on(lineage(place[1], model), models, free)
    here = node.expression.this if isinstance(node.expression, exp.Alias) else node.expression
    while isinstance(here, exp.Cast | exp.Paren):
        here = here.this
    if not isinstance(here, exp.Column | exp.SetOperation):
        return set()
    return set().union(*(passed_on(below, models, free) for below in node.downstream))


def room(kind) -> int:
    sizes = [int(p.name) for p in kind.expressions]
    return sizes[0] if sizes else LONGEST_TEXT


@pytest.mark.slow
def test_gold_gives_free_text_four_bytes_for_each_character(models):
    free, seen, short = free_texts(), 0, []
    for name, model in models.items():
        if model.kind.is_external or model.kind.is_seed:
            continue
        for output, kind in model.columns_to_types.items():
            if not kind.is_type(*exp.DataType.TEXT_TYPES):
                continue
            for origin in passed_on(lineage(output, model), models, free):
                seen += 1
                if room(kind) < min(4 * free[origin], LONGEST_TEXT):
                    short.append(
                        f"{name}.{output} has {room(kind)} bytes for {free[origin]} characters of {'.'.join(origin)}"
                    )
    assert not short, "\n".join(short)
    assert seen > 40 or needs.why_no_samples(), seen

"""A contract changes over existing rows: what follows by itself does, the rest waits, and `rebuild` finishes each.

After it, staging, silver and the rejected rows are those of a fresh project with the new contract and the same landing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from dlt.common.versioned_state import compress_state

import settings as configuration
from dlt_sources._steps.declared import own_code
from dlt_sources._steps.silver.silver import Silver
from dlt_sources._steps.staging.stage import Staging
from dlt_sources.door import (
    ContractChangedError,
    DeclarationError,
    Source,
    land,
    read_staging_progress,
    rebuild,
    refine,
)
from tests.harness import ROOT
from warehouse.connection import connect

BEFORE: dict[str, str] = {
    "id": 'int = column("key")',
    "amount": 'int | None = column("amount", default=None)',
    "price": 'Decimal | None = column("price", max_digits=8, decimal_places=2, default=None)',
    "name": 'str | None = column("name", max_length=20, default=None)',
    "mail": 'str | None = column("mail", max_length=64, default=None)',
    "at": 'datetime | None = column("at", default=None)',
    "day": 'date | None = column("day", default=None)',
    "tags": 'list[dict] | None = checked_only("tags", default=None)',
}
TAG: dict[str, str] = {
    "id": 'int = column("record", path="_parent.id")',
    "place": 'int = column("place", path="_index")',
    "word": 'str = column("word", max_length=10)',
}
HEAD = """from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Literal
from dlt_sources.contract import Contract, checked_only, column, computed
"""
EXTRACT = """import json
from pathlib import Path

def orders(request, values):
    yield from json.loads(Path(__file__).with_name("rows.json").read_text())

goods = sales = orders
"""
DAYS: list[list[dict[str, Any]]] = [
    [
        {
            "id": 1,
            "amount": 5,
            "price": "1.50",
            "name": "one",
            "mail": "a@x.org",
            "at": "2020-01-01T10:00:00",
            "day": "2020-01-01",
            "note": "n1",
            "tags": [{"word": "red"}, {"word": "a word too long for it"}],
        },
        {
            "id": 2,
            "amount": 70,
            "price": None,
            "name": "a longer name",
            "mail": None,
            "at": None,
            "day": None,
            "tags": [],
        },
        {
            "id": 3,
            "amount": 2.5,
            "price": "3",
            "name": None,
            "mail": "c@x.org",
            "at": "2020-01-03T00:00:00",
            "day": "2020-01-03",
        },
        {"id": 4, "amount": -1, "price": "123456.78", "name": "four", "day": "2020-01-04T11:00:00", "note": "n4"},
        {"amount": 9},
    ],
    [
        {
            "id": 1,
            "amount": 6,
            "price": "1.75",
            "name": "one",
            "mail": "a@x.org",
            "at": "2020-01-01T10:00:00",
            "day": "2020-01-01",
            "note": "m1",
            "tags": [{"word": "blue"}],
        },
        {"id": 5, "amount": 50, "price": "9.999", "name": "five", "mail": "e@x.org", "note": "m5"},
    ],
    [
        {
            "id": 6,
            "amount": 8,
            "price": "2.00",
            "name": "six",
            "mail": "f@x.org",
            "note": "l6",
            "at": "2020-02-01T10:00:00",
        }
    ],
]


@dataclass
class Change:
    """A change of the contract (fields; None takes one away) or of the declaration.

    Attributes:
        waits: a piece of what is said when it cannot follow by itself.
        tables: another set of tables altogether.
    """

    fields: dict[str, str | None] = field(default_factory=dict)
    table: dict[str, Any] = field(default_factory=dict)
    tag: dict[str, str] = field(default_factory=dict)
    waits: str = ""
    rename: str = "orders"
    without_tags: bool = False


DECIMAL = 'Decimal | None = column("amount", max_digits={}, decimal_places={}, default=None)'
CHANGES: dict[str, Change] = {
    "a nullable column more": Change({"note": 'str | None = column("note", max_length=10, default=None)'}),
    "a required column more": Change({"note": 'str = column("note", max_length=10)'}),
    "a required column that nobody sends": Change({"colour": 'str = column("colour", max_length=10)'}),
    "a column with a default more": Change({"colour": 'str = column("colour", max_length=10, default="red")'}),
    "a computed column more": Change({"double": 'int = computed("double", "id * 2")'}),
    "a column removed": Change({"name": None}),
    "several columns removed": Change({"name": None, "day": None, "amount": None}),
    "renamed, path kept": Change(
        {"amount": None, "total": 'int | None = column("total", path="amount", default=None)'}
    ),
    "two renamed": Change(
        {
            "amount": None,
            "total": 'int | None = column("total", path="amount", default=None)',
            "name": None,
            "title": 'str | None = column("title", path="name", max_length=20, default=None)',
        }
    ),
    "renamed and longer": Change(
        {"name": None, "title": 'str | None = column("title", path="name", max_length=200, default=None)'}
    ),
    "renamed and wider": Change(
        {
            "price": None,
            "cost": 'Decimal | None = column("cost", path="price", max_digits=12, decimal_places=4, default=None)',
        }
    ),
    "another path": Change({"name": 'str | None = column("name", path="mail", max_length=20, default=None)'}),
    "required to nullable": Change(
        {"id": 'int = column("key", ge=0)', "name": 'str | None = column("name", max_length=20)'}
    ),
    "nullable to required": Change({"name": 'str = column("name", max_length=20)'}),
    "stricter bounds": Change({"amount": 'int | None = column("amount", ge=0, le=60, default=None)'}),
    "looser bounds": Change(
        {"price": 'Decimal | None = column("price", max_digits=8, decimal_places=2, default=None, ge=0)'}
    ),
    "a pattern": Change({"name": 'str | None = column("name", max_length=20, pattern="^[a-z]+$", default=None)'}),
    "decimal wider": Change(
        {"price": 'Decimal | None = column("price", max_digits=12, decimal_places=4, default=None)'}
    ),
    "decimal with more digits": Change(
        {"price": 'Decimal | None = column("price", max_digits=18, decimal_places=2, default=None)'}
    ),
    "int to a decimal that holds every int": Change({"amount": DECIMAL.format(25, 4)}),
    "text longer": Change({"name": 'str | None = column("name", max_length=200, default=None)'}),
    "int to decimal": Change({"amount": DECIMAL.format(10, 2)}, waits="amount: BIGINT -> DECIMAL(10,2)"),
    "int to float": Change(
        {"amount": 'float | None = column("amount", default=None)'}, waits="amount: BIGINT -> DOUBLE"
    ),
    "int to text": Change(
        {"amount": 'str | None = column("amount", coerce_numbers_to_str=True, max_length=9, default=None)'},
        waits="amount: BIGINT -> VARCHAR(9)",
    ),
    "text to int": Change({"name": 'int | None = column("name", default=None)'}, waits="name: VARCHAR(20) -> BIGINT"),
    "text to datetime": Change({"name": 'datetime | None = column("name", default=None)'}, waits="-> TIMESTAMP"),
    "datetime to date": Change({"at": 'date | None = column("at", default=None)'}, waits="at: TIMESTAMP -> DATE"),
    "date to datetime": Change(
        {"day": 'datetime | None = column("day", default=None)'}, waits="day: DATE -> TIMESTAMP"
    ),
    "decimal narrower": Change(
        {"price": 'Decimal | None = column("price", max_digits=6, decimal_places=2, default=None)'},
        waits="price: DECIMAL(8,2) -> DECIMAL(6,2)",
    ),
    "decimal with more places in as many digits": Change(
        {"price": 'Decimal | None = column("price", max_digits=8, decimal_places=3, default=None)'},
        waits="DECIMAL(8,3)",
    ),
    "text shorter": Change(
        {"name": 'str | None = column("name", max_length=5, default=None)'}, waits="VARCHAR(20) -> VARCHAR(5)"
    ),
    "text to a short list": Change(
        {"name": 'Literal["one", "five"] | None = column("name", default=None)'}, waits="VARCHAR(4)"
    ),
    "int to bool": Change({"amount": 'bool | None = column("amount", default=None)'}, waits="BIGINT -> BOOLEAN"),
    "key from int to text": Change(
        {"id": 'str = column("key", coerce_numbers_to_str=True, max_length=9)'},
        tag={"id": 'str = column("record", path="_parent.id", coerce_numbers_to_str=True, max_length=9)'},
        waits="id: BIGINT -> VARCHAR(9)",
    ),
    "clear to hash": Change({"mail": 'str | None = column("mail", max_length=64, pii="hash", default=None)'}),
    "a long text to hash": Change({"name": 'str | None = column("name", max_length=20, pii="hash", default=None)'}),
    "an int to hash": Change(
        {"amount": 'int | None = column("amount", pii="hash", default=None)'}, waits="BIGINT -> VARCHAR(64)"
    ),
    "clear to drop": Change({"mail": 'str | None = column("mail", max_length=64, pii="drop", default=None)'}),
    "key to hash": Change(
        {"id": 'int = column("key", pii="hash")'},
        waits="id: clear -> hash, and it is part of the key",
        without_tags=True,
    ),
    "another key": Change(
        {"name": 'str = column("name", max_length=20)'},
        table={"key": ["name"]},
        waits="key: id -> name",
        without_tags=True,
    ),
    "a longer key": Change(
        {"name": 'str = column("name", max_length=20)'},
        table={"key": ["id", "name"]},
        waits="key: id -> id, name",
        without_tags=True,
    ),
    "key renamed, path kept": Change(
        {"id": None, "number": 'int = column("key", path="id")'}, table={"key": ["number"]}, without_tags=True
    ),
    "upsert to append": Change(table={"mode": "append"}, waits="mode: upsert -> append", without_tags=True),
    "upsert to scd2": Change(
        table={"mode": "scd2", "deletes": "soft"}, waits="mode: upsert -> scd2", without_tags=True
    ),
    "upsert to replace": Change(table={"mode": "replace"}, waits="mode: upsert -> replace", without_tags=True),
    "deletes are seen": Change(table={"deletes": "soft"}),
    "deletes are carried out": Change(
        table={"deletes": "reconcile"}, waits="removes: False -> True", without_tags=True
    ),
    "a cursor": Change(table={"cursor": "at", "overlap": "P400D"}),
    "a table of a list removed": Change(without_tags=True),
    "another name of the table": Change(rename="sales", without_tags=True),
    "a list's column more": Change(
        tag={"also": 'str | None = column("word again", path="word", max_length=90, default=None)'}
    ),
    "a list's text longer": Change(tag={"word": 'str = column("word", max_length=50)'}),
    "a list's text to int": Change(
        tag={"word": 'int = column("word")'}, waits="tags changed (word: VARCHAR(10) -> BIGINT)"
    ),
}


class Shop:
    """A source `shop` of one's own code; each has a folder with its declaration, code and data."""

    def __init__(self, folder: Path, settings: configuration.Settings) -> None:
        self.folder, self.settings = folder / "sources" / "shop", settings
        self.folder.mkdir(parents=True)
        (self.folder / "extract.py").write_text(EXTRACT)
        self.declare(Change())

    def declare(self, change: Change) -> None:
        fields = {n: text for n, text in (BEFORE | change.fields).items() if text is not None}
        lines = [HEAD, "class Order(Contract):", *(f"    {n}: {text}" for n, text in fields.items())]
        lines += ["class Tag(Contract):", *(f"    {n}: {text}" for n, text in (TAG | change.tag).items())]
        (self.folder / "contract.py").write_text("\n".join(lines) + "\n")
        name = change.rename
        tables: dict[str, Any] = {name: {"contract": "Order", "key": ["id"], "skip_if_unchanged": True, **change.table}}
        if not change.without_tags:
            tables["tags"] = {
                "contract": "Tag",
                "key": ["id", "place"],
                "from": name,
                "explode": "tags",
                "parent_key": ["id"],
            }
        declared = {
            "description": "orders",
            "owner": "me",
            "schedule": "@daily",
            "connector": "python",
            "tables": tables,
        }
        (self.folder / "source.yml").write_text(yaml.safe_dump(declared))
        own_code.forget(self.folder)
        self.source = Source(self.folder)

    def send(self, rows: list[dict[str, Any]]) -> None:
        (self.folder / "rows.json").write_text(json.dumps(rows))
        land(self.source, self.settings)

    def state(self) -> dict[str, list[Any]]:
        """Everything that is staged and in silver, without what the time of the refine gives."""
        found: dict[str, list[Any]] = {}
        silver = Silver("shop", self.settings)
        with connect(self.settings) as con:
            tables = con.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'stg_shop'"
            ).fetchall()
            for (name,) in tables:
                if name != "_state":
                    cursor = con.execute(f'SELECT * FROM stg_shop."{name}"')
                    found[f"staging.{name}"] = _rows([column[0] for column in cursor.description], cursor.fetchall())
        for name in silver.tables():
            reader = silver.rows(name, silver.loads(name))
            assert reader is not None
            rows = reader.read_all()
            found[f"silver.{name}"] = _rows(rows.column_names, [tuple(row.values()) for row in rows.to_pylist()])
        return found

    def files(self) -> bytes:
        """Every byte of silver."""
        return b"".join(path.read_bytes() for path in Path(self.settings.silver, "shop").rglob("*") if path.is_file())


def _rows(names: list[str], rows: list[tuple[Any, ...]]) -> list[Any]:
    unlike = ("_refine_id", "refined_at", "rejected_at", "_deleted_at")
    return sorted(
        (sorted((n, str(v)) for n, v in zip(names, row, strict=True) if n not in unlike) for row in rows), key=str
    )


def fresh(shop: Shop, change: Change, folder: Path) -> dict[str, list[Any]]:
    """What a project that never knew another contract makes of the same landing."""
    shutil.copytree(shop.settings.landing, folder / "data" / "lake" / "landing")
    data = shop.settings.model_copy(update={"data_dir": folder / "data"})
    other = Shop(folder, data)
    other.declare(change)
    refine(other.source, other.settings)
    return other.state()


@pytest.fixture
def shop(tmp_path: Path, here: configuration.Settings) -> Shop:
    shop = Shop(tmp_path, here)
    for rows in DAYS[:2]:
        shop.send(rows)
        refine(shop.source, shop.settings)
    return shop


ALIKE = {  # of a kind that another change of the table shows
    "several columns removed",
    "two renamed",
    "a column with a default more",
    "a pattern",
    "looser bounds",
    "decimal with more digits",
    "text longer",
    "int to float",
    "decimal with more places in as many digits",
    "text to a short list",
    "a long text to hash",
    "a longer key",
    "another path",
    "a list's column more",
    "decimal narrower",
    "required to nullable",
}


@pytest.mark.few(4)
@pytest.mark.parametrize(
    "change",
    [pytest.param(change, marks=[pytest.mark.nightly] if name in ALIKE else []) for name, change in CHANGES.items()],
    ids=CHANGES,
)
def test_a_change_ends_where_a_fresh_project_would_be(shop: Shop, change: Change, tmp_path: Path) -> None:
    before = shop.state()
    shop.declare(change)
    shop.send(DAYS[2])
    if change.waits:
        for _ in range(2):
            with pytest.raises(ContractChangedError) as refused:
                refine(shop.source, shop.settings)
            assert change.waits in str(refused.value) and "`python runner.py rebuild shop`" in str(refused.value)
        assert shop.state() == before
    else:
        notes = refine(shop.source, shop.settings).notes
        assert bool(notes) == bool(change.fields or change.tag)
        assert all("rebuild shop" in note for note in notes)
        assert refine(shop.source, shop.settings).notes == []
    rebuild(shop.source, [], shop.settings, progress=lambda text: None)
    refine(shop.source, shop.settings)
    assert shop.state() == fresh(shop, change, tmp_path / "fresh")
    assert refine(shop.source, shop.settings).loads == []
    if "mail" in change.fields:
        assert b"a@x.org" not in shop.files()


# ---- rebuild: killed, taken up, partly


KILLS = [
    "dlt_sources._steps.silver.silver:Silver.write:after:1",
    "warehouse.load:_replace:after:1",
    "dlt_sources._steps.staging.stage:Staging.write:after:1",
    "dlt_sources._steps.staging.stage:Staging.note:before:1",
    "dlt_sources._steps.staging.stage:Staging.note:after:1",
    "pyiceberg.catalog.sql:SqlCatalog.drop_table:after:1",
    "pyiceberg.catalog.sql:SqlCatalog.rename_table:after:1",
    "dlt_sources._steps.silver.silver:Silver.remove_orphans:before:2",
    "dlt_sources._steps.refine.swap:_move:after:1",
    "dlt_sources._steps.refine.swap:_swapped:after:1",
]
CHILD = """
import sys
from pathlib import Path
import settings
from tests.harness import _arm
from dlt_sources.door import Source, rebuild
folder, kill = sys.argv[1:]
_arm(kill)
rebuild(Source(Path(folder)), [], settings.load(), progress=lambda text: None)
"""
RETYPED = CHANGES["int to decimal"]


def rebuild_shop(shop: Shop, *tables: str) -> Any:
    return rebuild(shop.source, tables, shop.settings, progress=lambda text: None)


@pytest.mark.few(1)
@pytest.mark.parametrize("kill", KILLS)
@pytest.mark.parametrize("then", ["rebuild", "run"])
def test_a_rebuild_that_is_killed_loses_nothing(shop: Shop, kill: str, then: str, tmp_path: Path) -> None:
    before = shop.state()
    shop.declare(CHANGES["stricter bounds"])
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(shop.folder), kill],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
    )
    assert done.returncode == -9, done.stderr
    swapping = read_staging_progress([shop.source], shop.settings)["shop"].swapping
    if not swapping:
        staged = {name: rows for name, rows in shop.state().items() if not name.endswith("__rebuild")}
        assert staged == before or kill == KILLS[9]
    shop.send(DAYS[2])
    if then == "run":
        refine(shop.source, shop.settings)
        assert not read_staging_progress([shop.source], shop.settings)["shop"].swapping
    rebuild_shop(shop)
    refine(shop.source, shop.settings)
    assert shop.state() == fresh(shop, CHANGES["stricter bounds"], tmp_path / "fresh")


def test_a_contract_that_changes_while_a_rebuild_waits_counts(shop: Shop, tmp_path: Path) -> None:
    shop.declare(RETYPED)
    with pytest.raises(RuntimeError), pytest.MonkeyPatch.context() as patch:
        patch.setattr("dlt_sources._steps.refine.rebuild.finish_swap", fail_the_second_time())
        rebuild_shop(shop)
    shop.declare(CHANGES["int to text"])  # the one before is whole and takes its place first
    with pytest.raises(ContractChangedError, match=r"amount: DECIMAL\(10,2\) -> VARCHAR\(9\)"):
        refine(shop.source, shop.settings)
    rebuild_shop(shop)
    assert shop.state() == fresh(shop, CHANGES["int to text"], tmp_path / "fresh")


def fail_the_second_time() -> Callable[..., bool]:
    calls: list[int] = []

    def finish(*_: object) -> bool:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError
        return False

    return finish


def test_one_table_is_rebuilt_with_those_of_its_lists(shop: Shop, tmp_path: Path) -> None:
    shop.declare(CHANGES["a list's text longer"])
    shop.send(DAYS[2])
    assert set(rebuild_shop(shop, "tags").landed) == {"orders", "tags"}
    assert refine(shop.source, shop.settings).notes == []
    assert shop.state() == fresh(shop, CHANGES["a list's text longer"], tmp_path / "fresh")
    with pytest.raises(DeclarationError, match="shop has no table 'tog'; it has orders, tags"):
        rebuild_shop(shop, "tog")


# ---- raw rows that have expired


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "name",
    [
        "stricter bounds",
        "int to decimal",
        "renamed, path kept",
        "clear to hash",
        "text to int",
        *(
            pytest.param(name, marks=pytest.mark.nightly)
            for name in ("a required column more", "nullable to required", "a column removed", "text shorter")
        ),
    ],
)
def test_rows_whose_raw_rows_have_expired_are_carried_over(shop: Shop, name: str) -> None:
    change = CHANGES[name]
    before = shop.state()
    first = sorted(path.name for path in Path(shop.settings.landing, "shop", "orders").iterdir())[0]
    Path(shop.settings.landing, "shop", "orders", first).unlink()
    shop.declare(change)
    done = rebuild_shop(shop)
    after = shop.state()
    counted = [dict(row) for row in after["staging._loads"]]
    assert all(int(row["landed"]) == int(row["accepted"]) + int(row["rejected"]) for row in counted)
    assert {row["load_id"] for row in counted} == {dict(row)["load_id"] for row in before["staging._loads"]}
    load = first.rsplit(".", 2)[0]
    silver = [dict(row) for row in after["silver.orders"] if dict(row)["_load_id"] == load]
    assert done.carried.get("orders", 0) == len(silver)
    rejected = [dict(row) for row in after["staging._rejected"] if dict(row)["load_id"] == load]
    earlier = [dict(row) for row in before["silver.orders"] if dict(row)["_load_id"] == load]
    refused = [row for row in rejected if row["rule"] == "carried_over" and row["table_name"] == "orders"]
    assert len(silver) + len(refused) == len(earlier)
    assert len(refused) == {"stricter bounds": 1, "text to int": 2, "a required column more": 2, "text shorter": 1}.get(
        name, 0
    )
    values = {"int to decimal": ("amount", "5.00"), "renamed, path kept": ("total", "5")}
    if name in values:
        column, value = values[name]
        assert value in {row[column] for row in silver}
    if name == "clear to hash":
        assert b"a@x.org" not in shop.files() and all(row["mail"] == "None" or len(row["mail"]) == 64 for row in silver)


# ---- a staging that dlt wrote


def test_a_staging_that_dlt_wrote_is_taken_over(shop: Shop, tmp_path: Path) -> None:
    before, state = shop.state(), Staging.open(shop.source, shop.settings).progress
    with connect(shop.settings) as con:
        known = {"sources": {"shop": {"last_load": state.last_load, "refine_id": state.refine_id, "in_order": True}}}
        con.execute("DROP TABLE stg_shop._state")
        con.execute(
            "CREATE TABLE stg_shop._dlt_pipeline_state (state VARCHAR, pipeline_name VARCHAR, _dlt_load_id VARCHAR)"
        )
        con.execute("CREATE TABLE stg_shop._dlt_loads (load_id VARCHAR, status BIGINT)")
        con.execute("INSERT INTO stg_shop._dlt_loads VALUES ('1', 0)")
        con.execute("INSERT INTO stg_shop._dlt_pipeline_state VALUES (?, 'stage_shop', '1')", [compress_state(known)])
        con.execute("ALTER TABLE stg_shop.orders ALTER COLUMN id SET NOT NULL")
        con.execute("ALTER TABLE stg_shop.orders ALTER COLUMN _load_id SET NOT NULL")
        con.execute("CREATE SCHEMA stg_shop_staging")
        con.execute("CREATE TABLE stg_shop_staging.orders AS SELECT * FROM stg_shop.orders")
    shop.declare(CHANGES["key renamed, path kept"])
    assert refine(shop.source, shop.settings).loads == []  # nothing is refined again
    with connect(shop.settings) as con:
        assert con.execute(
            "SELECT count(*) FROM information_schema.schemata WHERE schema_name LIKE '%_staging'"
        ).fetchone() == (0,)
    assert [len(rows) for rows in shop.state().values()] == [len(rows) for rows in before.values()]
    shop.send(DAYS[2])
    refine(shop.source, shop.settings)
    rebuild_shop(shop)
    assert shop.state() == fresh(shop, CHANGES["key renamed, path kept"], tmp_path / "fresh")

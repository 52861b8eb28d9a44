"""A year of a source's life through the command line: each change of its contract, and gold that is a fresh project's at the end."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.small import Small

pytestmark = pytest.mark.slow

HEAD = '''"""What a thing is."""

from decimal import Decimal

from dlt_sources.contract import Contract, column


class Thing(Contract):
    """One thing."""

    id: int = column("The thing", ge=1)
'''
MODEL = """MODEL (
  name shop_gold.things_now,
  kind {kind},
  owner analytics,
  grain id,
  description 'Things.',
  column_descriptions (id = 'The thing', name = 'Its name', price = 'Its price'),
  audits (UNIQUE_VALUES(columns := (id)), NOT_NULL(columns := (id)))
);

SELECT
  t.id::BIGINT AS id,
  t.{name}::VARCHAR(80) AS name,
  t.price::DECIMAL(12, 2) AS price
FROM stg_shop.things AS t
WHERE
  @refined_since(t._refine_id)
"""
INCREMENTAL = "INCREMENTAL_BY_UNIQUE_KEY (\n    unique_key id\n  )"
NAME = '    name: str = column("Its name", min_length=1, max_length=20)\n'
TITLE = '    title: str = column("Its name", path="name", min_length=1, max_length={})\n'
PRICE = '    price: {} = column("Its price"{}, default=None)\n'


class Shop(Small):
    """A source `shop` of CSV files and an incremental model of it."""

    def declare(self, name: str, **table: Any) -> None:
        super().declare(name, **table)
        self.change(NAME + PRICE.format("int | None", ""), "name", derive=False)
        (self.code / "sqlmesh_project/tests/test_shop.yaml").unlink()

    def change(self, fields: str, name: str, *, derive: bool = True) -> None:
        """Give the contract other fields, and the model the column `name`."""
        (self.code / "dlt_sources/shop/contract.py").write_text(HEAD + fields)
        path = self.code / "sqlmesh_project/models/shop_gold/things_now.sql"
        text = MODEL.format(kind=INCREMENTAL, name=name)
        path.write_text(text.replace("  audits (", "  ignored_rules ARRAY('nomissingunittest'),\n  audits ("))
        if derive:
            self("-m", "dlt_sources.derive")

    def bring(self, file: str, *rows: str, header: str = "id,name,price") -> None:
        (self.drop["shop"] / file).write_text("\n".join([header, *rows]) + "\n")

    def things(self) -> list[tuple[Any, ...]]:
        return self.query("SELECT id, name, price FROM shop_gold.things_now ORDER BY 1")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path, "shop")


@pytest.mark.nightly
def test_a_year_of_a_source(shop: Shop, tmp_path: Path) -> None:
    shop.bring("01.csv", "1,one,1", "2,two,2", "3,a longer name,300")
    shop.run("run", "--now")

    shop.change(
        NAME + PRICE.format("int | None", "") + '    colour: str | None = column("Its colour", max_length=9)\n', "name"
    )
    shop.bring("02.csv", "4,four,4,red", header="id,name,price,colour")
    assert "`python runner.py rebuild shop things`" in shop.run("run", "--now").stdout
    assert "rebuild shop" not in shop.run("run", "--now").stdout

    fields = TITLE.format(200) + PRICE.format("int | None", "")  # renamed, longer, and the colour is gone
    shop.change(fields, "title")
    shop.bring("03.csv", "5,five,5")
    shop.run("plan")
    shop.run("run", "--now")
    assert [name for _, name, _ in shop.things()] == ["one", "two", "a longer name", "four", "five"]

    fields = TITLE.format(200) + PRICE.format("Decimal | None", ", max_digits=8, decimal_places=2, ge=0, le=100")
    shop.change(fields, "title")
    before = shop.things()
    shop.bring("04.csv", "6,six,6.50", "1,one again,1.25")
    for _ in range(2):
        held = shop.run("run", "--now", code=2)
        assert (
            "contract of shop.things changed (price: BIGINT -> DECIMAL(8,2)); run `python runner.py rebuild shop`"
            in held.stderr
        )
        assert "Traceback" not in held.stderr and shop.things() == before
    rebuilt = shop.run("rebuild", "shop", code=None)
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
    shop.run("run", "--now")
    found = shop.things()
    assert (3, "a longer name", 300) not in [(i, n, int(p or 0)) for i, n, p in found], "its price breaks the new rule"
    assert {i for i, _, _ in found} == {1, 2, 4, 5, 6}
    assert "300" in shop.run("rejected", "shop").stdout

    fresh = tmp_path / "fresh"
    shutil.copytree(shop.data / "lake" / "landing", fresh / "lake" / "landing")
    shop.run("replay", "shop", ELT_DATA_DIR=str(fresh))
    used, shop.data = shop.data, fresh
    assert shop.things() == found
    shop.data = used

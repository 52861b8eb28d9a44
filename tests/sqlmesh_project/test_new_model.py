"""`runner.py new model`: a model over staging that loads, is formatted, passes the linter and its own unit test as it is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests import forks, harness
from tests.harness import ROOT
from tests.project import SQLMESH
from tests.small import Small

pytestmark = pytest.mark.slow

CONTRACT = '''"""What a thing is."""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from dlt_sources.contract import Contract, column


class Thing(Contract):
    """One thing; it isn't much."""

    id: int = column("The thing", ge=1)
    name: str = column("Its owner's name", pii="keep", max_length=20)
    mail: str | None = column("Address", pii="hash", max_length=100)
    order: int | None = column("A word of SQL's")
    kind: Literal["big", "small"] = column("Its kind")
    code: str = column("A letter", max_length=1)
    price: Decimal | None = column("What it cost", max_digits=12, decimal_places=2)
    on_sale: bool = column("Whether it is on sale")
    made_on: date | None = column("When it was made")
    seen_at: datetime = column("When it was seen")
'''
HEAD = "id,name,mail,order,kind,code,price,on_sale,made_on,seen_at"
ROWS = [
    f"{n},Jane Doe {n},jane{n}@example.com,{n * 10},big,c,{n}.50,true,2026-01-0{n},2026-01-0{n}T12:00:00"
    for n in (1, 2, 3)
]


@pytest.fixture
def shop(tmp_path: Path) -> Small:
    """A source of many types, of which nothing has landed."""
    small = Small(tmp_path, "shop")
    (small.code / "dlt_sources/shop/contract.py").write_text(CONTRACT)
    small("-m", "dlt_sources.derive")
    return small


def passes(code: Path, environment: dict[str, str], tests: str) -> None:
    """What `make check` asks of models and of YAML."""
    for command in (["format", "--check"], ["lint"], ["test"]):
        done = forks.run(["-c", SQLMESH, "-p", "sqlmesh_project", *command], code, environment)
        assert done.returncode == 0, done.stdout + done.stderr
    files = [*(code / "sqlmesh_project/tests").glob(f"test_{tests}.yaml")]
    rules = ["-c", str(ROOT / ".yamllint.yml")]
    done = subprocess.run([sys.executable, "-m", "yamllint", "-s", *rules, *files], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("landed", [False, True])
def test_a_model_over_staging_is_right_as_it_is_written(shop: Small, landed: bool) -> None:
    (shop.code / "sqlmesh_project/models/shop_gold/things_now.sql").unlink()
    (shop.code / "sqlmesh_project/tests/test_shop.yaml").unlink()
    if landed:
        (shop.drop["shop"] / "1.csv").write_text("\n".join([HEAD, *ROWS]) + "\n")
        shop.run("run", "shop")
    done = shop.run("new", "model", "shop_gold.things", "--from", "stg_shop.things")
    assert "wrote: sqlmesh_project/models/shop_gold/things.sql" in done.stdout and "Next: " in done.stdout
    passes(shop.code, shop.environment, "shop_gold_*")
    text = (shop.code / "sqlmesh_project/tests/test_shop_gold_things.yaml").read_text()
    rows = yaml.safe_load(text)["test_shop_gold_things"]["inputs"]["stg_shop.things"]
    assert len(rows) == 3 and "Jane" not in text and "jane" not in text
    assert [row["order"] for row in rows] == ([10, 20, 30] if landed else [1, 2, None])
    if landed:
        shop.run("plan")
        assert shop.query("SELECT count(*) FROM shop_gold.things", "warehouse.duckdb") == [(3,)]


def test_what_is_there_stays_and_what_is_not_is_named(shop: Small) -> None:
    model = shop.code / "sqlmesh_project/models/shop_gold/things_now.sql"
    before = model.read_text()
    for name, given, said in (
        ("shop_gold.things_now", "stg_shop.things", "is there already"),
        ("stg_shop.things", "stg_shop.things", "cannot be a model's name"),
        ("Shop.Things", "stg_shop.things", "cannot be a model's name"),
        ("shop_gold.more", "stg_shop.thing", "stg_shop.things"),
    ):
        done = shop.run("new", "model", name, "--from", given, code=2)
        assert said in done.stderr and not done.stdout.strip()
    shown = shop.run("new", "model", "shop_gold.more", "--from", "stg_shop.things", "--dry-run").stdout
    assert "name shop_gold.more" in shown and not model.with_name("more.sql").exists() and model.read_text() == before


@pytest.mark.nightly  # of one table of many types: test_a_model_over_staging_is_right_as_it_is_written
@pytest.mark.samples
def test_over_every_table_of_the_samples(tmp_path: Path) -> None:
    """Of every mode and type: versions, rows that are marked as deleted, keys of several columns."""
    code = harness.checkout(tmp_path / "millrace")
    environment = {n: v for n, v in os.environ.items() if not n.startswith("ELT_")}
    environment |= {"ELT_DATA_DIR": str(tmp_path / "data"), "HOME": str(tmp_path)}
    for path in sorted((code / "sqlmesh_project/external_models").glob("*.yaml")):
        for table in yaml.safe_load(path.read_text()) if path.stem != "ops" else []:
            name = f"first_{path.stem}.{table['name'].split('.')[1]}"
            done = forks.run(["runner.py", "new", "model", name, "--from", table["name"]], code, environment)
            assert done.returncode == 0, done.stderr
    passes(code, environment, "first_*")

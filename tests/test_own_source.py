"""A team's own source as it grows: tables that wait for rows, looks that bring none, alerts of its own."""

import json
import os

import duckdb
import pytest
import yaml

from tests import forks
from tests.alerts import listening
from tests.small import own_checkout

pytestmark = pytest.mark.slow

CONTRACT = """from dlt_sources._steps.contracts.contract import Contract, column


class Thing(Contract):
    \"\"\"One thing.\"\"\"

    id: int = column("The thing", ge=1)
    name: str = column("Its name", min_length=1, max_length=20)


class FiledThing(Thing):
    \"\"\"One thing of a file.\"\"\"

    file: str = column("Its file", path="_file", max_length=50)
"""
MODEL = """MODEL (
  name {name},
  kind FULL,
  owner me,
  grain id,
  description 'Things.',
  ignored_rules ARRAY('nomissingunittest'),
  column_descriptions (id = 'The thing'),
  audits (UNIQUE_VALUES(columns := (id)), NOT_NULL(columns := (id))),
  physical_properties (diststyle = 'ALL')
);

SELECT
  t.id::BIGINT AS id
FROM stg_shop.{table} AS t
"""
KINDS = {
    "upsert": {"files": "more_*.csv"},
    "append": {"files": "more_*.csv", "mode": "append", "contract": "FiledThing"},
    "rows": {"rows": []},
}


class Shop:
    """A checkout with a source `shop` of files, whose declaration and files a test may change."""

    def __init__(self, folder):
        self.root, self.data, self.drop = own_checkout(folder / "millrace"), folder / "data", folder / "drop"
        self.home = folder
        self.more = {}
        self.drop.mkdir()
        self.source = self.root / "dlt_sources" / "shop"
        self.source.mkdir()
        (self.source / "contract.py").write_text(CONTRACT)
        self.declare()
        self.deliver("things_1.csv", "1,one")

    def declare(self, more=None, **keys):
        things = {"contract": "Thing", "key": ["id"], "files": "things_*.csv"}
        self.more |= more or {}
        declared = {
            "description": "things",
            "owner": "me",
            "schedule": "@daily",
            "connector": "files",
            "connection": {"url": str(self.drop)},
            "tables": {"things": things, **self.more},
            **keys,
        }
        (self.source / "source.yml").write_text(yaml.safe_dump(declared))
        self("-m", "dlt_sources.derive")

    def declare_other(self, text, name="other"):
        """A second source with the contract of `shop`."""
        folder = self.source.with_name(name)
        folder.mkdir()
        (folder / "source.yml").write_text(text)
        (folder / "contract.py").write_text(CONTRACT)

    def deliver(self, name, *lines):
        (self.drop / name).write_text("\n".join(["id,name", *lines]) + "\n")

    def model(self, name, table):
        folder = self.root / "sqlmesh_project" / "models" / "shop"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.sql").write_text(MODEL.format(name=f"shop.{name}", table=table))

    def __call__(self, *arguments, code=0, **environment):
        environment = {
            "PATH": os.environ["PATH"],
            "ELT_DATA_DIR": str(self.data),
            "HOME": str(self.home),
            "ELT_RETRY_PACE": "0",
            "ELT_DEMO_DATA_DIR": str(self.home / "demo"),
            **environment,
        }
        done = forks.run(arguments, self.root, environment)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def runner(self, *arguments, **keys):
        return self("runner.py", *arguments, **keys)

    def status(self):
        return {row["table"]: row for row in json.loads(self.runner("status", "--json"))["tables"]}

    def query(self, sql, file="warehouse.duckdb"):
        with duckdb.connect(str((self.data / file).resolve()), read_only=True) as con:
            return con.execute(sql).fetchall()


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A source that has run once."""
    shop = Shop(tmp_path_factory.mktemp("own"))
    shop.model("things", "things")
    shop.runner("run", "shop", ELT_NOW="2026-01-01T06:00:00")
    return shop


@pytest.mark.nightly
def test_a_look_that_brings_no_rows_is_a_look(shop):
    [first] = shop.status().values()
    assert first["last_looked"] == "2026-01-01 06:00" and first["landed"] == 1
    assert "nothing to publish" in shop.runner("run", "shop", ELT_NOW="2026-01-02T06:00:00")
    [second] = shop.status().values()
    assert second == first | {"last_looked": "2026-01-02 06:00"}
    (shop.drop).rename(shop.home / "away")
    shop.runner("run", "shop", ELT_NOW="2026-01-03T06:00:00", code=3)
    (shop.home / "away").rename(shop.drop)
    assert list(shop.status().values()) == [second]
    looked = "SELECT strftime(last_looked_at, '%d'), loads, landed FROM ops.freshness WHERE source = 'shop'"
    assert shop.query(looked) == [("02", 1, 1)]


@pytest.mark.nightly
@pytest.mark.few(1)
@pytest.mark.parametrize("kind", ["upsert", pytest.param("append", marks=pytest.mark.nightly), "rows"])
def test_a_table_that_is_added_waits_for_its_rows(shop, kind):
    table = f"more_{kind}"
    more = {"contract": "Thing", "key": ["id"], **KINDS[kind]}
    if "files" in more:
        more["files"] = f"{table}_*.csv"
    shop.declare({table: more})
    shop.model(table, table)
    shop.deliver("things_1.csv", "1,one", "2,two", f"3,{kind}")
    said = shop.runner("run", "shop")
    assert "things" in said and shop.query(f"SELECT count(*) FROM stg_shop.{table}") == [(0,)]
    waits = shop.status()[table]
    assert waits["landed"] == 0 and waits["last_landed"] is None and waits["last_looked"]
    assert "no rows yet" in shop.runner("status")
    shop.runner("plan")
    assert shop.query(f"SELECT count(*) FROM shop.{table}", "serving.duckdb") == [(0,)]
    shop.runner("check", "shop")
    if "files" in more:
        shop.deliver(f"{table}_1.csv", "7,seven")
    else:
        shop.declare({table: more | {"rows": [{"id": 7, "name": "seven"}]}})
    shop.runner("run", "shop")
    assert shop.query(f"SELECT id FROM shop.{table}", "serving.duckdb") == [(7,)]
    assert shop.status()[table]["landed"] == 1


def test_a_table_whose_rows_are_gone_is_not_a_new_one(shop):
    with duckdb.connect(str(shop.data / "warehouse.duckdb")) as con:
        con.execute("DELETE FROM stg_shop.things")
    shop.runner("check", "shop", code=1)


@pytest.mark.samples
@pytest.mark.nightly  # test_record.py shows the rejected rows of a source
def test_rejected_rows_are_shown_beside_sources_that_never_ran(tmp_path):
    shop = Shop(tmp_path)
    shop.deliver("things_1.csv", "1,one", "0,nobody", "2,")
    shop.runner("run", "shop")
    found = json.loads(shop.runner("rejected", "--json"))
    assert {(r["source"], r["field"], r["rows"]) for r in found["reasons"]} == {("shop", "id", 1), ("shop", "name", 1)}
    assert len(found["rows"]) == 2
    shop.declare_other((shop.source / "source.yml").read_text())
    shop.declare_other("tables: [", name="broken")  # one that is broken, too
    assert json.loads(shop.runner("rejected", "--json")) == found
    assert json.loads(shop.runner("rejected", "other", "--json")) == {"reasons": [], "rows": []}
    assert len(json.loads(shop.runner("rejected", "--rows", "1", "--json"))["rows"]) == 1


@pytest.fixture
def hook():
    """A server that writes down what it is sent, by path."""
    with listening(lambda path, body: (path, json.loads(body))) as found:
        yield found


def test_a_source_tells_its_own_people_once_per_trouble_and_of_each_success(tmp_path, hook):
    port, heard = hook
    shop = Shop(tmp_path)
    alerts = {"failure": ["${SHOP_ONCALL}"], "success": "${SHOP_OWNER}"}
    shop.declare(alerts=alerts)
    settings = {
        "ELT_SHOP_ONCALL": f"json://127.0.0.1:{port}/oncall, json://127.0.0.1:{port}/second",
        "ELT_SHOP_OWNER": f"json://127.0.0.1:{port}/owner",
        "ELT_ALERT_URLS": f"json://127.0.0.1:{port}/team",
    }

    def after(*arguments, code=0, **more):
        heard.clear()
        shop.runner(*arguments, code=code, **settings | more)
        return sorted((path, message["title"]) for path, message in heard)

    failed = [("/oncall", "Millrace: shop failed"), ("/second", "Millrace: shop failed")]
    team = [("/team", "Millrace: shop failed (exit code 3)")]
    assert after("run", "shop") == [("/owner", "Millrace: shop ran without trouble")]
    assert "landed 1 rows, accepted 1, rejected 0" in heard[0][1]["message"]
    shop.drop.rename(tmp_path / "away")
    assert after("run", "shop", code=3) == failed + team
    assert "not a directory" in heard[0][1]["message"], heard
    assert after("run", "shop", code=3) == []  # the same trouble: told before
    declared = yaml.safe_load((shop.source / "source.yml").read_text())
    declared |= {"connection": {"url": "${OTHER_FILES}"}, "alerts": {}}
    shop.declare_other(yaml.safe_dump(declared))
    both = after("run", "shop", "other", code=2)  # another source's trouble is news to the team only
    assert [path for path, _ in both] == ["/team"]
    (tmp_path / "away").rename(shop.drop)
    assert after("run", "shop") == [("/owner", "Millrace: shop ran without trouble")]
    shop.drop.rename(tmp_path / "away")
    assert after("run", "shop", code=3) == failed + team  # it was well in between: told again
    (tmp_path / "away").rename(shop.drop)
    shop.deliver("things_2.csv", *[f"{-n},x" for n in range(20)])
    assert after("run", "shop", code=1)[:2] == failed  # too many rejected rows
    (shop.source / "contract.py").write_text("raise ValueError('broken')")
    assert after("run", "shop", code=2)[:2] == failed  # its declaration is broken
    assert "ValueError: broken" in heard[0][1]["message"]


def test_an_alert_s_address_is_the_name_of_a_setting_that_is_set(tmp_path):
    shop = Shop(tmp_path)
    shop.declare(alerts={"failure": ["${SHOP_ONCALL}"]})
    assert "ELT_SHOP_ONCALL is not set" in " ".join(shop.runner("doctor", code=2).split())
    shop.runner("run", "shop")  # no reason not to run
    text = (shop.source / "source.yml").read_text().replace("${SHOP_ONCALL}", "mailto://me:pass@example.com")
    (shop.source / "source.yml").write_text(text)
    done = shop.runner("doctor", code=2)
    assert "alerts.failure.0" in done.replace("\n", "") and "pass@" not in done

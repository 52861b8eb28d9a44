"""`sql` and `preview` show what is there, to people and to programs, and can change nothing."""

import csv
import io
import json

import pytest

from tests.small import Small

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    small = Small(tmp_path_factory.mktemp("query"), "shop")
    before = small.run("preview").stdout, small.run("sql", "SELECT 1", code=2).stderr
    assert "nothing is published yet" in before[0] and "`python runner.py run` comes first" in before[1]
    small.deliver("shop", "1.csv", "1,one", '2,"a, b"', "3,three")
    small.run("run", "shop")
    return small


def test_tables_are_listed_and_their_first_rows_shown(shop):
    listed = json.loads(shop.run("preview", "--json").stdout)
    assert {"table": "shop_gold.things_now"} in listed
    assert {"table": "stg_shop.things"} in listed
    assert not [row for row in listed if "sqlmesh" in row["table"] or "_staging" in row["table"]]
    for row in listed:
        shop.run("preview", row["table"])
    staged = json.loads(shop.run("preview", "stg_shop.things", "--rows", "2", "--json").stdout)
    assert staged["table"] == "stg_shop.things" and staged["rows"] == 3 and len(staged["first"]) == 2
    assert "shop_gold.things_now: 3 rows" in shop.run("preview", "shop_gold.things_now").stdout
    wide = shop.run("preview", "ops.runs", COLUMNS="80").stdout.splitlines()
    assert [line for line in wide if line.startswith(" run_id ")] and [line for line in wide if "row 1" in line]
    said = shop.run("preview", "shop_gold.things_new", code=2).stderr
    assert "shop_gold.things_now" in said and "Traceback" not in said


def test_answers_come_as_a_table_as_json_and_as_csv(shop):
    query = "SELECT id, name FROM shop_gold.things_now ORDER BY id"
    assert [row["name"] for row in json.loads(shop.run("sql", query, "--json").stdout)] == ["one", "a, b", "three"]
    rows = list(csv.reader(io.StringIO(shop.run("sql", query, "--csv").stdout)))
    assert rows == [["id", "name"], ["1", "one"], ["2", "a, b"], ["3", "three"]]
    shown = shop.run("sql", query, "--rows", "2").stdout
    assert "a, b" in shown and "three" not in shown and "the first 2 of 3 rows" in shown
    [row] = json.loads(shop.run("sql", "SELECT count(*) AS n FROM stg_shop._loads", "--warehouse", "--json").stdout)
    assert row["n"] == 1


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM shop_gold.things_now",
        "WITH gone AS (DELETE FROM shop_gold.things_now RETURNING *) SELECT * FROM gone",
        "CREATE TABLE shop_gold.other AS SELECT 1 AS x",
        "SELECT * INTO shop_gold.other FROM shop_gold.things_now",
        "COPY shop_gold.things_now TO '/tmp/things.csv'",
        "ATTACH '/tmp/other.duckdb'",
        "PRAGMA database_list",
        "SET memory_limit = '1GB'",
        "SELECT 1; SELECT 2",
        "SELECT nothing FROM shop_gold.things_now",
        "SELEKT",
        "",
    ],
)
@pytest.mark.parametrize("where", [[], ["--warehouse"]], ids=["published", "warehouse"])
def test_what_does_not_only_read_is_refused_and_changes_nothing(shop, query, where):
    before = shop.data.rglob("*")
    kept = {path: path.stat().st_mtime_ns for path in before if path.suffix == ".duckdb"}
    done = shop.run("sql", query, *where, code=2)
    assert done.stderr.startswith("error: ") and "Traceback" not in done.stderr
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert shop.gold("shop") == [(1, "one"), (2, "a, b"), (3, "three")]


def test_what_was_published_is_asked_without_a_look_at_files(shop):
    done = shop.run("sql", "SELECT * FROM read_csv('/etc/passwd')", code=2)
    assert "root" not in done.stdout + done.stderr

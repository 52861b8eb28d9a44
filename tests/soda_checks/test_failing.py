"""A check that does not pass says how many rows of how many, the limit, SQL that shows them, and which they are."""

import duckdb
import pytest
import yaml

import settings as configuration
import soda_checks.door as door
from soda_checks.failing import MOST, describe

ROWS = 40


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("ELT_DATA_DIR", str(tmp_path / "data"))
    settings = configuration.load()
    settings.data.mkdir()
    with duckdb.connect(str(settings.warehouse)) as con:
        con.execute("CREATE SCHEMA stg_shop; CREATE SCHEMA shop")
        for schema in ("stg_shop", "shop"):
            con.execute(
                f"CREATE TABLE {schema}.orders AS SELECT n AS id, n // 2 AS line, CASE WHEN n % 10 = 0 THEN NULL ELSE 'name' END AS name,"
                f" n AS amount, 'a@b.c' AS email, n % 4 = 0 AS _deleted FROM range(1, {ROWS + 1}) AS r(n)"
            )
    monkeypatch.setattr(door, "FOLDER", tmp_path / "soda_checks")
    return settings


def run(here, layer, columns, checks, keys=None, **more):
    """The answers of a contract over `orders`."""
    scope = "shop"
    folder = door.FOLDER / layer / scope
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "dataset": "warehouse/${var.path}/orders",
        "variables": {"path": {"default": "x"}},
        **more,
        "columns": columns,
        **({"checks": checks} if checks else {}),
    }
    (folder / "orders.yml").write_text(yaml.safe_dump(content, sort_keys=False))
    return door.check(layer, scope, here, keys)


def columns(**checks):
    """The columns of `orders`, some with checks and what these need."""
    return [{"name": name, **checks.get(name, {})} for name in ("id", "line", "name", "amount", "email")]


def with_check(name, kind, **more):
    return {name: {"checks": [{kind: more.pop("check", None)}], **more}}


DUPLICATE = {"duplicate": {"name": "one row per line", "columns": ["line"]}}
KINDS = {
    # kind: (columns with checks, checks of the table, failing rows, of how many, what is said of it)
    "missing": (with_check("name", "missing"), [], 4, 40, "4 of 40 rows (10.0 %), limit 0"),
    "missing, percent": (
        with_check("name", "missing", check={"threshold": {"metric": "percent", "must_be_less_than_or_equal": 5}}),
        [],
        4,
        40,
        "4 of 40 rows (10.0 %), limit 5 %",
    ),
    "missing, fewer than": (
        with_check("name", "missing", check={"threshold": {"must_be_less_than": 3}}),
        [],
        4,
        40,
        "4 of 40 rows (10.0 %), limit below 3",
    ),
    "invalid": (
        with_check("amount", "invalid", valid_max=35),
        [],
        5,
        40,
        "5 of 40 rows (12.5 %), limit 0",
    ),
    "invalid, of a list": (
        with_check("name", "invalid", valid_values=["other"]),
        [],
        36,
        40,
        "36 of 40 rows (90.0 %), limit 0",
    ),
    "invalid, a filter of its own": (
        with_check("amount", "invalid", valid_max=35, check={"filter": "id < 38"}),
        [],
        2,
        37,
        "2 of 37 rows (5.4 %), limit 0",
    ),
    "an expression": (
        {},
        [{"failed_rows": {"name": "small", "expression": "amount > 38"}}],
        2,
        40,
        "2 of 40 rows (5.0 %), limit 0",
    ),
    "a query": (
        {},
        [{"failed_rows": {"name": "own", "query": "SELECT id FROM shop.orders WHERE id > 37;"}}],
        3,
        None,
        "3 rows, limit 0",
    ),
}


@pytest.mark.parametrize("layer", ["staging", "gold"])
@pytest.mark.parametrize("kind", KINDS)
def test_it_says_how_many_and_its_query_finds_them(here, layer, kind):
    checked, checks, failing, tested, said = KINDS[kind]
    keys = {"orders": (["id"], frozenset[str]())}
    [found] = [
        r for r in run(here, layer, columns(**checked), [DUPLICATE, *checks], keys) if r.check_type != "duplicate"
    ]
    assert found.stops and (found.failing, found.tested, found.found) == (failing, tested, said)
    with duckdb.connect(str(here.warehouse)) as con:
        rows = con.execute(found.failing_sql).fetchall()
    assert len(rows) == failing
    assert len(found.failed_rows) == min(failing, MOST)
    assert [row["id"] for row in found.failed_rows] == sorted(row[0] for row in rows)[:MOST]
    assert said in str(found) and found.failing_sql.split("WHERE")[0].strip() in str(found)


@pytest.mark.parametrize("checks", [columns(**with_check("line", "duplicate")), columns()], ids=["a column", "columns"])
def test_duplicates_are_named_by_what_is_there_twice(here, checks):
    several = [] if checks[1].get("checks") else [{"duplicate": {"columns": ["line", "email"]}}]
    [found] = run(here, "gold", checks, several)
    assert found.failing == 19 and found.found == "19 of 40 rows (47.5 %), limit 0"
    assert [(row["line"], row["copies"]) for row in found.failed_rows] == [(n, 2) for n in range(1, 20)]


def test_the_filter_of_the_contract_is_part_of_the_query(here):
    more = {"filter": "NOT _deleted"}
    [found] = run(here, "staging", columns(**with_check("amount", "invalid", valid_max=35)), [], **more)
    assert (found.failing, found.tested) == (3, 30)  # 36 and 40 are deleted
    with duckdb.connect(str(here.warehouse)) as con:
        assert len(con.execute(found.failing_sql).fetchall()) == 3


def test_personal_values_are_masked_whatever_the_query_selects(here):
    keys = {"orders": (["email", "id"], frozenset({"email"}))}
    checks = [
        {"failed_rows": {"name": "own", "qualifier": "a", "query": "SELECT * FROM stg_shop.orders WHERE id < 3"}},
        {"failed_rows": {"name": "expression", "qualifier": "b", "expression": "id < 3"}},
    ]
    results = run(here, "staging", columns(**with_check("email", "invalid", valid_max_length=2)), checks, keys)
    shown = [row for result in results for row in result.failed_rows]
    assert len(shown) == MOST + 2 + 2 and {row["email"] for row in shown} == {"***"}
    assert "a@b.c" not in str(results)


@pytest.mark.parametrize("keys", [None, {"orders": (["id"], frozenset())}])
def test_rows_are_named_by_the_key_or_by_what_is_declared_unique(here, keys):
    results = run(here, "gold", columns(**with_check("amount", "invalid", valid_max=38)), [DUPLICATE], keys)
    [found] = [r for r in results if r.check_type == "invalid"]
    named = {"id"} if keys else {"line"}
    assert [set(row) for row in found.failed_rows] == [named | {"amount"}] * 2


def test_checks_that_are_not_about_rows_say_what_they_expected(here):
    checks = [
        {"row_count": {"threshold": {"must_be_greater_than": 50}}},
        {"metric": {"name": "sum", "query": "SELECT sum(id) FROM shop.orders", "threshold": {"must_be": 3}}},
    ]
    results = {r.check_type: r for r in run(here, "gold", columns(), checks)}
    assert results["row_count"].found == "40, expected 50 < row_count"
    assert results["metric"].found == "820, expected metric = 3"
    assert all(r.failing is None and r.failing_sql == "" and r.failed_rows == () for r in results.values())


def test_a_check_that_passes_is_asked_nothing_more(here):
    [found] = run(here, "gold", columns(**with_check("id", "missing")), [])
    assert found.outcome == "passed" and found.failing is None and found.failing_sql == ""


@pytest.mark.parametrize("gone", [["name"], ["amount", "email"]])
@pytest.mark.parametrize("layer", ["staging", "gold"])
def test_a_column_that_is_gone_is_one_answer_however_many_checks_there_are(here, layer, gone):
    with duckdb.connect(str(here.warehouse)) as con:
        for name in gone:
            con.execute(f"ALTER TABLE {'stg_shop' if layer == 'staging' else 'shop'}.orders DROP COLUMN {name}")
    every = {
        name: {"checks": [{"missing": None}, {"invalid": None}], "valid_min": 0}
        for name in ("id", "line", "name", "amount")
    }
    results = run(here, layer, columns(**every), [DUPLICATE, {"row_count": None}])
    assert [(r.column_name, r.outcome) for r in results] == [(name, "error") for name in gone]
    assert all("the table has no such column; it has id, " in str(r) for r in results)


@pytest.mark.parametrize(
    "check",
    [
        {"failed_rows": {"name": "typo", "expression": "no_such_column > 1"}},
        {"duplicate": {"name": "typo", "columns": ["no_such_column"]}},
        {"failed_rows": {"name": "typo", "query": "SELECT no_such_column FROM shop.orders"}},
    ],
    ids=["expression", "duplicate", "query"],
)
def test_one_reason_that_keeps_many_checks_from_being_evaluated_is_one_answer(here, check):
    every = {name: {"checks": [{"missing": None}]} for name in ("id", "line", "amount", "email")}
    stops = [r for r in run(here, "gold", columns(**every), [check]) if r.stops and r.outcome != "error"]
    assert len(stops) == 1 and "no_such_column" in str(stops[0])


@pytest.mark.parametrize(
    "text",
    [
        "columns: []\nchecks: []\n",
        "checks: [",
        "- a list",
        "",
        "\x00",
        "dataset: warehouse/shop/orders\nchecks:\n  - no_such_kind:\n",
    ],
)
def test_a_file_that_is_not_a_contract_is_an_answer(here, text):
    folder = door.FOLDER / "gold" / "shop"
    folder.mkdir(parents=True)
    (folder / "orders.yml").write_text(text)
    results = door.check("gold", "shop", here)
    assert len(results) == 1 and results[0].stops and "gold/shop/orders.yml: " in str(results[0])


def test_a_table_that_no_rows_have_come_for_is_not_checked(here):
    with duckdb.connect(str(here.warehouse)) as con:
        con.execute("CREATE TABLE stg_shop._loads (table_name VARCHAR, landed BIGINT)")
    [found] = run(here, "staging", columns(**with_check("name", "missing")), [])
    assert found.outcome == "passed" and "no rows have come yet" in found.check_name


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((67, 1172, "limit 5 %"), "67 of 1,172 rows (5.7 %), limit 5 %"),
        ((1, 1_000_000, "limit 0"), "1 of 1,000,000 rows (<0.1 %), limit 0"),
        ((0, 10, ""), "0 of 10 rows (0.0 %)"),
        ((3, None, "limit 0"), "3 rows, limit 0"),
        ((0, 0, "limit 0"), "0 rows, limit 0"),
        ((None, None, "expected 0 < row_count"), "expected 0 < row_count"),
        ((None, None, ""), ""),
    ],
)
def test_numbers_are_described(given, said):
    assert describe(*given) == said


@pytest.mark.parametrize(
    ("passed", "found"),
    [("", 2), ("000", 2), ("1", 1), ("2", 0)],  # of the old rows two are doubled, of which one only by what came later
)
def test_a_key_is_looked_for_among_all_rows_where_it_came_later(here, passed, found):
    with duckdb.connect(str(here.warehouse)) as con:
        con.execute("ALTER TABLE stg_shop.orders ADD COLUMN _refine_id VARCHAR DEFAULT '1'")
        con.execute("INSERT INTO stg_shop.orders SELECT * FROM stg_shop.orders WHERE id = 7")
        con.execute(
            "INSERT INTO stg_shop.orders SELECT * REPLACE ('2' AS _refine_id) FROM stg_shop.orders WHERE id = 8"
        )
    folder = door.FOLDER / "staging" / "shop"
    folder.mkdir(parents=True)
    content = {
        "dataset": "warehouse/${var.path}/orders",
        "variables": {"path": {"default": "x"}, "fresh": {"default": "1 = 1"}},
        "columns": [{"name": "id", "checks": [{"duplicate": {"filter": "${var.fresh}"}}]}],
    }
    (folder / "orders.yml").write_text(yaml.safe_dump(content, sort_keys=False))
    [answer] = door.check("staging", "shop", here, {"orders": (["id"], frozenset())}, passed=passed)
    assert (answer.failing or 0) == found and answer.stops == bool(found)
    assert [row["id"] for row in answer.failed_rows] == [7, 8][2 - found :]

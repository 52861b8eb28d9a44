"""What the page says of files of JSON lines, of a first check and of a first chart, done as a user does it."""

from __future__ import annotations

import json

import duckdb
import pytest
import yaml

from tests.test_how_to import fences
from tests.test_own_source import Shop

pytestmark = pytest.mark.slow


def test_from_json_lines_to_a_check_and_a_chart(tmp_path):
    own = Shop(tmp_path)
    whole = [
        {"id": n, "to": {"city": "Graz"}, "at": f"2026-01-{n % 28 + 1:02}T10:00:00", "total": n * 1.5}
        for n in range(10, 40)
    ]
    (own.drop / "a.jsonl").write_text(
        "".join(f"{json.dumps({**r, 'lines': [{'sku': 'A-1', 'price': '9.50'}]})}\n" for r in whole)
    )
    said = own.runner("new", "web", "--from", f"{own.drop}/*.jsonl")
    assert "30 of 30 rows accepted" in said and "elements of `lines`" in said
    own.runner("run", "web")
    table = "rows" if "stg_web.rows" in own.runner("preview") else "web"
    own.runner("new", "model", "web_gold.orders", "--from", f"stg_web.{table}")
    own.runner("plan")
    shown = own.runner("new", "check", "web_gold.orders", "--dry-run")
    path = own.root / "soda_checks" / "gold" / "web_gold" / "orders.yml"
    assert "freshness" in shown and "recount" in shown and not path.exists()
    assert "wrote: soda_checks/gold/web_gold/orders.yml" in own.runner("new", "check", "web_gold.orders")
    checked = json.loads(own.runner("check", "--json"))
    answers = {(c["check_type"], c["outcome"]) for c in checked if c["scope"] == "web_gold"}
    assert ("failed_rows", "passed") in answers and any(kind == "freshness" for kind, _ in answers)
    own.runner("new", "check", "web_gold.orders", code=2)
    own.runner("new", "check", "web_gold.order", code=2)
    own.runner("new", "check", "stg_web.rows", code=2)

    own.runner("new", "chart", "web_gold.orders")
    assets = own.root / "superset" / "assets"
    chart = yaml.safe_load((assets / "charts" / "web_gold_orders.yaml").read_text())
    assert chart["viz_type"] == "echarts_timeseries_line" and chart["params"]["metrics"] == ["total"]
    own("-m", "superset.derive", "--check")
    own.runner("new", "chart", "web_gold.orders", code=2)


def test_the_lines_of_the_page(tmp_path, here_and_shop):
    here, shop, inbox = here_and_shop
    from dlt_sources.door import land, refine

    (inbox / "a.jsonl").write_text(fences("jsonl")[0])
    land(shop, here)
    done = refine(shop, here)
    assert (done.accepted["orders"], done.rejected["orders"], done.accepted["lines"]) == (2, 1, 2)
    with duckdb.connect(str(here.warehouse)) as con:
        assert con.execute("SELECT city FROM stg_shop.orders ORDER BY id").fetchall() == [("Graz",), ("Linz",)]


@pytest.fixture
def here_and_shop(tmp_path, monkeypatch):
    import settings as configuration
    from tests.dlt_sources.test_json_lines import orders_of

    monkeypatch.setenv("ELT_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "inbox").mkdir()
    return configuration.load(), orders_of(tmp_path, tmp_path / "inbox"), tmp_path / "inbox"

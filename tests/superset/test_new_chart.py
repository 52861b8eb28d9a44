"""A chart that is made of a model: its files lead somewhere, are as an export writes them, and stand over nothing."""

import shutil

import pytest
import yaml

import settings
from sqlmesh_project.door import ModelColumn, model_columns
from superset import new_chart
from superset.chain import broken
from superset.derive import ASSETS
from superset.new_chart import ChartError, make_chart
from superset.scripts import files

TEXT, DAY, MONEY, NUMBER = (ModelColumn(kind, "") for kind in ("TEXT", "DATE", "DECIMAL(9, 2)", "BIGINT"))
SHAPES = {
    "a time and an amount": ({"order_id": NUMBER, "day": DAY, "total": MONEY}, "echarts_timeseries_line", "total"),
    "a time alone": ({"order_id": NUMBER, "seen_at": ModelColumn("TIMESTAMP", "")}, "echarts_timeseries_line", "rows"),
    "a category and an amount": ({"order_id": NUMBER, "city": TEXT, "total": MONEY}, "echarts_timeseries_bar", "total"),
    "a category alone": ({"order_id": NUMBER, "city": TEXT}, "echarts_timeseries_bar", "rows"),
    "neither": ({"order_id": NUMBER, "name": TEXT}, "table", None),
    "the end of a row does not count as its time": (
        {"order_id": NUMBER, "valid_to": DAY, "city": TEXT},
        "echarts_timeseries_bar",
        "rows",
    ),
    "names in quotes": (
        {"order_id": NUMBER, "Unit price": MONEY, "city": TEXT},
        "echarts_timeseries_bar",
        "Unit price",
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_columns_choose_the_chart(shape):
    columns, kind, metric = SHAPES[shape]
    made, doubts, _ = make_chart("shop.orders", "Orders.", ["order_id"], columns)
    assert sorted(made) == ["charts/shop_orders.yaml", "dashboards/shop_orders.yaml", "datasets/shop.orders.yaml"]
    documents = {name: yaml.safe_load(text) for name, text in made.items()}
    chart = documents["charts/shop_orders.yaml"]
    assert chart["viz_type"] == kind and chart["params"].get("metrics") == ([metric] if metric else [])
    assert broken(files.read(ASSETS) | documents, {**model_columns_of(), "shop.orders": columns}) == []
    for name, document in documents.items():
        part = name.split("/")[0]
        assert files.dump(files.plain(part, files.complete(part, document))) == made[name], name
    assert documents["dashboards/shop_orders.yaml"]["metadata"]["native_filter_configuration"] and doubts
    assert make_chart("shop.orders", "Orders.", ["order_id"], columns)[0] == made


def model_columns_of(found={}):  # noqa: B006 once for all
    if not found:
        found.update(model_columns(settings.load()))
    return found


def test_a_dataset_that_is_there_is_used_and_nothing_is_written_over(monkeypatch, tmp_path):
    columns, *_ = SHAPES["a time and an amount"]
    made, _, _ = make_chart("shop.orders", "", ["order_id"], columns)
    for name, text in files.read(ASSETS).items():
        if name.startswith("databases/"):
            (tmp_path / name).parent.mkdir(parents=True)
            (tmp_path / name).write_text(files.dump(text))
    name = "datasets/shop.orders.yaml"
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text(made[name])
    monkeypatch.setattr(new_chart, "ASSETS", tmp_path)
    again, _, _ = make_chart("shop.orders", "", ["order_id"], columns)
    assert sorted(again) == ["charts/shop_orders.yaml", "dashboards/shop_orders.yaml"]
    (tmp_path / "charts").mkdir()
    (tmp_path / "charts" / "shop_orders.yaml").write_text(again["charts/shop_orders.yaml"])
    with pytest.raises(ChartError, match="is there already"):
        make_chart("shop.orders", "", ["order_id"], columns)
    (tmp_path / "charts" / "shop_orders.yaml").unlink()
    (tmp_path / name).write_text(
        made[name].replace("SUM(total)", "MAX(total)").replace("metric_name: rows", "metric_name: n")
    )
    counted, _, _ = make_chart("shop.orders", "", ["order_id"], columns)
    assert yaml.safe_load(counted["charts/shop_orders.yaml"])["params"]["metrics"] == ["n"]
    (tmp_path / name).write_text(made[name].replace("SUM(total)", "MAX(total)").replace("COUNT(*)", "COUNT(total)"))
    with pytest.raises(ChartError, match="has no metric SUM"):
        make_chart("shop.orders", "", ["order_id"], columns)


MODELS = {
    # two models: whether the words of their names are the same
    ("shop.orders", "shop.fact_orders"): True,
    ("shop.dim_orders", "shop.orders_vw"): True,
    ("shop.orders", "shop.orders_by_day"): False,
    ("shop.shop_orders", "shop_orders.orders"): False,
    ("shop_x.y", "shop.x_y"): False,
}


@pytest.mark.parametrize("models", MODELS, ids=" and ".join)
def test_no_two_dashboards_or_charts_share_a_title_or_an_address(models, monkeypatch, tmp_path):
    shutil.copytree(ASSETS, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(new_chart, "ASSETS", tmp_path)
    columns, *_ = SHAPES["neither"]
    for model in models:
        try:
            made, _, _ = make_chart(model, "", ["order_id"], columns)
        except ChartError:  # the names of their files are the same: refused
            assert models == ("shop_x.y", "shop.x_y")
            continue
        for name, text in made.items():
            (tmp_path / name).write_text(text)
    documents = files.read(tmp_path).values()
    for key in ("dashboard_title", "slug"):
        values = [str(document[key]).lower() for document in documents if key in document]
        assert len(values) == len(set(values)), key
    titles = [d["dashboard_title"] for d in documents if d.get("slug", "").startswith("shop")]
    assert any(f"({models[1]})" in title for title in titles) == MODELS[models]


def test_a_dashboard_of_the_team_keeps_its_title_and_address(monkeypatch, tmp_path):
    shutil.copytree(ASSETS, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(new_chart, "ASSETS", tmp_path)
    own = yaml.safe_load((ASSETS / "dashboards" / "pipeline_health.yaml").read_text())
    own |= {"dashboard_title": "SHOP: orders", "slug": "shop-orders", "uuid": "0" * 8 + own["uuid"][8:]}
    (tmp_path / "dashboards" / "ours.yaml").write_text(files.dump(own))
    made, _, _ = make_chart("shop.orders", "", ["order_id"], SHAPES["neither"][0])
    dashboard = yaml.safe_load(made["dashboards/shop_orders.yaml"])
    assert dashboard["dashboard_title"] == "Shop: orders (shop.orders)"
    assert dashboard["slug"] == f"shop-orders-{dashboard['uuid'][:8]}"

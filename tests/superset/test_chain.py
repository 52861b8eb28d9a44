"""The chain from dashboard to column holds, and a name that goes is noticed before a dashboard breaks."""

from copy import deepcopy

import pytest

import settings
from sqlmesh_project.door import ModelColumn, model_columns
from superset.chain import broken
from superset.derive import ASSETS, derived
from superset.scripts import files

PALETTE = "millrace"
NEEDS_THE_INTERNET = ("deck_", "cartodiagram", "mapbox", "osm")


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, dict[str, ModelColumn]]:
    return model_columns(settings.Settings(data_dir=tmp_path_factory.mktemp("chain")))


@pytest.fixture(scope="module")
def as_read() -> dict[str, files.Document]:
    return files.read(ASSETS)


@pytest.fixture
def assets(as_read) -> dict[str, files.Document]:
    return deepcopy(as_read)


def of(assets, kind):
    return {name: document for name, document in assets.items() if name.startswith(f"{kind}/")}


@pytest.mark.slow
def test_every_name_leads_somewhere_and_every_dataset_is_as_its_model(assets, models):
    assert broken(assets, models) == []
    for name, dataset in of(assets, "datasets").items():
        fresh = derived(dataset, models[f"{dataset['schema']}.{dataset['table_name']}"])
        assert files.dump(fresh) == (ASSETS / name).read_text(), f"{name}: run `make derive`"


@pytest.mark.samples
def test_the_six_dashboards_are_there(assets):
    titles = {d["dashboard_title"] for d in of(assets, "dashboards").values()}
    assert titles >= {"Music sales", "Headphones and in-ears", "Taxi", "Sales", "People", "Pipeline health"}


@pytest.mark.samples
def test_a_model_column_that_goes_is_noticed_and_so_is_every_chart_that_used_it(assets, models):
    less = deepcopy(models)
    del less["deftunes.order_items_vw"]["artist_name"]
    assert any("no column 'artist_name'" in fault for fault in broken(assets, less))
    name = "datasets/deftunes.order_items_vw.yaml"
    assets[name] = derived(assets[name], less["deftunes.order_items_vw"])  # what `make derive` does
    faults = broken(assets, less)
    assert any(fault.startswith("charts/music_top_songs.yaml") for fault in faults)
    assert any(fault.startswith("dashboards/music_sales.yaml: filter 'Artist'") for fault in faults)


@pytest.mark.samples
def test_a_column_that_a_metric_needs_is_noticed(assets, models):
    del models["sales.order_lines"]["sales"]
    faults = broken(assets, models)
    name = "datasets/sales.order_lines.yaml"
    assets[name] = derived(assets[name], models["sales.order_lines"])
    assert any("metric revenue" in fault and "'sales'" in fault for fault in broken(assets, models)), faults


@pytest.mark.samples
def test_a_retyped_model_column_is_noticed(assets, models):
    columns = models["taxi.trips_by_hour"] | {"trip_date": ModelColumn("TEXT(10)", "Day")}
    name = "datasets/taxi.trips_by_hour.yaml"
    assert files.dump(derived(assets[name], columns)) != (ASSETS / name).read_text()


@pytest.mark.samples
@pytest.mark.parametrize(
    ("gone", "noticed"),
    [
        ("charts/taxi_trips.yaml", "shows a chart that no file holds"),
        ("datasets/people.dim_people.yaml", "no file holds its dataset"),
        ("databases/millrace.yaml", "no file holds its database"),
        ("dashboards/people.yaml", "no dashboard shows it"),
    ],
)
def test_a_file_that_goes_is_noticed(assets, models, gone, noticed):
    del assets[gone]
    assert any(noticed in fault for fault in broken(assets, models))


def test_every_key_of_a_chart_that_names_columns_is_known(assets):
    """A control this chain does not know would be a hole in it: what it holds must not be a name of the dataset."""
    from superset import chain

    known = {
        *chain.COLUMNS,
        *chain.METRICS,
        *chain.EITHER,
        *chain.FILTERS,
        "column_config",
        "order_by_cols",
        "viz_type",
    }
    known |= {"temporal_columns_lookup"}  # all of them also stand in groupby or in all_columns
    datasets = {d["uuid"]: d for d in of(assets, "datasets").values()}
    for name, chart in of(assets, "charts").items():
        dataset = datasets[chart["dataset_uuid"]]
        names = {c["column_name"] for c in dataset["columns"]} | {m["metric_name"] for m in dataset["metrics"]}
        for key, value in chart["params"].items():
            inside = (
                {value}
                if isinstance(value, str)
                else {v for v in value if isinstance(v, str)}
                if isinstance(value, list)
                else set()
            )
            assert key in known or not inside & names, (name, key)


def test_people_can_read_what_a_chart_says(assets):
    for name, chart in of(assets, "charts").items():
        assert chart["slice_name"][0].isupper() and "_" not in chart["slice_name"], name
        assert len(chart.get("description", "")) > 5, f"{name}: a reader wants to know what it shows"
        assert not chart["viz_type"].startswith(NEEDS_THE_INTERNET), name
    titles = {chart["uuid"]: chart["slice_name"] for chart in of(assets, "charts").values()}
    for name, dashboard in of(assets, "dashboards").items():
        shown = [
            titles[part["meta"]["uuid"]]
            for part in dashboard["position"].values()
            if isinstance(part, dict) and "uuid" in part.get("meta", {})
        ]
        assert sorted(set(shown)) == sorted(shown), f"{name}: two charts of one name"
        assert dashboard["description"] and dashboard["published"], name
        assert dashboard["metadata"]["native_filter_configuration"], f"{name}: no filter"


def test_a_name_has_one_colour_on_all_dashboards(assets):
    colours: dict[str, set[str]] = {}
    for name, dashboard in of(assets, "dashboards").items():
        assert dashboard["metadata"]["color_scheme"] == PALETTE, name
        for label, colour in dashboard["metadata"]["label_colors"].items():
            colours.setdefault(label, set()).add(colour)
    assert {label: found for label, found in colours.items() if len(found) > 1} == {}
    schemes = {chart["params"].get("color_scheme", PALETTE) for chart in of(assets, "charts").values()}
    assert schemes == {PALETTE}


def test_files_hold_no_secret_and_no_number_of_one_superset(assets):
    for path in ASSETS.rglob("*.yaml"):
        text = path.read_text()
        assert "://" not in text, path
        for word in ("chartId", "datasetId", "slice_id", "password", "timestamp:"):
            assert word not in text, (path, word)


def test_a_file_is_as_an_export_would_write_it(assets):
    for name, document in assets.items():
        kind = name.split("/")[0]
        assert files.dump(files.plain(kind, files.complete(kind, document))) == (ASSETS / name).read_text(), name


@pytest.mark.samples
@pytest.mark.parametrize(
    "expression", ["AVG(price)", "AVG(CASE WHEN liked THEN 1.0 ELSE 0.0 END)", "SUM(price) / COUNT(*)"]
)
def test_an_average_that_redshift_would_cut_is_noticed(assets, models, expression):
    assets["datasets/deftunes.order_items_vw.yaml"]["metrics"][0]["expression"] = expression
    assert any("AS DOUBLE PRECISION" in fault for fault in broken(assets, models))

"""Real files through the whole flow: gold has the reference systems' figures, and versions where rows changed."""

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from demo.postgres import Postgres
from tests.dlt_sources.shop import Site
from tests.dlt_sources.test_real_files import TAXI, _rows, tablepress
from tests.harness import Pipeline

pytestmark = pytest.mark.slow

SIGNATURES = {  # of the reference's in-ear mart, 2023-05: models, average on its own scale
    "V-shaped": (250, "14.84"), "Warm": (111, "15.04"), "Neutral": (91, "13.94"), "Warm neutral": (57, "13.72"),
    "Neutral with bass boost": (56, "13.09"), "Warm V-shape": (54, "14.86"), "U-shaped": (48, "14.04"),
    "Balanced": (40, "15.34"), "Mild V-shape": (39, "13.54"), "Bassy": (36, "15.64"),
}  # fmt: skip
FIRST_WORDS = {
    "KZ": (25, "15.40"), "Campfire": (22, "14.89"), "Final": (21, "15.00"), "Moondrop": (20, "13.25"),
    "Fearless": (20, "14.38"), "Empire": (19, "13.58"), "Sony": (18, "13.53"),
}  # fmt: skip


@pytest.fixture(scope="module")
def site():
    with Site().serve() as site:
        yield site


@pytest.fixture(scope="module")
def pipeline(site, samples, tmp_path_factory):
    """A pipeline that has run on the real files of all sources but DeFtunes."""
    folder = tmp_path_factory.mktemp("real")
    shutil.copytree(samples / "sales", folder / "sales", copy_function=shutil.copyfile)
    (folder / "taxi").mkdir()
    for theirs, ours in TAXI.items():
        shutil.copyfile(samples / "taxi" / theirs, folder / "taxi" / ours)
    for name in ("headphones", "iems"):
        site.files[f"rankings/{name}"] = tablepress(_rows(samples / "audiophile" / f"{name}-bronze.csv"))
    site.files["api/"] = (samples / "random_users" / "mscimath_randomuser_v1.json").read_bytes()
    postgres = Postgres(folder / "postgres")
    postgres.start()
    environment = {
        "ELT_AUDIOPHILE_URL": site.url, "ELT_RANDOM_USERS_URL": site.url, "ELT_SALES_FILES": str(folder / "sales"),
        "ELT_TAXI_FILES": str(folder / "taxi"), "ELT_POSTGRES_URL": postgres.operational, "ELT_NOW": "2024-06-10T12:00:00",
    }  # fmt: skip
    pipeline = Pipeline(folder / "data", environment)
    result = pipeline("run", "audiophile", "sales", "taxi", "random_users")
    assert result.code == 0, result.out + result.err
    yield pipeline
    postgres.close()


def test_the_in_ear_marts_have_the_reference_s_figures(pipeline):
    query = "SELECT signature, number_of_products, reference_average_rating, average_rating FROM audiophile.avg_audio_signature_iem"
    found = pipeline.query(query, "serving.duckdb")
    assert {name: (count, f"{average:.2f}") for name, count, average, _ in found} == SIGNATURES
    assert all(average + ours == 30 for _, _, average, ours in found)  # the same scale turned round: higher is better
    by_first_word = """SELECT split_part(model, ' ', 1), count(*)::INT, avg(reference_value)::DECIMAL(10, 2)
        FROM audiophile.iems WHERE is_current GROUP BY 1 HAVING count(*) >= 18"""
    found = {name: (count, str(average)) for name, count, average in pipeline.query(by_first_word, "serving.duckdb")}
    assert found == FIRST_WORDS


def test_no_company_is_lost_or_cut(pipeline):
    totals = "SELECT sum(headphones), sum(iems) FROM audiophile.dim_company"
    assert pipeline.query(totals, "serving.duckdb") == [(224, 1002)]
    for kind, count in (("headphone", 224), ("iem", 1002)):
        rated = f"SELECT sum(number_of_products) FROM audiophile.highest_rank_company_{kind}"
        assert pipeline.query(rated, "serving.duckdb") == [(count,)]
    names = {name for (name,) in pipeline.query("SELECT company_name FROM audiophile.dim_company", "serving.duckdb")}
    assert {"Audio Technica", "Campfire Audio", "64 Audio", "Unique Melody", "ZMF", "Denon", "Koss", "Abyss"} <= names
    assert not {"Audio", "64", "Unique", "Campfire"} & names


def test_sales_have_the_file_s_totals_and_no_made_up_versions(pipeline):
    gold = pipeline.gold("sales")
    assert len(gold["sales.fact_sales"]) == 2823
    assert len(gold["sales.dim_products"]) == 109 and len(gold["sales.dim_customers"]) == 92
    for mart in ("product_line", "customer", "country", "month"):
        total = f"SELECT sum(total_sales), sum(order_lines) FROM sales.sales_per_{mart}"
        assert pipeline.query(total, "serving.duckdb") == [(Decimal("10032634.59"), 2823)], mart


def test_every_real_trip_is_in_the_fact_with_both_zones(pipeline):
    fact = """SELECT source_file, count(*), count(pickup.zone), count(dropoff.zone), count(DISTINCT trip_key)
        FROM taxi.fact_trip JOIN taxi.dim_zone AS pickup ON pickup.zone_id = pickup_zone_id
        JOIN taxi.dim_zone AS dropoff ON dropoff.zone_id = dropoff_zone_id GROUP BY 1 ORDER BY 1"""
    counts = {
        "green_tripdata_2024-05.parquet": 100,
        "yellow_tripdata_2019-01.csv": 10_000,
        "yellow_tripdata_2024-01.parquet": 100,
    }
    assert pipeline.query(fact, "serving.duckdb") == [(name, *[count] * 4) for name, count in counts.items()]


def test_two_snapshots_make_the_versions_of_what_changed(pipeline, site, samples):
    before = pipeline.gold("audiophile")["audiophile.headphones"]
    theirs, rows = (_rows(samples / "audiophile" / "headphones-bronze.csv") for _ in range(2))
    changed, removed = rows[5]["model"], rows[-1]["model"]
    rows[5]["rank"], rows[6]["comments"] = "F", "another word"
    site.files["rankings/headphones"] = tablepress([*rows[:-1], rows[7] | {"model": "Kanto New"}])
    result = pipeline("run", "audiophile", ELT_NOW="2024-06-11T12:00:00")
    assert result.code == 0 and "headphones 4" in result.out, result.out + result.err
    query = f"""SELECT model, version, rank_grade, strftime(valid_from, '%d'), strftime(valid_to, '%d'), is_current
        FROM audiophile.headphones WHERE model IN ('{changed}', '{removed}', 'Kanto New') ORDER BY ALL"""
    old, gone = theirs[5], theirs[-1]
    assert pipeline.query(query, "serving.duckdb") == sorted([
        (changed, 1, old["rank"], "10", "11", False), (changed, 2, "F", "11", None, True),
        (removed, 1, gone["rank"], "10", "11", False), ("Kanto New", 1, rows[7]["rank"], "11", None, True),
    ])  # fmt: skip
    assert len(pipeline.gold("audiophile")["audiophile.headphones"]) == len(before) + 2


def test_a_month_that_is_published_again_without_trips_has_none(pipeline):
    drop = Path(pipeline.environment["ELT_TAXI_FILES"])
    csv = drop / "yellow_tripdata_2019-01.csv"
    csv.write_text(csv.read_text().splitlines()[0] + "\n")
    result = pipeline("run", "taxi", ELT_NOW="2024-06-12T12:00:00")
    assert result.code == 0 and "rejected: yellow_trips 1" in result.out, result.out + result.err
    files = "SELECT source_file, count(*) FROM taxi.fact_trip GROUP BY 1 ORDER BY 1"
    assert pipeline.query(files, "serving.duckdb") == [
        ("green_tripdata_2024-05.parquet", 100), ("yellow_tripdata_2024-01.parquet", 100)
    ]  # fmt: skip

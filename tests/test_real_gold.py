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
    "V-shaped": (250, "14.84"),
    "Warm": (111, "15.04"),
    "Neutral": (91, "13.94"),
    "Warm neutral": (57, "13.72"),
    "Neutral with bass boost": (56, "13.09"),
    "Warm V-shape": (54, "14.86"),
    "U-shaped": (48, "14.04"),
    "Balanced": (40, "15.34"),
    "Mild V-shape": (39, "13.54"),
    "Bassy": (36, "15.64"),
}
FIRST_WORDS = {
    "KZ": (25, "15.40"),
    "Campfire": (22, "14.89"),
    "Final": (21, "15.00"),
    "Moondrop": (20, "13.25"),
    "Fearless": (20, "14.38"),
    "Empire": (19, "13.58"),
    "Sony": (18, "13.53"),
}


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
        "ELT_AUDIOPHILE_URL": site.url,
        "ELT_RANDOM_USERS_URL": site.url,
        "ELT_SALES_FILES": str(folder / "sales"),
        "ELT_TAXI_FILES": str(folder / "taxi"),
        "ELT_POSTGRES_URL": postgres.operational,
        "ELT_NOW": "2024-06-10T12:00:00",
    }
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
    assert not {"Audio", "64", "Unique", "Campfire", "HiFi", "Pai", "Origami", "Flicker"} & names


def test_sales_have_the_file_s_totals_and_no_made_up_versions(pipeline):
    gold = pipeline.gold("sales")
    assert len(gold["sales.fact_sales"]) == 2823
    assert len(gold["sales.dim_products"]) == 109 and len(gold["sales.dim_customers"]) == 92
    assert len(gold["sales.sales_per_order"]) == 307 and len(gold["sales.sales_per_product"]) == 109
    for mart in ("order", "product", "product_line", "customer", "country", "month"):
        total = f"SELECT sum(total_sales), sum(order_lines) FROM sales.sales_per_{mart}"
        assert pipeline.query(total, "serving.duckdb") == [(Decimal("10032634.59"), 2823)], mart


def test_every_line_and_trip_has_its_days_in_the_calendar(pipeline):
    lines = """SELECT count(*), min(o.date_day)::VARCHAR, max(o.date_day)::VARCHAR, max(s.date_day)::VARCHAR FROM sales.fact_sales
        JOIN sales.dim_date AS o ON o.date_key = order_date_key JOIN sales.dim_date AS s ON s.date_key = ship_date_key"""
    assert pipeline.query(lines, "serving.duckdb") == [(2823, "2022-01-02", "2022-12-17", "2022-12-21")]
    trips = """SELECT count(*) FROM taxi.trips JOIN taxi.dim_date AS p ON p.date_key = pickup_date_key
        JOIN taxi.dim_date AS d ON d.date_key = dropoff_date_key WHERE p.date_day = pickup_datetime::DATE"""
    assert pipeline.query(trips, "serving.duckdb") == [(10_200,)]


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
    assert pipeline.query(query, "serving.duckdb") == sorted(
        [
            (changed, 1, old["rank"], "10", "11", False),
            (changed, 2, "F", "11", None, True),
            (removed, 1, gone["rank"], "10", "11", False),
            ("Kanto New", 1, rows[7]["rank"], "11", None, True),
        ]
    )
    assert len(pipeline.gold("audiophile")["audiophile.headphones"]) == len(before) + 2


def test_a_trip_of_120_098_miles_is_kept_flagged_and_in_no_sum_of_miles(pipeline):
    drop = Path(pipeline.environment["ELT_TAXI_FILES"])
    csv = drop / "yellow_tripdata_2019-01.csv"
    miles = "SELECT sum(trip_distance), sum(trips), sum(implausible) FROM taxi.{} WHERE taxi_type = 'yellow' AND trip_date < '2020-01-01'"
    before = {name: pipeline.query(miles.format(name), "serving.duckdb") for name in ("daily_trips", "trips_by_hour")}
    head, first, *rest = csv.read_text().splitlines()
    cells = dict(zip(head.split(","), first.split(","), strict=True))
    far = cells | {"trip_distance": "120098"}
    csv.write_text("\n".join([head, first, *rest, ",".join(far.values())]) + "\n")
    result = pipeline("run", "taxi", ELT_NOW="2024-06-11T18:00:00")
    assert result.code == 0, result.out + result.err
    for name, [(distance, trips, flagged)] in before.items():
        assert pipeline.query(miles.format(name), "serving.duckdb") == [(distance, trips + 1, flagged + 1)]
    found = "SELECT is_implausible, count(*) FROM taxi.trips WHERE trip_distance > 1000 GROUP BY 1"
    assert pipeline.query(found, "serving.duckdb") == [(True, 1)]


def test_a_month_that_is_published_again_without_trips_has_none(pipeline):
    drop = Path(pipeline.environment["ELT_TAXI_FILES"])
    csv = drop / "yellow_tripdata_2019-01.csv"
    csv.write_text(csv.read_text().splitlines()[0] + "\n")
    result = pipeline("run", "taxi", ELT_NOW="2024-06-12T12:00:00")
    assert result.code == 0 and "rejected: yellow_trips 1" in result.out, result.out + result.err
    files = "SELECT source_file, count(*) FROM taxi.fact_trip GROUP BY 1 ORDER BY 1"
    assert pipeline.query(files, "serving.duckdb") == [
        ("green_tripdata_2024-05.parquet", 100),
        ("yellow_tripdata_2024-01.parquet", 100),
    ]


def test_a_share_that_moves_from_one_month_to_the_next_warns(pipeline, samples):
    """Zero passengers: 1.4 % of the real month, 15.8 % of the one after it; between two real months nothing moved."""
    warned = "SELECT check_name FROM ops.check_results WHERE outcome = 'warned' AND dataset = 'monthly_flags'"
    assert pipeline.query(f"{warned} AND check_name LIKE '%passengers%'", "serving.duckdb") == []
    [theirs] = [name for name, ours in TAXI.items() if ours == "yellow_tripdata_2019-01.csv"]
    drop = Path(pipeline.environment["ELT_TAXI_FILES"])
    head, *lines = (samples / "taxi" / theirs).read_text().replace("2019-01-", "2024-02-").splitlines()
    place = head.split(",").index("passenger_count")
    cells = [line.split(",") for line in lines[:1000]]
    rows = [",".join([*row[:place], "0" if n < 158 else "1", *row[place + 1 :]]) for n, row in enumerate(cells)]
    (drop / "yellow_tripdata_2024-02.csv").write_text("\n".join([head, *rows]) + "\n")
    result = pipeline("run", "taxi", ELT_NOW="2024-06-11T20:00:00")
    assert result.code == 0, result.out + result.err  # a warning holds nothing up
    shares = "SELECT share, share_before, has_moved FROM taxi.monthly_flags WHERE taxi_type = 'yellow' AND flag = 'no passengers' AND is_newest"
    [(share, before, moved)] = pipeline.query(shares, "serving.duckdb")
    assert abs(share - Decimal("0.158")) < Decimal("0.01") and before < Decimal("0.02") and moved
    names = [name for (name,) in pipeline.query(f"{warned} AND check_name LIKE '%passengers%'", "serving.duckdb")]
    assert names == ["the share of trips with zero passengers is about that of the month before"]

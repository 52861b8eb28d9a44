"""Real files of the courses' systems go through their declared sources: landed, judged and staged, every row accounted for."""

import csv
import hashlib
import html
import json
import shutil
from collections import Counter
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

import settings as configuration
from dlt_sources.door import land, load_sources, refine
from tests.dlt_sources.shop import Site, query


@pytest.fixture(scope="module")
def place(tmp_path_factory, samples):
    """Runs a declared source once on real files; the settings of the data folder it filled."""
    with pytest.MonkeyPatch.context() as patch, Site().serve() as site:
        yield _Place(tmp_path_factory.mktemp("real"), samples, patch, site)


class _Place:
    def __init__(self, folder, samples, patch, site):
        self.folder, self.samples, self.site, self.done = folder, samples, site, {}
        inbox = folder / "inbox"
        for name, value in {
            "DATA_DIR": folder / "data",
            "RETRY_PACE": "0.001",
            "NOW": "2024-06-10T12:00:00",
            "PII_SALT": "pepper",
            "SALES_FILES": inbox / "sales",
            "TAXI_FILES": inbox / "taxi",
            "AUDIOPHILE_URL": site.url,
            "RANDOM_USERS_URL": site.url,
        }.items():
            patch.setenv(f"ELT_{name}", str(value))
        self.settings = configuration.load()
        shutil.copytree(samples / "sales", inbox / "sales", copy_function=shutil.copyfile)
        (inbox / "taxi").mkdir()
        for theirs, ours in TAXI.items():
            shutil.copyfile(samples / "taxi" / theirs, inbox / "taxi" / ours)
        for name in ("headphones", "iems"):
            site.files[f"rankings/{name}"] = tablepress(_rows(samples / "audiophile" / f"{name}-bronze.csv"))

    def run(self, name):
        """What refine did with the source, landed and refined at its first mention."""
        if name not in self.done:
            source = load_sources()[name]
            landed = land(source, self.settings)
            self.done[name] = refine(source, self.settings)
            assert self.done[name].landed == landed
            assert land(source, self.settings) == {}
        return self.done[name]

    def query(self, sql):
        return query(self.settings, sql)


TAXI = {
    "yellow_tripdata_sample_2019-01.csv": "yellow_tripdata_2019-01.csv",
    "test_file_yellow.parquet": "yellow_tripdata_2024-01.parquet",
    "test_file_green.parquet": "green_tripdata_2024-05.parquet",
    "taxi_zone_lookup.csv": "taxi_zone_lookup.csv",
}


def _rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def tablepress(rows):
    """Rows as the page that a WordPress site with TablePress makes of them."""
    head = "".join(f'<th class="column-{n}">{html.escape(name)}</th>' for n, name in enumerate(rows[0], 1))
    lines = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row.values()) for row in rows)
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    table = f'<table id="tablepress-4" class="tablepress"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<!DOCTYPE html><html><head><meta charset="utf-8"></head><body>{table}</body></html>'.encode()


def test_every_headphone_and_in_ear_is_accepted(place):
    done = place.run("audiophile")
    assert done.accepted == {"headphones": 224, "iems": 1002} and not done.rejected.total()
    for name, count in done.accepted.items():
        theirs = {row["model"]: row for row in _rows(place.samples / "audiophile" / f"{name}-bronze.csv")}
        ours = place.query(
            f"SELECT model, rank_grade, tone_grade, technical_grade, value_rating FROM stg_audiophile.{name}"
        )
        assert len(ours) == len(theirs) == count
        for model, rank, tone, technical, stars in ours:
            row = theirs[model]
            assert (rank, tone, technical) == (row["rank"], row["tone_grade"], row["technical_grade"]), model
            assert (stars or 0) == len(row["value_rating"]), model


def test_prices_have_a_status_instead_of_a_sentinel(place):
    place.run("audiophile")
    for name, want in STATUS.items():
        table = f"stg_audiophile.{name}"
        assert dict(place.query(f"SELECT price_status, count(*) FROM {table} GROUP BY 1")) == want
        assert place.query(f"SELECT count(*) FROM {table} WHERE price < 0 OR 99999 IN (price, sort_price)") == [(0,)]
        assert place.query(f"SELECT count(*) FROM {table} WHERE price IS NULL AND price_status = 'listed'") == [(0,)]
        said = {
            row["model"]: row["price"].lower() for row in _rows(place.samples / "audiophile" / f"{name}-bronze.csv")
        }
        for model, status in place.query(f"SELECT model, price_status FROM {table}"):
            assert status == _status(said[model]), (model, said[model])


STATUS = {
    "headphones": {"listed": 211, "replaced": 10, "discontinued": 3},
    "iems": {"listed": 912, "discontinued": 84, "unknown": 6},
}


def _status(said):
    if "replaced" in said:
        return "replaced"
    if "discont" in said:
        return "discontinued"
    return "listed" if any(letter.isdigit() for letter in said) else "unknown"


def test_in_ears_are_what_the_reference_makes_of_them(place):
    place.run("audiophile")
    theirs = {row["model"]: row for row in _rows(place.samples / "audiophile" / "iems-silver.csv")}
    found = place.query(
        "SELECT model, rank_grade, price, value_rating, tone_grade, technical_grade, driver_type FROM stg_audiophile.iems"
    )
    assert {row[0] for row in found} == set(theirs) and len(found) == len(theirs)
    other_price = 0
    for model, rank, price, stars, tone, technical, drivers in found:
        row = theirs[model]
        assert (rank, tone, technical, drivers) == tuple(
            row[c] for c in ("rank", "tone_grade", "technical_grade", "driver_type")
        ), model
        assert (stars or -1) == int(row["value_rating"]), model
        other_price += row["price"] != "-1" and price != Decimal(row["price"])
    assert other_price == 0


def test_every_order_line_is_accepted_and_sums_up(place):
    done = place.run("sales")
    assert done.accepted == {"order_lines": 2823} and not done.rejected.total()
    [facts] = place.query("""
        SELECT count(*), count(DISTINCT (order_number, order_line_number)), sum(sales), count_if(amount_disagrees),
            count_if(territory = 'NA'), count_if(territory IS NULL), count(DISTINCT file_name)
        FROM stg_sales.order_lines""")
    assert facts == (2823, 2823, Decimal("10032634.59"), 1306, 1074, 0, 1)


def test_order_lines_say_what_the_file_says(place):
    place.run("sales")
    with (place.samples / "sales" / "raw_sales.csv").open(encoding="utf-8-sig", newline="") as file:
        theirs = list(csv.DictReader(file))
    ours = place.query("SELECT * EXCLUDE (file_name, amount_disagrees) FROM stg_sales.order_lines ORDER BY _row")
    for row, found in zip(theirs, ours, strict=True):
        want = [row[name] for name in ORDER_LINE]
        assert [_plain(value) for value in found[: len(want)]] == [_plain(value or None) for value in want]


ORDER_LINE = [
    "ORDERNUMBER",
    "ORDERLINENUMBER",
    "ORDERDATE",
    "SHIPDATE",
    "PRODUCTCODE",
    "PRODUCTLINE",
    "MSRP",
    "CUSTOMERID",
    "CUSTOMERNAME",
    "CITY",
    "COUNTRY",
    "TERRITORY",
    "CONTACTLASTNAME",
    "CONTACTFIRSTNAME",
    "QUANTITYORDERED",
    "PRICEEACH",
    "SALES",
    "STATUS",
]


def _plain(value):
    """A value as text without the zeros after its point."""
    text = None if value is None else str(value)
    return text.rstrip("0").rstrip(".") if text and "." in text and text.replace(".", "").isdigit() else text


def test_every_trip_is_accounted_for(place):
    done = place.run("taxi")
    assert (done.landed["yellow_trips"], done.landed["green_trips"]) == (10_100, 100)
    for name in ("yellow_trips", "green_trips"):
        assert (done.accepted[name], done.rejected[name]) == (done.landed[name], 0)
        assert place.query(f"SELECT count(*), count(DISTINCT (source_file, source_row)) FROM stg_taxi.{name}") == [
            (done.accepted[name],) * 2
        ]
    per_file = "SELECT source_file, count(*) FROM stg_taxi.{} GROUP BY 1 ORDER BY 1"
    assert place.query(per_file.format("green_trips")) == [("green_tripdata_2024-05.parquet", 100)]
    assert place.query(per_file.format("yellow_trips")) == [
        ("yellow_tripdata_2019-01.csv", 10_000),
        ("yellow_tripdata_2024-01.parquet", 100),
    ]


def test_trips_say_what_the_files_say(place):
    place.run("taxi")
    fields = {
        "yellow": ["tpep_pickup_datetime", "PULocationID", "total_amount"],
        "green": ["lpep_pickup_datetime", "PULocationID", "total_amount"],
    }
    for cab, names in fields.items():
        theirs = duckdb.sql(
            f"SELECT {', '.join(names)} FROM read_parquet('{place.samples}/taxi/test_file_{cab}.parquet')"
        ).fetchall()
        ours = f"SELECT pickup_datetime, pickup_zone_id, total_amount FROM stg_taxi.{cab}_trips WHERE source_file LIKE '%.parquet' ORDER BY source_row"
        assert place.query(ours) == theirs
    path = place.samples / "taxi" / "yellow_tripdata_sample_2019-01.csv"
    sums = "count(*), round(sum({0}), 2), sum(passenger_count), count(DISTINCT {1})"
    theirs = duckdb.sql(f"SELECT {sums.format('total_amount', 'pickup_datetime')} FROM read_csv('{path}')").fetchall()
    ours = f"SELECT {sums.format('total_amount', 'pickup_datetime')} FROM stg_taxi.yellow_trips WHERE source_file LIKE '%.csv'"
    assert place.query(ours) == theirs


def test_every_zone_is_accepted_and_not_applicable_is_a_text(place):
    done = place.run("taxi")
    assert (done.accepted["zones"], done.rejected["zones"]) == (265, 0)
    theirs = {int(row["location_id"]): row for row in _rows(place.samples / "taxi" / "taxi_zone_lookup.csv")}
    ours = place.query("SELECT zone_id, borough, zone, service_zone FROM stg_taxi.zones")
    assert {zone: tuple(rest) for zone, *rest in ours} == {
        zone: (row["borough"], row["zone"], row["service_zone"]) for zone, row in theirs.items()
    }
    assert Counter(row[1] for row in ours)["N/A"] == 1


def test_trips_land_over_http_as_they_do_from_a_folder(place, tmp_path, monkeypatch):
    for theirs, ours in TAXI.items():
        place.site.files[ours] = (place.samples / "taxi" / theirs).read_bytes()
    monkeypatch.setenv("ELT_TAXI_FILES", place.site.url)
    monkeypatch.setenv("ELT_DATA_DIR", str(tmp_path))
    landed = land(load_sources()["taxi"], configuration.load())
    assert landed["zones"] == 265
    assert (landed.get("yellow_trips"), landed.get("green_trips")) == (100, 100)  # 2019-01 is before `start`


SECRETS = ("password", "salt", "md5", "sha1", "sha256")


@pytest.fixture(scope="module")
def people(place):
    """The real answer, and a third person like the first whose country is missing."""
    answer = json.loads((place.samples / "random_users" / "mscimath_randomuser_v1.json").read_text())
    broken = json.loads(json.dumps(answer["results"][0]))
    broken["login"]["uuid"], broken["location"]["country"] = "00000000-0000-4000-8000-000000000000", None
    place.site.files["api/"] = json.dumps({**answer, "results": [*answer["results"], broken]}).encode()
    return answer["results"]


def test_real_people_are_accepted_with_their_addresses_hashed(place, people):
    done = place.run("random_users")
    assert (done.accepted["users"], done.rejected["users"]) == (2, 1)
    found = place.query(
        "SELECT person_id, first_name, country, postcode, email, phone, cell, username FROM stg_random_users.users"
    )
    assert sorted(found) == sorted(
        (
            p["login"]["uuid"],
            p["name"]["first"],
            p["location"]["country"],
            str(p["location"]["postcode"]),
            *(
                hashlib.sha256(f"pepper{value}".encode()).hexdigest()
                for value in (p["email"], p["phone"], p["cell"], p["login"]["username"])
            ),
        )
        for p in people
    )


def test_no_credential_leaves_refine(place, people):
    place.run("random_users")
    silver = f"read_parquet('{place.settings.silver}/random_users/**/*.parquet', union_by_name = true)"
    tables = ["stg_random_users.users", "stg_random_users._rejected", silver]
    forbidden = {*SECRETS, "national_id", "birth_date"}
    values = {
        str(value)
        for p in people
        for value in (*(p["login"][name] for name in SECRETS), p["id"]["value"], p["dob"]["date"])
    }
    hidden = (
        values
        | {str(p[name]) for p in people for name in ("email", "phone", "cell")}
        | {p["login"]["username"] for p in people}
    )
    for table in tables:
        columns = {row[0] for row in place.query(f"DESCRIBE SELECT * FROM {table}")}
        assert not columns & forbidden
        everything = str(place.query(f"SELECT * FROM {table}"))
        assert len(everything) > 100
        assert not [value for value in hidden - {"None"} if value in everything]


def test_no_credential_is_anywhere_in_the_warehouse_or_in_silver(place, people):
    place.run("random_users")
    secrets = {p["login"][name] for p in people for name in ("md5", "sha1", "sha256")}
    files = [place.settings.warehouse, *(path for path in Path(place.settings.silver).rglob("*") if path.is_file())]
    assert len(files) > 2
    assert not [path for path in files for secret in secrets if secret.encode() in path.read_bytes()]

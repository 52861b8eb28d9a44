"""Models' queries on tables that a test makes: calendars against Python's own, companies of the real lists."""

import csv
import os
from datetime import date, timedelta

import duckdb
import pytest
from sqlmesh import Context

from tests.harness import ROOT

KNOWN = "sqlmesh_project/seeds/companies.csv"
CHANGED = {  # models whose company the first word alone cuts
    "HiFi Boy OS V3": "HiFi Boy",
    "Pai Audio DM2A": "Pai Audio",
    "Origami Audio Silver": "Origami Audio",
    "Flicker Ear Norma": "Flicker Ear",
    "Fischer Omega Spark": "Fischer Audio",
    "Delta Air complimentary earphones": "Delta Air Lines",
    "Symphonium Aurora": "Symphonium Audio",
    "Symphonium Audio Aurora": "Symphonium Audio",
    "64 Audio A/U12t": "64 Audio",
    "KZ ZSN Pro": "KZ",
    "Campfire Solaris": "Campfire Audio",
    "Unique Melody MEST": "Unique Melody",
    "Apple AirPods Max": "Apple",
    "Jabra Elite 75t": "Jabra",
    "Sony IER-M7": "Sony",
    "Audio Technica ATH-M50x": "Audio Technica",
}
ALONE = {  # what the real lists tell without anybody's help
    "64 Audio",
    "Clear Tune Monitors",
    "Craft Ears",
    "Custom Art",
    "Effect Audio",
    "Empire Ears",
    "Eternal Melody",
    "Future Sonics",
    "Lime Ears",
    "NF Audio",
    "Periodic Audio",
    "See Audio",
    "Tansio Mirai",
    "Ultimate Ears",
    "Unique Melody",
    "Unknown Custom",
    "Vision Ears",
    "Zero Audio",
}


@pytest.fixture(scope="module")
def queries(tmp_path_factory):
    """Per model its query in DuckDB's words."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("ELT_")]:
            patch.delenv(name)
        patch.setenv("ELT_DATA_DIR", str(tmp_path_factory.mktemp("rendered")))
        context = Context(paths=[str(ROOT / "sqlmesh_project")])
        names = ("sales.dim_date", "taxi.dim_date", "audiophile.model_companies")
        found = {m.name: m.render_query().sql("duckdb") for m in context.models.values() if m.name in names}
        context.close()
    return found


def answer(query, **tables):
    """The query's rows; `tables`: rows by name, a double underscore for the dot, the columns first."""
    with duckdb.connect() as con:
        con.execute("ATTACH ':memory:' AS warehouse; USE warehouse")
        for name, (columns, rows) in tables.items():
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {name.split('__')[0]}")
            con.execute(f"CREATE TABLE {name.replace('__', '.')} ({columns})")
            marks = ", ".join("?" * len(columns.split(",")))
            if rows:
                con.executemany(f"INSERT INTO {name.replace('__', '.')} VALUES ({marks})", rows)
        return con.execute(query).fetchall()


def calendar(*years):
    """Every day of these years as a calendar has it."""
    for year in years:
        day = date(year, 1, 1)
        while day.year == year:
            key = year * 10_000 + day.month * 100 + day.day
            number, week = day.timetuple().tm_yday, day.isocalendar()[1]
            weekday = day.isoweekday()
            yield key, day, weekday, day.day, number, week, day.month, (day.month + 2) // 3, year, weekday < 6
            if day == date.max:
                return
            day += timedelta(1)


@pytest.mark.samples
@pytest.mark.slow
@pytest.mark.parametrize(
    ("orders", "years"),
    [
        ([("2022-01-02", "2022-12-21")], (2021, 2022, 2023)),  # as the real file: the reference's ended a day early
        ([("2023-12-31", "2024-01-01")], (2022, 2023, 2024, 2025)),
        ([("2000-02-29", None), ("1900-02-28", None)], (1899, 1900, 1901, 1999, 2000, 2001)),
        ([("0001-01-01", "9999-12-31")], (1, 2, 9998, 9999)),  # a clock that was wrong adds its years, and no more
        ([], ()),
    ],
)
def test_a_calendar_has_every_day_of_its_years_and_one_for_no_day(queries, orders, years):
    found = answer(queries["sales.dim_date"], stg_sales__order_lines=("order_date DATE, ship_date DATE", orders))
    none = (-1, *[None] * 9)
    assert sorted(found) == sorted([none, *calendar(*years)])


@pytest.mark.samples
def test_the_calendar_of_trips_has_the_days_of_both_ends_of_both_cabs(queries):
    columns = "pickup_datetime TIMESTAMP, dropoff_datetime TIMESTAMP"
    tables = {
        "stg_taxi__yellow_trips": (columns, [("2019-12-31 23:59:59.999999", "2020-01-01 00:10:00")]),
        "stg_taxi__green_trips": (columns, [("2009-01-01 00:00:00", "2098-01-01 00:00:00")]),
    }
    years = (2008, 2009, 2010, 2018, 2019, 2020, 2021, 2097, 2098, 2099)
    assert sorted(answer(queries["taxi.dim_date"], **tables)) == list(calendar(*years))


def companies(queries, samples, known):
    """Company, how it was found, and whether it is doubtful, per model of the real lists."""
    tables = {"audiophile__company_names": ("name_start VARCHAR, company_name VARCHAR", known)}
    for kind in ("headphones", "iems"):
        with (samples / "audiophile" / f"{kind}-bronze.csv").open(encoding="utf-8", newline="") as file:
            tables[f"stg_audiophile__{kind}"] = ("model VARCHAR", [[row["model"]] for row in csv.DictReader(file)])
    return {model: rest for model, *rest in answer(queries["audiophile.model_companies"], **tables)}


def test_the_companies_of_the_real_lists_are_whole(queries, samples):
    with (ROOT / KNOWN).open(encoding="utf-8", newline="") as file:
        known = [(row["name_start"], row["company_name"]) for row in csv.DictReader(file)]
    found = companies(queries, samples, known)
    assert len(found) == 1226
    assert {model: found[model][0] for model in CHANGED if model in found} == {
        model: company for model, company in CHANGED.items() if model in found
    }
    assert len(set(CHANGED) & set(found)) > 10
    assert sum(model.split(" ")[0] != company for model, (company, _, _) in found.items()) == 325
    assert [model for model, (_, _, doubtful) in found.items() if doubtful] == []
    names = {company for company, _, _ in found.values()}
    assert not {"HiFi", "Pai", "Origami", "Flicker", "64", "Campfire", "Unique", "Audio", "Symphonium"} & names


def test_the_real_lists_tell_companies_of_several_words_by_themselves(queries, samples):
    found = companies(queries, samples, [("zzzz", "zzzz")])
    by_prefix = {company for company, by, _ in found.values() if by == "prefix"}
    assert by_prefix >= ALONE
    taken_for_companies = by_prefix - ALONE - {"Anthem Five", "Sound Linear Fitz", "Venture Electronics", "VE Monk"}
    assert taken_for_companies == {"Anker Soundcore Liberty", "Apple AirPods", "Jabra Elite", "V-MODA Crossfade"}
    alone = [model for model, (_, by, doubtful) in found.items() if by == "first word" and doubtful]
    assert {"HiFi Boy OS V3", "Pai Audio DM2A", "Flicker Ear Norma", "Origami Audio Silver"} <= set(alone)

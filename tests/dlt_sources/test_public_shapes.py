"""Sources made of shapes that others chose: ten public APIs and files, rebuilt small. Every row is accepted and lands, pages are
followed, and what stays open is counted: docs/how-to.md shows the table.
"""

import json
import re
from datetime import date, datetime
from decimal import Decimal
from urllib.parse import quote

import pytest

import settings as configuration
from dlt_sources.door import land, refine
from tests.dlt_sources.test_new import accepted, fields, make
from tests.harness import ROOT

pytestmark = pytest.mark.usefixtures("known_settings")
PAGE = (ROOT / "docs" / "how-to.md").read_text("utf-8")
DAY, SECOND = "2026-03-{:02}", 1_767_225_600


def github(query, url):
    """GitHub's issues: Link header, nested user, lists of labels, NULLs, texts of any length."""
    page = int(query.get("page", 1))
    rows = [
        {
            "id": 10_000_000_000 + n,
            "node_id": f"I_kwDO{n:08x}",
            "number": n,
            "title": f"Crash № {n} in `parse`",
            "user": {"login": f"dev{n % 7}", "id": n % 7, "site_admin": False},
            "labels": [{"id": k, "name": f"bug{k}", "color": "d73a4a", "default": k == 0} for k in range(n % 3)],
            "assignee": None if n % 4 else {"login": "dev1", "id": 1, "site_admin": False},
            "state": ["open", "closed"][n % 2],
            "comments": n % 9,
            "created_at": f"{DAY.format(n % 28 + 1)}T08:01:0{n % 10}Z",
            "closed_at": f"{DAY.format(n % 28 + 1)}T09:00:00Z" if n % 2 else None,
            "body": None if n % 5 == 0 else f"It fails.\n\nSteps:\n1. run {n}",
        }
        for n in range((page - 1) * 30, page * 30)
    ]
    more = f'<{url}/repos/a/b/issues?page={page + 1}>; rel="next", <{url}/repos/a/b/issues?page=3>; rel="last"'
    return ({"link": more} if page < 3 else {}), rows


def shopify(query, url):
    """A shop's orders: Link header with a cursor, money as texts, items with lists of taxes."""
    at = int(query.get("page_info", 0))
    rows = [
        {
            "id": 450789469000 + n,
            "email": f"bob{n}@example.com",
            "created_at": f"2026-03-{n % 28 + 1:02}T16:15:47-04:00",
            "total_price": f"{n * 3}.9{n % 10}",
            "currency": "USD",
            "financial_status": ["paid", "pending", "refunded"][n % 3],
            "customer": {
                "id": n % 11,
                "verified_email": n % 2 == 0,
                "default_address": {"city": "Ottawa", "zip": f"K2P{n % 10}"},
            },
            "line_items": [
                {
                    "id": n * 10 + k,
                    "sku": f"IPOD-{k}",
                    "quantity": k + 1,
                    "price": "199.00",
                    "tax_lines": [{"rate": 0.06}],
                }
                for k in range(n % 3 + 1)
            ],
        }
        for n in range(at, at + 25)
    ]
    return ({"link": f'<{url}/orders.json?page_info={at + 25}>; rel="next"'} if at < 50 else {}), {"orders": rows}


def hits(query, url):
    """A search like arXiv's or Hacker News': pages from 0, a total of pages, highlights below keys with a leading underscore."""
    page = int(query.get("page", 0))
    rows = [
        {
            "objectID": f"{38_000_000 + n}",
            "author": f"user{n % 9}",
            "points": n * 3 % 101,
            "title": f"Show HN: thing {n}",
            "created_at": f"2026-03-{n % 28 + 1:02}T07:30:00.000Z",
            "created_at_i": SECOND + n * 60,
            "_tags": ["story", f"author_user{n % 9}"],
            "_highlightResult": {"title": {"value": f"thing {n}", "matchLevel": "none", "matchedWords": []}},
        }
        for n in range(page * 20, (page + 1) * 20)
    ]
    return {}, {"hits": rows, "nbHits": 60, "page": page, "nbPages": 3, "hitsPerPage": 20}


def earthquakes(query, url):
    """USGS' GeoJSON: features with properties, milliseconds since 1970, numbers that are whole in some rows."""
    rows = [
        {
            "type": "Feature",
            "properties": {
                "mag": n % 7 if n % 3 else n % 7 + 0.5,
                "place": f"{n} km S of Ridgecrest, CA",
                "time": (SECOND + n * 977) * 1000 + n,
                "tz": None,
                "felt": n if n % 6 == 0 else None,
                "alert": "green" if n % 9 == 0 else None,
                "tsunami": n % 2,
            },
            "geometry": {"type": "Point", "coordinates": [-117.5 - n / 100, 35.6 + n / 100, 8.25]},
            "id": f"ci{40_000_000 + n}",
        }
        for n in range(80)
    ]
    metadata = {"generated": SECOND * 1000, "title": "USGS", "status": 200, "count": 80}
    return {}, {"type": "FeatureCollection", "metadata": metadata, "features": rows}


def rates(query, url):
    """Exchange rates: a map by currency, no list anywhere."""
    names = [f"{a}{b}X" for a in "ABCDEFGHIJ" for b in "ABCDE"]
    return {}, {name: {"code": name, "rate": round(1 + n / 7, 4), "date": "2026-03-01"} for n, name in enumerate(names)}


def countries(query, url):
    """Countries: a bare list, maps whose keys are data, codes with leading zeros, fields that some rows lack."""
    return {}, [
        {
            "name": {"common": f"Land {n}", "official": f"Republic of Land {n}"},
            "cca2": f"{chr(65 + n // 26)}{chr(65 + n % 26)}",
            "ccn3": f"{n:03}",
            "independent": n % 5 != 0,
            "capital": [f"City {n}"] if n % 7 else [],
            "latlng": [n / 2, -n / 3],
            "landlocked": n % 3 == 0,
            "area": float(n * 1000) if n % 2 else n * 1000,
            "population": n * 100_000,
            **({"borders": [f"B{n}"]} if n % 3 else {}),
        }
        for n in range(60)
    ]


def payments(query, url):
    """Charges: `has_more`, the next page by the last record's id, seconds since 1970, amounts in cents."""
    start = int(query["starting_after"][3:]) + 1 if "starting_after" in query else 0
    rows = [
        {
            "id": f"ch_{n:04}",
            "object": "charge",
            "amount": n * 100,
            "created": SECOND + n,
            "currency": "eur",
            "paid": n % 4 != 0,
            "billing_details": {"name": f"Jenny {n}", "email": None},
            "metadata": {},
        }
        for n in range(start, min(start + 10, 30))
    ]
    return {}, {"object": "list", "url": "/v1/charges", "has_more": start + 10 < 30, "data": rows}


# Columns of official statistics: semicolons, decimal commas, days first, a byte order mark, thousands.
STATISTICS = "\ufeffGemeinde;Stichtag;Einwohner;Anteil in %;Veränderung\n" + "".join(
    f"{10000 + n:05} Ort {n};{n % 28 + 1:02}.03.2026;{n + 1}.{n * 7 % 1000:03};{n % 100},{n % 10}0;{'-' if n % 2 else ''}{n},5\n"
    for n in range(60)
)
# A city's open data: quoted texts with commas and line ends, times of day in English, empty cells, mixed numbers.
PERMITS = "Permit #,Issue Date,Address,Est. Cost,Lat,Contractor\n" + "".join(
    f'BLD-{n:05},{n % 12 + 1:02}/{n % 28 + 1:02}/2026 {n % 12 + 1:02}:30:00 PM,"{n} Main St, Apt {n}\nSeattle",{"" if n % 5 == 0 else n * 1000},47.{n:04},"O\'Neil ""Bud"" {n}"\n'
    for n in range(60)
)
# Events of an archive: JSON lines whose payload differs by type.
EVENTS = "".join(
    json.dumps(
        {
            "id": f"{2_489_651_000 + n}",
            "type": ["PushEvent", "WatchEvent"][n % 2],
            "actor": {"id": n % 5, "login": f"dev{n % 5}"},
            "repo": {"id": n % 3, "name": f"a/b{n % 3}"},
            "payload": {"size": 1, "commits": [{"sha": f"{n:040x}", "distinct": True}]}
            if n % 2 == 0
            else {"action": "started"},
            "public": True,
            "created_at": f"2026-03-01T15:00:{n % 60:02}Z",
        }
    )
    + "\n"
    for n in range(60)
)

SHAPES = {
    "issues of a code host (Link header, nested, labels)": (github, "/repos/a/b/issues", 90),
    "orders of a shop (Link with a cursor, money as text, items)": (shopify, "/orders.json", 75),
    "a search (pages from 0, epoch and text times)": (hits, "/search", 60),
    "earthquakes (GeoJSON, milliseconds)": (earthquakes, "/summary", 80),
    "exchange rates (a map by currency)": (rates, "/latest", 50),
    "countries (a bare list, fields that some rows lack)": (countries, "/all", 60),
    "charges (`has_more`, the last record's id)": (payments, "/v1/charges", 30),
    "official statistics (CSV, semicolons, decimal commas)": (STATISTICS, "gemeinden.csv", 60),
    "permits of a city (CSV, quotes, times in English)": (PERMITS, "permits.csv", 60),
    "events of an archive (JSON lines of several types)": (EVENTS, "events.jsonl", 60),
}


KINDS = {  # of fields that are easily misread
    "issues": {"id": int, "created_at": datetime, "closed_at": datetime, "body": str},
    "orders": {"total_price": Decimal, "created_at": datetime, "zip": str},
    "search": {"object_id": str, "created_at_i": datetime, "points": int},
    "summary": {"mag": float, "properties_time": datetime, "felt": int, "alert": str},
    "latest": {"code": str, "rate": float, "latest_date": date},
    "all": {"ccn3": str, "area": float, "independent": bool},
    "charges": {"created": datetime, "paid": bool},
    "gemeinden": {"einwohner": int, "anteil_in": Decimal, "veranderung": Decimal, "stichtag": date},
    "permits": {"issue_date": datetime, "est_cost": Decimal, "address": str},
    "events": {"id": str, "action": str, "size": int},
}


def made_of(shape, api, tmp_path):
    content, place, rows = SHAPES[shape]
    if callable(content):
        api.answers[place] = content
        return *make(tmp_path, f"{api.url}{quote(place)}"), rows
    (tmp_path / place).write_text(content, encoding="utf-8")
    return *make(tmp_path, str(tmp_path / place)), rows


@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_accepted_and_lands_whole(shape, api, tmp_path):
    made, source, rows = made_of(shape, api, tmp_path)
    assert sum(accepted(made).values()) > 0
    [first] = source.extracted
    kinds = {name: kind for name, (kind, _, _) in fields(source, first).items()}
    assert KINDS[first].items() <= kinds.items()
    assert source.tables[first].key
    settings = configuration.load(["ELT_SHOP_URL"])
    assert land(source, settings)[first] == rows
    done = refine(source, settings)
    assert not done.rejected.total() and done.accepted[first] == rows
    [shown] = re.findall(rf"^\| {re.escape(shape)} \| (.*) \|$", PAGE, re.MULTILINE)
    assert shown.split(" | ") == [str(len(kinds)), str(len(source.tables)), str(len(made.doubts) - 1)], made.doubts

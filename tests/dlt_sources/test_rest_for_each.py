"""Endpoints that are asked once for each record of another table: in one load with it, never on another path, and again after a kill."""

import json
import os
import re
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote, urlsplit

import duckdb
import msgspec
import pytest
import requests
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

import settings as configuration
from dlt_sources._new.trial import try_source
from dlt_sources._steps.declared.endpoint import Endpoint
from dlt_sources._steps.land import pages, reread
from dlt_sources._steps.land.connectors import rest_api
from dlt_sources._steps.land.parents import Parents, fill, put_beside
from dlt_sources._steps.stores.lake import Landing
from dlt_sources.door import DeclarationError, SourceError, land, load_sources, read_ahead, rebuild, refine
from tests.forks import processes
from tests.harness import ROOT
from tests.security.hostile import Server
from tests.struck import UNTOUCHED, strike

CONTRACT = """
from datetime import datetime
from dlt_sources.contract import Contract, column
class Order(Contract):
    id: str = column("order", coerce_numbers_to_str=True, max_length=100)
    changed: datetime | None = column("when", default=None)
class Item(Contract):
    order_id: str = column("order", path="_for_each.id", coerce_numbers_to_str=True, max_length=100)
    line: int = column("line")
    sku: str = column("what", max_length=10)
"""
ORDERS = {"contract": "Order", "key": ["id"], "endpoint": {"path": "orders"}}
WINDOWED = ORDERS | {
    "endpoint": {"path": "orders", "window": {"since": "from", "until": "to"}},
    "cursor": "changed",
    "start": "2020-01-01",
}
ITEMS = {
    "contract": "Item",
    "key": ["order_id", "line"],
    "endpoint": {"path": "orders/{id}/items", "for_each": "orders"},
}


class Shop(Server):
    """`GET /orders` and `GET /orders/{id}/items`, items in pages; `items` by id, or the status to answer with."""

    def __init__(self, orders, items=None, page=100):
        super().__init__(self.respond)
        self.orders, self.items, self.page = orders, items or {}, page
        self.asked = []

    def respond(self, path, headers):
        url = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.asked.append(path)
        if url.path == "/orders":
            found = [o for o in self.orders if "from" not in query or query["from"] <= o["changed"][:10] <= query["to"]]
            return 200, {}, json.dumps(found).encode()
        parts = url.path.split("/")
        if len(parts) != 4 or (parts[1], parts[3]) != ("orders", "items"):
            return 418, {}, b""
        found = self.items.get(unquote(parts[2]), [])
        if isinstance(found, int):
            return found, {}, b""
        at = int(query.get("page", 1))
        more = {"next": f"{self.url}{url.path}?page={at + 1}"} if at * self.page < len(found) else {}
        return 200, {}, json.dumps({"data": found[(at - 1) * self.page : at * self.page], **more}).encode()

    def seen_items(self):
        """Ids whose items were asked for since the last call, in order."""
        asked, self.asked = self.asked, []
        return [unquote(path.split("/")[2]) for path in asked if path.endswith("/items")]


def source_of(folder, url, orders=ORDERS, items=ITEMS, contract=CONTRACT, connection=None, **more):
    (folder / "sources" / "shop").mkdir(parents=True, exist_ok=True)
    if items and "data_selector" not in items["endpoint"]:
        items = items | {"endpoint": {"data_selector": "data", **items["endpoint"]}}
    content = {
        "description": "a shop",
        "owner": "me",
        "schedule": "* * * * *",
        "connector": "rest_api",
        "connection": {"base_url": url, "attempts": 2, "timeout": 5, **(connection or {})},
        "tables": {**({"items": items} if items else {}), "orders": orders, **more},
    }
    (folder / "sources" / "shop" / "source.yml").write_text(yaml.safe_dump(content))
    (folder / "sources" / "shop" / "contract.py").write_text(contract)
    return load_sources(folder / "sources")["shop"]


def query(here, sql):
    with duckdb.connect(str(here.warehouse)) as con:
        return con.execute(sql).fetchall()


def lines(*skus):
    return [{"line": n, "sku": sku} for n, sku in enumerate(skus, 1)]


def order(id, day="2020-01-05"):
    return {"id": id, "changed": f"{day}T10:00:00"}


def test_items_of_each_order_land_with_it_in_one_load_and_know_their_order(tmp_path, here):
    """Also over pages, and where two orders have the same items: the key needs the order's id."""
    shop = Shop([order(1), order(2), order(3)], {"1": lines("a", "b", "c"), "2": lines("a"), "3": []}, page=2)
    with shop.serve():
        source = source_of(tmp_path, shop.url)
        assert land(source, here) == {"orders": 3, "items": 4}
        assert shop.seen_items() == ["1", "2", "3"]
        assert len(Landing("shop", here).loads()) == 1
        done = refine(source, here)
        assert done.accepted["items"] == 4 and not done.rejected["items"]
        rows = "SELECT order_id, line, sku FROM stg_shop.items ORDER BY ALL"
        assert query(here, rows) == [("1", 1, "a"), ("1", 2, "b"), ("1", 3, "c"), ("2", 1, "a")]
        assert land(source, here) == {}  # all are asked for again, and nothing changed
        assert shop.seen_items() == ["1", "2", "3"]
        shop.items["2"] = lines("z")
        assert land(source, here) == {"items": 1}
        refine(source, here)
        assert query(here, rows)[-1] == ("2", 1, "z")


def test_with_a_window_only_items_of_the_orders_that_it_brings_are_asked_for(tmp_path, here):
    shop = Shop([order(1, "2020-01-05"), order(2, "2020-01-07")], {"1": lines("a"), "2": lines("b"), "3": lines("c")})
    with shop.serve():
        source = source_of(tmp_path, shop.url, WINDOWED)
        assert land(source, here) == {"orders": 2, "items": 2}
        shop.seen_items()
        shop.orders.append(order(3, "2020-01-09"))
        assert land(source, here) == {"orders": 1, "items": 1}
        assert shop.seen_items() == ["2", "3"]  # the day of the cursor is read again
        assert land(source, here) == {}
        assert shop.seen_items() == ["3"]
        day = {"since": datetime(2020, 1, 5, tzinfo=UTC), "until": datetime(2020, 1, 5, tzinfo=UTC)}
        assert land(source, here, **day) == {"orders": 1, "items": 1}  # a backfill
        assert shop.seen_items() == ["1"]
        refine(source, here)
        assert query(here, "SELECT order_id, sku FROM stg_shop.items ORDER BY 1") == [
            ("1", "a"),
            ("2", "b"),
            ("3", "c"),
        ]


def test_an_order_that_is_gone_is_a_note_and_another_refusal_ends_the_read(tmp_path, here):
    shop, notes = Shop([order(1), order(2), order(3)], {"1": lines("a"), "2": 404, "3": lines("c")}), []
    with shop.serve():
        source = source_of(tmp_path, shop.url)
        assert land(source, here, notes=notes) == {"orders": 3, "items": 2}
        assert [note for note in notes if "the API has nothing for 1 of 3 records of orders (404)" in note]
        shop.orders.append(order(4))
        for status, code in (403, 2), (500, 3):
            shop.items["3"] = status
            with pytest.raises(SourceError, match=str(status)) as error:
                land(source, here)
            assert error.value.exit_code == code and len(Landing("shop", here).loads()) == 1
        shop.items |= {"3": lines("c"), "4": lines("d")}
        assert land(source, here) == {"orders": 1, "items": 1}


def test_an_order_that_is_gone_between_two_pages_ends_the_read(tmp_path, here):
    """A part of its items must not look like all of them."""
    shop = Shop([order(1)], {"1": lines("a", "b", "c")}, page=2)
    whole = shop.answer
    shop.answer = lambda path, headers: (404, {}, b"") if "page=2" in path else whole(path, headers)
    with shop.serve(), pytest.raises(SourceError, match="404"):
        land(source_of(tmp_path, shop.url), here)
    assert Landing("shop", here).loads() == []


def test_where_no_order_has_the_value_the_read_ends_with_the_fix(tmp_path, here):
    shop = Shop([order(1), order(2)])
    with shop.serve():
        items = ITEMS | {"endpoint": {"path": "orders/{nr}/items", "for_each": "orders"}}
        with pytest.raises(SourceError, match=r"none of the 2 records of orders has what \{nr\} stands for") as error:
            land(source_of(tmp_path, shop.url, items=items), here)
        assert error.value.exit_code == 2 and Landing("shop", here).loads() == []


HOSTILE = [
    "../x",
    "..",
    ".",
    "",
    None,
    ["a"],
    {"a": 1},
    True,
    "a/../../b",
    "..\\x",
    "\ud800",
    "x" * 1001,
    int("9" * 1001),
]
ENCODED = [
    "a/b",
    "?q=1",
    "#f",
    "a b",
    "%2e%2e",
    "%2F",
    "ü",
    "http://evil.example/",
    "//evil.example",
    "a\\b",
    "\0",
    "{id}",
    "a;b",
    "@x",
]


def test_hostile_ids_are_encoded_or_left_out_with_a_note(tmp_path, here):
    orders = [{"id": value} for value in (*HOSTILE, *ENCODED)]
    shop, notes = Shop(orders, {value: lines("a") for value in ENCODED}), []
    with shop.serve():
        source = source_of(tmp_path, shop.url)
        assert land(source, here, notes=notes)["items"] == len(ENCODED)
        assert shop.seen_items() == ENCODED
    assert any(f"nothing was asked for {len(HOSTILE)} of {len(orders)} records of orders" in note for note in notes)
    refine(source, here)
    assert {row[0] for row in query(here, "SELECT order_id FROM stg_shop.items")} >= {"a/b", "?q=1", "%2F"}


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=8) | st.text("./\\%2eE?#@:{}id", max_size=8), st.sampled_from(["", ".", "%2e", "a"]))
@example(".", ".")
@example(".", "%2e")
@example("%2e", "%2e")
def test_no_value_leads_to_another_path(value, before):
    """What requests sends has the declared parts, and the value whole in its place."""
    path = fill(f"orders/{before}{{id}}/items", {"id": value})
    if path is None:
        return
    sent = requests.Request("GET", f"http://127.0.0.1/v1/{path}").prepare().path_url
    parts = sent.split("/")
    assert len(parts) == 5 and (parts[1:3], parts[4]) == (["v1", "orders"], "items")
    assert unquote(parts[3]) == unquote(before) + value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(), parts, max_size=3),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(), JSON, max_size=4), JSON, JSON, st.booleans())
@example({}, "a", None, False)
@example({"_for_each": {"id": "other"}}, 1, 1.5, True)
def test_any_value_is_asked_with_as_it_is_or_not_at_all(row, id, status, ascii):
    """What lands beside a record is what was asked with; in a parameter too, where no path is left."""
    for place in ({"path": "orders/{id}"}, {"path": "orders", "params": {"order": "{id}"}}):
        parents = Parents(Endpoint(for_each="orders", **place), [("status",)])
        parents.add(
            msgspec.Raw(json.dumps({"id": id, "status": status}, ensure_ascii=ascii).encode("utf-8", "surrogatepass"))
        )
        asked = list(parents.requests({}))
        assert len(asked) == 1 - parents.unusable
        for one in asked:
            value = one.params["order"] if one.params else unquote(one.path.removeprefix("orders/"))
            assert value == (id if isinstance(id, str) else json.dumps(id)) and not isinstance(id, bool)
            landed = put_beside(msgspec.Raw(json.dumps(row, ensure_ascii=ascii).encode()), one.beside)
            assert json.loads(bytes(landed)) == row | {"_for_each": {"id": id, "status": status}}
        usable = isinstance(id, int | float) and not isinstance(id, bool)
        assert asked or not usable, "a number can always be asked with"


def test_values_land_to_the_letter_and_a_record_cannot_say_whose_it_is(tmp_path, here):
    """Of a large number every digit; `_for_each` of the server's own does not count; what is not an object is rejected."""
    number = "12345678901234567890123"
    items = b'{"data": [{"line": 1, "sku": "a", "_for_each": {"id": "9"}}, {"line": 2 , "sku":"b" }, {}, 7]}'

    def answer(path, headers):
        return 200, {}, f'[{{"id": {number}}}]'.encode() if path == "/orders" else items

    with Server(answer).serve() as server:
        source = source_of(tmp_path, server.url)
        assert land(source, here)["items"] == 4
        done = refine(source, here)
    assert (done.accepted["items"], done.rejected["items"]) == (2, 2)
    assert query(here, "SELECT order_id, line FROM stg_shop.items ORDER BY 2") == [(number, 1), (number, 2)]


def test_a_parameter_takes_a_value_and_a_table_of_rows_may_be_gone_through(tmp_path, here):
    def answer(path, headers):
        return 200, {}, json.dumps({"data": lines(parse_qs(urlsplit(path).query)["order"][0])}).encode()

    items = ITEMS | {"endpoint": {"path": "items", "params": {"order": "{id}", "lang": "de"}, "for_each": "orders"}}
    orders = {"contract": "Order", "key": ["id"], "rows": [{"id": "a&b=c"}, {"id": "2"}]}
    with Server(answer).serve() as server:
        source = source_of(tmp_path, server.url, orders, items)
        assert land(source, here) == {"orders": 2, "items": 2}
        assert [path for path, _ in server.seen] == ["/items?lang=de&order=a%26b%3Dc", "/items?lang=de&order=2"]
        refine(source, here)
    assert query(here, "SELECT order_id, sku FROM stg_shop.items ORDER BY 1") == [("2", "2"), ("a&b=c", "a&b=c")]


PARCEL = """
class Parcel(Contract):
    order_id: str = column("order", path="_for_each._for_each.id", coerce_numbers_to_str=True, max_length=100)
    line: int = column("line", path="_for_each.line")
    code: str = column("code", max_length=10)
"""


def test_items_may_have_parcels(tmp_path, here):
    def answer(path, headers):
        parts = path.split("/")
        found = {2: [order(1), order(2)], 4: {"data": lines("a", "b")}, 6: [{"code": "".join(parts[2:6:2])}]}
        return 200, {}, json.dumps(found[len(parts)]).encode()

    parcels = {
        "contract": "Parcel",
        "key": ["order_id", "line", "code"],
        "endpoint": {"path": "orders/{_for_each.id}/items/{line}/parcels", "for_each": "items"},
    }
    with Server(answer).serve() as server:
        source = source_of(tmp_path, server.url, contract=CONTRACT + PARCEL, a_parcel=parcels)
        assert land(source, here) == {"orders": 2, "items": 4, "a_parcel": 4}
        refine(source, here)
    rows = query(here, "SELECT order_id, line, code FROM stg_shop.a_parcel ORDER BY ALL")
    assert rows == [("1", 1, "11"), ("1", 2, "12"), ("2", 1, "21"), ("2", 2, "22")]


def test_of_a_large_table_all_records_are_asked_for_and_all_of_its_rows_land(tmp_path, here, monkeypatch):
    """Rows that wait for what is asked with them wait on disk."""
    monkeypatch.setattr(reread, "AT_ONCE", 1)
    monkeypatch.setattr(pages, "PAGE", 7)
    monkeypatch.setattr(rest_api, "MANY", 40)
    shop, notes = Shop([order(n) for n in range(1, 49)], {str(n): lines("a") for n in range(1, 49)}), []
    with shop.serve():
        source = source_of(tmp_path, shop.url)
        assert land(source, here, notes=notes) == {"orders": 48, "items": 48}
        assert len(shop.seen_items()) == 48 and any("48 requests for 48 records of orders" in n for n in notes)
        done = refine(source, here)
    assert (done.accepted["orders"], done.accepted["items"]) == (48, 48)


def test_the_limits_hold(tmp_path, here):
    """`max_pages` for each record, `max_total_megabytes` for all of the read, `hosts` for every link."""
    shop = Shop([order(1), order(2)], {"1": lines("a", "b"), "2": lines("c", "d")}, page=1)
    with shop.serve():
        paged = ITEMS | {"endpoint": {**ITEMS["endpoint"], "max_pages": 2}}
        assert land(source_of(tmp_path, shop.url, items=paged), here)["items"] == 4
        shop.items["2"] = lines("c", "d", "e")
        with pytest.raises(SourceError, match="there are still more after 2 pages"):
            land(source_of(tmp_path, shop.url, items=paged), here)
        with pytest.raises(SourceError, match="in all answers together"):
            land(source_of(tmp_path, shop.url, connection={"max_total_megabytes": 0.0001}), here)
        away = shop.answer
        shop.answer = lambda path, headers: (
            (200, {}, b'{"data": [], "next": "http://127.0.0.1:9/x"}') if "/2/" in path else away(path, headers)
        )
        with pytest.raises(SourceError, match="another server"):
            land(source_of(tmp_path, shop.url), here)


def test_a_look_asks_for_a_few_and_shows_rows(tmp_path, here):
    """`runner.py test`: no more than five orders, though the first of them have no items."""
    shop = Shop([order(n) for n in range(1, 50)], {"3": lines("a")})
    with shop.serve():
        trial = try_source(source_of(tmp_path, shop.url), here)
        assert shop.seen_items() == ["1", "2", "3", "4", "5"]
    assert [(v.table, v.landed, v.accepted) for v in trial.verdicts] == [("orders", 49, 49), ("items", 1, 1)]


def test_read_ahead_items_wait_for_their_source_s_turn(tmp_path, here):
    shop = Shop([order(1)], {"1": lines("a")})
    with shop.serve():
        source = source_of(tmp_path, shop.url)
        sources = {"shop": source, "other": source}
        with read_ahead(sources, ["shop", "other"], here) as ahead:
            begun = ahead.get("shop")
            ahead.get("other")
            assert "/orders" in shop.asked and shop.seen_items() == []
    begun.close()
    with shop.serve():
        assert land(source_of(tmp_path, shop.url), here) == {"orders": 1, "items": 1}


def environment():
    return {name: value for name, value in os.environ.items() if name.startswith("ELT_")}


def land_here(folder, environment):
    """What the struck process does."""
    os.environ.update(environment)
    land(load_sources(folder / "sources")["shop"], configuration.load())


def test_killed_anywhere_the_next_run_asks_again_and_lands_both(tmp_path, here, step):
    """At each fourth write of the land; by day at fewer."""
    shop = Shop([order(1, "2020-01-05"), order(2, "2020-01-06")], {"1": lines("a"), "2": lines("b", "c")})
    with shop.serve():
        source = source_of(tmp_path, shop.url, WINDOWED)
        for more, at in enumerate(range(1, 200, 4 * step)):
            ended = strike(land_here, tmp_path, environment(), below=here.data_dir, at=at)
            land(source, here)
            refine(source, here)
            assert query(here, "SELECT count(*) FROM stg_shop.orders") == [(2 + more,)]
            found = query(here, "SELECT count(*), count(DISTINCT (order_id, line)) FROM stg_shop.items")
            assert found == [(3 + more,) * 2]
            if ended == UNTOUCHED:
                return
            number = str(len(shop.orders) + 1)
            shop.orders.append(order(number, "2020-01-07"))
            shop.items[number] = lines("x")
    raise AssertionError("the land has more writes than that")


def test_killed_while_it_asks_nothing_has_landed_and_the_next_run_asks_for_all(tmp_path, here):
    shop = Shop([order(n) for n in (1, 2, 3)], {str(n): lines("a") for n in (1, 2, 3)})
    whole, struck = shop.answer, []

    def answer(path, headers):
        if path == "/orders/2/items" and not struck:
            struck.append(path)
            process.kill()
        return whole(path, headers)

    shop.answer = answer
    with shop.serve():
        source = source_of(tmp_path, shop.url, WINDOWED)
        process = processes.Process(target=land_here, args=(tmp_path, environment()))
        process.start()
        process.join(60)
        assert struck and process.exitcode == -9 and Landing("shop", here).loads() == []
        shop.seen_items()
        assert land(source, here) == {"orders": 3, "items": 3} and shop.seen_items() == ["1", "2", "3"]


PRIVATE = CONTRACT.replace('column("order", coerce', 'column("order", pii="hash", coerce')
WRONG = {
    "no such table": (
        {"for_each": "ordres"},
        {},
        CONTRACT,
        "'ordres' is not a table of this source; did you mean 'orders'?",
    ),
    "itself": ({"for_each": "items"}, {}, CONTRACT, "'items' is this table itself"),
    "no placeholder": ({"path": "items"}, {}, CONTRACT, "it is the same for each record of 'orders'"),
    "no for_each": ({"for_each": None}, {}, CONTRACT, "nothing fills {id}"),
    "no for_each, in params": (
        {"for_each": None, "path": "x", "params": {"order": "{id}"}},
        {},
        CONTRACT,
        "endpoint.params.order: nothing fills {id}",
    ),
    "no name": ({"path": "orders/{}/{id}"}, {}, CONTRACT, "{} names no value"),
    "part of a parameter": ({"params": {"q": "id={id}"}}, {}, CONTRACT, "is the whole value of a parameter"),
    "window": ({"window": {"since": "a"}}, {"cursor": "line", "start": "2020-01-01"}, CONTRACT, "remove `cursor`"),
    "append": ({}, {"mode": "append"}, CONTRACT, "tables.items.mode: a read sees the rows of those records only"),
    "deletes": ({}, {"deletes": "soft"}, CONTRACT, "tables.items.deletes: a read sees"),
    "a path without for_each": (
        {"for_each": None, "path": "x"},
        {},
        CONTRACT,
        "only a row of an endpoint with `for_each` has '_for_each'",
    ),
    "the whole record": (
        {},
        {},
        CONTRACT.replace('"_for_each.id"', '"_for_each"'),
        "name one of the record's own values",
    ),
    "personal": ({}, {}, PRIVATE, "id is (part of) a value of orders that is tagged as personal"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_declaration_is_refused_with_file_and_fix(tmp_path, name):
    endpoint, table, contract, said = WRONG[name]
    items = ITEMS | table | {"endpoint": {k: v for k, v in (ITEMS["endpoint"] | endpoint).items() if v is not None}}
    with pytest.raises(DeclarationError) as error:
        source_of(tmp_path, "http://127.0.0.1", items=items, contract=contract)
    assert said in str(error.value) and str(tmp_path / "sources" / "shop") in str(error.value)


def test_a_circle_and_a_table_of_elements_are_refused(tmp_path):
    circle = ORDERS | {"endpoint": {"path": "x/{line}", "for_each": "items"}}
    with pytest.raises(DeclarationError, match=r"in a circle: items needs orders needs items"):
        source_of(tmp_path, "http://127.0.0.1", circle)
    parts = {"contract": "Item", "key": ["order_id"], "from": "orders", "explode": "parts", "parent_key": ["id"]}
    of_parts = ITEMS | {"endpoint": ITEMS["endpoint"] | {"for_each": "parts"}}
    with pytest.raises(DeclarationError, match="'parts' is made from another table's records"):
        source_of(tmp_path, "http://127.0.0.1", items=of_parts, parts=parts)


def test_braces_that_mean_nothing_stay_what_they_are(tmp_path, here):
    """In parameters without `for_each`, and names of settings."""
    orders = ORDERS | {"endpoint": {"path": "orders", "params": {"filter": '{"open": true}', "q": "{a{b}}"}}}
    with Server(lambda path, headers: (200, {}, b"[]")).serve() as server:
        land(source_of(tmp_path, server.url, orders, items=None), here)
    assert parse_qs(urlsplit(server.seen[0][0]).query) == {"filter": ['{"open": true}'], "q": ["{a{b}}"]}


def test_personal_values_of_the_order_are_in_no_rejected_row(tmp_path, here):
    contract = PRIVATE.replace('path="_for_each.id", ', 'path="_for_each.id", pii="hash", ')
    contract += "    needs = ('sku',)\n"
    shop = Shop([{"id": "me@example.com"}], {"me@example.com": [{"line": "none", "sku": "a"}, {"line": 1, "sku": "b"}]})
    with shop.serve():
        source = source_of(tmp_path, shop.url, contract=contract)
        assert land(source, here) == {"orders": 1, "items": 2}
        assert refine(source, here).rejected["items"] == 1
    assert b"me@example.com" not in here.warehouse.read_bytes()
    [(raw,)] = query(here, "SELECT raw FROM stg_shop._rejected")
    assert json.loads(raw)["sku"] == "a"  # which the contract's own code may read, and is shown
    assert len(query(here, "SELECT * FROM stg_shop.items JOIN stg_shop.orders ON order_id = id")) == 1


def test_the_values_beside_a_record_are_not_drift(tmp_path, here):
    """Also of a contract with code of its own, and where it does not read them."""
    own = CONTRACT.replace('path="_for_each.id"', 'path="sku"') + CODE
    also = ITEMS | {"endpoint": ITEMS["endpoint"] | {"params": {"day": "{changed}"}}}
    for items, contract in ((ITEMS, CONTRACT + CODE), (ITEMS, own), (also, CONTRACT)):
        shop = Shop([order(1)], {"1": [{"line": 1, "sku": "a", "more": contract}]})
        with shop.serve():
            source = source_of(tmp_path, shop.url, items=items, contract=contract)
            land(source, here)
            assert refine(source, here).seen["items"].unknown.keys() == {"more"}


CODE = """
    from pydantic import model_validator
    @model_validator(mode="after")
    def _own(self):
        return self
"""


def test_what_landed_is_enough_to_rebuild_it(tmp_path, here):
    shop = Shop([order(1), order(2)], {"1": lines("a", "b"), "2": lines("c")})
    with shop.serve():
        source = source_of(tmp_path, shop.url)
        land(source, here)
        refine(source, here)
    rows = "SELECT order_id, line, sku FROM stg_shop.items ORDER BY ALL"
    before = query(here, rows)
    rebuild(source, [], here, progress=lambda text: None)
    assert query(here, rows) == before and len(before) == 3
    here.warehouse.unlink()
    refine(source, here)
    assert query(here, rows) == before


def text_of_the_page():
    page = (ROOT / "docs" / "how-to.md").read_text("utf-8")
    return page.partition("### Records of each record\n")[2].partition("\n### ")[0]


def test_the_example_of_the_page_runs_as_written(tmp_path, here):
    text = text_of_the_page()
    tables = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])["tables"]
    field = re.search(r"`(order_id: .*)`", text)[1]
    contract = CONTRACT.partition("class Item")[0].replace("id: str", "order_id: str", 1)
    contract += f"class Item(Contract):\n    {field}\n    line: int = column('line')\n"
    orders = [{"order_id": n, "ordered_at": "2026-01-05T10:00:00"} for n in (7, 8)]

    def answer(path, headers):
        found = (
            orders if path.startswith("/orders?from=2026-01-01") else {"/orders/7/items": lines("a", "b")}.get(path, [])
        )
        return 200, {}, json.dumps(found).encode()

    contract = contract.replace("changed:", "ordered_at:").replace('column("order", coerce', 'column("order", coerce')
    later = here.model_copy(update={"now": datetime(2026, 1, 9)})
    with Server(answer).serve() as server:
        source = source_of(tmp_path, server.url, tables.pop("orders"), None, contract, **tables)
        assert land(source, later) == {"orders": 2, "order_items": 2}
        refine(source, later)
    assert query(here, "SELECT order_id, line FROM stg_shop.order_items ORDER BY 2") == [(7, 1), (7, 2)]

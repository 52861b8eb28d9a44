"""Rows that are gone from endpoints asked for each record of another table: where all records are read, they are known to be gone."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import settings as configuration
from dlt_sources.door import DeclarationError, SourceError, land, rebuild, refine
from tests.dlt_sources.test_rest_for_each import (
    CONTRACT,
    ITEMS,
    ORDERS,
    WINDOWED,
    Shop,
    environment,
    land_here,
    lines,
    order,
    query,
    source_of,
)
from tests.struck import UNTOUCHED, strike

WHOLE = ORDERS | {"deletes": "reconcile"}
GONE = ITEMS | {"deletes": "reconcile", "shrink_floor": 0}
SKUS = "SELECT order_id, sku FROM stg_shop.items ORDER BY ALL"


def turn(source, here):
    landed = land(source, here)
    refine(source, here)
    return landed


def test_an_item_taken_out_of_its_order_leaves_staging_and_so_do_those_of_an_order_that_is_gone(tmp_path, here):
    shop = Shop([order(1), order(2), order(3)], {"1": lines("a", "b", "c"), "2": lines("d"), "3": lines("e", "f")})
    with shop.serve():
        source = source_of(tmp_path, shop.url, WHOLE, GONE)
        turn(source, here)
        shop.items["1"] = lines("a", "b")
        assert turn(source, here) == {"items": 1}
        assert query(here, SKUS) == [("1", "a"), ("1", "b"), ("2", "d"), ("3", "e"), ("3", "f")]
        shop.orders = [order(1), order(2)]
        assert turn(source, here) == {"orders": 1, "items": 2}
        shop.items["2"] = 404  # its order is still there, and the API knows none of its items
        assert turn(source, here) == {"items": 1}
        assert turn(source, here) == {}
        assert query(here, SKUS) == [("1", "a"), ("1", "b")]
        shop.orders.append(order(3))  # back again
        assert turn(source, here) == {"orders": 1, "items": 2}
        before = query(here, SKUS)
        assert before == [("1", "a"), ("1", "b"), ("3", "e"), ("3", "f")]
        rebuild(source, [], here, progress=print)
        assert query(here, SKUS) == before


def test_every_version_of_an_item_is_kept_with_its_end(tmp_path, here):
    shop = Shop([order(1)], {"1": lines("a", "b")})
    with shop.serve():
        source = source_of(tmp_path, shop.url, WHOLE, ITEMS | {"mode": "scd2", "deletes": "soft"})
        turn(source, here)
        shop.items["1"] = lines("z")
        turn(source, here)
        assert query(here, "SELECT line, sku, _deleted FROM stg_shop.items ORDER BY line, _load_id") == [
            (1, "a", False),
            (1, "z", False),
            (2, "b", False),
            (2, "b", True),
        ]


def test_where_the_path_is_wrong_nothing_is_taken_for_deleted(tmp_path, here):
    shop = Shop([order(1), order(2)], {"1": lines("a"), "2": lines("b")})
    with shop.serve():
        source = source_of(tmp_path, shop.url, WHOLE, ITEMS | {"deletes": "reconcile"})
        turn(source, here)
        shop.items = {"1": 404, "2": 404}
        with pytest.raises(SourceError, match=r"shop.items: 0 rows where the last read had 2.*shrink_floor"):
            land(source, here)
        assert query(here, SKUS) == [("1", "a"), ("2", "b")]


class Paged(Shop):
    """Orders come in pages of two, with their number; before the second page of a read `between` is called, once."""

    between = staticmethod(lambda: None)
    total = None

    def respond(self, path, headers):
        url = urlsplit(path)
        if url.path != "/orders":
            return super().respond(path, headers)
        at = int(parse_qs(url.query).get("page", ["1"])[0])
        if at == 2:
            between, self.between = self.between, lambda: None
            between()
        found = self.orders[2 * at - 2 : 2 * at]
        more = {"next": f"{self.url}/orders?page={at + 1}"} if 2 * at < len(self.orders) else {}
        return 200, {}, json.dumps({"data": found, "total": self.total or len(self.orders), **more}).encode()


def paged(tmp_path, shop):
    orders = WHOLE | {"endpoint": {"path": "orders", "data_selector": "data"}, "shrink_floor": 0}
    return source_of(tmp_path, shop.url, orders, GONE)


def test_an_order_that_moved_to_a_page_already_read_keeps_its_items(tmp_path, here):
    shop = Paged([order(n) for n in range(1, 6)], {str(n): lines("a") for n in range(1, 6)})
    with shop.serve():
        source = paged(tmp_path, shop)
        turn(source, here)
        shop.between = lambda: shop.orders.pop(0)  # the third moves up to the first page
        turn(source, here)
        assert [id for id, _ in query(here, SKUS)] == [
            "1",
            "2",
            "3",
            "4",
            "5",
        ]  # the first was there in one of two reads
        turn(source, here)
        assert [id for id, _ in query(here, SKUS)] == ["2", "3", "4", "5"]


def test_where_not_all_orders_came_no_item_is_taken_for_deleted(tmp_path, here):
    """The API counts more orders than it gives: those that are missing keep their items, and the next whole read decides."""
    shop = Paged([order(n) for n in range(1, 6)], {str(n): lines("a") for n in range(1, 6)})
    with shop.serve():
        source = paged(tmp_path, shop)
        turn(source, here)
        lost, shop.total = shop.orders.pop(1), 5
        turn(source, here)
        assert len(query(here, SKUS)) == len(query(here, "SELECT id FROM stg_shop.orders")) == 5
        shop.total = None
        turn(source, here)
        assert len(query(here, SKUS)) == len(query(here, "SELECT id FROM stg_shop.orders")) == 4
        shop.orders.append(lost)
        turn(source, here)
        assert len(query(here, SKUS)) == 5


def test_killed_anywhere_what_is_gone_goes_with_the_next_run(tmp_path, here, step):
    """At each sixth write of the land; by day at fewer."""
    shop = Shop([order(n) for n in range(1, 60)], {str(n): lines("a", "b") for n in range(1, 60)})
    with shop.serve():
        source = source_of(tmp_path, shop.url, WHOLE, GONE)
        turn(source, here)
        for at in range(1, 200, 6 * step):
            shop.orders.pop()
            shop.items[str(shop.orders[-1]["id"])].pop()
            ended = strike(land_here, tmp_path, environment(), below=here.data_dir, at=at)
            turn(source, here)
            expected = [(str(o["id"]), item["sku"]) for o in shop.orders for item in shop.items[str(o["id"])]]
            assert query(here, SKUS) == sorted(expected)
            if ended == UNTOUCHED:
                return
    raise AssertionError("the land has more writes than that")


STATES = st.dictionaries(st.integers(1, 6), st.lists(st.sampled_from("abc"), max_size=4, unique=True), max_size=6)


@pytest.mark.slow
@settings(max_examples=12)
@given(st.lists(STATES, min_size=1, max_size=4))
def test_after_any_changes_staging_holds_what_the_api_has(tmp_path_factory, states):
    folder = tmp_path_factory.mktemp("shop")
    shop = Shop([])
    with pytest.MonkeyPatch.context() as patch, shop.serve():
        patch.setenv("ELT_DATA_DIR", str(folder / "data"))
        here = configuration.load()
        source = source_of(folder, shop.url, WHOLE | {"shrink_floor": 0}, GONE)
        for state in states:
            shop.orders = [order(n) for n in state]
            shop.items = {str(n): [{"line": ord(sku), "sku": sku} for sku in skus] for n, skus in state.items()}
            turn(source, here)
        if any(states):
            assert query(here, SKUS) == sorted((str(n), sku) for n, skus in states[-1].items() for sku in skus)


PARCELS = {
    "contract": "Parcel",
    "key": ["order_id", "parcel"],
    "endpoint": {"path": "orders/{order_id}/items", "for_each": "items"},
}
WINDOW = "let 'orders' be read whole and see what is gone"


@pytest.mark.parametrize(
    ("orders", "items", "said"),
    [
        (WINDOWED, {"deletes": "soft"}, WINDOW),
        (ORDERS, {"deletes": "reconcile"}, WINDOW),
        (ORDERS, {"mode": "replace"}, WINDOW),
        (WINDOWED, {"mode": "append"}, WINDOW),
        (WHOLE, {"deletes": "soft"}, None),
        (WHOLE, {"mode": "replace"}, None),
        (ORDERS | {"mode": "replace"}, {"deletes": "reconcile"}, None),
        ({"contract": "Order", "key": ["id"], "rows": [{"id": "1"}]}, {"deletes": "reconcile"}, None),
    ],
)
def test_what_is_gone_can_be_seen_only_where_all_records_are_read(tmp_path, orders, items, said):
    if said is None:
        assert source_of(tmp_path, "http://127.0.0.1", orders, ITEMS | items)
        return
    with pytest.raises(DeclarationError, match=said):
        source_of(tmp_path, "http://127.0.0.1", orders, ITEMS | items)


def test_through_two_tables_all_three_must_be_read_whole(tmp_path):
    contract = (
        CONTRACT
        + '\nclass Parcel(Contract):\n    order_id: str = column("order", path="_for_each.order_id", max_length=100)\n    parcel: int = column("which")\n'
    )
    parcels = PARCELS | {"deletes": "reconcile", "contract": "Parcel"}
    with pytest.raises(DeclarationError, match="let 'items' be read whole"):
        source_of(tmp_path, "http://127.0.0.1", ORDERS, ITEMS, contract, parcels=parcels)
    with pytest.raises(DeclarationError, match="let 'orders' be read whole"):
        source_of(tmp_path, "http://127.0.0.1", ORDERS, ITEMS | {"deletes": "soft"}, contract, parcels=parcels)
    assert source_of(tmp_path, "http://127.0.0.1", WHOLE, ITEMS | {"deletes": "soft"}, contract, parcels=parcels)

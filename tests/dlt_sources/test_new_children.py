"""A new source of an API that has rows below each record, such as /orders/17/items: those that are found, and those that are not."""

import json

import pytest
import yaml

import settings as configuration
from dlt_sources.door import land, load_sources, make_source, refine, try_source
from tests.web import serve

ORDERS = [{"id": 100 + n, "no": f"A-{n}", "total": f"{n}.50"} for n in range(1, 31)]


class Api:
    """Orders at /v1/orders; `below` answers for what lies below one: from its path and the order to status and content."""

    def __init__(self, below, more=lambda url, order: {}):
        self.below, self.more, self.asked, self.url = below, more, [], ""

    def answer(self, request):
        self.asked.append(request.full_path.rstrip("?"))
        if request.path == "/v1/orders":
            return _json([order | self.more(self.url, order) for order in ORDERS])
        number, _, name = request.path.removeprefix("/v1/orders/").partition("/")
        order = next((o for o in ORDERS if number in (str(o["id"]), o["no"])), None)
        found = self.below(name, order, request)
        if found == "closed":
            return None
        return found if isinstance(found, tuple) else (404, {}, b"") if found is None else _json(found)


def _json(content):
    return 200, {"content-type": "application/json"}, json.dumps(content).encode()


def items(order):
    return [{"line": n, "sku": f"S{n}", "price": f"{n}.25"} for n in range(1, order["id"] % 3 + 2)]


def make(tmp_path, api, path="/v1/orders"):
    """(what was made, its tables as declared, the source)."""
    folder = tmp_path / "sources"
    folder.mkdir(exist_ok=True)
    with serve(api.answer) as api.url:
        made = make_source("shop", f"{api.url}{path}", configuration.load(), folder=folder)
        declared = load_sources(folder)
        assert declared.broken == {} and not any(verdict.rejected for verdict in made.verdicts), made.doubts
        trial = try_source(declared["shop"], configuration.load())
    assert not trial.too_many
    return made, yaml.safe_load(made.files["shop/source.yml"])["tables"], declared["shop"]


LINKS = {
    "an address": lambda url, order: {"items_url": f"{url}/v1/orders/{order['id']}/items"},
    "a path": lambda url, order: {"items": f"/v1/orders/{order['id']}/items"},
    "HAL": lambda url, order: {
        "_links": {
            "self": {"href": f"{url}/v1/orders/{order['id']}"},
            "items": {"href": f"{url}/v1/orders/{order['id']}/items"},
        }
    },
}


@pytest.mark.parametrize("links", LINKS.values(), ids=LINKS)
def test_rows_that_records_link_to_are_a_table(here, tmp_path, links):
    api = Api(lambda name, order, _: {"data": items(order)} if name == "items" else None, links)
    made, tables, source = make(tmp_path, api)
    assert tables["order_items"]["endpoint"] == {
        "path": "orders/{id}/items",
        "for_each": "orders",
        "data_selector": "data",
    }
    assert tables["order_items"]["key"] == ["order_id", "sku"]
    assert source.contracts["order_items"].model_fields.keys() == {"order_id", "line", "sku", "price"}
    readme = made.files["shop/README.md"]
    assert "rows of 5 records of orders, each asked for at orders/{id}/items" in readme and "leads there" in readme
    assert "orders/{id}/items is asked for each record of orders" in readme
    with serve(api.answer) as api.url:
        (source.folder / "source.yml").write_text(
            made.files["shop/source.yml"].replace(source.declared.connection.base_url, f"{api.url}/v1")
        )
        source = load_sources(source.folder.parent)["shop"]
        land(source, here)
        done = refine(source, here)
    assert (
        done.accepted["order_items"] == sum(len(items(order)) for order in ORDERS) and not done.rejected["order_items"]
    )


def test_rows_that_no_record_names_are_found_by_asking(here, tmp_path):
    api = Api(lambda name, order, _: items(order) if name == "lines" else None)
    made, tables, _ = make(tmp_path, api)
    assert tables["order_lines"]["endpoint"]["path"] == "orders/{id}/lines"
    assert "no record names it, and it answered when it was tried" in made.files["shop/README.md"]
    assert len([path for path in api.asked if "/lines" not in path]) < 25  # it asks for a handful of others


def test_a_record_that_counts_its_rows_says_their_name(here, tmp_path):
    api = Api(
        lambda name, order, _: items(order) if name == "parcels" else None,
        lambda url, order: {"parcels_count": len(items(order))},
    )
    assert "parcels" in make(tmp_path, api)[1]


def test_a_link_may_be_made_of_another_value_or_be_a_parameter(here, tmp_path):
    def below(name, order, request):
        if name == "notes":
            return [{"id": 7000 + order["id"], "text": "x"}]
        return items(ORDERS[int(request.args["order"]) - 101]) if request.path == "/v1/items" else None

    api = Api(
        below,
        lambda url, order: {
            "notes": f"{url}/v1/orders/{order['no']}/notes",
            "lines_at": f"{url}/v1/items?order={order['id']}&size=50",
        },
    )
    _, tables, _ = make(tmp_path, api)
    assert tables["notes"]["endpoint"]["path"] == "orders/{no}/notes" and tables["notes"]["key"][0] == "order_no"
    assert tables["order_items"]["endpoint"] == {
        "path": "items",
        "for_each": "orders",
        "params": {"order": "{id}", "size": "50"},
    }


def test_a_row_that_names_its_record_itself_needs_no_other_field_for_it(here, tmp_path):
    api = Api(
        lambda name, order, _: (
            [{"order": order["id"], "line": 1}, {"order": order["id"], "line": 2}] if name == "items" else None
        )
    )
    _, tables, source = make(tmp_path, api)
    assert list(source.contracts["order_items"].model_fields) == [tables["order_items"]["key"][0], "line"]


REFUSED = {
    "it wants another login": (lambda order: (403, {}, b""), "it answered 403"),
    "it ends the connection": (lambda order: "closed", "it could not be read"),
    "no rows": (lambda order: [], "it has no row for the first 3 records"),
    "one object": (lambda order: {"sum": 3, "of": order["id"]}, "one object"),
    "the same for each": (lambda order: [{"line": 1}, {"line": 2}], "the same for each record"),
    "nothing names a row": (lambda order: [{"of": order["no"]}] * 2, "no field names a row"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_declared_is_proposed_with_the_reason(here, tmp_path, case):
    answer, reason = REFUSED[case]
    api = Api(lambda name, order, _: answer(order) if name == "items" else None, LINKS["an address"])
    made, tables, _ = make(tmp_path, api)
    assert list(tables) == ["orders"]
    text = made.files["shop/source.yml"]
    proposed = text.split("# orders/{id}/items is not declared: ")[1]
    assert '`order_id` from path="_for_each.id"' in proposed
    assert reason in proposed and reason in made.files["shop/README.md"]
    block = "\n".join(line.removeprefix("  # ") for line in proposed.splitlines()[1:])
    assert yaml.safe_load(block)["order_items"]["endpoint"] == ({"path": "orders/{id}/items", "for_each": "orders"})


def test_an_api_that_has_nothing_below_its_records_gets_no_table(here, tmp_path):
    made, tables, _ = make(tmp_path, Api(lambda name, order, _: None, LINKS["an address"]))
    assert list(tables) == ["orders"] and "for_each" not in made.files["shop/source.yml"]


@pytest.mark.parametrize(
    "answer", [lambda order: ORDERS, items, lambda order: (429, {}, b"")], ids=["all", "rows", "rest"]
)
def test_an_api_that_answers_the_same_to_any_name_gets_no_table(here, tmp_path, answer):
    api = Api(lambda name, order, _: answer(order))
    made, tables, _ = make(tmp_path, api)
    assert list(tables) == ["orders"] and "for_each" not in made.files["shop/source.yml"]


def test_links_to_other_servers_and_of_personal_values_are_not_followed(here, tmp_path):
    api = Api(
        lambda name, order, _: items(order) if name in ("events", "items") and "@" in str(order) else None,
        lambda url, order: {
            "email": f"p{order['id']}@example.com",
            "photo": f"https://other.example.com/orders/{order['id']}/photos",
            "mails": f"{url}/v1/people/p{order['id']}@example.com/mails",
        },
    )
    _, tables, _ = make(tmp_path, api)
    assert list(tables) == ["orders"] and not [path for path in api.asked if "/people/" in path]


ODD = {
    "an address that is none": "http://[/orders/{id}/items",
    "a secret in clear": "/v1/orders/{id}/items?access_token=abcdef",
    "another path": "/v1/orders/{id}/../{id}/items",
    "a name that is a pattern": "/v1/orders/{id}/items{?page}",
}


@pytest.mark.parametrize("link", ODD.values(), ids=ODD)
def test_odd_links_stop_nothing(here, tmp_path, link):
    api = Api(lambda name, order, _: None, lambda url, order: {"more": link.replace("{id}", str(order["id"]))})
    made, tables, _ = make(tmp_path, api)
    assert list(tables) == ["orders"] and "abcdef" not in made.files["shop/source.yml"]

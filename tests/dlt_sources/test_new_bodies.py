"""Sources made of APIs that take the question in a body: the pages are found in it, and later reads ask as the first one did."""

import json
from types import SimpleNamespace

import pytest

from dlt_sources.door import SampleError, land, refine
from tests.dlt_sources.test_new import accepted, make
from tests.web import serve

pytestmark = pytest.mark.usefixtures("known_settings")
ROWS = [{"id": n, "name": f"N{n}", "status": "paid"} for n in range(1, 58)]


def by_offset(body):
    at, size = body["page"]["from"], body["page"]["size"]
    return {"data": {"hits": ROWS[at : at + size]}, "total": len(ROWS)}


def by_number(body):
    page = body.get("pageNumber", 1)
    return {"items": ROWS[page * 20 - 20 : page * 20], "totalPages": 3}


def by_unnamed_number(body):
    page = body.get("page", 0)
    return {"items": ROWS[page * 20 : page * 20 + 20], "total": len(ROWS)}


def by_cursor(body):
    at = int(body.get("cursor") or 0)
    return {"data": {"list": ROWS[at : at + 20], "next_cursor": str(at + 20) if at + 20 < len(ROWS) else None}}


def at_once(body):
    return {"orders": ROWS if body["filter"]["status"] == "paid" else []}


SHAPES = {
    "an offset below a key": (by_offset, {"page": {"from": 0, "size": 20}}, {"offset_body_path": "page.from"}),
    "the number of a page": (by_number, {"pageNumber": 1, "status": "paid"}, {"page_body_path": "pageNumber"}),
    "the number of a page, from 0, which nothing names": (by_unnamed_number, {}, {"page_body_path": "page"}),
    "a cursor": (by_cursor, {"limit": 20}, {"cursor_body_path": "cursor"}),
    "one answer is all": (at_once, {"filter": {"status": "paid"}}, {}),
}


@pytest.fixture
def search(here):
    """An API of one address that takes POST alone; `search.answer` is what it makes of a body."""

    def answer(request):
        if request.method != "POST":
            return 405, {}, b""
        found = search.answer_to(json.loads(request.get_data()))
        return 200, {"content-type": "application/json"}, json.dumps(found).encode()

    search = SimpleNamespace()
    with serve(answer) as search.url:
        yield search


@pytest.mark.parametrize("shape", SHAPES)
def test_every_page_is_read(search, here, tmp_path, shape):
    search.answer_to, body, paginator = SHAPES[shape]
    made, source = make(tmp_path, f"{search.url}/orders/search", body=json.dumps(body))
    [table] = source.tables
    endpoint = source.tables[table].endpoint
    assert (endpoint.method, endpoint.body, endpoint.path) == ("POST", body, "search")
    assert endpoint.paginator == "auto" if not paginator else paginator.items() <= endpoint.paginator.items()
    assert accepted(made) == {table: len(ROWS)}
    assert land(source, here)[table] == len(ROWS)
    assert refine(source, here).accepted[table] == len(ROWS)


@pytest.mark.parametrize("text", ["{", "[1]", '{"filter": {"api_key": "abcdef"}}'])
def test_a_body_that_cannot_be_sent_is_refused_without_its_text(search, tmp_path, text):
    with pytest.raises(SampleError, match="--body: ") as error:
        make(tmp_path, f"{search.url}/orders", body=text)
    assert "abcdef" not in str(error.value)


def test_a_body_is_for_an_api(here, tmp_path):
    with pytest.raises(SampleError, match="--body is for an API"):
        make(tmp_path, str(tmp_path / "a.csv"), body="{}")


def test_a_secret_in_a_body_is_named(search, tmp_path, monkeypatch):
    monkeypatch.setenv("ELT_SHOP_KEY", "secretvalue")
    search.answer_to = lambda body: {"orders": ROWS if body["token"] == "secretvalue" else []}
    made, _ = make(tmp_path, f"{search.url}/orders", body='{"token": "${SHOP_KEY}"}')
    assert accepted(made) == {"orders": len(ROWS)} and "secretvalue" not in "".join(made.files.values())

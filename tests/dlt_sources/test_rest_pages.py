"""Pages of an API: every shape is followed to its end, and a part is never taken for the whole."""

import itertools
import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlparse

import pytest

from dlt_sources._steps.declared.declaration_error import DeclarationError
from dlt_sources._steps.stores.lake import Landing
from dlt_sources.door import SourceError, land
from tests.security.hostile import Server, api_of, source_of

ROWS = [{"id": number, "name": f"n{number}"} for number in range(1, 241)]
SIZE = 50


def part(first, last=None):
    return ROWS[max(first, 0) : first + SIZE if last is None else last]


class Paged:
    """An API of 240 rows in pages of 50; `shape(query, base) -> (status, headers, content)` says how they are asked for."""

    def __init__(self, shape):
        self.shape, self.url = shape, ""

    def __call__(self, path, headers):
        query = {name: values[0] for name, values in parse_qs(urlparse(path).query).items()}
        status, more, content = self.shape(query, self.url)
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return status, {"content-type": "application/json", **more}, body


def by_page(query, first=1, default=1):
    return part((int(query.get("page", default)) - first) * SIZE)


def link_header(query, url):
    page = int(query.get("page", 1))
    more = {"link": f'<{url}/things?page={page + 1}>; rel="next"'} if page < 5 else {}
    return 200, more, by_page(query)


def json_link(wrap):
    def shape(query, url):
        page = int(query.get("page", 1))
        return 200, {}, {"items": by_page(query), **wrap(f"{url}/things?page={page + 1}" if page < 5 else None)}

    return shape


def json_cursor(name, parameter, wrap=lambda name, value: {name: value}):
    def shape(query, url):
        at = int(str(query.get(parameter, "0")).lstrip("c"))
        after = f"c{at + SIZE}" if at + SIZE < 240 else None
        return 200, {}, {"items": part(at), **wrap(name, after)}

    return shape


def next_number(query, url):
    page = int(query.get("page", 1))
    return 200, {}, {"items": by_page(query), "next_page": page + 1 if page < 5 else None}


def total_pages(**more):
    return lambda query, url: (200, {}, {"items": by_page(query), "total_pages": 5, **more})


def numbered_from_0(query, url):
    return 200, {}, {"items": by_page(query, 0, 0), "total_pages": 5}


def echoed(query, url):
    page = int(query.get("page", 1))
    return 200, {}, {"items": by_page(query), "meta": {"page": page, "pages": 5}}


def offset_echoed(query, url):
    at = int(query.get("offset", 0))
    return 200, {}, {"items": part(at), "paging": {"offset": at, "limit": SIZE, "total": 240}}


DETECTED = {
    "link header": (link_header, "$"),
    "next": (json_link(lambda link: {"next": link}), "items"),
    "next, nested": (json_link(lambda link: {"links": {"next": link}}), "items"),
    "next with href": (json_link(lambda link: {"_links": {"next": {"href": link}} if link else {}}), "items"),
    "next_url": (json_link(lambda link: {"meta": {"next_url": link}}), "items"),
    "OData": (json_link(lambda link: {"@odata.nextLink": link} if link else {}), "items"),
    "next_cursor": (json_cursor("next_cursor", "cursor"), "items"),
    "nextPageToken": (json_cursor("nextPageToken", "pageToken"), "items"),
    "next_page_token": (json_cursor("next_page_token", "page_token"), "items"),
    "next_page": (next_number, "items"),
    "total_pages from 1": (total_pages(), "items"),
    "total_pages from 0": (numbered_from_0, "items"),
    "page and pages": (echoed, "items"),
    "offset, limit and total": (offset_echoed, "items"),
}


def serve(shape):
    paged = Paged(shape)
    server = Server(paged).serve()
    return paged, server


def read(tmp_path, here, shape, selector="items", **endpoint):
    paged, serving = serve(shape)
    with serving as server:
        paged.url = server.url
        done = land(api_of(tmp_path, server.url, data_selector=selector, **endpoint), here)
    return done.get("things", 0), server.seen


@pytest.mark.parametrize("name", DETECTED)
def test_pages_are_found_and_followed_without_a_declared_paginator(tmp_path, here, name):
    shape, selector = DETECTED[name]
    assert read(tmp_path, here, shape, selector)[0] == 240


UNFOLLOWED = {
    "total": {"total": 240},
    "total, nested": {"meta": {"total_count": 240}},
    "total as an object": {"total": {"value": 240, "relation": "eq"}},
    "has_more": {"has_more": True},
    "hasNextPage": {"pageInfo": {"hasNextPage": True}},
    "last": {"last": False},
    "an unknown cursor": {"next_cursor": "abc"},
    "pages that nothing asks for": {"total_pages": 5, "page": 1},
}


@pytest.mark.parametrize("name", UNFOLLOWED)
def test_a_part_that_says_there_is_more_is_an_error_with_the_fix(tmp_path, here, name):
    with pytest.raises(SourceError, match=r"paginator") as error:
        read(tmp_path, here, lambda query, url: (200, {}, {"items": part(0), **UNFOLLOWED[name]}))
    assert error.value.exit_code == 2 and "127.0.0.1" in str(error.value)
    assert Landing("shop", here).loads() == []


BLIND = {
    "page": lambda query: part((int(query.get("page", 1)) - 1) * SIZE),
    "page from 0, its first page without a number": lambda query: part(int(query.get("page", 0)) * SIZE),
    "offset": lambda query: part(int(query.get("offset", 0))),
}


def read_with_notes(tmp_path, here, shape, selector="$", **endpoint):
    """(rows, requests, notes)."""
    notes: list[str] = []
    paged, serving = serve(shape)
    with serving as server:
        paged.url = server.url
        done = land(api_of(tmp_path, server.url, data_selector=selector, **endpoint), here, notes=notes)
    return done.get("things", 0), len(server.seen), notes


@pytest.mark.parametrize("name", BLIND)
def test_a_bare_list_that_is_one_of_several_pages_is_an_error_with_the_fix(tmp_path, here, name):
    with pytest.raises(SourceError, match=r"50 rows came, and `(page=2|offset=50)` brings others.*paginator") as error:
        read(tmp_path, here, lambda query, url: (200, {}, BLIND[name](query)), "$")
    assert error.value.exit_code == 2 and Landing("shop", here).loads() == []


WHOLE = {
    # what the API answers to a parameter that it does not know, or for a page that it does not have
    "the same": (200, {}, part(0)),
    "the same, in another order": (200, {}, part(0)[::-1]),
    "some of the same": (200, {}, part(0)[:7]),
    "nothing": (200, {}, []),
    "no content": (204, {}, b""),
    "400": (400, {}, {"error": "unknown parameter"}),
    "404": (404, {}, {}),
    "500": (500, {}, b""),
    "a page": (200, {"content-type": "text/html"}, b"<html>"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_bare_list_that_is_all_is_all(tmp_path, here, name):
    shape = lambda query, url: WHOLE[name] if {"page", "offset"} & set(query) else (200, {}, part(0))  # noqa: E731
    landed, _, notes = read_with_notes(tmp_path, here, shape)
    assert landed == 50 and notes == []


def test_other_rows_in_each_answer_are_not_a_second_page_and_are_noted(tmp_path, here):
    numbers = itertools.count(1)

    def shape(query, url):
        return 200, {}, [{"id": next(numbers), "name": "x"} for _ in range(SIZE)]

    landed, _, notes = read_with_notes(tmp_path, here, shape)
    assert landed == 50 and len(notes) == 1 and "no paginator was found, and 50 rows" in notes[0]


def test_an_envelope_that_says_nothing_is_noted_and_not_asked_again(tmp_path, here):
    landed, asked, notes = read_with_notes(tmp_path, here, lambda query, url: (200, {}, {"items": part(0)}), "items")
    assert (landed, asked) == (50, 1) and "shop.things: no paginator was found, and 50 rows" in notes[0]


@pytest.mark.parametrize(("size", "more"), [(47, {}), (9, {}), (0, {}), (50, {"paginator": "single_page"})])
def test_nothing_more_is_asked_where_there_is_no_doubt(tmp_path, here, size, more):
    landed, asked, notes = read_with_notes(tmp_path, here, lambda query, url: (200, {}, part(0, size)), **more)
    assert (landed, asked, notes) == (size, 1, [])


@pytest.mark.parametrize("headers", [{"X-Total-Count": "240"}, {"Content-Range": "items 0-49/240"}])
def test_headers_say_that_there_is_more(tmp_path, here, headers):
    with pytest.raises(SourceError, match=r"240, and 50 records came.*single_page") as error:
        read(tmp_path, here, lambda query, url: (200, headers, part(0)), "$")
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    "more",
    [
        {"total": 50},
        {"next": None},
        {"has_more": False},
        {"pages": 1},
        {"last": True},
        {"links": {}},
        {"next": ""},
        {"results": 5000},
        {"next_due": "2020-01-01"},
        {"version": "1.4"},
    ],
)
def test_an_answer_that_is_all_is_all(tmp_path, here, more):
    landed, seen = read(tmp_path, here, lambda query, url: (200, {}, {"items": part(0), **more}))
    assert landed == 50 and len(seen) == 1


def test_one_page_is_enough_where_it_is_declared_so(tmp_path, here):
    shape = lambda query, url: (200, {}, {"items": part(0), "total": 240})  # noqa: E731
    assert read(tmp_path, here, shape, paginator="single_page")[0] == 50


def nothing(query):
    return 200, {}, b"[]"


BEFORE = {
    "empty": (200, {}, b"[]"),
    "400": (400, {}, b"{}"),
    "404": (404, {}, b"{}"),
    "422": (422, {}, b"{}"),
    "204": (204, {}, b""),
    "the first": None,
}
AFTER = {
    "empty": (200, {}, b"[]"),
    "204": (204, {}, b""),
    "no body": (200, {}, b""),
    "404": (404, {}, b"{}"),
    "416": (416, {}, b"{}"),
}


@pytest.mark.few(12)
@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("after", AFTER)
def test_an_api_that_counts_from_1_is_read_whole_whatever_its_ends_answer(tmp_path, here, before, after):
    def shape(query, url):
        page = int(query.get("page", 1))
        if page == 0 and BEFORE[before]:
            return BEFORE[before]
        page = max(page, 1)
        return (200, {}, part((page - 1) * SIZE)) if page <= 5 else AFTER[after]

    assert read(tmp_path, here, shape, "$", paginator={"type": "page_number"})[0] == 240


@pytest.mark.parametrize("after", AFTER)
def test_an_api_that_counts_from_0_is_read_whole(tmp_path, here, after):
    def shape(query, url):
        page = int(query["page"])
        return (200, {}, part(page * SIZE)) if page < 5 else AFTER[after]

    assert read(tmp_path, here, shape, "$", paginator={"type": "page_number"})[0] == 240


@pytest.mark.parametrize("base", [0, 1])
def test_a_declared_total_of_pages_holds_whatever_the_base(tmp_path, here, base):
    def shape(query, url):
        page = int(query["page"])
        return (
            (200, {}, {"items": part((max(page, base) - base) * SIZE), "pages": 5})
            if page < base + 5
            else (500, {}, b"")
        )

    assert read(tmp_path, here, shape, paginator={"type": "page_number", "total_path": "pages"})[0] == 240


@pytest.mark.parametrize("after", AFTER)
def test_offsets_end_where_the_source_says(tmp_path, here, after):
    def shape(query, url):
        at = int(query["offset"])
        return (200, {}, part(at)) if at < 240 else AFTER[after]

    assert read(tmp_path, here, shape, "$", paginator={"type": "offset", "limit": SIZE})[0] == 240


def test_a_page_missing_before_the_declared_total_is_an_error(tmp_path, here):
    def shape(query, url):
        at = int(query["offset"])
        return (200, {}, {"items": part(at), "total": 240}) if at != 100 else (404, {}, b"")

    with pytest.raises(SourceError, match="404"):
        read(tmp_path, here, shape, paginator={"type": "offset", "limit": SIZE, "total_path": "total"})


def test_a_parameter_that_the_server_does_not_know_is_an_error_and_not_the_first_page_for_ever(tmp_path, here):
    with pytest.raises(SourceError, match=r"page 2 is page 1 again.*paginator") as error:
        read(tmp_path, here, lambda query, url: (200, {}, part(0)), "$", paginator={"type": "offset", "limit": SIZE})
    assert error.value.exit_code == 2


def test_an_answer_without_the_declared_total_is_an_error_that_shows_no_record(tmp_path, here):
    with pytest.raises(SourceError, match=r"does not fit the answer.*total") as error:
        read(
            tmp_path,
            here,
            lambda query, url: (200, {}, {"items": part(0)}),
            paginator={"type": "offset", "limit": SIZE, "total_path": "total"},
        )
    assert error.value.exit_code == 2 and "n17" not in str(error.value)


SELECTORS = {
    "wrong": (
        "itmes",
        {"items": part(0)},
        r"nothing at data_selector 'itmes'; the keys there are items; lists are at items",
    ),
    "too deep": ("items.rows", {"items": part(0)}, "nothing at"),
    "none for an object": ("$", {"items": part(0)}, "no list of records at.*the keys there are items"),
    "wrong in a list": ("items", part(0), "the answer there is a list: use `\\$`"),
    "with a wildcard": ("rows[*].item", {"items": part(0)}, "nothing at"),
    "below a wildcard": ("items[*].itme", {"items": part(0)}, "nothing at"),
    "null with an error": ("items", {"items": None, "error": "quota"}, "no list of records"),
    "no JSONPath": ("items[", {"items": []}, "is not a JSONPath"),
}


@pytest.mark.parametrize("name", SELECTORS)
def test_a_wrong_selector_is_an_error_that_names_what_there_is(tmp_path, here, name):
    selector, content, said = SELECTORS[name]
    with pytest.raises((SourceError, DeclarationError), match=said) as error:
        read(tmp_path, here, lambda query, url: (200, {}, content), selector)
    assert error.value.exit_code == 2
    assert Landing("shop", here).loads() == []


NESTED = {
    "a.b": ({"a": {"b": part(0)}}, 50),
    "$.a[1].b": ({"a": [{"b": []}, {"b": part(0)}]}, 50),
    "'the rows'": ({"the rows": part(0)}, 50),
    "a[*].b": ({"a": [{"b": part(0, 2)}, {"b": part(2, 5)}]}, 5),
    "a[*].node": ({"a": [{"node": row} for row in part(0)]}, 50),
    "a[?(@.id>10)]": ({"a": part(0)}, 40),
    "a[?(@.id>1000)]": ({"a": part(0)}, 0),
    "$..node": ({"a": {"node": part(0, 1)[0]}, "b": [{"node": part(1, 2)[0]}]}, 2),
    "a": ({"a": None}, 0),
    "a[*].c": ({"a": []}, 0),
}


@pytest.mark.parametrize("selector", NESTED)
def test_records_are_found_wherever_they_are(tmp_path, here, selector):
    content, count = NESTED[selector]
    assert read(tmp_path, here, lambda query, url: (200, {}, content), selector)[0] == count


WINDOW = {"cursor": "at", "start": "2020-01-01"}


@pytest.mark.parametrize(
    ("row", "reached"), [({"id": 1, "at": "2020-01-05T00:00:00"}, "2020-01-05"), ({"id": 1}, "2020-03-10")]
)
def test_a_window_without_rows_is_asked_for_again(tmp_path, here, row, reached):
    rows = []
    with Server(lambda path, headers: (200, {}, json.dumps(rows).encode())).serve() as server:
        shop = source_of(
            tmp_path,
            "rest_api",
            {"base_url": server.url},
            contract=CONTRACT,
            **WINDOW,
            endpoint={"path": "things", "window": {"since": "from", "until": "to"}},
        )
        assert land(shop, here) == {}
        rows.append(row)
        assert land(shop, here) == {"things": 1}
        rows.clear()
        land(shop, here), land(shop, here)
        asked = [parse_qs(urlparse(path).query)["from"][0] for path, _ in server.seen]
    assert asked == ["2020-01-01", "2020-01-01", reached, reached]


FORMS = {
    "day": ("2020-02-03", lambda moment: moment[:10]),
    "time": ("2020-02-03T10:11:12", lambda moment: moment.removesuffix("Z")),
    "seconds": ("1580724672", lambda moment: datetime.fromtimestamp(int(moment), UTC).isoformat()[:19]),
    "milliseconds": ("1580724672345", lambda moment: datetime.fromtimestamp(int(moment) / 1000, UTC).isoformat()[:23]),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("until", ["to", None])
@pytest.mark.parametrize("strict", [False, True], ids=["since is inclusive", "since is exclusive"])
def test_what_changed_since_the_newest_row_comes_once_in_each_form(tmp_path, here, form, until, strict):
    """Also a row of the same moment as the newest that had come, which an API may leave out of what is newer than it."""
    first = "2020-02-03T10:11:12.345"
    rows = [{"id": 1, "at": first}]
    read = FORMS[form][1]

    def answer(path, headers):
        query = parse_qs(urlparse(path).query)
        assert (("to" in query) == bool(until)) and "updated_since" in query
        since = read(query["updated_since"][0])
        found = [
            r
            for r in rows
            if (r["at"][:10] >= since if form == "day" else r["at"] > since or (r["at"] == since and not strict))
        ]
        return 200, {}, json.dumps(found).encode()

    window = {"since": "updated_since", "form": form} | ({"until": until} if until else {})
    with Server(answer).serve() as server:
        endpoint = {"path": "things", "window": window}
        shop = source_of(tmp_path, "rest_api", {"base_url": server.url}, contract=CONTRACT, **WINDOW, endpoint=endpoint)
        assert land(shop, here) == {"things": 1}
        assert land(shop, here) == {}
        rows += [{"id": 2, "at": first}, {"id": 3, "at": "2020-02-03T10:11:12.346"}]
        assert land(shop, here) == {"things": 2}
        assert land(shop, here) == {}


@pytest.mark.parametrize(
    ("form", "asked"),
    [
        ("day", ["2020-02-01", "2020-02-03"]),
        ("time", ["2020-01-31T23:59:59Z", "2020-02-04T00:00:01Z"]),
        ("seconds", ["1580515199", "1580774401"]),
        ("milliseconds", ["1580515199999", "1580774400001"]),
    ],
)
def test_a_backfill_asks_for_its_days_in_each_form(tmp_path, here, form, asked):
    with Server(lambda path, headers: (200, {}, b"[]")).serve() as server:
        endpoint = {"path": "things", "window": {"since": "from", "until": "to", "form": form}}
        shop = source_of(tmp_path, "rest_api", {"base_url": server.url}, contract=CONTRACT, **WINDOW, endpoint=endpoint)
        days = {"since": datetime(2020, 2, 1, tzinfo=UTC), "until": datetime(2020, 2, 3, tzinfo=UTC)}
        land(shop, here, **days)
        [(path, _)] = server.seen
    query = parse_qs(urlparse(path).query)
    assert [*query["from"], *query["to"]] == asked


CONTRACT = """
from datetime import datetime
from dlt_sources._steps.contracts.contract import Contract, column
class Thing(Contract):
    id: int = column("id", ge=1)
    at: datetime | None = column("moment", default=None)
"""

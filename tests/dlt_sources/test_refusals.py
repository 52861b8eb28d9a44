"""What a server refuses: what heals by itself is exit 3, everything else is exit 2 and says what to check."""

import json
import time
from email.utils import formatdate

import pytest

import settings as configuration
from dlt_sources._steps.declared.source_error import RefusedError, quote_value
from dlt_sources._steps.stores.lake import Landing
from dlt_sources.door import SourceError, land, refine
from tests.dlt_sources.test_land import staged
from tests.security.hostile import Server, api_of, source_of

LASTING = [400, 401, 403, 404, 405, 406, 410, 414, 422, 451]
PASSING = [408, 425, 429, 500, 502, 503, 504]


@pytest.fixture(autouse=True)
def address(monkeypatch):
    monkeypatch.setenv("ELT_SHOP_KEY", "hunter2")


def read(tmp_path, here, monkeypatch, answer, connector="rest_api", attempts=2):
    with Server(lambda path, headers: answer).serve() as server:
        monkeypatch.setenv("ELT_SHOP_URL", server.url)
        declared = {"headers": {"X-Api-Key": "${SHOP_KEY}"}, "attempts": attempts}
        if connector == "rest_api":
            shop = api_of(tmp_path, "${SHOP_URL}", declared)
        elif connector == "html_table":
            shop = source_of(tmp_path, connector, {"base_url": "${SHOP_URL}", **declared}, page="things")
        else:
            shop = source_of(
                tmp_path, connector, {"url": "${SHOP_URL}", **declared}, files="things.csv", contract=FILES
            )
        with pytest.raises(SourceError) as error:
            land(shop, configuration.load())
    assert connector == "files" or Landing("shop", here).loads() == []
    assert "hunter2" not in str(error.value) and "things" in str(error.value)
    return error.value, len(server.seen)


FILES = """
from dlt_sources._steps.contracts.contract import Contract, column
class Thing(Contract):
    file: str = column("file", path="_file", max_length=100)
    id: int = column("id", ge=1)
"""


@pytest.mark.few(10)
@pytest.mark.parametrize("connector", ["rest_api", "html_table"])
@pytest.mark.parametrize("status", LASTING + PASSING)
def test_a_status_is_an_error_with_its_address_and_code(tmp_path, here, monkeypatch, connector, status):
    error, asked = read(tmp_path, here, monkeypatch, (status, {}, b"{}"), connector)
    assert error.exit_code == (2 if status in LASTING else 3) and error.status == status
    assert asked == (1 if status in LASTING else 2)
    assert f"/things answered {status}" in str(error)
    assert (
        "check" in str(error) and "ELT_SHOP_URL" in str(error) and "ELT_SHOP_KEY (header X-Api-Key)" in str(error)
    ) == (status in LASTING)


@pytest.mark.parametrize(("status", "code"), [(401, 2), (403, 2), (404, 2), (410, 2), (400, 2), (429, 3), (503, 3)])
def test_a_file_that_a_server_refuses(tmp_path, here, monkeypatch, status, code):
    assert read(tmp_path, here, monkeypatch, (status, {}, b""), "files")[0].exit_code == code


@pytest.mark.parametrize("connector", ["rest_api", "html_table", "files"])
def test_a_login_page_with_a_successful_status_is_one(tmp_path, here, monkeypatch, connector):
    page = b"<!doctype html><html><body><form action=login><input name=password></form></body></html>"
    error, _ = read(tmp_path, here, monkeypatch, (200, {"content-type": "text/html"}, page), connector)
    assert error.exit_code == 2 and "login" in str(error) and "check the" in str(error)


def test_what_cannot_be_reached_is_named_and_passes(tmp_path, here):
    shop = api_of(tmp_path, "http://127.0.0.1:9", {"attempts": 1})
    with pytest.raises(SourceError, match=r"http://127\.0\.0\.1:9/things could not be reached") as error:
        land(shop, here)
    assert error.value.exit_code == 3


@pytest.mark.parametrize("kind", ["seconds", "a date", "nothing", "nonsense", "the past"])
def test_retry_after_is_honoured_as_seconds_or_a_date(tmp_path, here, monkeypatch, kind):
    monkeypatch.setenv("ELT_RETRY_PACE", "1")
    times = []

    def answer(path, headers):
        times.append(time.time())
        wait = {
            "seconds": "2",
            "a date": formatdate(time.time() + 3, usegmt=True),
            "nothing": None,
            "nonsense": "soon",
            "the past": formatdate(0, usegmt=True),
        }[kind]
        return (200, {}, b'[{"id":1}]') if len(times) > 1 else (429, {"retry-after": wait} if wait else {}, b"")

    with Server(answer).serve() as server:
        assert land(api_of(tmp_path, server.url, {"backoff": 0}), configuration.load()) == {"things": 1}
    assert (times[1] - times[0] > 1.5) == (kind in ("seconds", "a date"))


@pytest.mark.parametrize(
    "wait",
    ["3600", formatdate(time.time() + 3600, usegmt=True), "99999999999999999999"],
    ids=["seconds", "a date", "for ever"],  # each of pytest's processes must find the same names
)
def test_a_server_that_asks_for_an_hour_is_left_alone(tmp_path, here, monkeypatch, wait):
    began = time.monotonic()
    error, asked = read(tmp_path, here, monkeypatch, (429, {"retry-after": wait}, b""), attempts=5)
    assert asked == 1 and time.monotonic() - began < 20
    assert error.exit_code == 3 and "asks to wait" in str(error)


ROWS = [{"id": number, "name": f"n{number}"} for number in range(1, 31)]


class Shifting:
    """An API of offset pages of 10; rows vanish while it is read: `losses` maps the number of a request to an id."""

    def __init__(self, total=True):
        self.rows, self.losses, self.asked, self.total = list(ROWS), {}, 0, total

    def __call__(self, path, headers):
        self.asked += 1
        if self.asked in self.losses:
            self.rows = [row for row in self.rows if row["id"] != self.losses[self.asked]]
        at = int(path.split("offset=")[1].split("&")[0])
        content = {"items": self.rows[at : at + 10], **({"total": len(self.rows)} if self.total else {})}
        return 200, {}, json.dumps(content).encode()


def shifting(tmp_path, url, total):
    how = {"type": "offset", "limit": 10, **({"total_path": "total"} if total else {})}
    return source_of(
        tmp_path,
        "rest_api",
        {"base_url": url},
        deletes="reconcile",
        endpoint={"path": "things", "data_selector": "items", "paginator": how},
    )


@pytest.mark.parametrize("total", [True, False])
def test_a_row_that_moves_to_a_page_already_read_is_not_taken_for_deleted(tmp_path, here, total):
    api = Shifting(total)
    with Server(api).serve() as server:
        shop = shifting(tmp_path, server.url, total)
        land(shop, here), refine(shop, here)
        api.losses = {api.asked + 2: 3}  # between the first page and the second: row 11 is on neither
        assert land(shop, here) == {}  # row 3 was still on the first page
        assert land(shop, here) == {"things": 1}
        refine(shop, here)
        assert [row[0] for row in staged(here)] == [n for n in range(1, 31) if n != 3]
        assert land(shop, here) == {}
        api.rows = [row for row in api.rows if row["id"] not in (11, 20)]
        assert land(shop, here) == {"things": 2}
        refine(shop, here)
        assert [row[0] for row in staged(here)] == [n for n in range(1, 31) if n not in (3, 11, 20)]


def test_a_row_that_is_new_on_the_second_read_lands_with_it(tmp_path, here):
    api = Shifting()
    with Server(api).serve() as server:
        shop = shifting(tmp_path, server.url, True)
        land(shop, here), refine(shop, here)
        api.rows = [row for row in api.rows if row["id"] != 5]
        whole = api.asked + 3

        def answer(path, headers):
            if api.asked == whole:
                api.rows.append({"id": 99, "name": "new"})
            return api(path, headers)

        server.answer = answer
        assert land(shop, here) == {"things": 2}
        refine(shop, here)
        assert [row[0] for row in staged(here)] == [n for n in range(1, 31) if n != 5] + [99]
        assert land(shop, here) == {}


def test_deletions_are_not_believed_while_the_total_says_that_rows_are_missing(tmp_path, here):
    api = Shifting()
    with Server(api).serve() as server:
        shop = shifting(tmp_path, server.url, True)
        land(shop, here), refine(shop, here)
        whole = api.rows
        server.answer = lambda path, headers: missing(api, path, headers)
        assert land(shop, here) == {}  # row 30 is counted and on no page
        server.answer = api
        api.rows = whole[:-1]
        assert land(shop, here) == {"things": 1}  # now it is gone
        refine(shop, here)
        assert [row[0] for row in staged(here)] == list(range(1, 30))


def missing(api, path, headers):
    status, more, body = api(path, headers)
    content = json.loads(body)
    content["items"] = [row for row in content["items"] if row["id"] != 30]
    return status, more, json.dumps(content).encode()


@pytest.mark.parametrize("now", ['{"id":2,"agent":"cut \\ud83d"}', '{"id":2,"n":NaN}'])
def test_a_row_that_duckdb_cannot_read_is_not_taken_for_deleted(tmp_path, here, now):
    bodies = ['[{"id":1},{"id":2}]', f'[{{"id":1}},{now}]', f'[{{"id":1}},{now}]', '[{"id":1}]']
    with Server(lambda path, headers: (200, {}, bodies[0].encode())).serve() as server:
        shop = source_of(
            tmp_path, "rest_api", {"base_url": server.url}, deletes="reconcile", endpoint={"path": "things"}
        )
        counts = []
        while bodies:
            counts.append(land(shop, here).get("things", 0))
            refine(shop, here)
            bodies.pop(0) if len(bodies) > 1 else bodies.clear()
            if len(bodies) == 3:
                assert [row[0] for row in staged(here)] == [1, 2]
    assert counts == [2, 1, 0, 1]
    assert [row[0] for row in staged(here)] == [1]


@pytest.mark.parametrize(
    "made",
    [
        lambda text: SourceError(text, lasting=True, status=404),
        lambda text: RefusedError(text, status=404),
        lambda text: RefusedError(text, lasting=True, status=404),
    ],
)
def test_what_is_lasting_is_refused_however_it_is_written(made):
    error = made(f"no {quote_value('mkmail')}")
    assert str(error) == "no mkmail" and str(error.without_values()) == "no ***"
    for same in (error, error.without_values()):
        assert isinstance(same, RefusedError) and (same.exit_code, same.status) == (2, 404)


def test_what_passes_is_not_refused_without_its_values_either():
    for error in (SourceError("busy", status=503), SourceError("busy", status=503).without_values()):
        assert not isinstance(error, RefusedError) and (error.exit_code, error.status) == (3, 503)


ANSWERS = {
    "its type": (200, {"content-type": "mkmail/mkmail"}, b"{}["),
    "what is not JSON": (200, {}, b'{"items": [{"id": mkmail@x.org}]}'),
    "a page of that type": (200, {"content-type": "mkmail/mkmail"}, b"<html>"),
    "its keys": (200, {}, b'{"mkmail@x.org": 1}'),
    "its lists": (200, {}, b'{"mkmail@x.org": []}'),
    "where its total is": (200, {}, b'{"items": [{"id": 1}], "mkmail@x.org": {"total": 9}}'),
    "where its next page is": (
        200,
        {},
        b'{"items": [{"id": 1}], "mkmail@x.org": {"next": {"a": 1}, "has_more": true, "next_page": 1.5}}',
    ),
    "how long to wait": (503, {"retry-after": "mkmail"}, b""),
    "where it leads": (302, {"location": "/mkmail"}, b""),
}


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("what", ANSWERS)
def test_what_an_answer_holds_is_quoted_only_where_nothing_is_personal(tmp_path, here, what, private):
    def answer(path, headers):
        return (404, {}, b"") if path.startswith("/mkmail") else ANSWERS[what]

    contract = f"""
from dlt_sources._steps.contracts.contract import Contract, column
class Thing(Contract):
    id: int = column("id", ge=1{', pii="hash"' if private else ""})
"""
    with Server(answer).serve() as server:
        shop = source_of(
            tmp_path,
            "rest_api",
            {"base_url": server.url, "attempts": 1},
            contract=contract,
            endpoint={"path": "things", "data_selector": "items"},
        )
        with pytest.raises(SourceError) as error:
            land(shop, here)
    shown = "mkmail" in str(error.value)
    assert shown is not private, str(error.value)

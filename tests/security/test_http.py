"""A server cannot send the pipeline elsewhere, get its secrets, or answer endlessly."""

import gzip
import json
import re
import zlib
from ipaddress import ip_address

import pytest
import trustme

from dlt_sources._steps.stores.lake import Landing
from dlt_sources._steps.web import guard
from dlt_sources.door import SourceError, land, reach
from tests.dlt_sources.test_html_table import page_of
from tests.security.hostile import Server, api_of, listing, moved, source_of

KEY = "hunter2-the-key"
HEADERS = {"X-Api-Key": "${SHOP_KEY}"}
LINKS = {"data_selector": "items", "paginator": {"type": "json_link", "next_url_path": "next"}}
ONE = {"id": 1, "name": "a"}


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("ELT_SHOP_KEY", KEY)


@pytest.fixture
def home():
    with Server().serve() as server:
        yield server


@pytest.fixture
def other():
    """Another server, which would answer as the first does."""
    with Server(lambda path, headers: listing(ONE)).serve() as server:
        yield server


def keys(server):
    return [headers.get("x-api-key") for _, headers in server.seen]


def refused(shop, here, why):
    with pytest.raises(SourceError, match=why) as error:
        land(shop, here)
    assert Landing("shop", here).loads() == []
    assert KEY not in str(error.value)
    return str(error.value)


def test_the_source_s_own_server_gets_the_secret_by_its_name(tmp_path, here, home):
    home.answer = lambda path, headers: listing(ONE)
    assert land(api_of(tmp_path, home.url, {"headers": HEADERS}, params={"k": "${SHOP_KEY}"}), here) == {"things": 1}
    assert home.seen[0][0] == f"/things?k={KEY}" and keys(home) == [KEY]


def test_a_redirect_on_the_same_server_is_followed_with_the_secret(tmp_path, here, home):
    home.answer = lambda path, headers: listing(ONE) if path == "/c" else moved({"/things": "/b", "/b": "/c"}[path])
    assert land(api_of(tmp_path, home.url, {"headers": HEADERS}), here) == {"things": 1}
    assert [path for path, _ in home.seen] == ["/things", "/b", "/c"] and keys(home) == [KEY] * 3


def test_a_redirect_to_another_server_is_not_followed(tmp_path, here, home, other):
    home.answer = lambda path, headers: moved(f"{other.url}/things?token=abc")
    said = refused(api_of(tmp_path, home.url, {"headers": HEADERS}), here, r"leads to .*another server.*`hosts`")
    assert other.seen == [] and "abc" not in said and f"{other.url}: " in said


@pytest.mark.parametrize(
    "trick",
    [
        "//127.0.0.1:{port}/x",
        "http://127.0.0.1:{home}@127.0.0.1:{port}/x",
        "http://LOCALHOST:{port}/x",
        "http://2130706433:{port}/x",
        "ftp://127.0.0.1:{port}/x",
        "file:///etc/passwd",
        "http://[::1]:{port}/x",
        "http://127.0.0.1:99999999/x",
    ],
)
def test_no_way_of_writing_it_is_followed(tmp_path, here, home, other, trick):
    home.answer = lambda path, headers: moved(trick.format(port=other.port, home=home.port))
    refused(
        api_of(tmp_path, home.url, {"headers": HEADERS}),
        here,
        "leads to|could not be reached|InvalidSchema|No connection",
    )
    assert other.seen == []


def test_a_declared_server_is_followed_without_the_secret(tmp_path, here, home, other):
    home.answer = lambda path, headers: moved(f"{other.url}/things")
    declared = {"headers": HEADERS, "hosts": [f"127.0.0.1:{other.port}"]}
    assert land(api_of(tmp_path, home.url, declared), here) == {"things": 1}
    assert keys(home) == [KEY] and keys(other) == [None]


def test_a_link_to_the_next_page_on_the_same_server_is_followed(tmp_path, here, home):
    home.answer = lambda path, headers: (
        listing({"id": 2}, next=None) if "p=2" in path else listing(ONE, next=f"{home.url}/things?p=2")
    )
    assert land(api_of(tmp_path, home.url, {"headers": HEADERS}, **LINKS), here) == {"things": 2}
    assert keys(home) == [KEY, KEY]


@pytest.mark.parametrize(
    "where", ["{other}/things", "http://169.254.170.2/v2/credentials", "http://169.254.169.254/latest/meta-data/"]
)
def test_a_link_to_the_next_page_elsewhere_is_not_followed(tmp_path, here, home, other, where):
    home.answer = lambda path, headers: listing(ONE, next=where.format(other=other.url))
    refused(api_of(tmp_path, home.url, {"headers": HEADERS}, **LINKS), here, "leads to .*another server")
    assert other.seen == []


def test_redirects_have_an_end(tmp_path, here, home):
    home.answer = lambda path, headers: moved(path + "x")
    refused(api_of(tmp_path, home.url), here, "redirects too many times")
    assert len(home.seen) == guard.REDIRECTS + 1


def test_a_failing_redirect_is_tried_as_often_as_declared(tmp_path, here, home):
    home.answer = lambda path, headers: moved("/b") if path == "/things" else (500, {}, b"")
    refused(api_of(tmp_path, home.url), here, "answered 500")
    assert [path for path, _ in home.seen] == ["/things", "/b"] * 2


def test_pages_have_an_end(tmp_path, here, home):
    home.answer = lambda path, headers: listing(ONE, next=f"{home.url}/things?again")
    refused(api_of(tmp_path, home.url, max_pages=7, **LINKS), here, "still more after 7 pages.*`max_pages`")
    assert len(home.seen) == 8


def test_an_answer_has_an_end(tmp_path, here, home):
    home.answer = lambda path, headers: listing(*[{"id": n, "name": "x" * 90} for n in range(1000)])
    refused(api_of(tmp_path, home.url, {"max_megabytes": 0.05}), here, r"more than 0\.05 MB.*`max_megabytes`")
    assert land(api_of(tmp_path, home.url), here) == {"things": 1000}


def test_all_answers_together_have_an_end(tmp_path, here, home):
    home.answer = lambda path, headers: listing({"id": 1, "name": "x" * 90_000}, next=f"{home.url}/things")
    shop = api_of(tmp_path, home.url, {"max_megabytes": 0.1, "max_total_megabytes": 1}, **LINKS)
    refused(shop, here, "more than 1 MB in all answers together.*`max_total_megabytes`")
    assert len(home.seen) < 13


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, gzip"])
def test_an_answer_is_measured_unpacked(tmp_path, here, home, encoding):
    bomb = json.dumps([{"id": 1, "name": "x" * 50_000_000}]).encode()
    packed = zlib.compress(bomb) if encoding == "deflate" else gzip.compress(bomb)
    packed = gzip.compress(packed) if encoding == "gzip, gzip" else packed
    assert len(packed) < 100_000
    home.answer = lambda path, headers: (
        200,
        {"content-encoding": encoding, "content-length": str(len(packed))},
        packed,
    )
    refused(api_of(tmp_path, home.url, {"max_megabytes": 1}), here, "more than 1 MB")


def test_what_stands_beside_a_redirect_has_an_end(tmp_path, here, home):
    home.answer = lambda path, headers: (302, {"location": "/b"}, b"x" * 2_000_000)
    refused(api_of(tmp_path, home.url, {"max_megabytes": 1}), here, "more than 1 MB")


@pytest.mark.parametrize("body", [b"[" * 200_000, b'[{"a":' * 50_000 + b"1" + b"}]" * 50_000])
def test_json_that_python_cannot_hold_is_a_clear_error(tmp_path, here, home, body):
    home.answer = lambda path, headers: (200, {}, body)
    said = refused(api_of(tmp_path, home.url), here, "the answer is not (whole )?JSON")
    assert len(said) < 500


def test_addresses_of_the_machine_itself_are_not_a_source(tmp_path, here, home, monkeypatch):
    home.answer = lambda path, headers: listing(ONE)
    for address in ("169.254.169.254", "169.254.170.2", "fe80::1", "fd00:ec2::254", "fd00:ec2::23"):
        found = ip_address(address)
        assert any(found in network for network in guard.METADATA if network.version == found.version), address
    # the name of a source may be made to mean such an address: what counts is what the socket reached
    monkeypatch.setattr(guard, "METADATA", [guard.ip_network("127.0.0.0/8")])
    refused(api_of(tmp_path, home.url, {"headers": HEADERS}), here, "127.0.0.1, an address of this machine")
    assert home.seen == []


def test_a_login_in_an_address_is_never_said(tmp_path, here, home, monkeypatch):
    monkeypatch.setenv("ELT_SHOP_URL", home.url.replace("//", f"//me:{KEY}@"))
    for answer in ((200, {}, b"<html>"), (404, {}, b""), (200, {}, b"{}"), moved("http://elsewhere.example/")):
        home.answer = lambda path, headers, answer=answer: answer
        refused(api_of(tmp_path, "${SHOP_URL}"), here, ".")
        page = source_of(tmp_path, "html_table", {"base_url": "${SHOP_URL}", "attempts": 1}, page="p")
        refused(page, here, ".")
    home.answer = lambda path, headers: listing(ONE)
    assert KEY not in reach(page, here) and home.url in reach(page, here)


def test_the_doctor_s_knock_reads_nothing_and_goes_nowhere(tmp_path, here, home, other):
    shop = api_of(tmp_path, home.url, {"headers": HEADERS})
    home.answer = lambda path, headers: (500, {}, b"")
    assert reach(shop, here) == home.url and len(home.seen) == 1
    home.answer = lambda path, headers: moved(other.url)
    with pytest.raises(SourceError, match="another server"):
        reach(shop, here)
    assert other.seen == []


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def test_a_certificate_is_verified(tmp_path, here, authority, monkeypatch):
    with Server(lambda path, headers: listing(ONE)).serve(authority.issue_cert("127.0.0.1")) as server:
        shop = api_of(tmp_path, server.url, {"headers": HEADERS})
        refused(shop, here, "certificate")
        assert server.seen == []
        authority.cert_pem.write_to_path(tmp_path / "authority.pem")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
        assert land(shop, here) == {"things": 1}


def test_a_certificate_of_another_name_is_refused(tmp_path, here, authority, monkeypatch):
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    with Server().serve(authority.issue_cert("shop.example")) as server:
        refused(api_of(tmp_path, server.url), here, "certificate")


def test_https_never_becomes_http(tmp_path, here, authority, monkeypatch, other):
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    with Server(lambda path, headers: moved(f"{other.url}/things")).serve(authority.issue_cert("127.0.0.1")) as server:
        declared = {"headers": HEADERS, "hosts": [f"127.0.0.1:{other.port}"]}
        refused(api_of(tmp_path, server.url, declared), here, "not encrypted")
    assert other.seen == []


def test_http_may_become_https_on_the_same_host(here):
    from dlt_sources._steps.declared.connections import HttpConnection

    def may(home, there, **declared):
        return guard.Guard(home, HttpConnection(**declared), [], [])._may(guard.origin(there))

    assert may("http://shop.example/api", "https://shop.example/api")
    assert not may("http://shop.example:8000/api", "https://shop.example/api")
    assert not may("https://shop.example/api", "http://shop.example/api")
    assert not may("https://shop.example", "https://shop.example.evil.example")
    assert may("https://shop.example", "https://cdn.example/x", hosts=["cdn.example"])
    assert not may("https://shop.example", "https://cdn.example:8443/x", hosts=["cdn.example"])


def test_a_page_and_a_file_stay_at_home_too(tmp_path, here, home, other):
    home.answer = lambda path, headers: moved(f"{other.url}/x")
    refused(
        source_of(tmp_path, "html_table", {"base_url": home.url, "headers": HEADERS}, page="p"), here, "another server"
    )
    shop = source_of(tmp_path, "files", {"url": home.url, "headers": HEADERS}, files="a.csv")
    refused(shop, here, "another server")
    assert other.seen == [] and keys(home)[0] == KEY
    other.answer = lambda path, headers: (
        200,
        {},
        b"id,name\n1,a\n",
    )  # an address that a person names is another matter
    assert land(shop, here, files=[f"{other.url}/a.csv"]) == {"things": 1}
    assert keys(other) == [None]


def test_a_page_is_measured_unpacked(tmp_path, here, home):
    page = gzip.compress(page_of(("A", "1"), after="x" * 5_000_000))
    home.answer = lambda path, headers: (200, {"content-encoding": "gzip"}, page)
    shop = source_of(tmp_path, "html_table", {"base_url": home.url, "max_megabytes": 1}, page="p")
    assert re.search("max_megabytes", refused(shop, here, "more than 1 MB"))

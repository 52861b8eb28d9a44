"""How a REST source logs in, and what it asks for in a body: on a real server, which sees what was sent."""

import base64
import json
from urllib.parse import parse_qs

import pytest

from dlt_sources._steps.declared.declaration_error import DeclarationError
from dlt_sources._steps.land.connect import reach
from dlt_sources._steps.stores.lake import Landing
from dlt_sources._steps.web import logins
from dlt_sources.door import SourceError, land
from tests.security.hostile import api_of, source_of
from tests.web import asked_path, serve

ROWS = [{"id": number} for number in range(1, 8)]
TOKEN, SECRET = "t" * 20, "p@ss:wörd/&="


class Api:
    """Things for who sends the right login, and a server of tokens beside it; keeps what it was asked."""

    def __init__(self):
        self.asked, self.given, self.lifetime, self.wanted = [], 0, {"expires_in": 3600}, None
        self.token_answer = None

    def __call__(self, request):
        path, body = asked_path(request), request.get_data()
        self.asked.append((request.method, path, dict(request.headers), body))
        if path.startswith("/token"):
            return self.give_token(request, body)
        if self.wanted and request.headers.get("Authorization") != self.wanted():
            return 401, {}, b"{}"
        return self.page(path, json.loads(body) if body else {})

    def give_token(self, request, body):
        if self.token_answer:
            return self.token_answer
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if (form.get("grant_type"), form.get("client_secret")) != ("client_credentials", SECRET):
            return 401, {}, b'{"error": "invalid_client"}'
        self.given, self.form = self.given + 1, form
        answer = {"access_token": f"{TOKEN}{self.given}", "token_type": "Bearer", **self.lifetime}
        return 200, {"content-type": "application/json"}, json.dumps(answer).encode()

    def page(self, path, body):
        first = int(body.get("page", {}).get("from", 0))
        content = {"items": ROWS[first : first + 3], "echo": body}
        return 200, {"content-type": "application/json"}, json.dumps(content).encode()

    def newest(self):
        return f"Bearer {TOKEN}{self.given}"


@pytest.fixture
def api():
    api = Api()
    with serve(api) as api.url:
        yield api


@pytest.fixture(autouse=True)
def secret(monkeypatch):
    monkeypatch.setenv("ELT_SHOP_KEY", SECRET)


PAGES = {
    "method": "POST",
    "json": {"filter": {"kind": "all"}, "page": {"size": 3}},
    "data_selector": "items",
    "paginator": {"type": "offset", "limit": 3, "offset_body_path": "page.from", "limit_body_path": "page.size"},
}


def read(tmp_path, here, api, auth, **endpoint):
    """The rows that land."""
    source = api_of(tmp_path, api.url, {"auth": auth} if auth else None, **{"data_selector": "items", **endpoint})
    return sum(land(source, here).values())


def oauth(api, **more):
    return {
        "type": "oauth2_client_credentials",
        "access_token_url": f"{api.url}/token",
        "client_id": "me",
        "client_secret": "${SHOP_KEY}",
        **more,
    }


def test_a_bearer_token_and_a_password_are_sent_as_their_rules_say(tmp_path, here, api):
    api.wanted = lambda: "Bearer plain"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELT_SHOP_KEY", "plain")
        assert read(tmp_path / "bearer", here, api, {"type": "bearer", "token": "${SHOP_KEY}"}) == 3
    basic = base64.b64encode(f"me:{SECRET}".encode()).decode()
    api.wanted = lambda: f"Basic {basic}"
    login = {"type": "http_basic", "username": "me", "password": "${SHOP_KEY}"}
    assert read(tmp_path / "basic", here, api, login, path="others") == 0  # the same rows: nothing new


def test_a_token_is_fetched_once_for_a_read_of_many_pages(tmp_path, here, api):
    api.wanted = api.newest
    auth = oauth(api, access_token_request_data={"scope": "read", "audience": "${SHOP_KEY}"})
    assert read(tmp_path, here, api, auth, **PAGES) == 7
    assert api.given == 1 and (api.form["scope"], api.form["audience"], api.form["client_id"]) == ("read", SECRET, "me")
    assert api.asked[0][1] == "/token"


@pytest.mark.parametrize("lifetime", [{"expires_in": 0}, {"expires_in": logins.MARGIN - 1}, {"expires_in": "1"}])
def test_a_token_that_is_about_to_expire_is_fetched_again(tmp_path, here, api, lifetime):
    api.wanted, api.lifetime = api.newest, lifetime
    assert read(tmp_path, here, api, oauth(api), **PAGES) == 7
    assert api.given > 1


@pytest.mark.parametrize("lifetime", [{}, {"expires_in": None}, {"expires_in": "soon"}, {"expires_in": "3600.0"}])
def test_a_token_without_a_readable_lifetime_lives_as_long_as_declared(tmp_path, here, api, lifetime):
    api.wanted, api.lifetime = api.newest, lifetime
    assert read(tmp_path, here, api, oauth(api), **PAGES) == 7
    assert api.given == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, {}, b"{}"), "401"),
        ((200, {}, b"{}"), "holds no `access_token`"),
        ((200, {}, b'{"access_token": null}'), "holds no `access_token`"),
        ((200, {}, b'{"access_token": "a\\r\\nX-Evil: 1"}'), "holds no `access_token`"),
        ((200, {}, b"<html>log in</html>"), "holds no `access_token`"),
        ((302, {"location": "http://127.0.0.1:9/token"}, b""), "leads to"),
    ],
)
def test_a_server_of_tokens_that_gives_none_is_an_error_that_names_the_settings(tmp_path, here, api, answer, words):
    api.token_answer = answer
    with pytest.raises(SourceError) as error:
        read(tmp_path, here, api, oauth(api))
    text = str(error.value)
    assert words in text and SECRET not in text and [path for _, path, _, _ in api.asked if path != "/token"] == []
    if words == "401":
        assert "ELT_SHOP_KEY" in text and "/token" in text


def test_doctor_asks_for_a_token_and_says_when_none_is_given(tmp_path, here, api):
    source = api_of(tmp_path, api.url, {"auth": oauth(api)})
    assert api.url in reach(source, here) and api.given == 1
    api.token_answer = (401, {}, b"{}")
    with pytest.raises(SourceError, match=r"/token.*401.*ELT_SHOP_KEY|401.*/token.*ELT_SHOP_KEY"):
        reach(source, here)


def test_no_other_server_sees_the_login(tmp_path, here, api):
    api.wanted = api.newest
    with serve(lambda request: others.append(dict(request.headers)) or (200, {}, b'{"items": []}')) as other:
        others = []
        page = api.page
        api.page = lambda path, body: (200, {}, json.dumps({"items": ROWS[:3], "next": f"{other}/things"}).encode())
        host = other.removeprefix("http://")
        connection = {"auth": oauth(api), "hosts": [host]}
        paginator = {"type": "json_link", "next_url_path": "next"}
        source = api_of(tmp_path, api.url, connection, data_selector="items", paginator=paginator)
        assert sum(land(source, here).values()) == 3
        assert len(others) == 1 and "Authorization" not in others[0]
        api.page = page


def test_a_body_asks_for_pages_and_for_what_changed(tmp_path, here, api):
    window = {"since": "filter.updated.from", "until": "filter.updated.to", "body": True}
    contract = """
from datetime import date
from dlt_sources._steps.contracts.contract import Contract, column
class Thing(Contract):
    id: int = column("id", ge=1)
    seen: date | None = column("when", default=None)
"""
    endpoint = {"path": "things", **PAGES, "window": window}
    source = source_of(
        tmp_path, "rest_api", {"base_url": api.url}, contract, endpoint=endpoint, cursor="seen", start="2020-03-01"
    )
    assert sum(land(source, here).values()) == 7 and len(Landing("shop", here).loads()) == 1
    bodies = [json.loads(body) for method, _, _, body in api.asked if method == "POST"]
    assert [body["page"] for body in bodies] == [{"size": 3, "from": n} for n in (0, 3, 6, 9)]
    assert all(
        body["filter"] == {"kind": "all", "updated": {"from": "2020-03-01", "to": "2020-03-10"}} for body in bodies
    )
    assert all("?" not in path for _, path, _, _ in api.asked)


@pytest.mark.parametrize(
    ("connection", "endpoint", "words"),
    [
        ({"auth": {"type": "bearer", "token": "abc"}}, {}, "token"),
        ({"auth": {"type": "http_basic", "username": "me", "password": "abc"}}, {}, "password"),
        ({"auth": {"type": "basic"}}, {}, "http_basic"),
        ({"auth": {"type": "bearer", "token": "${A}"}, "headers": {"authorization": "${B}"}}, {}, "leave out one"),
        ({}, {"json": {"a": 1}}, "method: POST"),
        ({}, {"method": "POST", "json": {"login": {"password": "abc"}}}, "password looks like a secret"),
        ({}, {"method": "POST", "json": {"logins": [{"api_key": "abc"}]}}, "api_key looks like a secret"),
        ({}, {"method": "PUT"}, "POST"),
        ({}, {"window": {"since": "from", "body": True}}, "json"),
    ],
)
def test_a_login_or_body_that_cannot_be_is_refused_with_the_file(tmp_path, connection, endpoint, words):
    with pytest.raises(DeclarationError) as error:
        api_of(tmp_path, "http://127.0.0.1:9", connection, **endpoint)
    assert words in str(error.value) and "source.yml" in str(error.value) and "abc" not in str(error.value)

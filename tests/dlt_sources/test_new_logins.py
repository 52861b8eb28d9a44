"""A new source of an API that wants a login: what is said without one, and what is written with one."""

import base64
import json
from typing import get_args

import pytest
import yaml

import settings as configuration
from dlt_sources._new.login import _FORMS, read_login
from dlt_sources._steps.declared.connections import Auth
from dlt_sources.door import SampleError, SourceError, load_sources, make_source, try_source
from tests.web import serve

ROWS = [{"id": n, "total": f"{n}.50"} for n in range(1, 31)]
BASIC = "Basic " + base64.b64encode(b"me:secretvalue").decode()


@pytest.fixture
def shop(here, monkeypatch):
    """An API that gives its orders to who has the token or the password, and tokens to a client that has its secret."""

    def answer(request):
        if request.path == "/token":
            known = (request.form.get("client_id"), request.form.get("client_secret")) == ("me", "secretvalue")
            content = {"access_token": f"of-{request.form.get('scope')}", "expires_in": 600}
            return (200, {}, json.dumps(content).encode()) if known else (401, {}, b"")
        login = request.headers.get("authorization", "")
        if (
            login in ("Bearer secretvalue", "Bearer of-read", BASIC)
            or request.headers.get("x-api-key") == "secretvalue"
        ):
            return (
                200,
                {"content-type": "application/json"},
                json.dumps(ROWS if request.path == "/orders" else {}).encode(),
            )
        if request.path == "/closed":
            return 403, {}, b""
        return 401, {"www-authenticate": 'Bearer realm="shop", Basic realm="shop"'}, b""

    monkeypatch.setenv("ELT_SHOP_SECRET", "secretvalue")
    monkeypatch.setattr(configuration, "TOOLS", configuration.TOOLS | {"ELT_SHOP_SECRET", "ELT_SHOP_WRONG"})
    with serve(answer) as url:
        yield url


def make(tmp_path, given, **options):
    folder = tmp_path / "sources"
    folder.mkdir(exist_ok=True)
    made = make_source("shop", given, configuration.load(), folder=folder, **options)
    return made, load_sources(folder)["shop"]


@pytest.mark.parametrize("path", ["orders", "closed"])
def test_without_a_login_it_is_said_which_there_are(shop, tmp_path, path):
    with pytest.raises(SampleError) as error:
        make(tmp_path, f"{shop}/{path}")
    text = str(error.value)
    assert error.value.exit_code == 2 and list((tmp_path / "sources").iterdir()) == []
    assert f"it answered {'401 Unauthorized' if path == 'orders' else '403 Forbidden'}" in text
    assert ("it asks for http_basic, bearer" in text) is (path == "orders")
    assert all(f"--auth '{kind} " in text for kind in _FORMS) and "--header 'X-Api-Key=${SHOP_KEY}'" in text
    for line in [line for line in text.splitlines() if line.startswith("  --auth")]:
        read_login([], line.removeprefix("  --auth '").removesuffix("'"))  # each example is one that is taken


def test_every_form_of_auth_is_named():
    assert {get_args(kind.model_fields["type"].annotation)[0] for kind in get_args(get_args(Auth)[0])} == set(_FORMS)


@pytest.mark.parametrize(
    ("options", "connection"),
    [
        (
            {"auth": "bearer token=${SHOP_SECRET}"},
            {"auth": {"type": "bearer", "token": "${SHOP_SECRET}"}},
        ),
        (
            {"auth": "http_basic username=me password=${SHOP_SECRET}"},
            {"auth": {"type": "http_basic", "username": "me", "password": "${SHOP_SECRET}"}},
        ),
        (
            {
                "auth": "oauth2_client_credentials access_token_url=URL/token client_id=me"
                " client_secret=${SHOP_SECRET} scope=read"
            },
            {
                "auth": {
                    "type": "oauth2_client_credentials",
                    "access_token_url": "URL/token",
                    "client_id": "me",
                    "client_secret": "${SHOP_SECRET}",
                    "access_token_request_data": {"scope": "read"},
                }
            },
        ),
        (
            {"headers": ["Authorization: Bearer ${SHOP_SECRET}"]},
            {"auth": {"type": "bearer", "token": "${SHOP_SECRET}"}},
        ),
        ({"headers": ["X-Api-Key=${SHOP_SECRET}"]}, {"headers": {"X-Api-Key": "${SHOP_SECRET}"}}),
    ],
    ids=["bearer", "http_basic", "oauth2", "bearer as a header", "a key"],
)
def test_a_login_is_written_by_the_names_of_its_settings(shop, tmp_path, options, connection):
    options = {name: value.replace("URL", shop) if name == "auth" else value for name, value in options.items()}
    made, source = make(tmp_path, f"{shop}/orders", **options)
    written = yaml.safe_load(made.files["shop/source.yml"])["connection"]
    assert written == json.loads(json.dumps({"base_url": shop, **connection}).replace("URL", shop))
    assert "secretvalue" not in "".join([*made.files.values(), *made.seen, *made.doubts])
    assert "ELT_SHOP_SECRET" in made.files["shop/README.md"]
    assert try_source(source, configuration.load()).verdicts[0].accepted == 30


def test_a_login_that_is_refused_is_named_by_its_setting(shop, tmp_path, monkeypatch):
    monkeypatch.setenv("ELT_SHOP_WRONG", "otherwise")
    with pytest.raises(SampleError, match="the login in ELT_SHOP_WRONG was refused") as error:
        make(tmp_path, f"{shop}/orders", auth="bearer token=${SHOP_WRONG}")
    assert "otherwise" not in str(error.value)


def test_another_refusal_is_not_about_logins(here, tmp_path):
    with serve(lambda request: (404, {}, b"")) as url, pytest.raises(SourceError, match="404 Not Found") as error:
        make(tmp_path, f"{url}/orders")
    assert "--auth" not in str(error.value)


@pytest.mark.parametrize(
    ("auth", "reason"),
    [
        ("bearer token=secretvalue", "write the name of the setting that holds it"),
        ("bearer", "token: Field required"),
        ("basic me", "a type and its values"),
        ("digest user=me", "there are bearer, http_basic, oauth2_client_credentials"),
        ("http_basic user=me password=${SHOP_SECRET}", "username: Field required"),
        ("bearer 'token=${SHOP_SECRET}", "a type and its values"),
    ],
)
def test_what_is_not_a_login_is_refused_without_its_value(auth, reason):
    with pytest.raises(SampleError, match=reason) as error:
        read_login([], auth)
    assert "secretvalue" not in str(error.value)


def test_one_login_and_only_where_there_can_be_one(here, tmp_path):
    with pytest.raises(SampleError, match="leave out one of the two"):
        read_login(["Authorization=${SHOP_SECRET}"], "bearer token=${SHOP_SECRET}")
    with pytest.raises(SampleError, match="--auth is for an address"):
        make(tmp_path, "postgresql://me@host/db", table="orders", auth="bearer token=${SHOP_SECRET}")

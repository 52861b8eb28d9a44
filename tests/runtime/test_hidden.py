"""Whatever a library puts into an error: no secret that the process was given is printed, logged, recorded or sent."""

import json
import re
from urllib.parse import quote

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from foundation import hidden
from tests.small import Small

PASSWORDS = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S")), min_size=4, max_size=30)


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(hidden, "_known", set())
    monkeypatch.setattr(hidden, "_pattern", None)


@given(PASSWORDS, st.sampled_from(["pg", "mysql+pymysql", "https"]), st.booleans())
def test_a_password_of_an_address_is_hidden_as_it_stands_and_as_it_is_sent(password, scheme, escaped):
    written = quote(password, safe="") if escaped else re.sub(r"[?#,/]", "x", password)
    hidden.remember(f"{scheme}://me:{written}@db.example:5432/shop?sslmode=require")
    for said in (written, password if escaped else written):
        text = hidden.hide(f"could not connect to {scheme}://me:{said}@db.example:5432/shop (login '{said}')")
        assert text == f"could not connect to {scheme}://me:***@db.example:5432/shop (login '***')"


@given(PASSWORDS)
def test_a_secret_by_itself_is_hidden(password):
    hidden.remember(password)
    assert hidden.hide(f"Authorization: {password}\n") == "Authorization: ***\n"
    assert hidden.hide(f"?token={quote(password, safe='')}&page=1") == "?token=***&page=1"


@pytest.mark.parametrize("name", ["password", "api_key", "access_token", "sig"])
def test_a_secret_in_a_query_is_hidden_and_other_values_are_not(name):
    hidden.remember(f"https://api.example/v1?{name}=s3cr%2Ft&page=10000")
    assert hidden.hide(f"GET /v1?{name}=s3cr%2Ft&page=10000 or s3cr/t") == f"GET /v1?{name}=***&page=10000 or ***"


@pytest.mark.parametrize(
    ("value", "name"),
    [("https://api.example/v1", "ELT_SHOP_URL"), ("/srv/drop", "ELT_SHOP_FILES"), ("abc", "ELT_SHOP_TOKEN"), ("", "")],
)
def test_what_is_not_a_secret_is_said(value, name):
    hidden.remember(value, name)
    assert hidden.hide(f"{value} it is") == f"{value} it is"


def test_a_common_word_as_a_password_garbles_no_longer_word():
    hidden.remember("postgresql://postgres:postgres@localhost/x")
    assert hidden.hide("postgresql is not postgres") == "postgresql is not ***"


CODE = """def things(request, values):
    raise RuntimeError(f"GET {values['at']} with Bearer {values['token']} failed")
"""
DECLARED = {
    "description": "things",
    "owner": "me",
    "schedule": "@daily",
    "connector": "python",
    "connection": {"values": {"at": "${SHOP_AT}", "token": "${SHOP_TOKEN}"}},
    "tables": {"things": {"contract": "Thing", "key": ["id"]}},
}


@pytest.mark.slow
def test_no_error_of_a_team_s_own_code_tells_a_secret(tmp_path):
    small = Small(tmp_path, "shop")
    folder = small.code / "dlt_sources/shop"
    del small.environment["ELT_SHOP_FILES"]
    small.environment |= {
        "ELT_SHOP_TOKEN": "tok-12345",
        "ELT_SHOP_AT": "https://me:p@ss-99@api.example/v1?api_key=k-777",
    }
    (folder / "source.yml").write_text(yaml.safe_dump(DECLARED))
    (folder / "extract.py").write_text(CODE)
    done = small.run("run", code=None)
    assert done.returncode != 0 and "api.example" in done.stderr and "Bearer ***" in done.stderr, done.stderr
    status = small.status()
    assert status["runs"][0]["status"] != "ok"
    kept = [path.read_bytes().decode("latin-1") for path in small.data.rglob("*") if path.is_file()]
    for secret in ("tok-12345", "ss-99", "k-777"):
        assert not [text for text in (done.stdout, done.stderr, json.dumps(status), *kept) if secret in text], secret

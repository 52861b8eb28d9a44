"""What a declaration says is data, too: a name ends no statement, a path leaves no folder, a secret has only a name."""

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlt_sources._steps.declared.address import inside, without_login
from dlt_sources._steps.declared.source_error import SourceError, explain, redact_url
from dlt_sources._steps.stores.engine import engine
from dlt_sources.door import DeclarationError, load_sources
from tests.dlt_sources.test_declaration import declare
from warehouse.quote import identifier, literal, redshift_literal

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)


@given(name=TEXT, value=TEXT)
def test_a_quoted_name_and_value_are_themselves_again(name, value):
    with duckdb.connect() as con:
        found = con.execute(f"SELECT {literal(value)} AS {identifier(name)}")
        assert found.description[0][0] == name and found.fetchall() == [(value,)]


@given(st.text(r"""'"\;-/*${}a """, min_size=1, max_size=20))
def test_a_literal_for_redshift_ends_where_it_ends(text):
    """By Redshift's rules: a quote is doubled, a backslash escapes the next character."""
    quoted, found, at = redshift_literal(text), [], 1
    while quoted[at] != "'" or quoted[at : at + 2] == "''":
        at += quoted[at] in "'\\"
        found.append(quoted[at])
        at += 1
    assert "".join(found) == text and at == len(quoted) - 1


@pytest.mark.parametrize("quote", [identifier, literal, redshift_literal])
def test_what_no_engine_can_hold_is_refused(quote):
    with pytest.raises(ValueError, match="NUL"):
        quote("a\0b")
    with pytest.raises(ValueError):
        identifier("")


def endpoint(content, **more):
    content["tables"]["things"]["endpoint"] |= more


def html(content, page):
    content["connector"] = "html_table"
    content["tables"]["things"] = {"contract": "Thing", "key": ["id"], "page": page}


def files(content, pattern):
    content.update(connector="files", connection={"url": "/data"})
    content["tables"]["things"] = {"contract": "Thing", "key": ["id"], "files": pattern}


PATHS = [
    "http://evil.example/x",
    "https:evil.example",
    "//evil.example/x",
    "\\\\evil.example\\x",
    "/\\evil.example",
    "../users",
    "a/../../b",
    "a\\..\\b",
    "ftp://x/y",
    "a\nb",
    "a\0b",
    "a\x1bb",
    "..",
]


@pytest.mark.parametrize("where", [lambda c, p: endpoint(c, path=p), html, files], ids=["endpoint", "page", "files"])
@pytest.mark.parametrize("path", PATHS)
def test_a_path_stays_under_its_address(tmp_path, where, path):
    with pytest.raises(DeclarationError, match=r"not a path under the connection's address"):
        declare(tmp_path, lambda content: where(content, path))


@pytest.mark.parametrize(
    "path", ["things", "/v1/things/", "v1/things:search", "a..b.csv", "2020/*/t_{month}.csv", "a b/ü.csv", "things?x=1"]
)
def test_an_honest_path_is_fine(path):
    assert inside(path) == path


@pytest.mark.parametrize(
    "name", ["../things", "Things", "a b", 'a"b', "a'b", "a;b", "a__b", "_a", "a" * 60, "a\nb", "täble", "a\n"]
)
def test_a_table_s_name_is_a_plain_word(tmp_path, name):
    def rename(content):
        content["tables"][name] = content["tables"].pop("things")

    with pytest.raises(DeclarationError, match=r"tables\."):
        declare(tmp_path, rename)


@pytest.mark.parametrize("name", ["Things", "a b", "a'b", 'x"; DROP SCHEMA ops; --', "a__b", "a" * 60, "a\n"])
def test_a_source_s_name_is_a_plain_word(tmp_path, name):
    declare(tmp_path)
    (tmp_path / "things").rename(tmp_path / name)
    with pytest.raises(DeclarationError, match="a source's name is lower case letters"):
        load_sources(tmp_path)[name]


@pytest.mark.parametrize("header", ["Authorization", "X-Api-Key", "Cookie", "x-access-token"])
def test_a_secret_stands_in_no_declaration(tmp_path, header):
    with pytest.raises(DeclarationError, match=f"connection.headers: {header} looks like a secret") as error:
        declare(tmp_path, lambda c: c["connection"].update(headers={header: "hunter2"}))
    assert "hunter2" not in str(error.value)
    declare(tmp_path, lambda c: c["connection"].update(headers={header: "${SHOP_KEY}", "Accept": "application/json"}))
    with pytest.raises(DeclarationError, match=r"connection\.base_url: holds a user or a password") as error:
        declare(tmp_path, lambda c: c["connection"].update(base_url="https://me:hunter2@shop.example"))
    assert "hunter2" not in str(error.value)
    assert without_login("https://shop.example/@me") == "https://shop.example/@me"


SECRETS = [
    "key",
    "apikey",
    "api_key",
    "Api-Key",
    "accessToken",
    "token",
    "client_secret",
    "password",
    "pwd",
    "sig",
    "X-Amz-Signature",
]


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize(
    ("where", "place"),
    [
        (lambda c, n, v: endpoint(c, params={n: v}), "endpoint.params"),
        (lambda c, n, v: c.update(connector="python", connection={"values": {n: v}}), "connection.values"),
    ],
    ids=["params", "values"],
)
def test_a_secret_parameter_is_a_setting_s_name(tmp_path, where, place, name):
    with pytest.raises(DeclarationError, match=f"{place}: {name} looks like a secret") as error:
        declare(tmp_path, lambda c: where(c, name, "hunter2"))
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("name", SECRETS)
def test_an_address_holds_no_secret(tmp_path, name):
    for change in (
        lambda c: c["connection"].update(base_url=f"https://shop.example/v1?page=1&{name}=hunter2#x"),
        lambda c: endpoint(c, path=f"things?{name}=hunter2"),
    ):
        with pytest.raises(DeclarationError, match=f"its query holds {name}, which looks like a secret") as error:
            declare(tmp_path, change)
        assert "hunter2" not in str(error.value)


def test_a_login_in_an_address_of_any_scheme_is_seen(tmp_path):
    for scheme in ("http", "s3+http", "svn+ssh", "abfs.x", "a-b"):
        with pytest.raises(DeclarationError, match="holds a user or a password"):
            declare(tmp_path, lambda c, s=scheme: c["connection"].update(base_url=f"{s}://me:hunter2@shop.example"))


def test_other_parameters_are_what_they_are(tmp_path):
    honest = {
        "sort_key": "id",
        "author": "me",
        "keyword": "x",
        "tokens": "3",
        "design": "a",
        "passenger": "b",
        "monkey": "c",
    }
    declare(tmp_path, lambda c: endpoint(c, params=honest | {"api_key": "${SHOP_KEY}", "token": ""}))


def test_a_declaration_makes_no_objects(tmp_path):
    declare(tmp_path)
    path = tmp_path / "things" / "source.yml"
    for tag in ("!!python/object/apply:os.system ['touch pwned']", "!!python/name:os.system", "!!python/module:os"):
        path.write_text(path.read_text() + f"\nx: {tag}\n")
        with pytest.raises(DeclarationError, match="not YAML"):
            load_sources(tmp_path)["things"]
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://me:pass@shop.example/x?key=1#f", "https://shop.example/x"),
        ("https://me:p@ss@shop.example", "https://shop.example"),
        ("https://token@shop.example/a@b", "https://shop.example/a@b"),
        ("s3://bucket/a@b.csv", "s3://bucket/a@b.csv"),
        ("/data/a@b.csv", "/data/a@b.csv"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url, said):
    assert redact_url(url) == said


@pytest.mark.parametrize("password", ["hunter2", "hun@ter2", "hun:ter2", "hun/ter2"])
def test_a_driver_s_words_lose_their_password(password):
    said = explain(ValueError(f"cannot connect to postgresql://me:{password}@db.example/x (refused)"), "shop")
    assert password not in str(said) and "db.example" in str(said) and isinstance(said, SourceError)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY (SELECT 1) TO '{outside}/x.csv'",
        "INSTALL httpfs",
        "SELECT * FROM read_parquet('{inside}/../x.parquet')",
        "ATTACH '{outside}/x.duckdb' AS x",
        "SELECT * FROM 'http://127.0.0.1:1/x.parquet'",
        "SET enable_external_access = true",
        "SELECT * FROM glob('/*')",
        "SELECT content FROM read_text('/etc/passwd')",
    ],
)
def test_the_engine_reads_its_own_folders_and_nothing_else(tmp_path, statement):
    (tmp_path / "in").mkdir()
    con = engine(tmp_path / "in", memory="1GB", spill=tmp_path / "in" / "spill")
    con.execute(f"COPY (SELECT 1 AS a) TO '{tmp_path}/in/a.parquet'")
    assert con.execute(f"SELECT * FROM read_parquet('{tmp_path}/in/*.parquet')").fetchall() == [(1,)]
    with pytest.raises(duckdb.Error):
        con.execute(statement.format(outside=tmp_path, inside=f"{tmp_path}/in")).fetchall()
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_a_folder_of_data_may_have_an_odd_name(tmp_path):
    folder = tmp_path / 'it\'s "data"'
    folder.mkdir()
    con = engine(folder, memory="1GB", spill=folder / "spill")
    con.execute(f"COPY (SELECT 1 AS a) TO {literal(folder / 'a.parquet')}")
    assert con.execute(f"SELECT * FROM read_parquet({literal(folder / 'a.parquet')})").fetchall() == [(1,)]

"""A source made of a sample: what is inferred of shapes of APIs, pages, files and databases, judged by the real judge."""

import json
import os
import re
import string
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal

import hypothesis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import strategies as st

import settings as configuration
from dlt_sources._new.judging import judge_sample
from dlt_sources._new.origin import Origin
from dlt_sources._new.rows import tables_of
from dlt_sources._new.sniff import written_as
from dlt_sources._new.write import contract_py, source_yml
from dlt_sources._new.written_times import read_texts
from dlt_sources._steps.contracts.columns import columns_of
from dlt_sources._steps.declared import own_code
from dlt_sources._steps.declared.declaration import Source
from dlt_sources._steps.declared.names import field_name
from dlt_sources._steps.judge.raw_rows import PAYLOAD
from dlt_sources._steps.land.row_files import write_file
from dlt_sources.door import SampleError, SourceError, load_sources, make_source, try_source
from tests.dlt_sources.database import execute

ORDERS = [
    {
        "id": 1000 + n,
        "customer": {"id": n % 9, "fullName": f"Ann {n}", "address": {"zip": f"{n:05}", "City": "Köln"}},
        "status": ["open", "paid"][n % 2],
        "total": round(n * 1.37, 2),
        "createdAt": f"2026-03-{n % 28 + 1:02}T10:00:00Z",
        "shipped": "" if n % 3 else f"{n % 28 + 1:02}.03.2026",
        "from": "web",
        "date": "2026-01-01",
        "名前": f"x{n}",
        "lines": [{"sku": f"S{k}", "price": f"{k}.50"} for k in range(n % 3 + 1)],
        "tags": ["a"] * (n % 4),
        "place": [50.5 + n, 7.25],
        "note": None if n % 5 else "hello",
    }
    for n in range(120)
]


pytestmark = pytest.mark.usefixtures("known_settings")


def make(tmp_path, given, name="shop", **options):
    """(what was made, the declared source) in a folder of the test's own."""
    folder = tmp_path / "sources"
    folder.mkdir(exist_ok=True)
    options.setdefault("folder", folder)
    made = make_source(name, given, configuration.load([f"ELT_{name.upper()}_URL"]), **options)
    if options.get("dry_run"):
        return made, None
    own_code.forget(folder / name)
    declared = load_sources(folder)
    assert declared.broken == {}
    return made, declared[name]


def fields(source, table):
    """Per field its type, whether it may be NULL, and its path."""
    found = columns_of(source.contracts[table], stored=False)
    return {c.name: (c.kind, c.nullable, ".".join(map(str, c.path))) for c in found}


def accepted(made):
    assert sum(verdict.rejected for verdict in made.verdicts) == 0, made.doubts
    return {verdict.table: verdict.accepted for verdict in made.verdicts}


def by_link(query, url):
    page = int(query.get("page", 1))
    more = {"link": f'<{url}/orders?page={page + 1}>; rel="next"'} if page < 3 else {}
    return more, ORDERS[(page - 1) * 40 : page * 40]


def by_next(wrap):
    def answer(query, url):
        at = int(query.get("at", 0))
        after = f"{url}/orders?at={at + 40}" if at + 40 < 120 else None
        return {}, wrap(ORDERS[at : at + 40], after)

    return answer


def by_page(query, url):
    page = int(query.get("page", 1))
    return {}, ORDERS[(page - 1) * 40 : page * 40]


def by_page_from_0(query, url):
    page = int(query.get("page", 0))
    return {}, ORDERS[page * 40 : (page + 1) * 40]


def by_offset(query, url):
    at, count = int(query.get("offset", 0)), int(query.get("limit", 20))
    return {}, {"items": ORDERS[at : at + count], "total": 120}


SHAPES = {
    "Link header": (by_link, None, {"type": "header_link"}),
    "next in the body": (
        by_next(lambda rows, after: {"data": rows, "next": after}),
        "data",
        {"type": "json_link", "next_url_path": "next"},
    ),
    "next below links": (
        by_next(lambda rows, after: {"results": rows, "links": {"next": after}}),
        "results",
        {"type": "json_link", "next_url_path": "links.next"},
    ),
    "page": (by_page, None, {"type": "page_number", "page_param": "page", "base_page": 1, "total_path": None}),
    "page from 0": (
        by_page_from_0,
        None,
        {"type": "page_number", "page_param": "page", "base_page": 0, "total_path": None},
    ),
    "offset": (
        by_offset,
        "items",
        {"type": "offset", "offset_param": "offset", "limit": 20, "limit_param": "limit", "total_path": None},
    ),
    "below two keys": (
        lambda query, url: ({}, {"meta": {}, "response": {"orders": ORDERS[:33]}}),
        "response.orders",
        None,
    ),
    "a map": (lambda query, url: ({}, {f"k{n}": row for n, row in enumerate(ORDERS[:33])}), "$.*", "single_page"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_pages_and_records_of_an_api_are_found(api, tmp_path, shape):
    answer, selector, paginator = SHAPES[shape]
    api.answers["/orders"] = answer
    made, source = make(tmp_path, f"{api.url}/orders")
    endpoint = yaml.safe_load(made.files["shop/source.yml"])["tables"]["orders"]["endpoint"]
    assert endpoint.get("data_selector") == selector and endpoint.get("paginator") == paginator
    rows = accepted(made)
    assert rows["orders"] == (33 if selector in ("$.*", "response.orders") else 100 if "offset" in shape else 120)
    assert rows["order_lines"] >= rows["orders"]
    assert source.tables["orders"].key == ["id"] and source.tables["order_lines"].key == ["id", "sku"]


def test_pages_that_nothing_finds_are_left_to_a_person(api, tmp_path):
    """The first page is read, and it is said that there are more."""

    def after_the_last(query, url):
        last = query.get("behind")
        at = 1 + next(n for n, row in enumerate(ORDERS) if str(row["id"]) == last) if last else 0
        return {}, {"data": ORDERS[at : at + 10], "has_more": at + 10 < len(ORDERS)}

    api.answers["/orders"] = after_the_last
    made, source = make(tmp_path, f"{api.url}/orders")
    assert accepted(made)["orders"] == 10 and source.tables["orders"].key == ["id"]
    assert [text for text in made.doubts if "only the first page is read" in text]


def test_fields_of_nested_records(api, tmp_path):
    api.answers["/orders"] = by_link
    _, source = make(tmp_path, f"{api.url}/orders")
    found = fields(source, "orders")
    assert found["id"] == (int, False, "id")
    assert found["customer_id"] == (int, False, "customer.id")
    assert found["full_name"] == (str, False, "customer.fullName")
    assert found["zip"] == (str, False, "customer.address.zip")
    assert found["total"] == (Decimal, False, "total")
    assert found["created_at"] == (datetime, False, "createdAt")
    assert found["shipped"] == (date, True, "shipped")
    assert found["order_from"] == (str, False, "from") and found["order_date"] == (date, False, "date")
    assert found["field"] == (str, False, "名前")
    assert found["place_0"] == (float, False, "place.0")
    assert found["note"] == (str, True, "note")
    tags = {c.name: c.pii for c in columns_of(source.contracts["orders"], stored=False)}
    assert tags["full_name"] == "hash" and tags["id"] is None
    assert source.contracts["orders"].ignores == ("tags",)
    assert fields(source, "order_lines")["price"] == (Decimal, False, "price")


def test_an_answer_that_is_one_object_is_one_record(api, tmp_path):
    api.answers["/now"] = lambda query, url: (
        {},
        {"latitude": 52.5, "current": {"time": "2026-01-01T00:00", "temp": 3}},
    )
    made, source = make(tmp_path, f"{api.url}/now")
    assert accepted(made) == {"now": 1}
    assert any("cannot tell what names a row" in text for text in made.doubts)
    assert try_source(source, configuration.load()).verdicts[0].accepted == 1


def test_days_in_the_address_become_a_window(api, tmp_path):
    asked = []

    def answer(query, url):
        asked.append(query)
        return {}, ORDERS

    api.answers["/orders"] = answer
    _, source = make(tmp_path, f"{api.url}/orders?from=2026-01-01&to=2026-04-01&kind=all")
    table = source.tables["orders"]
    assert (table.endpoint.window.since, table.endpoint.window.until) == ("from", "to")
    assert (table.start, table.cursor, table.endpoint.params) == (date(2026, 1, 1), "created_at", {"kind": "all"})
    assert all(query == {"from": "2026-01-01", "to": "2026-04-01", "kind": "all"} for query in asked[:1])


@pytest.mark.parametrize(
    ("query", "window", "others"),
    [
        ("updated_since=2026-01-01", {"since": "updated_since"}, {}),
        ("modifiedAfter=2026-01-01T08:00:00Z&kind=all", {"since": "modifiedAfter", "form": "time"}, {"kind": "all"}),
        ("updated[gte]=1767225600", {"since": "updated[gte]", "form": "seconds"}, {}),
        (
            "to=1769904000000&from=1767225600000",
            {"since": "from", "until": "to", "form": "milliseconds"},
            {},
        ),
    ],
)
def test_a_moment_in_the_address_becomes_a_window(api, tmp_path, query, window, others):
    api.answers["/orders"] = lambda query, url: ({}, ORDERS)
    _, source = make(tmp_path, f"{api.url}/orders?{query}")
    table = source.tables["orders"]
    assert table.endpoint.window.model_dump(exclude_defaults=True) == window
    assert (table.start, table.cursor, table.endpoint.params) == (date(2026, 1, 1), "created_at", others)


@pytest.mark.parametrize("query", ["day=2026-01-01", "admin=1767225600", "start=0", "after=17", "from=berlin"])
def test_a_parameter_that_is_not_a_beginning_stays_one(api, tmp_path, query):
    api.answers["/orders"] = lambda query, url: ({}, ORDERS)
    _, source = make(tmp_path, f"{api.url}/orders?{query}")
    assert source.tables["orders"].endpoint.window is None
    assert source.tables["orders"].endpoint.params == dict([query.split("=")])


NOTHING = {
    "no rows": [],
    "no rows below a key": {"results": []},
    "a number": 7,
    "an empty object": {},
    "a page without a table": "<html><body>hello</body></html>",
    "text": "hello",
}


@pytest.mark.parametrize("content", NOTHING.values(), ids=NOTHING)
def test_what_has_no_record_is_refused_in_words(api, tmp_path, content):
    api.answers["/orders"] = lambda query, url: ({}, content)
    with pytest.raises((SampleError, SourceError)) as error:
        make(tmp_path, f"{api.url}/orders")
    assert len(str(error.value)) > 30
    assert list((tmp_path / "sources").iterdir()) == []


def test_a_server_that_is_gone_is_a_source_that_is_not_reached(here, tmp_path):
    with pytest.raises(SourceError, match="could not be reached"):
        make(tmp_path, "http://127.0.0.1:9/orders")


def test_a_page(api, tmp_path):
    rows = "".join(
        f"<tr><td>M{n}</td><td>1,{n:03}</td><td>{'' if n % 4 else '01/25/2026'}</td></tr>" for n in range(30)
    )
    head = "<tr><th>Model</th><th>Price</th><th>Since (day)</th></tr>"
    page = f"<html><body><table class=t><thead>{head}</thead>{rows}</table></body></html>"
    api.answers["/page"] = lambda query, url: ({}, page)
    made, source = make(tmp_path, f"{api.url}/page", selector="table.t")
    assert accepted(made) == {"page": 30}
    assert fields(source, "page")["price"] == (Decimal, False, "price")
    assert fields(source, "page")["since"] == (date, True, "since")


FILES = {
    "comma": ("id,amount,day\n" + "".join(f"{n},{n}.5,2026-01-{n:02}\n" for n in range(1, 29)), "utf-8", {}),
    "semicolons and decimal commas": (
        "Größe;Betrag;Tag;Bestell-Nr\n" + "".join(f"{n},5;1.{n:03},25;{n:02}.01.2026;{n}\n" for n in range(1, 29)),
        "cp1252",
        {"delimiter": ";", "encoding": "cp1252"},
    ),
    "tabs in UTF-16": (
        "id\twhen\n" + "".join(f"{n}\t1/{n}/2026 3:05 PM\n" for n in range(1, 29)),
        "utf-16",
        {"delimiter": "\t", "encoding": "utf-16"},
    ),
    "a byte order mark": ("id,from,class\n" + "".join(f"{n},a,b\n" for n in range(1, 29)), "utf-8-sig", {}),
    "names that become the same": (
        "Order Id,order_id,ORDER-ID\n" + "".join(f"{n},{n},x\n" for n in range(1, 29)),
        "utf-8",
        {},
    ),
    "three formats of a day": (
        "id,day\n"
        + "".join(f"{n},{[f'{n:02}.03.2026', f'2026-03-{n:02}', f'03/{n:02}/2026'][n % 3]}\n" for n in range(1, 29)),
        "utf-8",
        {},
    ),
    "no key": ("name,n\n" + "a,1\n" * 25, "utf-8", {}),
    "numbers with zeros before": ("id,zip\n" + "".join(f"{n},{n:05}\n" for n in range(1, 29)), "utf-8", {}),
    "digits of a day": ("id,order_date\n" + "".join(f"{n},202601{n:02}\n" for n in range(1, 29)), "utf-8", {}),
    "a few that do not fit": (
        "id,n\n" + "".join(f"{n},{'soon' if n == 50 else n}\n" for n in range(1, 100)),
        "utf-8",
        {},
    ),
}


@pytest.mark.parametrize("shape", FILES)
def test_files(here, tmp_path, shape):
    text, encoding, written = FILES[shape]
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "orders_1.csv").write_bytes(text.encode(encoding))
    made, source = make(tmp_path, f"{drop}/orders_*.csv")
    connection = yaml.safe_load(made.files["shop/source.yml"])["connection"]
    assert connection == {"url": str(drop), **written}
    verdict = made.verdicts[0]
    assert (verdict.landed, verdict.rejected) == (text.count("\n") - 1, 1 if shape == "a few that do not fit" else 0)
    found = fields(source, "orders")
    if shape == "semicolons and decimal commas":
        assert {name: kind for name, (kind, _, _) in found.items()} == {
            "grosse": Decimal,
            "betrag": Decimal,
            "tag": date,
            "bestell_nr": int,
        }
    if shape == "three formats of a day":
        assert found["day"][0] is date and any("3 formats" in text for text in made.doubts)
    if shape == "no key":
        assert source.tables["orders"].mode == "append" and source.tables["orders"].key == ["source_file", "source_row"]
    if shape == "numbers with zeros before":
        assert found["zip"][0] is str
    if shape == "digits of a day":
        assert found["order_date"][0] is date
    if shape == "names that become the same":
        assert len(found) == 3
    if shape == "a few that do not fit":
        assert any("1 of 99" in text for text in made.doubts)


def test_parquet_and_what_cannot_be_read(here, tmp_path):
    drop = tmp_path / "drop"
    drop.mkdir()
    made_of = {"id": range(30), "n": pa.array([Decimal("1.25")] * 30, pa.decimal128(9, 2)), "s": [{"a": 1}] * 30}
    pq.write_table(pa.table({**made_of, "at": [datetime(2026, 1, 1)] * 30, "l": [[{"q": 1}]] * 30}), drop / "p.parquet")
    made, source = make(tmp_path, f"{drop}/p.parquet")
    assert accepted(made) == {"p": 30}
    assert {n: k for n, (k, _, _) in fields(source, "p").items()} == {"id": int, "n": Decimal, "a": int, "at": datetime}
    (drop / "rows.json").write_text('{"a": 1}\n')
    (drop / "empty.csv").write_text("a,b\n")
    for name, reason in (
        ("rows.json", "the files connector reads"),
        ("empty.csv", "no row came"),
        ("none.csv", "no file is called"),
    ):
        with pytest.raises(SampleError, match=reason):
            make(tmp_path, f"{drop}/{name}", name="other")


def test_a_table_of_postgres(postgres, here, tmp_path):
    execute(
        postgres,
        "DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s; GRANT ALL ON SCHEMA s TO deftunes",
        'CREATE TABLE s.orders (no bigint, line int, "Straße" varchar(30), total numeric(10,2), mail text NOT NULL, big numeric,'
        " updated_at timestamptz NOT NULL, never int, PRIMARY KEY (no, line))",
        "INSERT INTO s.orders SELECT n / 2, n % 2, 'S', n, n || '@ex.org', n / 7.0, now(), NULL FROM generate_series(1, 12000) n",
        "GRANT ALL ON ALL TABLES IN SCHEMA s TO deftunes",
    )
    before = dict(os.environ)
    made, source = make(tmp_path, postgres.dsn, table="s.orders")
    assert dict(os.environ) == before  # children inherit it: no address gets there
    assert accepted(made) == {"orders": 10_000}  # a sample
    assert made.setting == "ELT_SHOP_URL"
    assert postgres.password not in "".join([*made.files.values(), *made.doubts, *made.seen])
    table, found = source.tables["orders"], fields(source, "orders")
    assert (table.key, table.cursor) == (["no", "line"], "updated_at")
    assert {name: (kind, nullable) for name, (kind, nullable, _) in found.items()} == {
        "no": (int, False),
        "line": (int, False),
        "strasse": (str, True),
        "total": (Decimal, True),
        "mail": (str, False),
        "big": (float, True),
        "updated_at": (datetime, False),
        "never": (int, True),
    }
    with pytest.raises(SampleError, match="did you mean 'orders'"):
        make(tmp_path, postgres.dsn, table="s.order", name="other")
    with pytest.raises(SampleError, match="--table says which"):
        make(tmp_path, postgres.dsn, name="other")


def test_nothing_is_written_over_and_no_secret_is_written(api, tmp_path):
    api.answers["/orders"] = by_link
    _, source = make(tmp_path, f"{api.url}/orders")
    before = {path: path.read_bytes() for path in source.folder.iterdir() if path.is_file()}
    with pytest.raises(SampleError, match="writes over nothing") as error:
        make(tmp_path, f"{api.url}/orders")
    assert error.value.exit_code == 2
    assert before == {path: path.read_bytes() for path in source.folder.iterdir() if path.is_file()}
    for given in (
        f"{api.url}/orders?api_key=abcdef".replace("//", "//"),
        api.url.replace("//", "//me:pass@") + "/orders",
    ):
        with pytest.raises(SampleError, match="cannot stand in") as error:
            make(tmp_path, given, name="other")
        assert "abcdef" not in str(error.value) and "me:pass" not in str(error.value)
    with pytest.raises(SampleError, match="lower case letters"):
        make(tmp_path, f"{api.url}/orders", name="Shop")
    made, _ = make(tmp_path, f"{api.url}/orders", name="other", dry_run=True)
    assert not (tmp_path / "sources" / "other").exists() and set(made.files) >= {
        "other/source.yml",
        "other/contract.py",
    }


def test_an_address_and_a_login_by_the_names_of_their_settings(api, tmp_path, monkeypatch):
    api.answers["/v1/orders"] = by_link
    api.answers["/orders"] = by_link
    monkeypatch.setenv("ELT_SHOP_URL", f"{api.url}/v1")
    monkeypatch.setenv("ELT_SHOP_KEY", "secretvalue")
    made, source = make(tmp_path, "${SHOP_URL}/orders?api_key=${SHOP_KEY}", headers=["X-Api-Key=${SHOP_KEY}"])
    connection = source.declared.connection
    assert (connection.base_url, connection.headers) == ("${SHOP_URL}", {"X-Api-Key": "${SHOP_KEY}"})
    assert source.tables["orders"].endpoint.params == {"api_key": "${SHOP_KEY}"}
    assert "secretvalue" not in "".join(made.files.values())


def test_a_trial_says_what_would_be_rejected_and_writes_nothing(api, here, tmp_path):
    api.answers["/orders"] = by_link
    _, source = make(tmp_path, f"{api.url}/orders")
    trial = try_source(source, here)
    assert [(v.table, v.accepted, v.rejected, len(v.rows)) for v in trial.verdicts] == [
        ("orders", 40, 0, 10),
        ("order_lines", 79, 0, 10),
    ]
    assert trial.verdicts[0].rows[0]["values"]["full_name"] == "(hashed)"
    api.answers["/orders"] = lambda query, url: ({}, [row | {"total": "much", "id": row["id"]} for row in ORDERS[:20]])
    trial = try_source(source, here)
    assert trial.too_many == ["orders", "order_lines"] and trial.verdicts[0].rejected == 20
    assert trial.verdicts[0].rows[0]["verdict"] == "rejected" and "total" in trial.verdicts[0].rows[0]["values"]
    assert not here.data.exists() or not list(here.data.rglob("*.parquet"))


def test_what_is_written_is_as_the_formatter_and_the_linter_have_it(api, tmp_path):
    api.answers["/orders"] = by_link
    _, source = make(tmp_path, f"{api.url}/orders")
    target = source.folder
    for command in (["format", "--check"], ["check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--config", "pyproject.toml", str(target)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + (target / "contract.py").read_text()


@pytest.mark.parametrize(
    ("texts", "kind", "formats"),
    [
        (["2026-01-31", "2026-02-01"], "date", ()),
        (["2026-01-31T10:00:00Z", "2026-02-01T10:00:00+02:00"], "datetime", ()),
        (["31.01.2026", "01.02.2026"], "date", ("%d.%m.%Y",)),
        (["31/01/2026", "01/02/2026"], "date", ("%d/%m/%Y",)),
        (["01/31/2026", "01/02/2026"], "date", ("%m/%d/%Y",)),
        (["31 Jan 2026"], "date", ("%d %b %Y",)),
        (["31.01.2026 10:00"], "datetime", ("%d.%m.%Y %H:%M",)),
        (["1/31/2026 3:05 PM"], "datetime", ("%m/%d/%Y %I:%M %p",)),
        (["soon", "31.01.2026"], None, ()),
        (["12", "13"], None, ()),
        (["10.0.0.1"], None, ()),
    ],
)
def test_how_times_are_written(texts, kind, formats):
    found = read_texts(texts)
    assert (found and found.kind, found.formats if found else ()) == (kind, formats)


def test_a_day_that_could_be_a_month_is_a_doubt():
    found = read_texts(["01/02/2026", "03/04/2026"])
    assert "cannot be told apart" in found.doubts[0]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("orderId", "order_id"),
        ("Größe", "grosse"),
        ("from", "field_from"),
        ("copy", "field_copy"),
        ("model_dump", "field_model_dump"),
        ("2nd", "field_2nd"),
        ("名前", "field"),
        ("date", "field_date"),
        ("a" * 200, "a" * 48),
        ("__x__", "x"),
    ],
)
def test_names_that_python_and_the_stores_take(path, name):
    assert field_name(path) == name


def test_how_a_csv_is_written():
    assert written_as(b"a,b\n1,2\n") == {}
    assert written_as(b"a;b\n1,5;2\n") == {"delimiter": ";"}
    assert written_as("a\tb\nü\t2\n".encode("latin-1")) == {"delimiter": "\t", "encoding": "cp1252"}
    assert written_as(b"only\n1\n") == {}


VALUES = st.one_of(
    st.integers(-(10**17), 10**17),
    st.floats(-1e9, 1e9, allow_nan=False),
    st.booleans(),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
    st.dates(date(1950, 1, 1), date(2050, 1, 1)).map(str),
    st.none(),
)
KEYS = st.text(string.ascii_letters + "_ -äß1", min_size=1, max_size=8).filter(
    lambda key: not re.fullmatch("[_ 1-]*", key)
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=3)
LISTS = st.lists(st.dictionaries(KEYS, VALUES, min_size=1, max_size=2), max_size=2)
RECORDS = st.dictionaries(KEYS, st.one_of(VALUES, OBJECTS, LISTS), max_size=6)


@hypothesis.settings(max_examples=40, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(records=st.lists(RECORDS, min_size=1, max_size=8))
def test_any_records_give_a_contract_that_can_be_used(tmp_path_factory, records):
    """Whatever the records are: the declaration is valid, and every row is accepted, or rejected with a reason."""
    folder = tmp_path_factory.mktemp("any")
    numbered = [{"id": number} | record for number, record in enumerate(records)]
    numbered = [record | {"id": number} for number, record in enumerate(numbered)]
    tables = tables_of(numbered, "things", cells=False, nests=True, by_file=False, declared={}, key=())
    tables[0].place = {"endpoint": {"path": "things"}}
    place = folder / "shop"
    place.mkdir()
    (place / "contract.py").write_text(contract_py("shop", tables))
    origin = Origin("rest_api", {"base_url": "https://example.com"}, {}, "things")
    (place / "source.yml").write_text(source_yml("shop", origin, tables))
    own_code.forget(place)
    source = Source(place)
    source.check()
    assert source.tables["things"].key == ["id"]
    rows = pa.table({PAYLOAD: [json.dumps(record) for record in numbered]})
    marks = {"_row": range(len(rows)), "_deleted": [False] * len(rows), "_read_at": [datetime(2026, 1, 1)] * len(rows)}
    for name, values in marks.items():
        rows = rows.append_column(name, pa.array(values))
    path = write_file(rows, folder).rename(folder / "1700000000.0.0.parquet")
    verdicts = judge_sample(source, {"things": [path]}, configuration.load(), folder / "judged")
    assert verdicts[0].landed == len(records)
    mixed = any("values are not" in text for table in tables for f in table.fields for text in f.guess.doubts)
    assert mixed or verdicts[0].rejected == 0, verdicts[0].reasons

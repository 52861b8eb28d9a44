"""What a declaration says of its fields is judged before anything is read: every field is there and fits its use."""

import pytest
import yaml
from hypothesis import given, strategies

from dlt_sources._steps.declared import names
from dlt_sources._steps.declared.names import refuse_column
from dlt_sources.door import load_sources

CONTRACT = """from datetime import date, datetime
from decimal import Decimal
from typing import Any
from pydantic import model_validator
from dlt_sources._steps.contracts.contract import Contract, checked_only, column, computed


class Thing(Contract):
    \"\"\"One thing.\"\"\"

    id: int = column("id")
    name: str | None = column("name")
    at: datetime | None = column("moment")
    day: date = column("day")
    size: int = column("size", default=0)
    secret: str = column("secret", pii="drop")
    email: str = column("email", pii="hash")
    double: int = computed("twice", "id * 2")
    items: list[Any] = checked_only("parts")


class Part(Contract):
    \"\"\"One part.\"\"\"

    id: int = column("thing", path="_parent.id")
    number: int = column("place", path="_index")
    email: str = column("email", path="_parent.email", pii="hash")
"""
TABLE = {"contract": "Thing", "key": ["id"]}
PARTS = {"contract": "Part", "key": ["id", "number"], "from": "things", "explode": "items", "parent_key": ["id"]}
PLACES = {
    "rest_api": ({"base_url": "http://127.0.0.1"}, {"endpoint": {"path": "things"}}),
    "sql_database": ({"url": "${DB}"}, {"table": "things"}),
    "html_table": ({"base_url": "http://127.0.0.1"}, {"page": "things"}),
    "files": ({"url": "/data"}, {"files": ["*.csv"]}),
    "python": ({}, {}),
}
WINDOW = {"path": "things", "window": {"since": "a", "until": "b"}}


def refused(folder, connector="rest_api", contract=CONTRACT, schedule="@daily", name="shop", **tables):
    """Why a declaration is refused, or None. `things` is changed by the keyword of its name; None removes a key."""
    connection, place = PLACES[connector]
    for table, change in ({"things": {}} | tables).items():
        base = TABLE | place if table == "things" else PARTS if table == "parts" else {}
        tables[table] = {key: value for key, value in (base | change).items() if value is not None}
    content = {
        "description": "x",
        "owner": "me",
        "schedule": schedule,
        "connector": connector,
        "tables": tables,
        "connection": connection,
    }
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "source.yml").write_text(yaml.safe_dump(content, sort_keys=False))
    (folder / name / "contract.py").write_text(contract)
    (folder / name / "extract.py").write_text("def things(request, values):\n    return []\n")
    return load_sources(folder).broken.get(name)


def field(text, name="Thing"):
    """The contract with one more field."""
    lines = CONTRACT.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith(f"class {name}(")) + 3
    return "\n".join([*lines[:at], f"    {text}", *lines[at:]]) + "\n"


@pytest.mark.parametrize("connector", PLACES)
def test_a_right_declaration_of_each_connector_is_fine(tmp_path, connector):
    assert refused(tmp_path, connector) is None


@pytest.mark.parametrize(
    ("connector", "more"),
    [
        ("sql_database", {"cursor": "at", "overlap": "P1D"}),
        ("sql_database", {"cursor": "day", "start": "2020-01-01"}),
        ("python", {"cursor": "at"}),
        ("rest_api", {"cursor": "at", "start": "2020-01-01", "endpoint": WINDOW}),
        ("files", {"files": "t_{month}.csv", "start": "2020-01-01"}),
        ("rest_api", {"key": ["id", "day", "size"]}),
        ("rest_api", {"distribute_by": "double", "sort_by": "_read_at"}),
        ("rest_api", {"key": ["email"]}),
    ],
)
def test_what_works_is_fine(tmp_path, connector, more):
    assert refused(tmp_path, connector, things=more) is None
    assert refused(tmp_path, parts={}) is None


@pytest.mark.parametrize(
    ("connector", "more", "said"),
    [
        # a field that is not one, of every key that names fields
        *(
            ("sql_database", {key: value}, f"tables.things.{key}: 'idd' is not a")
            for key, value in {"key": ["idd"], "cursor": "idd", "distribute_by": "idd", "sort_by": "idd"}.items()
        ),
        # a field that is not what it is used for
        ("rest_api", {"key": ["name"]}, "tables.things.key: Thing.name may be NULL"),
        ("rest_api", {"key": ["id", "at"]}, "tables.things.key: Thing.at may be NULL"),
        ("rest_api", {"key": ["secret"]}, "Thing.secret is not stored"),
        ("rest_api", {"key": ["items"]}, "Thing.items is a list"),
        ("rest_api", {"key": ["double"]}, "Thing.double is computed"),
        ("rest_api", {"key": ["id", "id"]}, "named twice"),
        ("rest_api", {"distribute_by": "secret"}, "'secret' is not a column"),
        ("rest_api", {"sort_by": "items"}, "'items' is not a column"),
        ("sql_database", {"cursor": "id"}, "a cursor is a date or a datetime"),
        ("sql_database", {"cursor": "name"}, "a cursor is a date or a datetime"),
        ("python", {"cursor": "double"}, "computed after the read"),
        # what would be passed over without a word
        ("rest_api", {"cursor": "at"}, "tables.things.cursor: the endpoint is never asked for a part"),
        ("html_table", {"cursor": "at"}, "tables.things.cursor: it is read whole"),
        ("files", {"cursor": "at"}, "tables.things.cursor: it is read whole"),
        ("rest_api", {"start": "2020-01-01"}, "tables.things.start: "),
        ("sql_database", {"overlap": "P3D"}, "tables.things.overlap: "),
        ("sql_database", {"cursor": "at", "overlap": "-P3D"}, "a negative overlap"),
        ("rest_api", {"parent_key": ["id"]}, "tables.things.parent_key: only a table made with `from`"),
        ("rest_api", {"selector": "table.x"}, "tables.things.selector: "),
        *(
            ("rest_api", {place: "things"}, f"the connector rest_api does not read it; remove `{place}`")
            for place in ("table", "page", "files")
        ),
        ("sql_database", {"endpoint": {"path": "x"}}, "remove `endpoint`"),
        ("python", {"files": "*.csv"}, "remove `files`"),
        ("rest_api", {"rows": [{"id": 1}]}, "`rows` holds the rows themselves; remove `endpoint`"),
        (
            "rest_api",
            {"endpoint": WINDOW | {"params": {"a": "1"}}, "cursor": "at", "start": "2020-01-01"},
            "the window sets this parameter",
        ),
        (
            "rest_api",
            {"endpoint": {"path": "x", "window": {"since": "a", "until": "a"}}, "cursor": "at", "start": "2020-01-01"},
            "name two",
        ),
        # what a library would refuse after the first request
        ("rest_api", {"endpoint": {"path": "x", "paginator": {"type": "page_numbr"}}}, "endpoint.paginator: "),
        (
            "rest_api",
            {"endpoint": {"path": "x", "paginator": {"type": "page_number", "bas": 1}}},
            "unexpected keyword argument 'bas'",
        ),
        ("rest_api", {"endpoint": {"path": "x", "paginator": {"type": "offset"}}}, "'limit'"),
        ("rest_api", {"endpoint": {"path": "x", "paginator": {"page": 1}}}, "no `type`"),
        ("rest_api", {"endpoint": {"path": "x", "data_selector": "a["}}, "is not a JSONPath"),
        ("html_table", {"selector": "table["}, "is not a CSS selector"),
        ("files", {"files": "{month}_{month}.csv"}, "{month} stands once"),
        ("files", {"files": "{month}/t.csv"}, "{month} stands once"),
    ],
)
def test_what_cannot_work_is_refused_with_its_place(tmp_path, connector, more, said):
    reason = refused(tmp_path, connector, things=more)
    assert reason and reason.startswith(str(tmp_path / "shop" / "source.yml")) and said in reason, reason
    assert "(line " in reason


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"from": "nothing"}, "not a table of this source"),
        ({"from": "parts"}, "this table itself"),
        ({"explode": "itms"}, "parts.explode: 'itms' is not a list of the contract of 'things'; did you mean 'items'?"),
        ({"explode": "name"}, "'name' is str, not a list"),
        ({"explode": "data.items"}, "not the name of a list"),
        ({"explode": ""}, "not the name of a list"),
        ({"parent_key": ["idd"]}, "parts.parent_key: 'idd' is not a field of Part"),
        ({"parent_key": ["number"]}, "is not a field of the contract of 'things'"),
        ({"parent_key": ["email"], "key": ["email", "number"]}, "write [id]"),
        ({"key": ["number"]}, "parts.key: add id"),
        ({"mode": "append"}, "parts.mode: the rows of a record change together"),
        ({"mode": "scd2", "deletes": "soft"}, "parts.mode: "),
        ({"deletes": "reconcile"}, "parts.deletes: "),
        ({"cursor": "number"}, "parts.cursor: the rows come with those of 'things'"),
        ({"start": "2020-01-01"}, "parts.start: "),
        ({"endpoint": {"path": "x"}}, "remove `endpoint`"),
        ({"rows": [{"id": 1}]}, "remove `rows`"),
    ],
)
def test_a_table_made_from_another_fits_it(tmp_path, more, said):
    reason = refused(tmp_path, parts=more)
    assert reason and said in reason, reason


def test_a_table_is_made_from_records_with_lists_only(tmp_path):
    for connector in ("sql_database", "html_table"):
        assert "has columns, not records with lists" in (refused(tmp_path, connector, parts={}) or ""), connector
    assert "only records of JSON lines hold lists" in (refused(tmp_path, "files", parts={}) or "")
    nested = {"contract": "Part", "key": ["id", "number"], "from": "parts", "explode": "x", "parent_key": ["id"]}
    assert "itself made with `from`" in (refused(tmp_path, parts={}, more=nested) or "")
    other = CONTRACT.replace('id: int = column("thing"', 'id: str = column("thing"')
    assert "of another type" in (refused(tmp_path, contract=other, parts={}) or "")


@pytest.mark.parametrize(
    "spelling", ["orderId", "from_", "order__id", "Id", "ID", "größe", "order_", "x" * 64, "aB", "a1B"]
)
def test_a_column_that_the_warehouse_would_spell_otherwise_is_refused(tmp_path, spelling):
    reason = refused(tmp_path, contract=field(f'{spelling}: int = column("x")'))
    place = f"{tmp_path / 'shop' / 'contract.py'}: line 11: Thing.{spelling}: "
    assert reason and reason.startswith(place) and f"path='{spelling}'" in reason, reason
    dropped = field(f'{spelling}: int | None = column("x", pii="drop", default=None)')
    assert refused(tmp_path, contract=dropped) is None  # it never gets there


@pytest.mark.parametrize("name", ["id", "order_id", "a1", "a_1", "x" * 63, "order", "select", "order_2_id", "x"])
def test_a_column_of_any_other_name_is_fine(name):
    assert refuse_column(name) is None


@pytest.mark.parametrize(
    "name", ["_rejected", "_loads", "x__1a2b3c4d", "_dlt_loads", "_dlt_version", "Things", "things_", "a" * 51]
)
def test_a_table_that_would_collide_is_refused(tmp_path, name):
    assert f"tables.{name}" in (refused(tmp_path, **{name: TABLE | {"endpoint": {"path": "x"}}}) or "")


@pytest.mark.parametrize(
    "name",
    ["ops", "staging", "shop_staging", "a_b_staging", "public", "information_schema", "pg_temp", "door", "derive"],
)
def test_a_source_that_would_collide_is_refused(tmp_path, name):
    (tmp_path / "door.py").touch(), (tmp_path / "derive.py").touch()
    assert f"the name {name!r} is taken: " in (refused(tmp_path, name=name) or "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('n: int = column("x", path="_parent.n")', "only a row of a table made with `from`"),
        ('n: int = column("x", path="_index")', "only a row of a table made with `from`"),
        ('n: str = column("x", path="_file")', "only a row of a file"),
        ('n: int = column("x", path=["n", "_file_row"])', "only a row of a file"),
        ('n: int = column("x", default=None)', "the default None is not of its type"),
        ('n: bool = computed("x", "idd > 1")', "its expression cannot be computed: "),
        ('n: bool = computed("x", "id >")', "its expression cannot be computed: "),
        ('n: int = computed("x", "no_such_function(id)")', "its expression cannot be computed: "),
        ('n: int = computed("x", "secret + 1")', "its expression cannot be computed: "),
        ("n: set[int] = column('x')", ""),
    ],
)
def test_a_field_that_no_row_can_fill_is_refused(tmp_path, text, said):
    reason = refused(tmp_path, contract=field(text))
    assert (
        reason and reason.startswith(f"{tmp_path / 'shop' / 'contract.py'}: line 11: Thing.n: ") and said in reason
    ), reason


@pytest.mark.parametrize("name", ["_load_id", "_row", "_payload", "_malformed", "filename"])
def test_a_name_that_landed_rows_use_is_refused_where_rows_have_columns(tmp_path, name):
    contract = field(f'n: str = column("x", path="{name}")')
    for connector in ("sql_database", "files"):
        assert f"Millrace uses the name {name!r}" in (refused(tmp_path, connector, contract=contract) or "")
    assert refused(tmp_path, contract=contract) is None  # JSON has room for any name


def test_rows_of_files_that_come_again_need_the_name_of_their_file_in_clear(tmp_path):
    for text, fine in (
        ("", False),
        ('file: str = column("f", path="_file")', True),
        ('file: str = column("f", path="_file", pii="hash")', False),
        ('file: str | None = column("f", path="_file")', False),
    ):
        reason = refused(tmp_path, "files", contract=field(text), things={"mode": "append"})
        assert (reason is None) is fine, reason


def test_a_key_that_the_contract_s_own_code_makes_finds_no_deletions(tmp_path):
    own = (
        CONTRACT
        + "\n    @model_validator(mode='before')\n    @classmethod\n    def _x(cls, raw):\n        return raw\n"
    )
    contract = own.replace("class Part", "class Other").replace('column("id")', 'column("id", path="_made.id")')
    code = "    @model_validator(mode='before')\n    @classmethod\n    def _x(cls, raw):\n        return raw\n"
    contract = field('key: int = column("k", path="_made")').replace("\n\nclass Part", f"\n{code}\n\nclass Part")
    assert "Thing's own code" in (
        refused(tmp_path, contract=contract, things={"key": ["key"], "deletes": "soft"}) or ""
    )
    landed = field('key: int = column("k", path="_id")')
    assert refused(tmp_path, contract=landed, things={"key": ["key"], "deletes": "soft"}) is None


@given(strategies.from_regex(names._PLAIN, fullmatch=True))
def test_a_plain_name_is_one_that_dlt_leaves_as_it_is(name):
    assert names._naming().normalize_identifier(name) == name

"""A SQLite file as a source: any value in any column, times as texts, and a file that is only read."""

import sqlite3
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal

import pytest

from dlt_sources._steps.declared.source_error import RefusedError
from dlt_sources.door import SampleError, land, make_source, refine, try_source
from tests.dlt_sources.database import declare, query, rejected, run

FIELDS = """
    n: int | None = column("n")
    price: Decimal | None = column("price", max_digits=12, decimal_places=2)
    ratio: float | None = column("ratio")
    flag: bool | None = column("flag")
    day: date | None = column("day")
    at: datetime | None = column("at")
    name: str | None = column("name", max_length=100)
    raw: str | None = column("raw", max_length=100)
"""
TABLE = (
    "CREATE TABLE things (id INTEGER PRIMARY KEY, n INTEGER, price DECIMAL(12,2), ratio REAL, flag BOOLEAN, day DATE,"
    " at DATETIME, name TEXT, raw BLOB, unread TEXT)"
)


@pytest.fixture
def db(tmp_path):
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as con:
        con.execute(TABLE)
        con.commit()
    return path


def change(db, *statements):
    with closing(sqlite3.connect(db)) as con:
        for statement in statements:
            con.execute(*statement if isinstance(statement, tuple) else (statement,))
        con.commit()


def shop_of(tmp_path, monkeypatch, db, fields=FIELDS, **table):
    return declare(tmp_path, monkeypatch, f"sqlite:///{db}", fields, schema=None, **table)


INSERT = "INSERT INTO things VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)"


def test_every_type_and_null(tmp_path, monkeypatch, here, db):
    whole = (1, 2**63 - 1, 19.99, 0.1, 1, "2020-02-29", "2020-02-29 23:59:59.5", "Köln", b"\x00\xff")
    texts = (2, "7", "1234567890.12", "2.5", "false", "2020-03-01", "2020-03-01T10:00:00+02:00", "x", "text")
    change(db, (INSERT, whole), (INSERT, texts), (INSERT, (3, *[None] * 8)))
    shop = shop_of(tmp_path, monkeypatch, db)
    assert run(shop, here) == (3, 3, 0)
    columns = 'id, n, price, ratio, flag, day, "at", name, raw'
    assert query(here, f"SELECT {columns} FROM stg_shop.things ORDER BY id") == [
        (
            1,
            2**63 - 1,
            Decimal("19.99"),
            0.1,
            True,
            date(2020, 2, 29),
            datetime(2020, 2, 29, 23, 59, 59, 500000),
            "Köln",
            "\\x00ff",
        ),
        (2, 7, Decimal("1234567890.12"), 2.5, False, date(2020, 3, 1), datetime(2020, 3, 1, 8), "x", "text"),
        (3, *[None] * 8),
    ]
    assert land(shop, here) == {}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("n", "many"),
        ("n", 1.5),
        ("n", b"\x01"),
        ("price", "1,50"),
        ("price", 1.005),
        ("ratio", float("inf")),
        ("day", "29.02.2020"),
        ("day", "0000-00-00"),
        ("at", "soon"),
        ("flag", 2),
    ],
)
def test_a_value_that_is_not_of_its_column_costs_its_row_alone(tmp_path, monkeypatch, here, db, column, value):
    change(
        db,
        f"INSERT INTO things (id, {column}) VALUES (1, NULL)",
        (f"INSERT INTO things (id, {column}) VALUES (2, ?)", (value,)),
    )
    shop = shop_of(tmp_path, monkeypatch, db)
    assert run(shop, here) == (2, 1, 1)
    assert [field for _, field, _ in rejected(here)] == [column]


def test_a_text_that_is_not_utf8_costs_its_row_alone(tmp_path, monkeypatch, here, db):
    change(db, "INSERT INTO things (id, name) VALUES (1, CAST(x'ff61' AS TEXT))", "INSERT INTO things (id) VALUES (2)")
    assert run(shop_of(tmp_path, monkeypatch, db), here) == (2, 1, 1)


def test_a_full_read_lands_what_changed_and_finds_what_is_gone(tmp_path, monkeypatch, here, db):
    change(db, *((INSERT, (n, n, *[None] * 7)) for n in range(1, 11)))
    shop = shop_of(tmp_path, monkeypatch, db, deletes="reconcile")
    assert run(shop, here) == (10, 10, 0)
    change(db, "UPDATE things SET n = 70 WHERE id = 7", "DELETE FROM things WHERE id = 9", (INSERT, (11, *[None] * 8)))
    assert run(shop, here)[0] == 3
    found = query(here, "SELECT id, n FROM stg_shop.things ORDER BY id")
    assert [row for row in found if row[0] > 6] == [(7, 70), (8, 8), (10, 10), (11, None)]
    assert land(shop, here) == {}


@pytest.mark.few(3)
@pytest.mark.parametrize(
    "kind", ["2020-01-{:02} 10:00:00", "2020-01-{:02}T10:00:00.250", "2020-01-{:02}T12:00:00+02:00"]
)
@pytest.mark.parametrize("declared", ["DATETIME", "TEXT"])
def test_a_cursor_of_times_as_texts(tmp_path, monkeypatch, here, db, kind, declared):
    change(db, "DROP TABLE things", f"CREATE TABLE things (id INTEGER PRIMARY KEY, at {declared})")

    def add(number, text):
        change(db, ("INSERT INTO things VALUES (?, ?)", (number, text)))

    for number in (1, 2, 3):
        add(number, kind.format(number))
    shop = shop_of(
        tmp_path, monkeypatch, db, '    at: datetime | None = column("at")', cursor="at", deletes="none", mode="upsert"
    )
    assert run(shop, here) == (3, 3, 0)
    assert land(shop, here) == {}
    add(4, kind.format(3))  # of the same moment
    add(5, kind.format(1))  # too late, without an overlap
    add(6, None)
    add(7, kind.format(4))
    assert run(shop, here)[0] == 3
    assert query(here, "SELECT id FROM stg_shop.things ORDER BY id") == [(1,), (2,), (3,), (4,), (6,), (7,)]


def test_a_span_of_days_is_read_again(tmp_path, monkeypatch, here, db):
    change(db, *(("INSERT INTO things (id, at) VALUES (?, ?)", (n, f"2020-01-{n:02} 23:59:59")) for n in range(1, 6)))
    fields = '    at: datetime | None = column("at")'
    shop = shop_of(tmp_path, monkeypatch, db, fields, cursor="at", mode="upsert")
    run(shop, here)
    assert land(
        shop,
        here,
        since=datetime.fromisoformat("2020-01-02T00:00:00+00:00"),
        until=datetime.fromisoformat("2020-01-03T00:00:00+00:00"),
    ) == {"things": 2}


def test_a_file_that_is_missing_is_not_made_and_one_that_is_there_is_not_changed(tmp_path, monkeypatch, here, db):
    change(db, "INSERT INTO things (id) VALUES (1)")
    before = db.read_bytes()
    run(shop_of(tmp_path, monkeypatch, db), here)
    assert db.read_bytes() == before
    gone = tmp_path / "gone.db"
    with pytest.raises(RefusedError, match="is not a file; an address of SQLite"):
        land(shop_of(tmp_path, monkeypatch, gone), here)
    assert not gone.exists()
    with pytest.raises(RefusedError, match="did you mean 'things'"):
        land(shop_of(tmp_path, monkeypatch, db, table="thing"), here)


def test_odd_names(tmp_path, monkeypatch, here):
    path = tmp_path / "a b?#%20.db"
    with closing(sqlite3.connect(path)) as con:
        con.execute('CREATE TABLE things (id INTEGER PRIMARY KEY, "Unit price [EUR]" TEXT, "select" INT)')
        con.execute("INSERT INTO things VALUES (1, '2', 3)")
        con.commit()
    fields = '    p: int = column("p", path="Unit price [EUR]")\n    s: int = column("s", path="select")'
    monkeypatch.setenv("ELT_SHOP_URL", "x")
    shop = declare(
        tmp_path, monkeypatch, "sqlite:///" + str(path).replace("?", "%3F").replace("#", "%23"), fields, schema=None
    )
    try:
        assert run(shop, here) == (1, 1, 0)
        assert query(here, "SELECT p, s FROM stg_shop.things") == [(2, 3)]
    except (
        RefusedError
    ) as error:  # an address ends at `?`: such a file has to be renamed, and the message names what was looked for
        assert "is not a file" in str(error)


def test_a_source_is_made_of_a_table(tmp_path, monkeypatch, here, db):
    change(
        db,
        *(
            (INSERT, (n, n * 7, n + 0.5, n / 7, n % 2, f"2020-01-{n:02}", f"2020-01-{n:02} 10:00:00", f"n{n}", None))
            for n in range(1, 29)
        ),
        "CREATE TABLE other (id INTEGER)",
    )
    folder = tmp_path / "made"
    folder.mkdir()
    made = make_source("shop", f"sqlite:///{db}", here, table="things", folder=folder)
    assert [(v.table, v.accepted, v.rejected) for v in made.verdicts] == [("things", 28, 0)]
    assert "key: [id]" in made.files["shop/source.yml"]
    from dlt_sources.door import load_sources

    source = load_sources(folder)["shop"]
    monkeypatch.setenv("ELT_SHOP_URL", f"sqlite:///{db}")  # as `new` asks for
    trial = try_source(source, here)
    assert trial.where.endswith("shop.db") and [v.accepted for v in trial.verdicts] == [28]
    land(source, here)
    assert refine(source, here).accepted["things"] == 28
    with pytest.raises(SampleError, match="did you mean 'things'"):
        make_source("more", f"sqlite:///{db}", here, table="thing", folder=folder)

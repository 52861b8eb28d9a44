"""A table of MariaDB as a source: every type as the server holds it, in UTC, and the server's refusals in words."""

from datetime import date, datetime
from decimal import Decimal

import pytest

from dlt_sources._steps.declared.source_error import RefusedError
from dlt_sources.door import SourceError, land, load_sources, make_source, refine, try_source
from tests.dlt_sources.database import declare, query, rejected, run
from tests.mariadb import mariadb

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with mariadb(tmp_path_factory.mktemp("mariadb") / "data") as server:
        yield server


@pytest.fixture
def db(server):
    server.execute("DROP DATABASE shop", "CREATE DATABASE shop CHARACTER SET utf8mb4", "SET GLOBAL sql_mode = ''")
    return server


FIELDS = """
    whole: int | None = column("whole")
    small: bool | None = column("small")
    bits: int | None = column("bits")
    price: Decimal | None = column("price", max_digits=30, decimal_places=12)
    ratio: float | None = column("ratio")
    day: date | None = column("day")
    plain: datetime | None = column("plain")
    moment: datetime | None = column("moment")
    clock: str | None = column("clock", max_length=20)
    name: str | None = column("name", max_length=100)
    kind: str | None = column("kind", max_length=10)
    raw: str | None = column("raw", max_length=10)
    doc: str | None = column("doc", max_length=100)
    year: int | None = column("year")
"""
TABLE = (
    "CREATE TABLE shop.things (id INT PRIMARY KEY, whole BIGINT, small TINYINT(1), bits BIT(9), price DECIMAL(30,12), ratio DOUBLE,"
    " day DATE, plain DATETIME(6), moment TIMESTAMP(6) NULL, clock TIME, name VARCHAR(100), kind ENUM('a','b'), raw BLOB, doc JSON,"
    " year YEAR, unread POINT)"
)


def add(db, *rows):
    db.execute(*(f"INSERT INTO shop.things VALUES ({row}, NULL)" for row in rows))


def test_every_type_and_null(tmp_path, monkeypatch, here, db):
    db.execute(TABLE, "SET GLOBAL time_zone = '+05:00'")
    add(
        db,
        "1, 9223372036854775807, 1, b'100000001', 123456789012345678.123456789012, 0.1, '2020-02-29', '2020-02-29 23:59:59.999999',"
        " FROM_UNIXTIME(1583020800.5), '-838:59:59', 'Köln 🎵', 'b', x'00ff', '{\"a\": 1}', 2020",
        "2" + ", NULL" * 14,
    )
    shop = declare(tmp_path, monkeypatch, db.dsn, FIELDS, schema=None)
    assert run(shop, here) == (2, 2, 0)
    assert query(
        here, "SELECT * EXCLUDE (_load_id, _row, _deleted, _refine_id, _read_at) FROM stg_shop.things ORDER BY id"
    )[0] == (
        1,
        2**63 - 1,
        True,
        257,
        Decimal("123456789012345678.123456789012"),
        0.1,
        date(2020, 2, 29),
        datetime(2020, 2, 29, 23, 59, 59, 999999),
        datetime(2020, 3, 1, 0, 0, 0, 500000),
        "-838:59:59",
        "Köln 🎵",
        "b",
        "\\x00ff",
        '{"a": 1}',
        2020,
    )
    assert query(here, "SELECT count(*) FROM stg_shop.things WHERE coalesce(name, kind, raw, doc, clock) IS NULL") == [
        (1,)
    ]
    assert land(shop, here) == {}


def test_a_value_that_no_column_holds_costs_its_row_alone(tmp_path, monkeypatch, here, db):
    db.execute("CREATE TABLE shop.things (id INT PRIMARY KEY, at DATETIME, n BIGINT UNSIGNED)")
    db.execute(
        "INSERT INTO shop.things VALUES (1, '0000-00-00', 1), (2, '2020-01-01', 18446744073709551615), (3, NULL, 3)"
    )
    fields = '    at: datetime | None = column("at")\n    n: int | None = column("n")'
    shop = declare(tmp_path, monkeypatch, db.dsn, fields, schema=None)
    assert run(shop, here)[0] == 3
    assert query(here, "SELECT id FROM stg_shop.things WHERE id = 3") == [(3,)]
    assert {field for _, field, _ in rejected(here)} >= {"n"}


@pytest.mark.parametrize("kind", ["DATETIME(6)", "TIMESTAMP(6) NULL", "DATE"])
def test_a_cursor_and_deletes(tmp_path, monkeypatch, here, db, kind):
    db.execute(f"CREATE TABLE shop.things (id INT PRIMARY KEY, at {kind})")
    db.execute(
        "INSERT INTO shop.things VALUES (1, '2020-01-01 10:00'), (2, '2020-01-02 10:00'), (3, '2020-01-03 10:00')"
    )
    fields = '    at: datetime | None = column("at")' if kind != "DATE" else '    at: date | None = column("at")'
    shop = declare(tmp_path, monkeypatch, db.dsn, fields, schema=None, cursor="at")
    assert run(shop, here) == (3, 3, 0)
    assert land(shop, here) == {}
    db.execute("INSERT INTO shop.things VALUES (4, '2020-01-03 10:00'), (5, '2020-01-01 09:00'), (6, NULL)")
    assert run(shop, here)[0] == 2
    assert query(here, "SELECT id FROM stg_shop.things ORDER BY id") == [(1,), (2,), (3,), (4,), (6,)]


def test_a_full_read_finds_what_changed_and_what_is_gone(tmp_path, monkeypatch, here, db):
    db.execute("CREATE TABLE shop.things (id INT PRIMARY KEY, v VARCHAR(9))")
    db.execute("INSERT INTO shop.things SELECT seq, 'a' FROM seq_1_to_2000")
    shop = declare(tmp_path, monkeypatch, db.dsn, schema=None, deletes="reconcile")
    assert run(shop, here) == (2000, 2000, 0)
    db.execute("UPDATE shop.things SET v = 'b' WHERE id = 7", "DELETE FROM shop.things WHERE id = 9")
    assert run(shop, here)[0] == 2
    assert query(here, "SELECT count(*), max(v) FROM stg_shop.things") == [(1999, "b")]


def test_refusals_say_what_to_do_and_a_server_that_is_away_is_asked_again(tmp_path, monkeypatch, here, db):
    db.execute("CREATE TABLE shop.things (id INT PRIMARY KEY, v VARCHAR(9))")
    for dsn, reason in (
        (db.dsn.replace(db.password, "wrong"), "the login was refused"),
        (db.dsn.replace("/shop", "/other"), "the login may not use this database|there is no such database"),
    ):
        with pytest.raises(RefusedError, match=reason) as caught:
            land(declare(tmp_path, monkeypatch, dsn, schema=None), here)
        assert db.password not in str(caught.value) and "wrong@" not in str(caught.value)
    with pytest.raises(RefusedError, match="no table 'thing'"):
        land(declare(tmp_path, monkeypatch, db.dsn, schema=None, table="thing"), here)
    with pytest.raises(SourceError) as away:
        land(declare(tmp_path, monkeypatch, db.dsn.replace(f":{db.port}/", ":9/"), schema=None), here)
    assert not isinstance(away.value, RefusedError)


@pytest.mark.parametrize("scheme", ["mysql", "mariadb"])
def test_a_source_is_made_of_a_table(tmp_path, monkeypatch, here, db, scheme):
    db.execute(
        "CREATE TABLE shop.orders (no INT, line INT, total DECIMAL(10,2), name VARCHAR(30), changed_at DATETIME NOT NULL,"
        " PRIMARY KEY (no, line))",
        "INSERT INTO shop.orders SELECT seq DIV 2, seq MOD 2, seq, 'x', '2020-01-01' FROM seq_1_to_50",
    )
    folder = tmp_path / "made"
    folder.mkdir()
    dsn = db.dsn.replace("mysql", scheme, 1)
    made = make_source("shop", dsn, here, table="orders", folder=folder)
    assert [(v.accepted, v.rejected) for v in made.verdicts] == [(50, 0)]
    assert db.password not in "".join([*made.files.values(), *made.doubts, *made.seen])
    source = load_sources(folder)["shop"]
    assert (source.tables["orders"].key, source.tables["orders"].cursor) == (["no", "line"], "changed_at")
    monkeypatch.setenv("ELT_SHOP_URL", dsn)  # as `new` asks for
    assert [v.accepted for v in try_source(source, here).verdicts] == [50]
    land(source, here)
    assert refine(source, here).accepted["orders"] == 50


def test_a_source_is_made_of_a_table_of_odd_types(tmp_path, monkeypatch, here, db):
    db.execute(
        "CREATE TABLE shop.odd (id BIGINT UNSIGNED PRIMARY KEY, kind ENUM('new','paid') NOT NULL, tags SET('a','b'), flag BIT(1) NOT NULL,"
        " big BIGINT UNSIGNED, day DATE, at DATETIME, clock TIME, raw BINARY(4), `Größe cm` DOUBLE, `order` INT)",
        "INSERT INTO shop.odd SELECT seq, 1 + seq MOD 2, 'a,b', seq MOD 2, 18446744073709551615 - seq,"
        " IF(seq MOD 3, '2026-01-31', '0000-00-00'), IF(seq MOD 4, '2026-01-31 10:00', '0000-00-00 00:00'), '-10:00:00', 'ab', seq / 3, 1"
        " FROM seq_1_to_60",
    )
    folder = tmp_path / "made"
    folder.mkdir()
    monkeypatch.setenv("ELT_SHOP_URL", db.dsn)
    made = make_source("shop", db.dsn, here, table="odd", folder=folder)
    assert [(v.accepted, v.rejected) for v in made.verdicts] == [(60, 0)]
    source = load_sources(folder)["shop"]
    land(source, here)
    assert refine(source, here).accepted["odd"] == 60
    found = 'SELECT count(*), count(day), count("at"), min(kind), sum(flag), max(big) FROM stg_shop.odd'
    assert query(here, found) == [(60, 40, 45, "new", 30, Decimal(2**64 - 2))]


def test_a_view_that_may_be_read_but_not_looked_at_is_refused_with_the_right_that_it_takes(tmp_path, here, db):
    db.execute("CREATE TABLE shop.things (id INT PRIMARY KEY)", "CREATE VIEW shop.seen AS SELECT id FROM shop.things")
    with pytest.raises(RefusedError, match=r"a view's columns; GRANT SHOW VIEW ON shop\.\* to it"):
        make_source("shop", db.dsn, here, table="seen", folder=tmp_path)

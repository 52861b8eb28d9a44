"""Databases as they are: odd names and kinds of tables, and what changes between two reads."""

import threading
from datetime import UTC, datetime
from decimal import Decimal

import psycopg2
import pyarrow.parquet as pq
import pytest

from dlt_sources._steps.declared.source_error import RefusedError
from dlt_sources.door import land, refine
from tests.dlt_sources.database import declare, execute, query, rejected, run, staged

RELATIONS = {
    "a view": "CREATE VIEW s.x AS SELECT * FROM s.things",
    "a materialized view": "CREATE MATERIALIZED VIEW s.x AS SELECT * FROM s.things",
    "a partitioned table": "CREATE TABLE s.x (id int, v text) PARTITION BY LIST (id); CREATE TABLE s.p1 PARTITION OF s.x FOR VALUES IN (1);"
    " CREATE TABLE s.p2 PARTITION OF s.x DEFAULT; INSERT INTO s.x SELECT * FROM s.things",
    "an inherited table": "CREATE TABLE s.x (id int, v text); CREATE TABLE s.child () INHERITS (s.x); INSERT INTO s.x VALUES (1, 'a');"
    " INSERT INTO s.child VALUES (2, 'b')",
    "generated columns": "CREATE TABLE s.x (id int, v text GENERATED ALWAYS AS (CASE id WHEN 1 THEN 'a' ELSE 'b' END) STORED);"
    " INSERT INTO s.x VALUES (1), (2)",
    "row-level security": "CREATE TABLE s.x (id int, v text); INSERT INTO s.x SELECT * FROM s.things; INSERT INTO s.x VALUES (3, 'hidden');"
    " ALTER TABLE s.x ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON s.x USING (id < 3)",
    "a dropped column": "CREATE TABLE s.x (gone int, id int, v text); ALTER TABLE s.x DROP COLUMN gone; INSERT INTO s.x SELECT * FROM s.things",
    "columns granted one by one": "CREATE TABLE s.x (secret text, id int, v text); INSERT INTO s.x SELECT 's', * FROM s.things",
}


@pytest.mark.few(4)
@pytest.mark.parametrize("shape", RELATIONS)
def test_every_kind_of_relation_is_read(tmp_path, here, db, monkeypatch, shape):
    execute(db, *RELATIONS[shape].split(";"))
    execute(db, f"GRANT SELECT {'(id, v)' if 'granted' in shape else ''} ON s.x TO deftunes")
    assert run(declare(tmp_path, monkeypatch, db.dsn, table="x"), here) == (2, 2, 0)
    assert staged(here) == [(1, "a"), (2, "b")]


def test_a_foreign_table_is_read(tmp_path, here, db, monkeypatch):
    try:
        execute(db, "CREATE EXTENSION IF NOT EXISTS postgres_fdw")
    except psycopg2.Error:
        pytest.skip("this server has no postgres_fdw")
    execute(
        db,
        f"DROP SERVER IF EXISTS other CASCADE; CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '{db.port}', dbname 'postgres')",
        f"CREATE USER MAPPING FOR deftunes SERVER other OPTIONS (user 'deftunes', password '{db.password}')",
        "CREATE FOREIGN TABLE s.x (id int, v text) SERVER other OPTIONS (schema_name 's', table_name 'things')",
        "GRANT SELECT ON s.x TO deftunes",
    )
    assert run(declare(tmp_path, monkeypatch, db.dsn, table="x"), here) == (2, 2, 0)


@pytest.mark.few(5)
@pytest.mark.parametrize(
    "name", ["Upper", "with blank", "dot.ted", 'quo"ted', "per%cent", "brace{d}", "select", "größe", "it's", "a" * 63]
)
def test_names_of_schemas_tables_and_columns_are_taken_as_they_are(tmp_path, here, db, monkeypatch, name):
    quoted = '"' + name.replace('"', '""') + '"'
    execute(
        db,
        f"DROP SCHEMA IF EXISTS {quoted} CASCADE",
        f"CREATE SCHEMA {quoted}",
        f"CREATE TABLE {quoted}.{quoted} (id int, {quoted} text)",
        f"INSERT INTO {quoted}.{quoted} VALUES (1, 'x')",
        f"GRANT USAGE ON SCHEMA {quoted} TO deftunes; GRANT SELECT ON {quoted}.{quoted} TO deftunes",
    )
    try:
        shop = declare(
            tmp_path, monkeypatch, db.dsn, f"    v: str | None = column('v', path={(name,)!r})", schema=name, table=name
        )
        assert run(shop, here) == (1, 1, 0)
        assert staged(here) == [(1, "x")]
        if name != 'quo"ted':  # a text with quotes that divide nothing is a name, too; `quo"ted` as well
            shop = declare(
                tmp_path,
                monkeypatch,
                db.dsn,
                f"    v: str | None = column('v', path={name!r})",
                schema=name,
                table=name,
            )
            assert land(shop, here) == {}
    finally:
        execute(db, f"DROP SCHEMA {quoted} CASCADE")


def test_without_a_schema_the_search_path_decides(tmp_path, here, db, monkeypatch):
    execute(db, "ALTER ROLE deftunes SET search_path = s")
    assert run(declare(tmp_path, monkeypatch, db.dsn, schema=None), here) == (2, 2, 0)


def test_an_empty_table_is_a_read(tmp_path, here, db, monkeypatch):
    execute(db, "DELETE FROM s.things")
    shop = declare(tmp_path, monkeypatch, db.dsn)
    assert land(shop, here) == {}
    execute(db, "INSERT INTO s.things VALUES (1, NULL)")
    assert run(shop, here) == (1, 1, 0)


def test_a_single_column_of_nulls_keeps_every_row(tmp_path, here, db, monkeypatch):
    execute(db, "CREATE TABLE s.x (id int); INSERT INTO s.x VALUES (NULL), (1), (NULL)")
    execute(db, "GRANT SELECT ON s.x TO deftunes")
    assert run(declare(tmp_path, monkeypatch, db.dsn, "", table="x"), here) == (3, 1, 2)


def test_bytes_that_are_not_text_reject_their_row_only(tmp_path, here, db, monkeypatch):
    execute(db, "DROP DATABASE IF EXISTS ascii")
    execute(db, "CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C' OWNER deftunes")
    execute(
        db,
        "SET client_encoding = 'SQL_ASCII'; SET ROLE deftunes; CREATE SCHEMA s; CREATE TABLE s.things (id int, v text, amount text)",
        r"INSERT INTO s.things VALUES (1, 'plain', '1.50'), (2, E'caf\xe9', '2.50'), (3, E'caf\xc3\xa9', '3.50'), (4, NULL, NULL)",
        database="ascii",
    )
    fields = "    v: str | None = column('v')\n    amount: Decimal | None = column('a', max_digits=5, decimal_places=2)"
    shop = declare(tmp_path, monkeypatch, db.dsn.removesuffix("postgres") + "ascii", fields)
    assert run(shop, here) == (4, 3, 1)
    wanted = [(1, "plain", Decimal("1.50")), (3, "café", Decimal("3.50")), (4, None, None)]
    assert staged(here, "id, v, amount") == wanted
    assert rejected(here) == [(1, "v", "string_unicode")]
    execute(db, r"SET client_encoding = 'SQL_ASCII'; UPDATE s.things SET v = 'cafe' WHERE id = 2", database="ascii")
    assert land(shop, here) == {"things": 1}  # the others are the same, though read as text again


def test_a_value_without_a_native_form_lands_no_other_row_again(tmp_path, here, db, monkeypatch):
    execute(db, "ALTER TABLE s.things ADD n numeric(12,2), ADD at timestamptz, ADD day date, ADD plain timestamp")
    execute(
        db,
        "UPDATE s.things SET n = id, at = '2020-01-01 10:00:00.5+02', day = '2020-01-01', plain = '2020-01-01 10:00:00.12'",
    )
    kinds = {"n": "Decimal", "at": "datetime", "day": "date", "plain": "datetime"}
    fields = "\n".join(
        f"    {name}: {kind} | None = column('x'{', max_digits=12, decimal_places=2' if name == 'n' else ''})"
        for name, kind in kinds.items()
    )
    shop = declare(tmp_path, monkeypatch, db.dsn, fields)
    assert run(shop, here) == (2, 2, 0)
    execute(db, "INSERT INTO s.things VALUES (3, 'c', 'NaN', 'infinity', '-infinity', '0044-03-15 BC')")
    assert run(shop, here) == (1, 0, 1)
    execute(db, "DELETE FROM s.things WHERE id = 3")
    assert land(shop, here) == {}
    assert staged(here, 'n, "at", day, plain')[0] == (
        Decimal("1.00"),
        datetime(2020, 1, 1, 8, 0, 0, 500_000),
        datetime(2020, 1, 1).date(),
        datetime(2020, 1, 1, 10, 0, 0, 120_000),
    )


def test_a_read_is_one_snapshot(tmp_path, here, db, monkeypatch):
    execute(db, "INSERT INTO s.things SELECT i, 'x' FROM generate_series(3, 2000) i; CREATE TABLE s.y (id int)")
    stop = threading.Event()

    def move():  # every row all the time: a read that is not a snapshot finds some twice and others never
        while not stop.is_set():
            execute(
                db,
                "UPDATE s.things SET id = id + 2000 WHERE id <= 2000",
                "UPDATE s.things SET id = id - 2000 WHERE id > 2000",
            )

    mover = threading.Thread(target=move)
    mover.start()
    try:
        shop = declare(tmp_path, monkeypatch, db.dsn, "")
        assert land(shop, here) == {"things": 2_000}
    finally:
        stop.set()
        mover.join()
    refine(shop, here)
    assert query(here, "SELECT count(*), count(DISTINCT id // 2001) FROM stg_shop.things") == [(2_000, 1)]


BETWEEN = {
    "a column is added": "ALTER TABLE s.things ADD extra tsvector",
    "columns are reordered": "CREATE TABLE s.x (v text, id int); INSERT INTO s.x SELECT v, id FROM s.things; DROP TABLE s.things;"
    " ALTER TABLE s.x RENAME TO things; GRANT SELECT ON s.things TO deftunes",
    "int becomes bigint": "ALTER TABLE s.things ALTER id TYPE bigint",
    "varchar becomes text": "ALTER TABLE s.things ALTER v TYPE varchar(9)",
}


@pytest.mark.few(4)
@pytest.mark.parametrize("what", BETWEEN)
@pytest.mark.parametrize("deletes", ["none", "reconcile"])
def test_a_change_of_the_table_that_changes_no_value_lands_nothing(tmp_path, here, db, monkeypatch, what, deletes):
    shop = declare(tmp_path, monkeypatch, db.dsn, deletes=deletes)
    run(shop, here)
    execute(db, *BETWEEN[what].split(";"))
    assert land(shop, here) == {}


CHANGED = {
    "int becomes text": "ALTER TABLE s.things ALTER id TYPE text",
    "int becomes numeric": "ALTER TABLE s.things ALTER id TYPE numeric",
    "int becomes numeric(9,0)": "ALTER TABLE s.things ALTER id TYPE numeric(9,0)",
    "the key is renamed": "ALTER TABLE s.things RENAME id TO new_id",
}


@pytest.mark.few(4)
@pytest.mark.parametrize("what", CHANGED)
def test_a_deletion_is_seen_across_a_change_of_the_key(tmp_path, here, db, monkeypatch, what):
    shop = declare(tmp_path, monkeypatch, db.dsn, deletes="reconcile")
    execute(db, "INSERT INTO s.things VALUES (3, 'c')")
    run(shop, here)
    execute(db, CHANGED[what], "DELETE FROM s.things WHERE v = 'b'")
    landed, accepted, refused = run(shop, here)
    assert (accepted, refused) == (landed, 0)
    assert staged(here) == [(1, "a"), (3, "c")]


@pytest.mark.few(4)
@pytest.mark.parametrize("kind", ["date", "timestamp", "timestamptz", "s.when_"])
def test_a_backfill_reads_its_days_and_no_other(tmp_path, here, db, monkeypatch, kind):
    days = ["2019-12-31 23:59:59.999999", "2020-01-01", "2020-01-02 23:59:59.999999", "2020-01-03", None, "infinity"]
    execute(db, "CREATE DOMAIN s.when_ AS timestamptz", f"ALTER TABLE s.things ADD at {kind}", "DELETE FROM s.things")
    for number, day in enumerate(days):
        value = (
            "NULL" if day is None else f"'{day}{'' if kind in ('date', 'timestamp') or day == 'infinity' else '+00'}'"
        )
        execute(db, f"INSERT INTO s.things VALUES ({number}, 'x', {value})")
    fields = "    at: datetime | None = column('at')"
    shop = declare(tmp_path, monkeypatch, db.dsn, fields, cursor="at")
    span = {"since": datetime(2020, 1, 1, tzinfo=UTC), "until": datetime(2020, 1, 2)}
    assert land(shop, here, **span) == {"things": 2}
    refine(shop, here)
    assert [number for (number,) in staged(here, "id")] == [1, 2]
    # the cursor has not moved, and a row without a time or dated ahead is read; what the backfill landed is known, unless it
    # comes as text now, which a timestamp without a zone does beside one that is infinite
    assert land(shop, here) == {"things": 6 if kind == "timestamp" else 4}
    assert refine(shop, here).rejected["things"] == 1


@pytest.mark.parametrize(
    ("change", "said"), [("DROP COLUMN at", "no column at"), ("ALTER at TYPE text", "column at is text")]
)
def test_a_cursor_column_that_vanished_is_refused(tmp_path, here, db, monkeypatch, change, said):
    execute(db, "ALTER TABLE s.things ADD at timestamp DEFAULT '2020-01-01'")
    shop = declare(tmp_path, monkeypatch, db.dsn, "    at: datetime | None = column('at', default=None)", cursor="at")
    run(shop, here)
    execute(db, f"ALTER TABLE s.things {change}")
    with pytest.raises(RefusedError, match=said):
        land(shop, here)


def test_a_renamed_cursor_goes_on_under_its_new_name(tmp_path, here, db, monkeypatch):
    execute(db, "ALTER TABLE s.things ADD at timestamp DEFAULT '2020-01-01'")
    shop = declare(tmp_path, monkeypatch, db.dsn, "    at: datetime = column('at', path=['at', 'moved'])", cursor="at")
    assert run(shop, here) == (2, 2, 0)
    execute(db, "ALTER TABLE s.things RENAME at TO moved")
    execute(db, "INSERT INTO s.things VALUES (3, 'c', '2019-01-01'), (4, 'd', '2020-01-02')")
    assert run(shop, here)[1:] == (3, 0)  # both from the cursor on under the new name, and the new row
    assert [number for (number,) in staged(here, "id")] == [1, 2, 4]


def test_sqlite_goes_on_through_dlt(tmp_path, here, monkeypatch):
    import sqlite3

    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as con:
        con.execute('CREATE TABLE things (id INTEGER, "Amount [EUR]" REAL, unused BLOB, v TEXT, at TIMESTAMP)')
        con.execute(
            "INSERT INTO things VALUES (1, 1.5, x'00', 'a', '2020-01-01 00:00:00'), (2, NULL, NULL, 'b', '2020-01-05 00:00:00')"
        )
    fields = "    v: str | None = column('v')\n    amount: float | None = column('a', path='Amount [EUR]')"
    shop = declare(tmp_path, monkeypatch, f"sqlite:///{path}", fields, schema=None)
    assert run(shop, here) == (2, 2, 0)
    assert staged(here, "id, v, amount") == [(1, "a", 1.5), (2, "b", None)]
    with sqlite3.connect(path) as con:
        con.execute("ALTER TABLE things DROP COLUMN v")
    with pytest.raises(RefusedError, match="no column v"):
        land(shop, here)
    with sqlite3.connect(path) as con:
        con.execute("ALTER TABLE things RENAME TO thinks")
    with pytest.raises(RefusedError, match="did you mean 'thinks'"):
        land(shop, here)


@pytest.mark.parametrize("mode", ["upsert", "append"])
def test_what_is_remembered_is_what_the_next_read_asks_for(tmp_path, here, db, monkeypatch, mode):
    execute(db, "CREATE TABLE s.x (id int, v text, at timestamptz)", "GRANT SELECT ON s.x TO deftunes")
    execute(
        db,
        "INSERT INTO s.x SELECT i, 'a', timestamptz '2020-01-01 00:00+00' + i * interval '1 day' FROM generate_series(1, 60) g(i)",
    )
    fields = '    v: str | None = column("v")\n    at: datetime | None = column("at")'
    words = {"table": "x", "cursor": "at", "overlap": "P2D", "mode": mode}
    shop = declare(tmp_path, monkeypatch, db.dsn, fields, **words)
    assert run(shop, here) == (60, 60, 0)
    [seen] = (tmp_path / "data/lake/landing/shop/_seen").glob("things.*.parquet")
    assert 2 <= pq.read_metadata(seen).num_rows <= 5
    execute(db, "UPDATE s.x SET v = 'late' WHERE id = 59", "UPDATE s.x SET v = 'too late' WHERE id = 30")
    execute(db, "INSERT INTO s.x VALUES (61, 'new', '2020-03-01 12:00+00'), (62, 'no time', NULL)")
    assert land(shop, here) == {"things": 3}  # the one inside the overlap, the newer one, the one without a time
    assert land(shop, here) == {}

"""Where Redshift's SQL means something else than PostgreSQL's, the stand-in means what Redshift means."""

import datetime
import decimal
from typing import Any

import psycopg2
import pytest
from redshift_stand_in.client import Client

D = decimal.Decimal
AT = datetime.datetime

VALUES: dict[str, Any] = {
    "avg(x) FROM (SELECT 1 AS x UNION ALL SELECT 2) AS t": 1,
    "avg(x) FROM (SELECT -1::bigint AS x UNION ALL SELECT -2) AS t": -1,
    "avg(x) FROM (SELECT 1::smallint AS x UNION ALL SELECT 2) AS t": 1,
    "avg(x) FROM (SELECT 1.00::decimal(5,2) AS x UNION ALL SELECT 2.01) AS t": D("1.50"),
    "avg(x) FROM (SELECT 1::float AS x UNION ALL SELECT 2) AS t": 1.5,
    "avg(x) FROM (SELECT 1 AS x WHERE false) AS t": None,
    "sum(x) FROM (SELECT 5::bigint AS x) AS t": D(5),
    "median(x) FROM (SELECT 1 AS x UNION ALL SELECT 2) AS t": 1.5,
    "listagg(DISTINCT x, '|') WITHIN GROUP (ORDER BY x DESC) FROM (SELECT 'a' AS x UNION ALL SELECT 'b' UNION ALL SELECT 'a') AS t": "b|a",
    "APPROXIMATE COUNT(DISTINCT x) FROM (SELECT 1 AS x UNION ALL SELECT 1) AS t": 1,
    "ratio_to_report(x) OVER () FROM (SELECT 4 AS x) AS t": 1.0,
    "7 / 2": 3,
    "'ab'::varchar(1)": "a",
    "'éé'::varchar(3)": "é",
    "len(('x' || repeat('y', 300))::varchar)": 256,
    "len('é ')": 2,
    "octet_length('é')": 2,
    "1.6::decimal": D(2),
    "nvl(NULL, 3)": 3,
    "nvl2(NULL, 1, 2)": 2,
    "decode(NULL, 1, 'a', NULL, 'b', 'c')": "b",
    "concat('a', NULL)": None,
    "'a' || NULL": None,
    "dateadd(month, 1, '2026-01-31')": AT(2026, 2, 28),
    "dateadd(day, -1, '2026-01-01'::date)": AT(2025, 12, 31),
    "datediff(year, '2025-12-31', '2026-01-01')": 1,
    "datediff(hour, '2026-01-01 00:59'::timestamp, '2026-01-01 01:00'::timestamp)": 1,
    "datediff(day, '2026-01-02'::date, '2026-01-01'::date)": -1,
    "datediff(qtr, '2026-03-31'::date, '2026-04-01'::date)": 1,
    "add_months('2026-02-28'::date, 1)": AT(2026, 3, 31),
    "last_day('2026-02-03')": datetime.date(2026, 2, 28),
    "date_trunc('month', '2026-02-03'::timestamp)": AT(2026, 2, 1),
    "extract(year FROM '2026-02-03'::date)": 2026,
    "trunc('2026-02-03 04:05'::timestamp)": datetime.date(2026, 2, 3),
    "convert_timezone('Europe/Berlin', '2026-07-01 12:00'::timestamp)": AT(2026, 7, 1, 14),
    "md5('a')": "0cc175b9c0f1b6a831c399e269772661",
    "sha2('a', 256)": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
    "strtol('ff', 16)": 255,
    "charindex('b', 'abc')": 2,
    "regexp_replace('a1b2', '[0-9]', '')": "ab",
    "regexp_substr('a1b2', '[0-9]')": "1",
    "json_extract_path_text('{\"a\": {\"b\": [1]}}', 'a', 'b')": "[1]",
    "json_extract_path_text('nonsense', 'a', true)": None,
    "is_valid_json('{}')": True,
    "is_valid_json('[]')": False,
    "json_serialize(json_parse('{\"a\": [1, null]}'))": '{"a":[1,null]}',
    "json_typeof(json_parse('[1]'))": "array",
    "round(2.675::float, 1)": 2.7,
    "'a\\\\b'": "a\\b",
    "x.n FROM (SELECT 1 AS n, 2 AS m UNION ALL SELECT 2, 2) AS x QUALIFY row_number() OVER (PARTITION BY m ORDER BY n DESC) = 1": 2,
    "max(a) FROM (SELECT * FROM (SELECT 1 AS a, 2 AS b) AS t QUALIFY row_number() OVER (ORDER BY a) = 1) AS q": 1,
    "'B' < 'a'": True,
    "TOP 1 n FROM (SELECT 1 AS n UNION ALL SELECT 2) AS t ORDER BY n DESC": 2,
}


@pytest.mark.parametrize("expression", VALUES)
def test_values(sql: Client, expression: str) -> None:
    [(found,)] = sql(f"SELECT {expression}")
    assert found == VALUES[expression]
    assert type(found) is type(VALUES[expression])


UNKNOWN = {
    "SELECT soundex('a')": "does not know the function soundex",
    "SELECT nothing_such(1)": "function nothing_such is not one of Redshift's",
    "SELECT true::varchar": "cannot cast type boolean",
    "SELECT lag(a) IGNORE NULLS OVER (ORDER BY a) FROM (SELECT 1 AS a) AS t": "does not know IGNORE NULLS",
    "SELECT a[0] FROM (SELECT json_parse('[1]') AS a) AS t": "does not know navigation",
    "SELECT * FROM (SELECT 1 AS a) AS t PIVOT (sum(a) FOR a IN (1))": "does not know",
    "SELECT dateadd(fortnight, 1, getdate())": "does not know the date part",
    "SELECT 1 / 0": "division by zero",
    "SELECT FROM WHERE": "syntax error",
    "SELECT * FROM nowhere.nothing": "does not exist",
    "FROBNICATE": "does not know the statement",
}


@pytest.mark.parametrize("statement", UNKNOWN)
def test_what_it_does_not_know_is_an_error(sql: Client, statement: str) -> None:
    with pytest.raises(psycopg2.Error, match=UNKNOWN[statement]):
        sql(statement)


def test_varchar_counts_bytes(sql: Client, schema: str) -> None:
    sql(f"CREATE TABLE {schema}.t (a VARCHAR(3), b CHAR(2), c TEXT, d VARCHAR, e VARCHAR(MAX))")
    sql(f"INSERT INTO {schema}.t VALUES ('éx', 'xy', '', '', '')")
    for values in (
        "'éé', '', '', '', ''",
        "'', 'abc', '', '', ''",
        "'', '', repeat('x', 257), '', ''",
        "'', '', '', repeat('é', 129), ''",
    ):
        with pytest.raises(psycopg2.Error, match=r"value too long for type character"):
            sql(f"INSERT INTO {schema}.t VALUES ({values})")
    with pytest.raises(psycopg2.Error, match="value too long"):
        sql(f"UPDATE {schema}.t SET a = 'abcd'")
    sql(f"ALTER TABLE {schema}.t ADD COLUMN f VARCHAR(2) ENCODE zstd")
    with pytest.raises(psycopg2.Error, match=r"character varying\(2\)"):
        sql(f"UPDATE {schema}.t SET f = 'éé'")
    sql(f"ALTER TABLE {schema}.t ALTER COLUMN f TYPE VARCHAR(4)")
    sql(f"UPDATE {schema}.t SET f = 'éé'")
    sql(f"CREATE TABLE {schema}.u AS SELECT 'éé'::varchar(3) AS a, lower('X') AS b, sum(1.25) AS c")
    assert sql(f"SELECT a FROM {schema}.u") == [("é",)]
    with pytest.raises(psycopg2.Error, match=r"character varying\(3\)"):
        sql(f"INSERT INTO {schema}.u VALUES ('éé', 'x', 1)")
    lengths = sql(
        f"SELECT column_name, data_type, character_maximum_length, numeric_scale FROM svv_columns "
        f"WHERE table_schema = '{schema}' AND table_name = 'u' ORDER BY ordinal_position"
    )
    assert lengths == [
        ("a", "character varying", 3, None),
        ("b", "character varying", 65535, None),
        ("c", "numeric", None, 2),
    ]


def test_keys_inform_only(sql: Client, schema: str) -> None:
    sql(
        f"CREATE TABLE {schema}.t (id INT, n INT UNIQUE, PRIMARY KEY (id)) DISTSTYLE KEY DISTKEY (id) COMPOUND SORTKEY (id, n)"
    )
    sql(f"CREATE TABLE {schema}.u (id INT REFERENCES {schema}.t (id))")
    sql(f"INSERT INTO {schema}.t VALUES (1, 1), (1, 1)")
    sql(f"INSERT INTO {schema}.u VALUES (9)")
    with pytest.raises(psycopg2.Error, match="Cannot insert a NULL value into column id"):
        sql(f"INSERT INTO {schema}.t VALUES (NULL, 1)")
    assert sql(f"SELECT diststyle, sortkey1 FROM svv_table_info WHERE schema = '{schema}' AND \"table\" = 't'") == [
        ("KEY(id)", "id")
    ]


def test_identifiers_fold_even_quoted(sql: Client, schema: str) -> None:
    sql(f'CREATE TABLE {schema}."T" ("Id" INT)')
    assert sql(f'SELECT "ID" FROM {schema.upper()}.t') == []


def test_merge(sql: Client, schema: str) -> None:
    t, s = f"{schema}.t", f"{schema}.s"
    sql(f"CREATE TABLE {t} (id INT, n VARCHAR(5)); CREATE TABLE {s} (id INT, n VARCHAR(5))")
    sql(f"INSERT INTO {t} VALUES (1, 'a'), (2, 'b'); INSERT INTO {s} VALUES (2, 'B'), (3, 'C')")
    on = f"MERGE INTO {t} USING {s} ON {t}.id = {s}.id"
    insert = f"WHEN NOT MATCHED THEN INSERT VALUES ({s}.id, {s}.n)"
    sql(f"{on} WHEN MATCHED THEN UPDATE SET n = {s}.n WHEN NOT MATCHED THEN INSERT (id, n) VALUES ({s}.id, {s}.n)")
    assert sorted(sql(f"SELECT * FROM {t}")) == [(1, "a"), (2, "B"), (3, "C")]
    sql(f"{on} WHEN MATCHED THEN DELETE {insert}")
    assert sorted(sql(f"SELECT * FROM {t}")) == [(1, "a")]
    sql(f"INSERT INTO {s} VALUES (1, 'x'), (1, 'x')")
    sql(f"{on} REMOVE DUPLICATES")
    assert sorted(sql(f"SELECT * FROM {t}")) == [(1, "x"), (2, "B"), (3, "C")]
    for wrong in (
        insert,
        f"WHEN MATCHED THEN DELETE WHEN MATCHED THEN UPDATE SET n = '' {insert}",
        f"WHEN MATCHED AND {s}.id > 1 THEN DELETE {insert}",
    ):
        with pytest.raises(psycopg2.Error, match="MERGE"):
            sql(f"{on} {wrong}")
    with pytest.raises(psycopg2.Error, match="alias"):
        sql(f"MERGE INTO {t} AS x USING {s} ON x.id = {s}.id WHEN MATCHED THEN DELETE {insert}")


def test_late_binding_views(sql: Client, schema: str) -> None:
    t, v, w = f"{schema}.t", f"{schema}.v", f"{schema}.w"
    sql(f"CREATE VIEW {v} AS SELECT a FROM {t} WITH NO SCHEMA BINDING")  # its table is yet to come
    sql(f"CREATE VIEW {w} AS SELECT a FROM {v} WITH NO SCHEMA BINDING")
    with pytest.raises(psycopg2.Error, match="does not exist"):
        sql(f"SELECT * FROM {w}")
    sql(f"CREATE TABLE {t} (a INT)")
    sql(f"INSERT INTO {t} VALUES (1)")
    assert sql(f"SELECT * FROM {w}") == [(1,)]
    sql(f"CREATE TABLE {schema}.new (b INT, a VARCHAR(3))")
    sql(f"INSERT INTO {schema}.new VALUES (1, 'x')")
    sql(f"BEGIN; ALTER TABLE {t} RENAME TO old; ALTER TABLE {schema}.new RENAME TO t; DROP TABLE {schema}.old; COMMIT")
    assert sql(f"SELECT * FROM {w}") == [("x",)]
    columns = sql(
        "SELECT view_name, col_name, col_type FROM pg_get_late_binding_view_cols() "
        f"cols(view_schema name, view_name name, col_name name, col_type varchar, col_num int) WHERE view_schema = '{schema}'"
    )
    assert sorted(columns) == [("v", "a", "character varying(3)"), ("w", "a", "character varying(3)")]
    sql(f"DROP TABLE {t} CASCADE")
    with pytest.raises(psycopg2.Error, match=r"relation .* does not exist"):
        sql(f"SELECT * FROM {w}")
    assert len(sql(f"SELECT viewname FROM pg_views WHERE schemaname = '{schema}'")) == 2
    sql(f"DROP VIEW {v}")
    sql(f"CREATE TABLE {v} (a DATE)")
    assert sql(f"SELECT * FROM {w}") == []
    with pytest.raises(psycopg2.Error, match="qualified"):
        sql(f"CREATE VIEW {schema}.x AS SELECT 1 FROM t WITH NO SCHEMA BINDING")


def test_binding_views_hold_their_tables(sql: Client, schema: str) -> None:
    sql(f"CREATE TABLE {schema}.t (a INT)")
    sql(f"CREATE VIEW {schema}.v AS SELECT a FROM {schema}.t")
    with pytest.raises(psycopg2.Error, match="other objects depend"):
        sql(f"DROP TABLE {schema}.t")
    sql(f"DROP TABLE {schema}.t CASCADE")
    assert sql(f"SELECT count(*) FROM pg_views WHERE schemaname = '{schema}'") == [(0,)]

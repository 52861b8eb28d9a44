"""A session reads other databases of the cluster, and writes its own only."""

import psycopg2
import pytest
import redshift_connector
from redshift_stand_in.client import Client
from redshift_stand_in.server import Redshift


@pytest.fixture
def serving(redshift: Redshift) -> Client:
    return Client(redshift, "serving")


def test_three_part_names(redshift: Redshift, sql: Client, serving: Client, schema: str) -> None:
    sql(f"CREATE TABLE {schema}.t (a INT, b VARCHAR(5), c SUPER)")
    sql(f"INSERT INTO {schema}.t VALUES (1, 'x', json_parse('[1]'))")
    sql(f"CREATE VIEW {schema}.v AS SELECT a + 1 AS a FROM {schema}.t WITH NO SCHEMA BINDING")
    assert sql(f"SELECT warehouse.{schema}.t.a FROM warehouse.{schema}.t") == [(1,)]
    assert serving(f"SELECT t.a, v.a, c FROM warehouse.{schema}.t, warehouse.{schema}.v") == [(1, 2, "[1]")]
    serving(f"CREATE TABLE public.{schema} AS SELECT * FROM warehouse.{schema}.t")
    assert serving(f"SELECT a FROM public.{schema}") == [(1,)]
    sql(f"DROP TABLE {schema}.t")
    sql(f"CREATE TABLE {schema}.t (other BIGINT)")
    sql(f"INSERT INTO {schema}.t VALUES (5)")
    assert serving(f"SELECT * FROM warehouse.{schema}.t") == [(5,)]
    sql(f"DROP TABLE {schema}.t")
    with pytest.raises(psycopg2.Error, match="does not exist"):
        serving(f"SELECT * FROM warehouse.{schema}.t")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO warehouse.{0}.t VALUES (1)",
        "DELETE FROM warehouse.{0}.t",
        "UPDATE warehouse.{0}.t SET a = 1",
        "CREATE TABLE warehouse.{0}.u (a INT)",
        "DROP TABLE warehouse.{0}.t",
        "TRUNCATE warehouse.{0}.t",
        "CREATE VIEW public.v{0} AS SELECT a FROM warehouse.{0}.t",
    ],
)
def test_writing_elsewhere_is_refused(sql: Client, serving: Client, schema: str, statement: str) -> None:
    sql(f"CREATE TABLE {schema}.t (a INT)")
    with pytest.raises(psycopg2.Error, match=r"cross-database|NO SCHEMA BINDING"):
        serving(statement.format(schema))


def test_a_late_view_over_another_database(sql: Client, serving: Client, schema: str) -> None:
    sql(f"CREATE TABLE {schema}.t (a INT)")
    serving(f"CREATE SCHEMA {schema}")
    serving(f"CREATE VIEW {schema}.v AS SELECT * FROM warehouse.{schema}.t WITH NO SCHEMA BINDING")
    sql(f"INSERT INTO {schema}.t VALUES (1)")
    assert serving(f"SELECT * FROM {schema}.v") == [(1,)]
    sql(f"DROP TABLE {schema}.t")
    sql(f"CREATE TABLE {schema}.t (b VARCHAR(3), a INT)")
    sql(f"INSERT INTO {schema}.t VALUES ('z', 2)")
    assert serving(f"SELECT * FROM {schema}.v") == [("z", 2)]


def test_prepared_statements_see_new_tables(redshift: Redshift, sql: Client, schema: str) -> None:
    con = redshift_connector.connect(
        host=redshift.host,
        port=redshift.port,
        user=redshift.user,
        password=redshift.password,
        database="serving",
        ssl=True,
        sslmode="verify-full",
    )
    con.autocommit = True
    cursor = con.cursor()
    for number in (1, 2):
        sql(f"DROP TABLE IF EXISTS {schema}.t")
        sql(f"CREATE TABLE {schema}.t (a INT)")
        sql(f"INSERT INTO {schema}.t VALUES ({number})")
        cursor.execute(f"SELECT a FROM warehouse.{schema}.t")
        assert cursor.fetchall() == ([number],)
    con.close()


def test_another_user_has_its_own_rights(redshift: Redshift, sql: Client, schema: str) -> None:
    redshift.users["IAM:reader"] = "token"
    reader = Client(redshift, user="IAM:reader", password="token")
    sql(f"CREATE TABLE {schema}.t (a INT)")
    with pytest.raises(psycopg2.Error, match="permission denied"):
        reader(f"SELECT * FROM {schema}.t")
    sql(f"GRANT USAGE ON SCHEMA {schema} TO reader")
    sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO reader")
    assert reader(f"SELECT * FROM {schema}.t") == []
    with pytest.raises(psycopg2.Error, match="permission denied"):
        reader(f"INSERT INTO {schema}.t VALUES (1)")
    reader.con.close()

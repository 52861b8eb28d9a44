"""Users and roles: what Redshift refuses, and what a role gives to those who have it."""

import hashlib

import psycopg2
import pytest
from redshift_stand_in import grants
from redshift_stand_in.client import Client
from redshift_stand_in.server import Redshift
from s3_lake import BUCKET


def test_a_password_that_create_user_gave_logs_in_until_it_is_changed(redshift: Redshift, sql: Client) -> None:
    sql("CREATE USER anna PASSWORD 'Anna-1234'")
    assert Client(redshift, user="anna", password="Anna-1234")("SELECT current_user") == [("anna",)]
    hashed = hashlib.md5(b"Other-1234anna").hexdigest()
    sql(f"ALTER USER anna PASSWORD 'md5{hashed}'")
    assert Client(redshift, user="anna", password="Other-1234")("SELECT current_user") == [("anna",)]
    for wrong in ("Anna-1234", f"md5{hashed}"):
        with pytest.raises(psycopg2.Error, match="password authentication failed"):
            Client(redshift, user="anna", password=wrong)
    sql("ALTER USER anna PASSWORD DISABLE")
    with pytest.raises(psycopg2.Error, match="password authentication failed"):
        Client(redshift, user="anna", password="Other-1234")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE USER u",
        "CREATE USER u PASSWORD 'short1A'",
        "CREATE USER u PASSWORD 'no-capital-1'",
        "CREATE USER u PASSWORD 'No-digit-in-it'",
        "CREATE USER u PASSWORD 'With@sign-1'",
        "CREATE ROLE IF NOT EXISTS r",
        "CREATE ROLE r LOGIN",
        "CREATE USER IF NOT EXISTS u PASSWORD DISABLE",
    ],
)
def test_what_redshift_refuses(sql: Client, statement: str) -> None:
    with pytest.raises(psycopg2.Error, match=r"syntax error|stand-in knows|password must be"):
        sql(statement)


def test_a_role_gives_what_it_has_and_what_comes_later(redshift: Redshift, sql: Client, schema: str) -> None:
    redshift.users["IAMR:Team-Task"] = "lent"
    sql(f"CREATE TABLE {schema}.t (a INT)")
    sql("CREATE ROLE readers")
    sql('CREATE USER "IAMR:Team-Task" PASSWORD DISABLE')
    assert sql("SELECT role_name FROM svv_roles WHERE role_name = 'readers'") == [("readers",)]
    sql('GRANT ROLE readers TO "IAMR:Team-Task"')
    found = sql("SELECT user_name, role_name FROM svv_user_grants WHERE role_name = 'readers'")
    assert found == [("iamr:team-task", "readers")]
    reader = Client(redshift, user="IAMR:Team-Task", password="lent")
    with pytest.raises(psycopg2.Error, match="permission denied"):
        reader(f"SELECT * FROM {schema}.t")
    sql(f"GRANT USAGE ON SCHEMA {schema} TO ROLE readers")
    sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO ROLE readers")
    sql(f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO ROLE readers")
    sql(f"CREATE TABLE {schema}.later (a INT)")
    assert reader(f"SELECT * FROM {schema}.t UNION ALL SELECT * FROM {schema}.later") == []
    sql('REVOKE ROLE readers FROM "IAMR:Team-Task"')
    with pytest.raises(psycopg2.Error, match="permission denied"):
        reader(f"SELECT * FROM {schema}.t")


def test_another_database_is_read_by_who_may_read_it_there(redshift: Redshift, sql: Client, schema: str) -> None:
    redshift.users["IAM:visitor"] = "lent"
    sql(f"CREATE TABLE {schema}.t (a INT)")
    visitor = Client(redshift, "serving", user="IAM:visitor", password="lent")
    with pytest.raises(psycopg2.Error, match="permission denied for relation t"):
        visitor(f"SELECT * FROM warehouse.{schema}.t")
    sql(f"GRANT USAGE ON SCHEMA {schema} TO visitor")
    sql(f"GRANT SELECT ON {schema}.t TO visitor")
    assert visitor(f"SELECT * FROM warehouse.{schema}.t") == []


ROLE = "arn:aws:iam::123456789012:role/millrace-redshift"
UNLOAD = f"UNLOAD ('SELECT 1 AS n') TO 's3://{BUCKET}/lent/{{}}/' IAM_ROLE '{ROLE}' FORMAT AS PARQUET"


def test_everybody_may_use_a_role_of_the_cluster_until_that_is_revoked(redshift: Redshift, sql: Client) -> None:
    redshift.roles.add(ROLE)
    sql("CREATE USER lender PASSWORD 'Lender-1234'")
    sql("CREATE ROLE loaders")
    lender = Client(redshift, user="lender", password="Lender-1234")
    lender(UNLOAD.format("before"))
    with pytest.raises(psycopg2.Error, match="must be revoked from PUBLIC before"):
        sql(f"GRANT ASSUMEROLE ON '{ROLE}' TO ROLE loaders FOR COPY, UNLOAD")
    with pytest.raises(psycopg2.Error, match="must be superuser"):
        lender("REVOKE ASSUMEROLE ON ALL FROM PUBLIC FOR ALL")
    sql("REVOKE ASSUMEROLE ON ALL FROM PUBLIC FOR ALL")
    try:
        with pytest.raises(psycopg2.Error, match="not authorized to assume IAM Role"):
            lender(UNLOAD.format("after"))
        sql(f"GRANT ASSUMEROLE ON '{ROLE}' TO ROLE loaders FOR COPY")
        sql("GRANT ROLE loaders TO lender")
        with pytest.raises(psycopg2.Error, match="not authorized to assume IAM Role"):
            lender(UNLOAD.format("copy alone"))
        sql(f"GRANT ASSUMEROLE ON '{ROLE}' TO ROLE loaders FOR UNLOAD")
        lender(UNLOAD.format("lent"))
        sql(UNLOAD.format("by the admin"))
    finally:
        redshift.lent = set(grants.EVERYBODY)

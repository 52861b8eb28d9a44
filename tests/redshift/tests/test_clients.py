"""Every real client logs in as to Redshift, and what it sends comes back as it was."""

import datetime
import decimal
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import psycopg2
import pytest
import redshift_connector
import trustme
from redshift_stand_in.client import Client, login
from redshift_stand_in.server import Redshift

UTC = datetime.UTC


def _psycopg2(server: Redshift, **more: Any) -> Any:
    return psycopg2.connect(**login(server) | more)


def _psycopg(server: Redshift, **more: Any) -> Any:
    options = "-c enable_case_sensitive_identifier=on -c client_encoding=utf-8"
    return psycopg.connect(**login(server) | {"options": options, "autocommit": True} | more)


def _connector(server: Redshift, **more: Any) -> Any:
    return redshift_connector.connect(
        **{
            "host": server.host,
            "port": server.port,
            "user": server.user,
            "password": server.password,
            "database": "warehouse",
            "ssl": True,
            "sslmode": "verify-full",
        }
        | more
    )


CLIENTS = {"psycopg2": _psycopg2, "psycopg": _psycopg, "redshift-connector": _connector}


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    opened = []

    def connect(server: Redshift, **more: Any) -> Any:
        opened.append(CLIENTS[request.param](server, **more))
        return opened[-1]

    connect.name = request.param  # type: ignore[attr-defined]
    yield connect
    for con in opened:
        con.close()


def test_it_logs_in_over_tls_and_is_known(redshift: Redshift, client: Any) -> None:
    con = client(redshift)
    cursor = con.cursor()
    cursor.execute("SELECT version(), current_database(), current_user")
    version, database, user = cursor.fetchall()[0]
    assert "Redshift 1.0" in version
    assert (database, user) == ("warehouse", redshift.user)
    assert redshift.statements[-1].client == client.name
    assert redshift.statements[-1].sql == "SELECT version(), current_database(), current_user"


def test_a_wrong_password_is_refused(redshift: Redshift, client: Any) -> None:
    with pytest.raises(Exception, match="password authentication failed"):
        client(redshift, password="wrong")


def test_no_tls_is_refused(redshift: Redshift, client: Any) -> None:
    off = {"ssl": False} if client.name == "redshift-connector" else {"sslmode": "disable"}
    with pytest.raises(Exception, match="SSL off"):
        client(redshift, **off)


def test_an_untrusted_authority_is_refused(redshift: Redshift, client: Any, tmp_path: Any, monkeypatch: Any) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    monkeypatch.setenv("SSL_CERT_FILE", str(other))
    more = {} if client.name == "redshift-connector" else {"sslrootcert": str(other)}
    with pytest.raises(
        (ssl.SSLError, psycopg.OperationalError, psycopg2.OperationalError, redshift_connector.Error)
    ) as caught:
        client(redshift, **more)
    assert "certificate verify failed" in str(caught.value)


def test_temporary_credentials(redshift: Redshift, client: Any) -> None:
    redshift.users["IAM:elt"] = "for a while"
    cursor = client(redshift, user="IAM:elt", password="for a while").cursor()
    cursor.execute("SELECT current_user")
    assert cursor.fetchall()[0][0] == redshift.user
    redshift.expire()
    with pytest.raises(Exception, match="token has expired"):
        client(redshift, user="IAM:elt", password="for a while")
    client(redshift)
    redshift.users["IAM:elt"] = "again"
    client(redshift, user="IAM:elt", password="again")


VALUES = [
    ("SMALLINT", 7),
    ("INTEGER", -70000),
    ("BIGINT", 2**62),
    ("DECIMAL(38, 4)", decimal.Decimal("12345678901234567890.1234")),
    ("DECIMAL(10, 2)", decimal.Decimal("-0.50")),
    ("DOUBLE PRECISION", 0.1),
    ("REAL", 1.5),
    ("BOOLEAN", True),
    ("BOOLEAN", False),
    ("VARCHAR(50)", "é 'x' \\ \"y\" 🦆\n%"),
    ("VARCHAR(10)", ""),
    ("DATE", datetime.date(2026, 2, 28)),
    ("TIMESTAMP", datetime.datetime(2026, 1, 2, 3, 4, 5, 678901)),
    ("TIMESTAMPTZ", datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)),
    ("TIME", datetime.time(3, 4, 5)),
]


def _run(con: Any, sql: str, values: tuple[Any, ...], style: str) -> list[Any]:
    cursor = con.cursor()
    if isinstance(cursor, redshift_connector.Cursor):
        cursor.paramstyle = style
        sql = sql.replace("%s", "?") if style == "qmark" else sql
    cursor.execute(sql, values)
    return [list(row) for row in cursor.fetchall()] if cursor.description else []


@pytest.mark.parametrize("style", ["format", "qmark"])
def test_values_of_every_type_come_back(redshift: Redshift, client: Any, schema: str, style: str) -> None:
    con = client(redshift)
    columns = ", ".join(f"c{at} {kind}" for at, (kind, _) in enumerate(VALUES))
    _run(con, f"CREATE TABLE {schema}.kinds ({columns})", (), style)
    marks = ", ".join(["%s"] * len(VALUES))
    values = tuple(value for _, value in VALUES)
    _run(con, f"INSERT INTO {schema}.kinds VALUES ({marks})", values, style)
    _run(con, f"INSERT INTO {schema}.kinds VALUES ({marks})", (None,) * len(VALUES), style)
    found = _run(con, f"SELECT * FROM {schema}.kinds ORDER BY c0", (), style)
    assert found == [list(values), [None] * len(VALUES)]
    where = _run(con, f"SELECT c0 FROM {schema}.kinds WHERE c2 = %s AND c11 = %s", (VALUES[2][1], VALUES[11][1]), style)
    assert where == [[7]]


def test_results_have_redshifts_types(sql: Client) -> None:
    with sql.con.cursor() as cursor:
        cursor.execute("SELECT json_parse('{\"b\": [1, 2.50]}') AS s, 'x' AS t, sum(1::bigint) AS n")
        assert [d[1] for d in cursor.description] == [4000, 1043, 1700]
        assert cursor.fetchone() == ('{"b":[1,2.50]}', "x", decimal.Decimal(1))


def test_big_messages_and_many_rows(sql: Client, schema: str) -> None:
    sql(f"CREATE TABLE {schema}.big (t VARCHAR(MAX))")
    sql(f"INSERT INTO {schema}.big VALUES (%s)", ["x" * 65535])
    for _ in range(7):
        sql(f"INSERT INTO {schema}.big SELECT t FROM {schema}.big")
    assert sum(len(r[0]) for r in sql(f"SELECT t FROM {schema}.big")) == 128 * 65535


def test_transactions(redshift: Redshift, client: Any, schema: str) -> None:
    con = client(redshift)
    con.autocommit = False
    con.cursor().execute(f"CREATE TABLE {schema}.t (a INT)")
    con.commit()
    con.cursor().execute(f"INSERT INTO {schema}.t VALUES (1)")
    con.rollback()
    con.cursor().execute(f"INSERT INTO {schema}.t VALUES (2)")
    con.commit()
    with pytest.raises(Exception, match="zero"):
        con.cursor().execute("SELECT 1 / 0")
    with pytest.raises(Exception, match="aborted"):
        con.cursor().execute("SELECT 1")
    con.rollback()
    assert redshift.query(f"SELECT * FROM {schema}.t") == [(2,)]


def test_several_statements_are_one_transaction(sql: Client, schema: str) -> None:
    sql(f"CREATE TABLE {schema}.t (a INT); INSERT INTO {schema}.t VALUES (1); -- a comment; \n SELECT ';'")
    with pytest.raises(psycopg2.Error):
        sql(f"INSERT INTO {schema}.t VALUES (2); SELECT 1 / 0; INSERT INTO {schema}.t VALUES (3)")
    assert sql(f"SELECT a FROM {schema}.t") == [(1,)]
    sql(f"BEGIN; INSERT INTO {schema}.t VALUES (4); COMMIT")
    assert sql(f"SELECT count(*) FROM {schema}.t") == [(2,)]


def test_truncate_commits(redshift: Redshift, sql: Client, schema: str) -> None:
    sql(f"CREATE TABLE {schema}.t (a INT); INSERT INTO {schema}.t VALUES (1)")
    sql("BEGIN")
    sql(f"TRUNCATE {schema}.t")
    sql("ROLLBACK")
    assert sql(f"SELECT a FROM {schema}.t") == []


def test_settings(sql: Client) -> None:
    for statement in (
        "SET enable_case_sensitive_identifier TO true",
        "SET query_group TO 'x'",
        "SET statement_timeout TO 5000",
    ):
        sql(statement)
    assert sql("SHOW query_group") == [("x",)]
    assert sql('SELECT 1 AS "Big"') and sql('SELECT "Big" FROM (SELECT 1 AS "Big") AS t') == [(1,)]
    sql("RESET ALL")
    with pytest.raises(psycopg2.Error, match="unrecognized"):
        sql("SET nothing_such TO 1")
    assert sql('SELECT big FROM (SELECT 1 AS "Big") AS t') == [(1,)]

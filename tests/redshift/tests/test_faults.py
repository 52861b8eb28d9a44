"""Clients that die and servers that fail: nothing stays half done, nothing stays locked."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import psycopg2
import pytest
from redshift_stand_in.client import Client, login
from redshift_stand_in.server import Redshift

_HOLDER = """
import json, sys, time, psycopg2
settings, statements = json.loads(sys.stdin.readline())
cursor = psycopg2.connect(**settings).cursor()
for statement in statements:
    print("next", flush=True)
    cursor.execute(statement)
print("next", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("last", ["SELECT 1", "SELECT count(*) FROM pg_class a, pg_class b, pg_class c, pg_class d"])
def test_a_killed_client_is_rolled_back(redshift: Redshift, sql: Client, schema: str, last: str) -> None:
    sql(f"CREATE TABLE {schema}.t (a INT)")
    sql(f"INSERT INTO {schema}.t SELECT n FROM (SELECT row_number() OVER () AS n FROM pg_class) AS x")
    before = sql(f"SELECT count(*) FROM {schema}.t")
    statements = [f"DELETE FROM {schema}.t", f"LOCK {schema}.t", last]
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin and process.stdout
    process.stdin.write(json.dumps([login(redshift), statements]) + "\n")
    process.stdin.flush()
    for _ in statements:
        assert process.stdout.readline()
    time.sleep(0.2)
    process.kill()
    process.wait()
    sql("SET statement_timeout TO 5000")
    assert sql(f"SELECT count(*) FROM {schema}.t") == before
    sql(f"DROP TABLE {schema}.t")


def test_hang(redshift: Redshift, schema: str) -> None:
    client = Client(redshift)
    client(f"CREATE TABLE {schema}.t (a INT)")
    redshift.fault(rf"insert into {schema}", "hang")
    client("BEGIN")
    client(f"DELETE FROM {schema}.t")

    def insert() -> None:
        with pytest.raises(psycopg2.Error):
            client(f"INSERT INTO {schema}.t VALUES (1)")

    thread = threading.Thread(target=insert)
    thread.start()
    assert redshift.waiting.wait(5)
    socket.socket(fileno=os.dup(client.con.fileno())).shutdown(socket.SHUT_RDWR)
    thread.join(5)
    assert not thread.is_alive()
    other = Client(redshift)
    other("SET statement_timeout TO 5000")
    other(f"INSERT INTO {schema}.t VALUES (2)")
    assert other(f"SELECT a FROM {schema}.t") == [(2,)]
    other.con.close()


def test_cut_and_error(redshift: Redshift, sql: Client, schema: str) -> None:
    sql(f"CREATE TABLE {schema}.t (a INT)")
    redshift.fault(f"INTO {schema}.t", "error:Disk Full", times=2)
    for _ in range(2):
        with pytest.raises(psycopg2.Error, match="Disk Full"):
            sql(f"INSERT INTO {schema}.t VALUES (1)")
    sql(f"INSERT INTO {schema}.t VALUES (1)")
    redshift.fault(f"INTO {schema}.t", "cut")
    with pytest.raises(psycopg2.OperationalError):
        sql(f"INSERT INTO {schema}.t VALUES (2)")
    assert Client(redshift)(f"SELECT a FROM {schema}.t") == [(1,)]


@pytest.mark.parametrize("statement", ["INSERT INTO {}.t VALUES (2)", "COMMIT", "CREATE TABLE {}.u (a INT)"])
def test_an_answer_that_is_lost(redshift: Redshift, sql: Client, schema: str, statement: str) -> None:
    sql(f"CREATE TABLE {schema}.t (a INT)")
    sql("BEGIN" if statement == "COMMIT" else "SELECT 1")
    sql(f"INSERT INTO {schema}.t VALUES (1)")
    redshift.fault(statement.format(schema).replace("(", r"\(").replace(")", r"\)"), "lost")
    with pytest.raises(psycopg2.OperationalError):
        sql(statement.format(schema))
    other = Client(redshift)
    assert other(f"SELECT a FROM {schema}.t ORDER BY 1") == ([(1,), (2,)] if "INSERT" in statement else [(1,)])
    assert other(f"SELECT count(*) FROM pg_tables WHERE schemaname = '{schema}'") == [(1 + ("CREATE" in statement),)]


def test_sessions_have_tables_of_their_own_side_by_side(redshift: Redshift, sql: Client, schema: str) -> None:
    sql(f"CREATE TABLE {schema}.t (a INT)")
    clients = [Client(redshift) for _ in range(2)]
    for number, client in enumerate(clients):
        client("SET statement_timeout TO 5000")
        client("BEGIN")
        for name in ("came", "also_came"):
            client(f"CREATE TEMP TABLE {name} (a INT)")
        client(f"INSERT INTO came VALUES ({number})")
    for client in clients:
        client(f"INSERT INTO {schema}.t SELECT a FROM came")
        client("DROP TABLE came, also_came")
        client("COMMIT")
        client.con.close()
    assert sql(f"SELECT a FROM {schema}.t ORDER BY 1") == [(0,), (1,)]


def test_some_statements_pass_first_and_none_is_struck_when_it_is_calm(redshift: Redshift, sql: Client) -> None:
    redshift.fault("SELECT", "error:planned", after=2)
    assert sql("SELECT 1") == sql("SELECT 1") == [(1,)]
    with pytest.raises(psycopg2.Error, match="planned"):
        sql("SELECT 1")
    redshift.fault("SELECT", "cut")
    redshift.calm()
    assert sql("SELECT 1") == [(1,)]


def test_whoever_logs_in_while_it_restarts_waits(s3: dict[str, Any], tmp_path: Path) -> None:
    with Redshift(tmp_path / "own", s3) as own:
        restart = threading.Thread(target=own.restart)
        restart.start()
        answers = [own.query("SELECT 1")]
        while restart.is_alive():
            answers.append(own.query("SELECT 1"))
        assert Client(own)("SELECT 1") == [(1,)] and {tuple(rows) for rows in answers} == {((1,),)}


def test_cancel(redshift: Redshift) -> None:
    with psycopg.connect(**login(redshift), options="-c client_encoding=utf-8", autocommit=True) as con:
        threading.Timer(0.3, con.cancel_safe).start()
        with pytest.raises(psycopg.Error, match="cancel"):
            con.execute("SELECT count(*) FROM pg_class a, pg_class b, pg_class c, pg_class d")
        assert con.execute("SELECT 1").fetchall() == [(1,)]


def test_restart(s3: dict[str, Any], tmp_path: Path) -> None:
    with Redshift(tmp_path / "own", s3) as own:
        first, second = Client(own), Client(own)
        first("CREATE TABLE public.t (a INT)")
        first("INSERT INTO public.t VALUES (1)")
        second("BEGIN")
        second("INSERT INTO public.t VALUES (2)")
        own.fault("values \\(3\\)", "restart")
        with pytest.raises(psycopg2.OperationalError):
            first("INSERT INTO public.t VALUES (3)")
        with pytest.raises(psycopg2.OperationalError):
            second("COMMIT")
        assert Client(own)("SELECT a FROM public.t") == [(1,)]
        assert own.query("SELECT count(*) FROM public.t") == [(1,)]

"""What the door to Superset says before it opens: no Superset runs here."""

import re
import socket

import psycopg2
import pytest

import settings as configuration
from superset.door import FOLDER, database_uri, environment
from tests.harness import Pipeline

AWS = {
    "target": "aws",
    "dashboards_secret_key": "k" * 40,
    "dashboards_meta_url": "postgresql://meta",
    "redshift_host": "rs.example",
    "dashboards_user": "dash boards",
    "dashboards_password": "p@ss/word",
    "redshift_user": "writer",
    "redshift_password": "w",
    "redshift_role": "arn:aws:iam::1:role/redshift",
    "lake_url": "s3://lake/elt",
    "state_host": "db.example",
    "state_user": "state",
    "state_password": "s",
    "pii_salt": "s",
}


@pytest.fixture
def nothing(tmp_path):
    return Pipeline(tmp_path / "data", {})


def settings(tmp_path, **values):
    return configuration.Settings(data_dir=tmp_path / "data", **values)


def test_serving_before_anything_is_published_says_what_comes_first(nothing):
    result = nothing("dashboards", "serve")
    assert result.code == 2 and "nothing is published yet" in result.err and "runner.py demo" in result.err


def test_a_port_that_is_taken_is_said(nothing):
    nothing.folder.mkdir()
    (nothing.folder / "serving.duckdb").touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = nothing("dashboards", "serve", "--port", str(taken.getsockname()[1]))
    assert result.code == 2 and "--port" in result.err and "Traceback" not in result.err


def test_an_export_without_a_superset_says_what_makes_one(nothing):
    result = nothing("dashboards", "export")
    assert result.code == 2 and "dashboards serve" in result.err


def test_a_laptop_needs_no_setting_and_its_secrets_are_its_own(tmp_path):
    one, other = environment(settings(tmp_path / "a")), environment(settings(tmp_path / "b"))
    assert len(one["SUPERSET_SECRET_KEY"]) >= 32 and len(one["SUPERSET_ADMIN_PASSWORD"]) >= 12
    assert one["SUPERSET_SECRET_KEY"] != other["SUPERSET_SECRET_KEY"]
    assert one["SUPERSET_ADMIN_PASSWORD"] != other["SUPERSET_ADMIN_PASSWORD"]
    assert environment(settings(tmp_path / "a")) == one
    assert one["HOME"].startswith(str(tmp_path)) and "access_mode=read_only" in one["SUPERSET_DATABASE_URI"]


def test_aws_needs_its_settings_and_makes_up_no_secret(tmp_path):
    with pytest.raises(configuration.SettingsError, match=r"ELT_DASHBOARDS_SECRET_KEY.*ELT_DASHBOARDS_META_URL"):
        environment(settings(tmp_path, **{n: v for n, v in AWS.items() if not n.startswith("dashboards")}))
    with pytest.raises(configuration.SettingsError, match="may only read"):
        environment(settings(tmp_path, **AWS | {"redshift_user": "dash boards"}))
    values = environment(settings(tmp_path, **AWS))
    assert values["SUPERSET_HTTPS"] == "1" and values["SUPERSET_ADMIN_PASSWORD"] == ""
    assert not (tmp_path / "data" / "superset" / "secret_key").exists()


def test_the_database_of_aws_is_redshift_by_a_user_of_its_own(tmp_path):
    uri = database_uri(settings(tmp_path, **AWS))
    assert (
        uri == "redshift+redshift_connector://dash%20boards:p%40ss%2Fword@rs.example:5439/serving?sslmode=verify-full"
    )


@pytest.mark.slow
def test_the_reader_of_gold_reads_what_is_there_and_what_comes_and_writes_nothing(tmp_path):
    """reader.sql on a real Postgres, whose words for users and grants are Redshift's."""
    from demo.postgres import Postgres

    server = Postgres(tmp_path / "postgres")
    server.start()
    try:
        root = {"host": str(server._sockets), "port": server.port, "user": "postgres"}
        owner = connected(**root, dbname="postgres")
        owner.cursor().execute("CREATE DATABASE warehouse")
        owner.cursor().execute("CREATE DATABASE serving")
        sql = connected(**root, dbname="serving").cursor()
        sql.execute("CREATE USER writer PASSWORD 'w'")
        grants = (FOLDER / "reader.sql").read_text().split("*/")[-1]
        domains = re.findall(r"GRANT USAGE ON SCHEMA (.*) TO", grants)[0].split(", ")
        assert "ops" in domains
        first, last = domains[0], domains[-1]
        for domain in domains:
            sql.execute(f"CREATE SCHEMA {domain} AUTHORIZATION writer")
        sql.execute(f"SET ROLE writer; CREATE VIEW {first}.now AS SELECT 1 AS n; RESET ROLE")
        known = "".join(line for line in grants.splitlines(keepends=True) if "ASSUMEROLE" not in line)
        sql.execute(known.format(reader="dashboards", writer="writer", password="r"))
        sql.execute(f"SET ROLE writer; CREATE TABLE {last}.later AS SELECT 2 AS n; RESET ROLE")
        reads = connected(
            host="127.0.0.1", port=server.port, user="dashboards", password="r", dbname="serving"
        ).cursor()
        reads.execute(f"SELECT n FROM {first}.now UNION ALL SELECT n FROM {last}.later")
        assert reads.fetchall() == [(1,), (2,)]
        for bad in (
            f"DELETE FROM {last}.later",
            f"CREATE TABLE {first}.x (n int)",
            "CREATE TABLE x (n int)",
            "CREATE TEMP TABLE x (n int)",
            f"DROP VIEW {first}.now",
        ):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                reads.execute(bad)
    finally:
        server.close()


def connected(**where):
    connection = psycopg2.connect(**where)
    connection.autocommit = True
    return connection

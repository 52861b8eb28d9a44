import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import psycopg2
import pytest

from tests.redshift.server import Redshift

ROLE = "arn:aws:iam::123456789012:role/copy"
BUCKET = "lake-of-tests"


@pytest.fixture(scope="package")  # not for the session: another S3 of this process would empty this one
def s3() -> Iterator[dict[str, Any]]:
    """An S3 in this process, with a bucket."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    found = {
        "endpoint_url": f"http://127.0.0.1:{port}",
        "region_name": "us-east-1",
        "aws_access_key_id": "key",
        "aws_secret_access_key": "secret",
    }
    boto3.client("s3", **found).create_bucket(Bucket=BUCKET)
    yield found
    server.stop()


@pytest.fixture(scope="package")
def redshift(s3: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redshift]:
    """The stand-in; tests share it and take schemas of their own."""
    with Redshift(tmp_path_factory.mktemp("redshift"), s3) as server:
        server.roles.add(ROLE)
        before = os.environ.get("SSL_CERT_FILE")
        os.environ["SSL_CERT_FILE"] = str(server.ca)
        yield server
        os.environ.pop("SSL_CERT_FILE")
        if before:
            os.environ["SSL_CERT_FILE"] = before


class Client:
    """A psycopg2 connection that commits by itself, as dlt's between transactions."""

    def __init__(self, server: Redshift, database: str = "warehouse", **more: Any) -> None:
        self.con = psycopg2.connect(**login(server, database) | more)
        self.con.autocommit = True

    def __call__(self, sql: str, values: Any = None) -> list[tuple[Any, ...]]:
        with self.con.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else []


def login(server: Redshift, database: str = "warehouse") -> dict[str, Any]:
    """What psycopg2 and psycopg want."""
    return {
        "host": server.host,
        "port": server.port,
        "user": server.user,
        "password": server.password,
        "dbname": database,
        "sslmode": "verify-full",
        "sslrootcert": str(server.ca),
    }


@pytest.fixture
def sql(redshift: Redshift) -> Iterator[Client]:
    client = Client(redshift)
    yield client
    client.con.close()


@pytest.fixture
def schema(redshift: Redshift, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A schema of the test's own."""
    client = Client(redshift)
    name = f"t{abs(hash(request.node.nodeid)) % 10**9}"
    client(f"CREATE SCHEMA {name}")
    client.con.close()
    return name

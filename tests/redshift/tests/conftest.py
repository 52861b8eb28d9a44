from collections.abc import Iterator
from typing import Any

import pytest
from redshift_stand_in.client import Client
from redshift_stand_in.server import Redshift
from s3_lake import ROLE, serve_s3


@pytest.fixture(scope="session")
def s3() -> Iterator[dict[str, Any]]:
    """An S3 with a bucket."""
    with serve_s3() as found:
        yield found


@pytest.fixture(scope="session")
def stand_in(s3: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redshift]:
    """The stand-in; tests share it and take schemas of their own."""
    with Redshift(tmp_path_factory.mktemp("redshift"), s3) as server:
        server.roles.add(ROLE)
        yield server


@pytest.fixture
def redshift(stand_in: Redshift, monkeypatch: pytest.MonkeyPatch) -> Redshift:
    """The same; its authority is the one that clients trust while the test runs."""
    monkeypatch.setenv("SSL_CERT_FILE", str(stand_in.ca))
    return stand_in


@pytest.fixture
def sql(redshift: Redshift) -> Iterator[Client]:
    client = Client(redshift)
    yield client
    client.con.close()


@pytest.fixture
def schema(redshift: Redshift, request: pytest.FixtureRequest) -> str:
    """A schema of the test's own."""
    client = Client(redshift)
    name = f"t{abs(hash(request.node.nodeid)) % 10**9}"
    client(f"CREATE SCHEMA {name}")
    client.con.close()
    return name

from collections.abc import Iterator

import pytest
from redshift_stand_in.server import Redshift

from settings import Settings


@pytest.fixture(scope="session")
def redshift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redshift]:
    """A Redshift without a lake; whoever uses it cleans up."""
    with Redshift(tmp_path_factory.mktemp("redshift"), {}) as server:
        yield server


@pytest.fixture
def on_redshift(redshift: Redshift, tmp_path, monkeypatch) -> Settings:
    """The settings of a pipeline whose warehouse it is."""
    monkeypatch.setenv("SSL_CERT_FILE", str(redshift.ca))
    return Settings(
        _env_file=None,
        target="aws",
        data_dir=tmp_path,
        lake_url="s3://lake",
        redshift_host=redshift.host,
        redshift_port=redshift.port,
        redshift_user=redshift.user,
        redshift_password=redshift.password,
        redshift_role="arn:aws:iam::1:role/r",
        state_host="x",
        state_user="x",
        state_password="x",
        pii_salt="x",
        ca_file=redshift.ca,
    )

import pytest

import settings as configuration
from tests.dlt_sources.shop import Site


@pytest.fixture
def site():
    with Site().serve() as site:
        yield site


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Settings of a data folder of this test's own."""
    values = {"ELT_DATA_DIR": str(tmp_path / "data"), "ELT_RETRY_PACE": "0.001", "ELT_NOW": "2020-03-10T12:00:00"}
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return configuration.load()


@pytest.fixture(params=["copied", "scanned"])
def way(request, monkeypatch):
    """How Postgres is read: a table of any size by COPY, or by DuckDB's scanner where that can be trusted."""
    from dlt_sources._steps.connectors import scanned

    monkeypatch.setattr(scanned, "LARGE", {"copied": 2**62, "scanned": 1}[request.param])
    return request.param


@pytest.fixture
def inbox(tmp_path):
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"

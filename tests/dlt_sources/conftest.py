import json
from urllib.parse import parse_qs, urlsplit

import pytest

import settings as configuration
from tests.dlt_sources.database import execute
from tests.dlt_sources.shop import Site
from tests.security.hostile import Server


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
    from dlt_sources._steps.land.connectors import scanned

    monkeypatch.setattr(scanned, "LARGE", {"copied": 2**62, "scanned": 1}[request.param])
    return request.param


@pytest.fixture
def db(postgres, way):
    """The server, with a schema `s` and in it the table `things` (id, v) with two rows."""
    execute(
        postgres,
        "DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s; GRANT ALL ON SCHEMA s TO deftunes",
        "SET ROLE deftunes; CREATE TABLE s.things (id int, v text); INSERT INTO s.things VALUES (1, 'a'), (2, 'b')",
    )
    yield postgres
    execute(postgres, "ALTER ROLE deftunes RESET ALL")


@pytest.fixture
def inbox(tmp_path):
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


@pytest.fixture
def known_settings():
    """Names of settings that no source refers to: those that a test makes known are so for it alone."""
    known = set(configuration.TOOLS)
    yield
    configuration.TOOLS.intersection_update(known)


@pytest.fixture
def api(here):
    """A server of answers: path to `answer(query, url) -> (headers, content)`."""
    answers = {}

    def answer(path, headers):
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path not in answers:
            return 404, {}, b""
        more, content = answers[parts.path](query, server.url)
        kind = "text/html" if isinstance(content, str) else "application/json"
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        return 200, {"content-type": kind, **more}, body

    with Server(answer).serve() as server:
        server.answers = answers
        yield server

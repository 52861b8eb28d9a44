"""A server that answers as it is told, over HTTP or TLS, and a source that reads it."""

import json
from contextlib import contextmanager
from urllib.parse import urlsplit

import yaml

from dlt_sources.door import load_sources
from tests.web import asked_path, serve

CONTRACT = """
from dlt_sources._steps.contracts.contract import Contract, column
class Thing(Contract):
    id: int = column("id", ge=1)
    name: str | None = column("name", default=None, max_length=100)
"""


class Server:
    """Answers GET with `answer(path, headers) -> (status, headers, body)`; `seen` has (path, headers) of every request."""

    def __init__(self, answer=None):
        self.answer, self.seen = answer or (lambda path, headers: (200, {}, b"[]")), []

    @contextmanager
    def serve(self, certificate=None):
        with serve(self._answer, certificate) as self.url:
            self.port = urlsplit(self.url).port
            yield self

    def _answer(self, request):
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append((asked_path(request), headers))
        return self.answer(asked_path(request), headers)


def listing(*records, **more):
    """A JSON answer: a list of records, or with `more` an object with them under `items`."""
    content = {"items": list(records), **more} if more else list(records)
    return 200, {"content-type": "application/json"}, json.dumps(content).encode()


def moved(where, status=302):
    return status, {"location": where}, b""


def source_of(tmp_path, connector, connection, contract=CONTRACT, **table):
    """A declared source of one table `things`."""
    folder = tmp_path / "sources" / "shop"
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "description": "things",
        "owner": "me",
        "schedule": "* * * * *",
        "connector": connector,
        "connection": connection,
        "tables": {"things": {"contract": "Thing", "key": ["id"], **table}},
    }
    (folder / "source.yml").write_text(yaml.safe_dump(content))
    (folder / "contract.py").write_text(contract)
    return load_sources(folder.parent)["shop"]


def api_of(tmp_path, url, connection=None, **endpoint):
    """A declared REST source."""
    return source_of(
        tmp_path,
        "rest_api",
        {"base_url": url, "attempts": 2, "timeout": 5, **(connection or {})},
        endpoint={"path": "things", **endpoint},
    )

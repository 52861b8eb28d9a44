"""A server that answers as it is told, over HTTP or TLS, and a source that reads it."""

import json
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import yaml

from dlt_sources.door import load_sources

CONTRACT = """
from dlt_sources._steps.contract import Contract, column
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
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.seen.append((self.path, headers))
                status, more, body = outer.answer(self.path, headers)
                self.send_response(status)
                for name, value in {"content-length": str(len(body)), **more}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.handle_error = lambda *args: None  # a client that hangs up is what we want to see
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(context)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.port = server.server_port
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()


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

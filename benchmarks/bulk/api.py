"""An HTTP API of trips on this machine: pages of JSON, as a system would answer."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import duckdb

from benchmarks.bulk import trips

PAGE = 1_000


def pages(rows: int) -> list[bytes]:
    """Every page of so many trips, from page 1 on."""
    iso = "strftime(updated_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS updated_at"
    query = f"SELECT to_json(t) FROM (SELECT * REPLACE ({iso}) FROM ({trips.in_duckdb(1, rows)})) AS t"
    records = [text for (text,) in duckdb.sql(query).fetchall()]
    return [f"[{','.join(records[first : first + PAGE])}]".encode() for first in range(0, rows, PAGE)]


@contextmanager
def serving(answers: list[bytes]) -> Iterator[str]:
    """A server of these pages; gives its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            number = int(parse_qs(urlsplit(self.path).query).get("page", ["1"])[0])
            body = answers[number - 1] if number <= len(answers) else b"[]"
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


def write_pages(answers: list[bytes], folder: Path) -> None:
    """The same pages as files, for the engine alone."""
    for number, body in enumerate(answers):
        (folder / f"{number}.json").write_bytes(body)

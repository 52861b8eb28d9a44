"""What a run of many small sources costs: ``python -m benchmarks.many [SOURCES [SECONDS]]``.

Each source is an API of its own whose answer takes SECONDS and brings five rows. The first run lands, refines and checks them;
the later ones find nothing new. Seconds are of one sitting; the ratio is to the answers one after the other.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

from tests.small import CONTRACT, Small

ROWS = json.dumps([{"id": number, "name": f"thing {number}"} for number in range(1, 6)]).encode()


@contextmanager
def slow_api(seconds: float) -> Iterator[str]:
    """A server that takes so long for each answer; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            time.sleep(seconds)
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(ROWS)))
            self.end_headers()
            self.wfile.write(ROWS)

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 1000

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def declare(small: Small, name: str, url: str) -> None:
    """A source of one table without a model."""
    folder = small.code / "dlt_sources" / name
    folder.mkdir()
    table = {"contract": "Thing", "key": ["id"], "mode": "upsert", "endpoint": {"path": name}}
    declared = {"description": "things", "owner": "me", "schedule": "* * * * *", "connector": "rest_api"}
    declared |= {"connection": {"base_url": url}, "tables": {"things": table}}
    (folder / "source.yml").write_text(yaml.safe_dump(declared, sort_keys=False))
    (folder / "contract.py").write_text(CONTRACT)


def main(count: int = 200, seconds: float = 1.0) -> None:
    """Run, and print a table."""
    with tempfile.TemporaryDirectory() as name, slow_api(seconds) as url:
        small = Small(Path(name))
        for number in range(count):
            declare(small, f"s{number:03}", url)
        small("-m", "dlt_sources.derive")
        print(
            f"| {count} sources, {seconds:g} s for each answer | s | x the answers one by one | s of CPU |\n|---|---|---|---|"
        )
        for shown in ("the first run", "nothing new", "nothing new again"):
            began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
            small.run("run", "--now")
            took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(f"| {shown} | {took:.1f} | {took / (count * seconds):.2f} | {cpu:.1f} |", flush=True)


if __name__ == "__main__":
    main(*(kind(word) for kind, word in zip((int, float), sys.argv[1:], strict=False)))

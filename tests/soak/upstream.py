"""The systems upstream: a folder of files, an HTTP server, a Postgres. Each virtual day they have new, changed and removed rows."""

from __future__ import annotations

import json
import random
import threading
import time
from contextlib import closing
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg2

from demo.postgres import USER, Postgres

FIRST_DAY = date(2026, 1, 1)
LONG = 4.0
"""Seconds that a hanging server takes: longer than the sources wait."""


class Upstream:
    """A context in which the systems run.

    Attributes:
        trouble: how the HTTP server answers: empty (as it should), error, reset, hang or cut.
        later: (requests that it still answers, the trouble from then on); None: nothing is planned.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed, self.day, self.trouble = folder, seed, -1, ""
        self.later: tuple[int, str] | None = None
        self.drop = folder / "drop"
        self.drop.mkdir(parents=True)
        self.postgres = Postgres(folder / "postgres")
        self.moves: dict[int, dict[str, Any]] = {}
        self.levels: dict[int, dict[str, Any]] = {}
        self.server = _Server(("127.0.0.1", 0), _Handler)
        self.server.upstream = self
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Upstream:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        try:
            self.postgres.start()
            self.execute(f"CREATE SCHEMA depot AUTHORIZATION {USER}", "postgres")
            with self.postgres.cursor() as cursor:
                for table in ("parts", "bins"):
                    cursor.execute(f"CREATE TABLE depot.{table} (id bigint PRIMARY KEY, name text, qty bigint)")
            self.advance()
        except BaseException:
            self.postgres.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.trouble = ""
        self.server.shutdown()
        self.postgres.close()

    @property
    def today(self) -> date:
        """The virtual day."""
        return FIRST_DAY + timedelta(days=self.day)

    def environment(self, database: str) -> dict[str, str]:
        """What a project must know; `database` is its own operational one."""
        return {
            "ELT_SHOP_FILES": str(self.drop),
            "ELT_FEED_URL": self.url,
            "ELT_DEPOT_URL": self.postgres.dsn,
            "ELT_POSTGRES_URL": self.postgres.dsn.removesuffix("postgres") + database,
            "ELT_NOW": f"{self.today.isoformat()}T23:30:00",
        }

    def advance(self) -> None:
        """Let the next virtual day come."""
        self.day += 1
        draw = random.Random(f"{self.seed} {self.day}")
        first = self.day * 20 + 1
        self._deliver("orders", self.day, [*range(first, first + 8), *self._some(draw, range(1, first), 3), -1], draw)
        self._deliver("clicks", self.day, [*range(1, 7), -1], draw)
        if self.day % 3 == 2:  # a file that is published again
            self._deliver("clicks", self.day - 1, [*range(1, 5)], draw)
        for id_ in range(first, first + 6):
            late = self.day > 0 and id_ % 3 == 0
            self.moves[id_] = self._row(id_, draw) | {"at": f"{self.today - timedelta(days=late)}T10:00:00"}
        for id_ in self._some(draw, [i for i in self.moves if first - 20 <= i < first], 2):
            self.moves[id_] |= {"qty": draw.randrange(1000)}
        self.levels = {id_: self._row(id_, draw) for id_ in range(self.day % 2 + 1, 8)}
        with self.postgres.cursor() as cursor:
            for table in ("parts", "bins"):
                self._change(cursor, table, first, draw)

    def _deliver(self, name: str, day: int, ids: list[int], draw: random.Random) -> None:
        lines = [f"{id_},n{id_},{draw.randrange(1000)}" for id_ in ids]
        draft = self.drop / f".{name}"
        draft.write_text("\n".join(["id,name,qty", *lines]) + "\n")
        draft.rename(self.drop / f"{name}_{day:04}.csv")

    def _change(self, cursor: Any, table: str, first: int, draw: random.Random) -> None:
        cursor.execute(f"SELECT id FROM depot.{table} ORDER BY id")
        known = [row[0] for row in cursor.fetchall()]
        gone = self._some(draw, known, 1) if len(known) > 8 else []
        cursor.execute(f"DELETE FROM depot.{table} WHERE id = ANY(%s)", [gone])
        changed = self._some(draw, [id_ for id_ in known if id_ not in gone], 2)
        for id_ in changed:
            cursor.execute(f"UPDATE depot.{table} SET qty = %s WHERE id = %s", [draw.randrange(1000), id_])
        for id_ in range(first, first + (12 if not known else 2)):
            cursor.execute(f"INSERT INTO depot.{table} VALUES (%s, %s, %s)", [id_, f"n{id_}", draw.randrange(1000)])

    @staticmethod
    def _some(draw: random.Random, ids: Any, count: int) -> list[int]:
        found = sorted(ids)
        return draw.sample(found, min(count, len(found)))

    @staticmethod
    def _row(id_: int, draw: random.Random) -> dict[str, Any]:
        return {"id": id_, "name": f"n{id_}", "qty": draw.randrange(1000)}

    def answer(self, target: str) -> bytes:
        """The body of an answer."""
        address = urlsplit(target)
        asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        rows = list((self.moves if address.path == "/moves" else self.levels).values())
        rows = [row for row in rows if asked.get("from", "") <= row.get("at", "")[:10] <= asked.get("to", "9")]
        return json.dumps({"data": rows}).encode()

    def execute(self, sql: str, database: str = "template1") -> None:
        """A statement of the superuser, such as one on databases."""
        sockets, port = str(self.postgres._sockets), self.postgres.port
        with closing(psycopg2.connect(host=sockets, port=port, user="postgres", dbname=database)) as con:
            con.autocommit = True
            con.cursor().execute(sql)

    def create(self, database: str, template: str = "template0") -> None:
        """Make a database again, like another one."""
        self.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
        self.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{template}' AND pid <> pg_backend_pid()"
        )
        self.execute(f"CREATE DATABASE {database} TEMPLATE {template} OWNER {USER}")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    upstream: Upstream

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed in the middle of an answer is nothing to report."""


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        upstream: Upstream = self.server.upstream  # type: ignore[attr-defined]
        if upstream.later:
            left, planned = upstream.later
            upstream.later = (left - 1, planned) if left else None
            upstream.trouble = upstream.trouble if left else planned
        trouble, body = upstream.trouble, upstream.answer(self.path)
        if trouble == "reset":
            self.connection.close()
            return
        until = time.monotonic() + LONG
        while trouble == "hang" and upstream.trouble and time.monotonic() < until:
            time.sleep(0.05)
        self.send_response(500 if trouble == "error" else 200)
        self.send_header("content-length", str(len(body)))
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if trouble == "cut" else body)
        if trouble == "cut":
            self.close_connection = True

    def log_message(self, *args: Any) -> None:
        pass

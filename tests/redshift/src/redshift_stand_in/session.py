"""One client's connection: its login, and its statements carried to a PostgreSQL backend and back."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import psycopg2

from . import answers, login, wire
from .plan import Plan, Refused
from .wire import Gone, Wire

if TYPE_CHECKING:
    from .server import Redshift


class Cut(Exception):
    """This connection ends here, on purpose."""


class Session(threading.Thread):
    """The thread of a connection. It ends its backend when its client goes, whatever either was doing."""

    def __init__(self, server: Redshift, sock: socket.socket) -> None:
        super().__init__(daemon=True)
        self.server = server
        self.client = Wire(sock)
        self.backend: Wire | None = None
        self.key = b""
        self.user = self.database = self.name = ""
        self.status = b"I"
        self.case_sensitive = self.case_sensitive_at_start = False
        self.alone = False  # does the running plan have a transaction of its own?
        self._tag = ""
        self._shape: list[tuple[str, int, int]] = []
        self._prepared: dict[str, Plan] = {}
        self._portals: dict[str, Plan] = {}

    def run(self) -> None:
        """Serve until the client leaves."""
        try:
            if login.start(self):
                self._serve()
        except (Gone, Cut, OSError, psycopg2.OperationalError, psycopg2.InterfaceError):
            pass  # the client has gone, or PostgreSQL
        finally:
            self.end()

    def end(self) -> None:
        """Close both sides; the backend rolls back and frees its locks even if it is in the middle of a query."""
        self.client.close()
        if self.backend:
            self.server.terminate(int.from_bytes(self.key[:4], "big"))
            self.backend.close()
        self.server.forget(self)

    # ---- statements

    def _serve(self) -> None:
        batch: list[tuple[bytes, bytes]] = []
        while True:
            kind, body = self.client.message()
            if kind == b"Q":
                self._simple(body[:-1].decode())
            elif kind == b"X":
                return
            elif kind == b"S":
                self._extended(batch, sync=True)
                batch = []
            elif kind in b"PBDEC":
                batch.append((kind, body))
            if self.client.mute:
                return

    def _simple(self, text: str) -> None:
        """A Query message: PostgreSQL makes one transaction of several statements in it, and so does this."""
        try:
            plans = self.server.plans(text, self)
        except Refused as refusal:
            self.server.record(self, text)
            self.fail(refusal)
            plans = None
        if plans == []:
            self.client.send(wire.pack(b"I"))
        ours = False
        for plan in plans or []:
            if len(plans or []) > 1 and self.status == b"I" and plan.kind not in ("begin", "alone"):
                self.internal("BEGIN")
                ours = True
            if ours and plan.kind == "begin":
                self.client.send(wire.pack(b"C", wire.strings("BEGIN")))
                ours = False
                continue
            if plan.kind == "end":
                ours = False
            if not self.perform(plan):
                break
        if ours and self.status != b"I":
            self.internal("COMMIT" if self.status == b"T" else "ROLLBACK")
        self.client.send(wire.pack(b"Z", self.status))

    def _extended(self, batch: list[tuple[bytes, bytes]], sync: bool) -> None:
        """Parse, Bind, Describe, Execute: plain ones go through; for others an empty statement stands in their place."""
        out: list[bytes] = []
        try:
            for kind, body in batch:
                plan = self._known(kind, body)
                if kind == b"E" and plan:
                    self.before(plan)
                    if not plan.plain:
                        self._flush(out)
                        if not self.perform(plan, noticed=True):
                            raise Cut
                        continue
                if kind == b"P":
                    name, text, rest = wire.parse_message(body)
                    run = (plan.run if plan.plain else "") if plan else text
                    out.append(wire.parse(name, run, rest if plan and plan.plain else b"\0\0"))
                else:
                    out.append(wire.pack(kind, body))
            self._flush(out)
        except Refused as refusal:
            with contextlib.suppress(Cut):
                self._flush(out)
                self.fail(refusal)
        except Cut:
            if self.client.sock.fileno() < 0:
                raise
        if sync:
            self.client.send(wire.pack(b"Z", self.status))

    def _known(self, kind: bytes, body: bytes) -> Plan | None:
        """The plan that a message of the extended protocol is about."""
        if kind == b"P":
            name, text, _ = wire.parse_message(body)
            try:
                plans = self.server.plans(text, self)
                if len(plans) > 1:
                    raise Refused("cannot insert multiple commands into a prepared statement", "42601")
            except Refused:
                self.server.record(self, text)
                raise
            if plans:
                self._prepared[name] = plans[0]
                self.server.prepare(plans[0], self)
            else:
                self._prepared.pop(name, None)
            return plans[0] if plans else None
        if kind == b"B":
            portal, statement, _ = body.split(b"\0", 2)
            self._portals.pop(portal.decode(), None)
            if statement.decode() in self._prepared:
                self._portals[portal.decode()] = self._prepared[statement.decode()]
        if kind == b"E":
            return self._portals.get(body.split(b"\0", 1)[0].decode())
        return None

    def _flush(self, out: list[bytes]) -> None:
        """Carry out what was collected; `Cut` where it failed, after the client was told."""
        if not out:
            return
        data = b"".join(out) + wire.pack(b"S")
        out.clear()
        sender = None
        if len(data) > 1 << 15:  # the backend may answer before it has read all: both would wait for each other
            sender = threading.Thread(target=self._send_backend, args=(data,), daemon=True)
            sender.start()
        else:
            self._send_backend(data)
        ok = self._relay()
        if sender:
            sender.join()
        if not ok:
            raise Cut

    def _send_backend(self, data: bytes) -> None:
        assert self.backend
        self.backend.send(data)

    def before(self, plan: Plan) -> None:
        """Record a statement, and let a fault that waits for it strike."""
        self.server.record(self, plan.sql)
        kind = self.server.struck(plan.sql)
        if kind == "hang":
            self.server.waiting.set()
            self.client.wait_until_gone()
            raise Gone
        if kind == "cut":
            self.client.close()
            raise Gone
        if kind == "lost":
            self.client.mute = True
            return
        if kind == "restart":
            self.server.restart()
            raise Gone
        if kind:
            raise Refused(kind.removeprefix("error:"), "XX000")

    def perform(self, plan: Plan, noticed: bool = False) -> bool:
        """Run a plan; False where it failed, after the client was told why."""
        alone = self.alone = False
        try:
            if not noticed:
                self.before(plan)
            self.server.prepare(plan, self)
            alone = self.alone = plan.steps and self.status == b"I" and plan.kind != "alone"
            if alone:
                self.internal("BEGIN")
            tag = answers.steps(self, plan)
            if alone and self.status == b"T":
                self.internal("COMMIT")
            if tag:
                self.client.send(wire.pack(b"C", wire.strings(tag)))
            if plan.kind == "reset":
                self.case_sensitive = self.case_sensitive_at_start
            return True
        except Refused as refusal:
            self.fail(refusal)
        except Cut:
            pass
        if alone:
            self.internal("ROLLBACK")
        return False

    def fail(self, refusal: Refused) -> None:
        """Tell the client an error; a transaction that is open fails with it, as on a real server."""
        if self.status == b"T":
            with contextlib.suppress(Refused):
                self.internal("SELECT 1/0")
        self.client.send(wire.error(str(refusal), refusal.code))

    def internal(self, sql: str) -> list[list[bytes | None]]:
        """Run SQL in the client's own session and transaction without its noticing; `Refused` where it fails."""
        assert self.backend
        self._send_backend(wire.pack(b"Q", wire.strings(sql)))
        rows, failure = [], None
        while True:
            kind, body = self.backend.message(self.client)
            if kind == b"D":
                rows.append(wire.row(body))
            elif kind == b"T":
                self._shape = wire.shape(body)
            elif kind == b"E":
                failure = wire.fields(body)
            elif kind == b"Z":
                self.status = body
                break
        if failure:
            told = answers.reworded(failure)
            raise Refused(told["M"], told["C"])
        return rows

    def described(self, sql: str) -> list[tuple[str, int, int]]:
        """The columns of a query: name, type and modifier."""
        self.internal(sql)
        return self._shape

    def relayed(self, sql: str, tag: str = "") -> str:
        """Run SQL with its rows going to the client; the tag of its command. `Cut` where it failed."""
        self._send_backend(wire.pack(b"Q", wire.strings(sql)))
        self._tag = ""
        if not self._relay(hold=True):
            raise Cut
        return tag or self._tag

    def _relay(self, hold: bool = False) -> bool:
        """Pass on what the backend answers until it is ready again.

        Args:
            hold: keep the command's tag instead of passing it on.
        """
        assert self.backend
        ok, shape, out = True, answers.Shape(), bytearray()
        while True:
            kind, body = self.backend.message(self.client)
            if kind == b"Z":
                self.status = body
                break
            if kind == b"E":
                ok = False
                out += wire.rebuilt(answers.reworded(wire.fields(body)))
            elif kind == b"C" and hold:
                self._tag = body[:-1].decode()
            else:
                out += answers.shown(kind, body, shape)
            if len(out) > 1 << 16:
                self.client.send(bytes(out))
                out.clear()
        if out:
            self.client.send(bytes(out))
        return ok

"""Messages of the PostgreSQL protocol, version 3.0, which Redshift speaks."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
from collections.abc import Iterable

SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST, VERSION_3 = 80877103, 80877104, 80877102, 196608
SUPER, JSONB, TEXT, VARCHAR, UNKNOWN = 4000, 3802, 25, 1043, 705
LONGEST_START = 10_000


class Gone(Exception):
    """The other side has closed, or was cut."""


class Wire:
    """One side's socket with a buffer of what it has sent.

    Attributes:
        mute: what is written never arrives.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.mute = sock, False
        self._buffer = bytearray()

    def fill(self) -> None:
        """Read what has come; blocks where nothing has."""
        try:
            data = self.sock.recv(1 << 16)
            while data and isinstance(self.sock, ssl.SSLSocket) and self.sock.pending():
                self._buffer += data
                data = self.sock.recv(self.sock.pending())
        except (OSError, ValueError) as error:
            raise Gone from error
        if not data:
            raise Gone
        self._buffer += data

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        while len(self._buffer) < count:
            self.fill()
        found = bytes(self._buffer[:count])
        del self._buffer[:count]
        return found

    def exactly(self, count: int) -> bytes:
        """The next `count` bytes and nothing behind them: what follows may belong to TLS."""
        while len(self._buffer) < count:
            try:
                data = self.sock.recv(count - len(self._buffer))
            except OSError as error:
                raise Gone from error
            if not data:
                raise Gone
            self._buffer += data
        return self.take(count)

    def message(self, also: Wire | None = None) -> tuple[bytes, bytes]:
        """The next message: its type and its body.

        Args:
            also: a second side to keep an eye on meanwhile: `Gone` as soon as it has closed.
        """
        while (size := self._size()) is None:
            if also:
                try:
                    ready, _, _ = select.select([self.sock, also.sock], [], [])
                except (OSError, ValueError) as error:  # closed from another thread
                    raise Gone from error
                if also.sock in ready:
                    also.fill()
                if self.sock not in ready:
                    continue
            self.fill()
        data = self.take(size)
        return data[:1], data[5:]

    def _size(self) -> int | None:
        if len(self._buffer) < 5:
            return None
        size = 1 + int.from_bytes(self._buffer[1:5], "big")
        return size if len(self._buffer) >= size else None

    def send(self, data: bytes) -> None:
        """Write all of it."""
        if self.mute:
            return
        try:
            self.sock.sendall(data)
        except (OSError, ValueError) as error:
            raise Gone from error

    def wait_until_gone(self) -> None:
        """Return when the other side has closed; what it sends meanwhile is kept."""
        try:
            while True:
                self.fill()
        except Gone:
            return

    def shut(self) -> None:
        """End the connection from another thread than the one that uses it: that one closes it.

        A socket that is closed beneath a thread may be another file by the time that the thread writes to it.
        """
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close at once; for the thread that uses it."""
        for end in (lambda: self.sock.shutdown(socket.SHUT_RDWR), self.sock.close):
            try:
                end()
            except OSError:
                continue


def pack(kind: bytes, body: bytes = b"") -> bytes:
    """A message."""
    return kind + struct.pack("!I", len(body) + 4) + body


def untyped(body: bytes) -> bytes:
    """A message of the start, which has no type."""
    return struct.pack("!I", len(body) + 4) + body


def strings(*texts: str) -> bytes:
    """Texts with their terminating zeros."""
    return b"".join(text.encode() + b"\0" for text in texts)


def error(message: str, code: str = "XX000", severity: str = "ERROR") -> bytes:
    """An ErrorResponse."""
    return pack(b"E", _fields([("S", severity), ("C", code), ("M", message)]))


def notice(message: str) -> bytes:
    """A NoticeResponse as Redshift's INFO lines."""
    return pack(b"N", _fields([("S", "INFO"), ("C", "00000"), ("M", message)]))


def _fields(pairs: Iterable[tuple[str, str]]) -> bytes:
    return b"".join(key.encode() + strings(value) for key, value in pairs) + b"\0"


def fields(body: bytes) -> dict[str, str]:
    """The fields of an ErrorResponse."""
    return {part[:1].decode(): part[1:].decode(errors="replace") for part in body.split(b"\0") if part}


def rebuilt(found: dict[str, str]) -> bytes:
    """An ErrorResponse from its fields; no lines of PostgreSQL's source."""
    return pack(b"E", _fields((k, v) for k, v in found.items() if k not in "FLRVWn"))


def columns(body: bytes) -> list[int]:
    """The type of each column of a RowDescription."""
    return [oid for _, oid in _columns(body)]


def described(body: bytes) -> bytes:
    """A RowDescription with Redshift's type numbers: SUPER for jsonb, VARCHAR for text."""
    data = bytearray(body)
    for at, oid in _columns(body):
        data[at : at + 4] = struct.pack("!I", {JSONB: SUPER, TEXT: VARCHAR, UNKNOWN: VARCHAR}.get(oid, oid))
    return bytes(data)


def _columns(body: bytes) -> list[tuple[int, int]]:
    found, at = [], 2
    for _ in range(int.from_bytes(body[:2], "big")):
        at = body.index(b"\0", at) + 7
        found.append((at, int.from_bytes(body[at : at + 4], "big")))
        at += 12
    return found


def shape(body: bytes) -> list[tuple[str, int, int]]:
    """The columns of a RowDescription: name, type and modifier."""
    found, at = [], 2
    for oid_at, oid in _columns(body):
        end = body.index(b"\0", at)
        modifier = struct.unpack("!i", body[oid_at + 6 : oid_at + 10])[0]
        found.append((body[at:end].decode(), oid, modifier))
        at = end + 19
    return found


def row(body: bytes) -> list[bytes | None]:
    """The values of a DataRow."""
    found: list[bytes | None] = []
    at = 2
    for _ in range(int.from_bytes(body[:2], "big")):
        size = struct.unpack("!i", body[at : at + 4])[0]
        at += 4
        found.append(None if size < 0 else body[at : at + size])
        at += max(size, 0)
    return found


def data_row(values: list[bytes | None]) -> bytes:
    """A DataRow's body."""
    parts = [struct.pack("!i", -1) if v is None else struct.pack("!i", len(v)) + v for v in values]
    return struct.pack("!H", len(values)) + b"".join(parts)


def parse_message(body: bytes) -> tuple[str, str, bytes]:
    """A Parse message: the statement's name, its text and the rest (types of parameters)."""
    name, text, rest = body.split(b"\0", 2)
    return name.decode(), text.decode(), rest


def parse(name: str, text: str, rest: bytes) -> bytes:
    """A Parse message; Redshift's numbers of types become PostgreSQL's."""
    count = int.from_bytes(rest[:2], "big")
    oids = struct.unpack(f"!{count}I", rest[2 : 2 + 4 * count])
    known = [{SUPER: JSONB}.get(oid, oid) for oid in oids]
    return pack(b"P", strings(name, text) + struct.pack(f"!H{count}I", count, *known))

"""The start of a connection: TLS, the password, and a backend for the database user."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import struct
from typing import TYPE_CHECKING

from . import answers, wire
from .plan import Refused
from .settings import startup_options
from .wire import Gone, Wire

if TYPE_CHECKING:
    from .session import Session


def start(session: Session) -> bool:
    """Bring a connection to where statements may come; False where it ends here."""
    secure = False
    while True:
        size, code = struct.unpack("!II", session.client.exactly(8))
        if not 8 <= size <= wire.LONGEST_START:
            raise Gone
        body = session.client.exactly(size - 8)
        if code == wire.GSS_REQUEST:
            session.client.send(b"N")
        elif code == wire.SSL_REQUEST:
            session.client.send(b"S")
            session.client = Wire(session.server.tls.wrap_socket(session.client.sock, server_side=True))
            secure = True
        elif code == wire.CANCEL_REQUEST:
            session.server.cancel(body)
            if secure:  # libpq takes an end without a word for an error
                session.client.sock.settimeout(1)
                with contextlib.suppress(OSError):
                    session.client.sock.unwrap()  # type: ignore[attr-defined]
            return False
        else:
            break
    parts = body.split(b"\0")
    told = {k.decode(): v.decode() for k, v in zip(parts[::2], parts[1::2], strict=False) if k}
    try:
        _log_in(session, told, secure)
        return _open(session, told)
    except Refused as refusal:
        session.client.send(wire.error(str(refusal), refusal.code, "FATAL"))
        return False


def _log_in(session: Session, told: dict[str, str], secure: bool) -> None:
    user = told.get("user", "")
    session.database, session.name = told.get("database", user), answers.client_name(told)
    if not secure:
        host = session.client.sock.getpeername()[0]
        message = f'no pg_hba.conf entry for host "{host}", user "{user}", database "{session.database}", SSL off'
        raise Refused(message, "28000")
    salt = os.urandom(4)
    session.client.send(wire.pack(b"R", struct.pack("!I", 5) + salt))
    kind, body = session.client.message()
    sent = body.rstrip(b"\0").decode(errors="replace")
    if kind != b"p":
        raise Gone
    session.user = session.server.authenticate(user, lambda password: sent == _md5(user, password, salt))


def _open(session: Session, told: dict[str, str]) -> bool:
    """Log in to PostgreSQL as the database user, over the socket that trusts us."""
    options = startup_options(told)
    session.case_sensitive = session.case_sensitive_at_start = options.case_sensitive
    unicode = "UTF8" if options.names_encoding else "UNICODE"
    session.backend = session.server.backend()
    ours = {"user": session.user, "database": session.database, "options": options.text, "client_encoding": "UTF8"}
    ours["application_name"] = told.get("application_name", "")[:63]
    pairs = [text for pair in ours.items() for text in pair]
    session.backend.send(wire.untyped(struct.pack("!I", wire.VERSION_3) + wire.strings(*pairs) + b"\0"))
    while True:
        kind, body = session.backend.message()
        if kind == b"K":
            session.key = body
        if kind == b"E":
            session.client.send(wire.rebuilt(wire.fields(body)))
            return False
        session.client.send(answers.shown(kind, body, answers.Shape(), unicode))
        if kind == b"Z":
            return True


def _md5(user: str, password: str, salt: bytes) -> str:
    """What a client answers that knows the password; or knows of it what CREATE USER may be told: md5 and 32 digits."""
    inner = hashlib.md5(password.encode() + user.encode(), usedforsecurity=False).hexdigest()
    if re.fullmatch("md5[0-9a-f]{32}", password):
        inner = password[3:]
    return "md5" + hashlib.md5(inner.encode() + salt, usedforsecurity=False).hexdigest()

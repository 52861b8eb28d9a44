"""A stand-in for Amazon Redshift that the real clients log in to; see README.md for what it covers."""

from __future__ import annotations

import contextlib
import re
import secrets
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2
import trustme

from . import foreign, grants, spectrum, translate, wire
from .plan import Context, Plan, Refused, Statement
from .postgres import Postgres
from .session import Session

HERE = Path(__file__).parent
TEMPLATE = "template_rs"


class Redshift:
    """The stand-in, on a folder of its own and a port of the loopback interface.

    Args:
        folder: made if missing; the data stays in it.
        s3: what boto3's S3 client wants, for the objects that COPY reads and UNLOAD writes.
    """

    host = "localhost"

    def __init__(self, folder: Path, s3: dict[str, Any]) -> None:
        self.folder, self.s3 = Path(folder), s3
        self.folder.mkdir(parents=True, exist_ok=True)
        self.user, self.password = "elt", secrets.token_urlsafe(12)
        self.roles: set[str] = set()
        self.users: dict[str, str] = {}
        self.lent: set[tuple[str, str, str]] = set(grants.EVERYBODY)
        self.databases = ["warehouse", "serving"]
        self.statements: list[Statement] = []
        self.asked: Callable[[str, Session | None], None] = lambda sql, session: None
        """Called before each statement, and with none and "" before each login: what it waits for, the client waits for."""
        self.restarts = 0
        self.waiting = threading.Event()
        self.ca = self.folder / "ca.pem"
        self.exchange = self.folder / "exchange"
        self._postgres = Postgres(self.folder / "postgres")
        self._faults: list[list[Any]] = []
        self._expired: dict[str, str] | None = None
        self._sessions: set[Session] = set()
        self._lock = threading.RLock()
        self._foreign = foreign.Foreign(self)
        self.spectrum = spectrum.Spectrum(self)
        self.tls = self._certificate()

    def __enter__(self) -> Redshift:
        self._postgres.start()
        self._install()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for session in list(self._sessions):
            session.end()
        self._foreign.close()
        self._postgres.close()

    # ---- for tests

    def fault(self, pattern: str, kind: str, times: int = 1, after: int = 0) -> None:
        """Let the next statements that match strike.

        Args:
            kind: "hang" (never answered, sets `waiting`), "cut", "lost" (done, and the connection is cut before the answer),
                "restart" or "error:<message>".
            after: so many matching statements pass first.
        """
        self.waiting.clear()
        self._faults.append([re.compile(pattern, re.I | re.S), kind, times, after])

    def calm(self) -> None:
        """No more faults."""
        with self._lock:
            self._faults.clear()

    def query(self, sql: str, database: str = "warehouse") -> list[tuple[Any, ...]]:
        """Rows of a query in PostgreSQL's words, past the proxy."""
        with contextlib.closing(self.admin(database)) as con, con.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def expire(self) -> None:
        """Temporary credentials are refused from now on, until `users` changes."""
        self._expired = dict(self.users)

    def restart(self) -> None:
        """Stop PostgreSQL as a crash would, and start it again; every client is cut."""
        with self._lock:
            self.restarts += 1
            self._foreign.close()
            self._postgres.crash()
            for session in list(self._sessions):
                session.client.shut()
            self._postgres.start()

    # ---- for sessions

    @property
    def socket_path(self) -> str:
        """PostgreSQL's own socket, which trusts us."""
        return f"{self._postgres.sockets}/.s.PGSQL.{self._postgres.port}"

    def backend(self) -> wire.Wire:
        """A connection to PostgreSQL, which is still to say who it is; waits while that restarts."""
        sock = socket.socket(socket.AF_UNIX)
        with self._lock:
            sock.connect(self.socket_path)
        return wire.Wire(sock)

    @property
    def postgres_port(self) -> int:
        """Where PostgreSQL itself listens."""
        return self._postgres.port

    def admin(self, database: str) -> Any:
        """A connection of PostgreSQL's superuser, which commits by itself; waits while that restarts."""
        with self._lock:
            con = psycopg2.connect(
                host=str(self._postgres.sockets),
                port=self._postgres.port,
                user="postgres",
                dbname=database,
                options="-c allow_system_table_mods=on -c timezone=UTC",
            )
        con.autocommit = True
        return con

    def plans(self, text: str, session: Session) -> list[Plan]:
        """The plans of the statements in a text."""
        context = Context(
            session.database, tuple(self.databases), session.case_sensitive, self.spectrum.schemas(session.database)
        )
        return translate.plans(text, context)

    def prepare(self, plan: Plan, session: Session) -> None:
        """Make what a plan reads of other databases and of the lake readable."""
        self.spectrum.prepare(plan, session.database)
        self._foreign.prepare(plan, session.database, session.user)

    def record(self, session: Session, sql: str) -> None:
        """Remember a statement."""
        self.statements.append(Statement(session.name, session.database, sql))
        self.asked(sql, session)

    def struck(self, sql: str) -> str:
        """The kind of the fault that strikes a statement, or nothing."""
        with self._lock:
            for fault in self._faults:
                if fault[2] > 0 and fault[0].search(sql):
                    if fault[3]:
                        fault[3] -= 1
                        continue
                    fault[2] -= 1
                    return str(fault[1])
        return ""

    def authenticate(self, user: str, proves: Callable[[str], bool]) -> str:
        """The database user of a login; `Refused` where the password is not right."""
        self.asked("", None)
        temporary = user.startswith(("IAM:", "IAMR:", "IAMA:"))
        if temporary and self._expired is not None:
            if self._expired == self.users:
                raise Refused("IAM Authentication token has expired", "28000")
            self._expired = None
        password = self.users.get(user) or (self.password if user == self.user else None) or self._password(user)
        if password is None or not proves(password):
            raise Refused(f'password authentication failed for user "{user}"', "28000")
        # IAM lends a user of that name; a role that logs in (IAMR) is a user of its own. Names are kept in small letters.
        name = user.lower() if user.startswith("IAMR:") else user.partition(":")[2].lower() if temporary else user
        if name != self.user:
            known = self.query(f"SELECT 1 FROM pg_roles WHERE rolname = {_quoted(name)}")
            if not known:
                self.query(f'CREATE ROLE "{name}" LOGIN IN ROLE rs_clients')
        return name

    def _password(self, user: str) -> str | None:
        """The hash of a password that CREATE or ALTER USER gave."""
        found = self.query(f"SELECT rolpassword FROM pg_authid WHERE rolcanlogin AND rolname = {_quoted(user)}")
        return found[0][0] if found and str(found[0][0]).startswith("md5") else None

    def terminate(self, process: int) -> None:
        """End a backend, whatever it does."""
        with contextlib.suppress(psycopg2.Error):
            self.query(f"SELECT pg_terminate_backend({process})", "postgres")

    def cancel(self, key: bytes) -> None:
        """Pass on a client's wish to cancel what it runs."""
        with socket.socket(socket.AF_UNIX) as sock, contextlib.suppress(OSError):
            sock.connect(self.socket_path)
            sock.sendall(wire.untyped(wire.CANCEL_REQUEST.to_bytes(4, "big") + key))
            sock.recv(1)

    def forget(self, session: Session) -> None:
        """A session has ended."""
        self._sessions.discard(session)

    # ---- start

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = Session(self, sock)
            self._sessions.add(session)
            session.start()

    def _certificate(self) -> ssl.SSLContext:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        return context

    def _install(self) -> None:
        """The template of all databases, the role of the clients, and the two databases."""
        self.exchange.mkdir(exist_ok=True)
        self.exchange.chmod(0o777)
        for parent in self.exchange.resolve().parents:  # PostgreSQL's system user must get there
            if parent.stat().st_mode & 0o005 != 0o005 and parent != Path("/"):
                parent.chmod(parent.stat().st_mode | 0o005)
        if self.query(f"SELECT 1 FROM pg_database WHERE datname = '{TEMPLATE}'", "postgres"):
            for role in (self.user, foreign.READER):
                self.query(f"ALTER ROLE {role} PASSWORD {_quoted(self.password)}", "postgres")
            return
        with contextlib.closing(self.admin("postgres")) as con, con.cursor() as cursor:
            cursor.execute("CREATE ROLE rs_clients")
            cursor.execute(
                f"CREATE ROLE {foreign.READER} LOGIN IN ROLE pg_read_all_data PASSWORD {_quoted(self.password)}"
            )
            cursor.execute("GRANT pg_read_server_files, pg_write_server_files TO rs_clients")
            cursor.execute(
                f"CREATE ROLE {self.user} LOGIN CREATEDB CREATEROLE IN ROLE rs_clients "
                f"PASSWORD {_quoted(self.password)}"
            )
            cursor.execute(f"GRANT rs_clients TO {self.user} WITH ADMIN OPTION")  # whom it makes are clients, too
            cursor.execute(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'")
        with contextlib.closing(self.admin(TEMPLATE)) as con, con.cursor() as cursor:
            for name in ("functions.sql", "late.sql", "catalog.sql"):
                cursor.execute((HERE / "sql" / name).read_text())
        for name in self.databases:
            self.query(f"CREATE DATABASE {name} OWNER {self.user} TEMPLATE {TEMPLATE}", "postgres")
            self.query(f"ALTER SCHEMA public OWNER TO {self.user}", name)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

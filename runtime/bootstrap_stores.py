"""Users, databases and rights in the RDS Postgres and in Redshift: what each user may, and which user owns what.

Each statement can be said again. A password is sent hashed, never in clear: both servers may log statements.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from foundation.aws import AwsError, secret
from foundation.lock import LockedError
from warehouse.connection import WarehouseError
from warehouse.quote import identifier, redshift_literal
from warehouse.redshift import Redshift

from .bootstrap_secrets import OF_A_USER, Say

if TYPE_CHECKING:
    from settings import Bootstrap, Settings

MODELS = Path(__file__).resolve().parents[1] / "sqlmesh_project" / "models"
LOADER, TRANSFORMER, READER = "loader", "transformer", "bi"


class Postgres:
    """A session of the RDS's admin that commits each statement by itself.

    Args:
        database: `postgres` is there from the start.

    Raises:
        AwsError: the login fails.
    """

    def __init__(self, settings: Bootstrap, database: str) -> None:
        import psycopg2

        arn = settings.bootstrap_db_secret
        self.where = f"the RDS Postgres at {settings.state_host}:{settings.state_port}/{database}"
        try:
            self.connection = psycopg2.connect(
                host=settings.state_host,
                port=settings.state_port,
                dbname=database,
                user=secret(arn, "username"),
                password=secret(arn, "password"),
                connect_timeout=10,
                sslmode="verify-full",
                sslrootcert=settings.authorities(),
                application_name="millrace",
            )
        except psycopg2.Error as error:
            raise AwsError(
                f"login to {self.where} failed: {' '.join(str(error).split())}; look at ELT_STATE_HOST, ELT_CA_FILE,"
                f" the security groups and the secret {arn}"
            ) from None
        self.connection.autocommit = True

    def close(self) -> None:
        """End the session."""
        self.connection.close()

    def say(self, what: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement; its rows.

        Raises:
            AwsError: it was refused; says what it was for, in the server's words, and never the statement.
        """
        import psycopg2

        try:
            with self.connection.cursor() as cursor:
                cursor.execute(statement, values or None)
                return cursor.fetchall() if cursor.description else []
        except psycopg2.Error as error:
            told = error.diag.message_primary or type(error).__name__
            raise AwsError(
                f"{what}: {self.where} says: {told}. Who logs in by ELT_BOOTSTRAP_DB_SECRET must be the RDS's admin"
            ) from None


@contextmanager
def hold_lock(admin: Postgres) -> Iterator[None]:
    """One bootstrap at a time: two would each make a password, and one of them would not be the user's.

    Raises:
        LockedError: another one is running.
    """
    [(free,)] = admin.say("the lock", "SELECT pg_try_advisory_lock(hashtextextended('millrace bootstrap', 0))")
    if not free:
        raise LockedError("another bootstrap is running; run this one again when it has ended")
    yield  # Postgres frees the lock with the session


def ensure_postgres(settings: Bootstrap, admin: Postgres, passwords: Mapping[str, str], say: Say) -> None:
    """A user, with a database of its own, for SQLMesh's state and operational tables, and for Superset's."""
    from psycopg2.extensions import encrypt_password

    for name in ("state", "superset-meta"):
        user = OF_A_USER[name]
        what = f"Postgres: user {user}"
        hashed = encrypt_password(passwords[name], user, scope=admin.connection, algorithm="scram-sha-256")
        if admin.say(what, "SELECT 1 FROM pg_roles WHERE rolname = %s", user):
            admin.say(what, f"ALTER ROLE {user} LOGIN NOCREATEDB NOCREATEROLE PASSWORD %s", hashed)
            say("kept", f"{what}, its password as in the secret")
        else:
            admin.say(
                what,
                f"CREATE ROLE {user} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD %s",
                hashed,
            )
            say("made", what)
        what = f"Postgres: database {user}, which only its owner {user} may enter"
        # The admin of an RDS is not a superuser: it may give to a user what is its own, and be that user.
        admin.say(what, f"GRANT {user} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE")
        there = admin.say(what, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", user)
        if not there:
            admin.say(what, f"CREATE DATABASE {user} OWNER {user}")
        elif there != [(user,)]:  # the one that was made with the instance is its admin's
            admin.say(what, f"ALTER DATABASE {user} OWNER TO {user}")
        admin.say(what, f"REVOKE ALL ON DATABASE {user} FROM PUBLIC")
        with closing(Postgres(settings, user)) as own:
            own.say(what, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        say("kept" if there else "made", what)


def domains() -> list[str]:
    """The schemas that dashboards read: one per folder of models."""
    return sorted(path.name for path in MODELS.iterdir() if any(path.glob("*.sql")))


def ensure_redshift(settings: Bootstrap, passwords: Mapping[str, str], say: Say) -> None:
    """Databases, roles, users and rights.

    The pipeline's user owns every schema and table that a run makes or finds, in both databases: only an owner may
    change, drop or vacuum a table. A role owns nothing: it says who may make schemas where, and who may read.

    Raises:
        WarehouseError: the login fails, or it refuses a statement; says which thing it was for.
    """
    pipeline, reader = f"IAMR:{settings.bootstrap_pipeline_role}", OF_A_USER["dashboards"]
    warehouse, serving = settings.redshift_database, settings.redshift_serving
    with Admin.connect(settings, warehouse, say) as admin:
        admin.make(
            f"database {serving}",
            "SELECT 1 FROM pg_database WHERE datname = ?",
            serving,
            f"CREATE DATABASE {identifier(serving)}",
        )
        for role in (LOADER, TRANSFORMER, READER):
            admin.make(f"role {role}", "SELECT 1 FROM svv_roles WHERE role_name = ?", role, f"CREATE ROLE {role}")
        admin.user(pipeline, "DISABLE")  # it logs in by IAM alone
        admin.user(reader, f"'{_hashed(passwords['dashboards'], reader)}'")
        for user, role in ((pipeline, LOADER), (pipeline, TRANSFORMER), (reader, READER)):
            admin.member(user, role)
        admin.rights(warehouse, (LOADER, TRANSFORMER))
        admin.lend(settings.redshift_role, LOADER)
        if settings.bootstrap_spectrum:
            admin.lake(settings)
    with Admin.connect(settings, serving, say) as admin:
        admin.rights(serving, (TRANSFORMER,))
        for domain in domains():
            admin.domain(domain, pipeline)


class Admin:
    """A session of Redshift's superuser in one database."""

    def __init__(self, session: Redshift, database: str, say: Say) -> None:
        self.session, self.database, self.tell = session, database, say

    @classmethod
    @contextmanager
    def connect(cls, settings: Bootstrap, database: str, say: Say) -> Iterator[Admin]:
        """Log in as the namespace's admin."""
        # of the settings, a login asks for the address and for who logs in
        with Redshift.connect(cast("Settings", settings), database) as session:
            yield cls(session, database, say)

    def say(self, what: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement; its rows."""
        try:
            return self.session.execute(statement, values).fetchall()
        except WarehouseError as error:
            raise WarehouseError(
                f"{what}: {error}. Who logs in by ELT_BOOTSTRAP_REDSHIFT_SECRET must be the namespace's admin"
            ) from None

    def make(self, what: str, question: str, name: str, statement: str) -> None:
        """Run the statement unless the question has an answer: Redshift knows no IF NOT EXISTS for these."""
        what = f"Redshift: {what}"
        there = self.say(what, question, name)
        if not there:
            self.say(what, statement)
        self.tell("kept" if there else "made", what)

    def user(self, name: str, password: str) -> None:
        """A user with this password, as SQL: a hash in quotes, or DISABLE."""
        what = f"Redshift: user {name}"
        # Redshift keeps names in small letters, also those that IAM gives
        there = self.say(what, "SELECT 1 FROM pg_user WHERE lower(usename) = ?", name.lower())
        self.say(what, f"{'ALTER' if there else 'CREATE'} USER {identifier(name)} PASSWORD {password}")
        logs_in = "which logs in by IAM" if password == "DISABLE" else "its password as in the secret"  # noqa: S105
        self.tell("kept" if there else "made", f"{what}, {logs_in}")

    def member(self, user: str, role: str) -> None:
        """Give a role to a user."""
        what = f"Redshift: role {role} for {user}"
        asked = "SELECT 1 FROM svv_user_grants WHERE lower(user_name) = ? AND role_name = ?"
        there = self.say(what, asked, user.lower(), role)
        if not there:
            self.say(what, f"GRANT ROLE {role} TO {identifier(user)}")
        self.tell("kept" if there else "made", what)

    def rights(self, database: str, makers: tuple[str, ...]) -> None:
        """Who may make schemas and temporary tables in this session's database; nobody makes tables in `public`."""
        what, name = f"Redshift: {database}: schemas are made by {' and '.join(makers)} only", identifier(database)
        self.say(what, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        self.say(what, f"REVOKE TEMP ON DATABASE {name} FROM PUBLIC")
        for role in makers:
            self.say(what, f"GRANT CREATE, TEMP ON DATABASE {name} TO ROLE {role}")
        self.tell("set", what)

    def lend(self, role: str, user: str) -> None:
        """Let the members of a database role, and nobody else, have Redshift use an IAM role for COPY and UNLOAD.

        By default everybody may: who runs queries could load any file of the lake. Redshift takes no grant before that
        has been revoked.
        """
        what = f"Redshift: {role} is used by {user} only"
        self.say(what, "REVOKE ASSUMEROLE ON ALL FROM PUBLIC FOR ALL")
        self.say(what, f"GRANT ASSUMEROLE ON {redshift_literal(role)} TO ROLE {user} FOR COPY, UNLOAD")
        self.tell("set", what)

    def lake(self, settings: Bootstrap) -> None:
        """Schemas over silver, for sources with a table that is read where it lies; who works with staging may read them."""
        from dlt_sources.door import load_sources
        from dlt_sources.spectrum import SCHEMA, declaring, statements

        names = declaring(load_sources())
        for name, statement in zip(names, statements(names, settings), strict=True):
            schema = f"{SCHEMA}{name}"
            asked = "SELECT 1 FROM svv_external_schemas WHERE schemaname = ?"
            self.make(f"schema {schema} over silver", asked, schema, statement)
            what = f"Redshift: {schema}: read by {LOADER} and {TRANSFORMER}"
            for role in (LOADER, TRANSFORMER):
                self.say(what, f"GRANT USAGE ON SCHEMA {identifier(schema)} TO ROLE {role}")
            self.tell("set", what)

    def domain(self, schema: str, owner: str) -> None:
        """A schema of the dashboards: the pipeline's own; what is in it and what it will make there may be read."""
        what, name = (
            f"Redshift: {self.database}: schema {schema}, written by {owner}, read by {READER}",
            identifier(schema),
        )
        found = self.say(
            what,
            "SELECT u.usename FROM pg_namespace n JOIN pg_user u ON u.usesysid = n.nspowner WHERE n.nspname = ?",
            schema,
        )
        if not found:
            self.say(what, f"CREATE SCHEMA {name} AUTHORIZATION {identifier(owner)}")
        elif str(found[0][0]).lower() != owner.lower():
            self.say(what, f"ALTER SCHEMA {name} OWNER TO {identifier(owner)}")
        self.say(what, f"GRANT USAGE ON SCHEMA {name} TO ROLE {READER}")
        self.say(what, f"GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO ROLE {READER}")
        self.say(
            what,
            f"ALTER DEFAULT PRIVILEGES FOR USER {identifier(owner)} IN SCHEMA {name} GRANT SELECT ON TABLES TO ROLE {READER}",
        )
        self.tell("set" if found else "made", what)


def _hashed(password: str, user: str) -> str:
    """What Redshift keeps of a password: of 256 random bits md5 gives nothing away, and every driver can answer for it."""
    return "md5" + hashlib.md5((password + user).encode(), usedforsecurity=False).hexdigest()

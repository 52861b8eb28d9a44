"""One run at a time: on one machine by a file, on AWS, where runs come from several machines, also by Postgres."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from settings import Settings

LOOK_AGAIN = 1.0  # seconds
PATIENCE = 0.5
"""Seconds that a run waits in any case: `is_held` takes the lock for a moment."""


class LockedError(Exception):
    """Another run is at work."""

    exit_code = 5


class LockError(Exception):
    """The Postgres that holds the lock cannot be asked."""

    exit_code = 4


@contextmanager
def one_at_a_time(settings: Settings, wait: float = 0) -> Iterator[None]:
    """Hold the run lock. The operating system frees it when the holder dies, however it dies.

    Args:
        wait: seconds to wait for another run to end.

    Raises:
        LockedError: it did not end in time.
        LockError: on AWS: the state's Postgres does not answer.
    """
    from filelock import FileLock, Timeout

    until = time.monotonic() + wait
    settings.lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(settings.lock, timeout=max(wait, PATIENCE)):
            if not settings.aws:
                yield
                return
            with closing(state(settings)) as con:
                _advise(con, settings, until)
                yield  # Postgres frees the lock when the session ends, also when this process is killed
    except Timeout:
        raise _locked(str(settings.lock)) from None


def is_held(settings: Settings) -> bool:
    """Whether a run is in progress; True also where that cannot be found out. No run is disturbed by the question."""
    import psycopg2
    from filelock import FileLock, Timeout

    if settings.aws:
        try:
            with closing(state(settings)) as con, con.cursor() as cursor:
                cursor.execute(
                    "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
                    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                    " AND (classid::bigint << 32 | objid::bigint) = hashtextextended(%s, 0))",
                    [_name(settings)],
                )
                return bool(cursor.fetchone()[0])
        except (LockError, psycopg2.Error):
            return True
    if not settings.lock.exists():
        return False
    try:
        with FileLock(settings.lock, timeout=0):
            return False
    except (Timeout, OSError):
        return True


def state(settings: Settings) -> Any:
    """A connection to the state's Postgres, by psycopg2, that commits each statement by itself.

    Raises:
        LockError: it does not answer or does not let us in.
    """
    import psycopg2

    try:
        con = psycopg2.connect(
            host=settings.state_host, port=settings.state_port, dbname=settings.state_database,
            user=settings.state_user, password=settings.state_password.get_secret_value(), connect_timeout=10,
            sslmode="verify-full", sslrootcert=settings.authorities(), keepalives_idle=30, application_name="millrace",
        )  # fmt: skip
    except psycopg2.Error as error:
        where = f"{settings.state_host}:{settings.state_port}/{settings.state_database}"
        raise LockError(f"the state's Postgres at {where} does not let us in: {' '.join(str(error).split())}") from None
    con.autocommit = True
    return con


def _advise(con: Any, settings: Settings, until: float) -> None:
    """Take the advisory lock that is named after the warehouse."""
    with con.cursor() as cursor:
        while True:
            cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [_name(settings)])
            if cursor.fetchone()[0]:
                return
            if time.monotonic() >= until:
                raise _locked(f"the lock of {settings.redshift_host}/{settings.redshift_database}")
            time.sleep(LOOK_AGAIN)


def _name(settings: Settings) -> str:
    return f"millrace {settings.redshift_host}:{settings.redshift_port}/{settings.redshift_database}"


def _locked(what: str) -> LockedError:
    return LockedError(
        f"another run holds {what}; it will not disturb yours: try again when it has ended, or use --wait"
    )

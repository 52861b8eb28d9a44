"""One run at a time: on one machine by a file, on AWS, where runs come from several machines, also by Postgres."""

from __future__ import annotations

import fcntl
import struct
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import ExitCode, MillraceError

from . import permit

if TYPE_CHECKING:
    from settings import Settings

LOOK_AGAIN = 1.0  # seconds
PATIENCE = 0.5
"""Seconds that a run waits in any case: where the system cannot be asked who has a lock, `is_held` takes it for a moment."""
_ASKABLE = hasattr(fcntl, "F_OFD_GETLK")
"""Whether the system knows locks that another process can ask for without taking them: Linux does."""
_LOCK = "hhqqi"
"""The system's ``struct flock``: type, whence, start, length, pid."""


class LockedError(MillraceError):
    """Another run is in progress."""

    exit_code = ExitCode.LOCKED


class LockError(MillraceError):
    """The Postgres that holds the lock cannot be asked."""

    exit_code = ExitCode.STORE


class FolderError(MillraceError):
    """The data folder cannot be written: no run begins."""

    exit_code = ExitCode.STORE


_session: Any = None
"""This process's session in the state's Postgres while it holds the lock there."""


@contextmanager
def one_at_a_time(settings: Settings, wait: float = 0) -> Iterator[None]:
    """Hold the run lock. The operating system frees it when the holder dies, however it dies.

    Args:
        wait: seconds to wait for another run to end.

    Raises:
        LockedError: it did not end in time.
        FolderError: the data folder cannot be written. LockError: on AWS: the state's Postgres does not answer.
    """
    until = time.monotonic() + wait
    with _acquired(settings.lock, max(wait, PATIENCE)), _shown(settings.lock):
        if not settings.aws:
            yield
            return
        with closing(state(settings)) as con:
            _advise(con, settings, until)
            with _remembered(con):
                yield  # Postgres frees the lock when the session ends, also when this process is killed


@contextmanager
def _remembered(con: Any) -> Iterator[None]:
    import psycopg2

    global _session
    _session = con
    try:
        yield
    finally:
        _session = None
        with suppress(psycopg2.Error), con.cursor() as cursor:  # a session that is closed ends a moment later
            cursor.execute("SELECT pg_advisory_unlock_all()")


def ensure_held() -> None:
    """Before a commit: Postgres frees the lock also when it ends the session of a process that goes on, as when it fails over
    to another machine; another run may have begun then.

    Raises:
        LockError: the lock of this process is gone. Never where it holds none on AWS.
        StoppedError: this thread worked for a run that has ended.
    """
    permit.check()
    if _session is None:
        return
    import psycopg2

    try:
        with _session.cursor() as cursor:
            cursor.execute("SELECT 1")
    except psycopg2.Error as error:
        raise LockError(
            f"the state's Postgres ended the session that holds the lock ({' '.join(str(error).split())}): another run may be"
            " in progress, so this one commits nothing more; the next run finishes what was begun"
        ) from error


@contextmanager
def _acquired(path: Path, wait: float) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=wait)
    except Timeout:
        raise _locked(str(path)) from None
    except OSError as error:
        raise FolderError(f"the data folder {path.parent} cannot be written: {error}") from error
    try:
        yield
    finally:
        lock.release()


def is_held(settings: Settings) -> bool:
    """Whether a run is in progress; True also where that cannot be found out. No run is disturbed by the question."""
    import psycopg2

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
        return _is_shown(settings.lock) if _ASKABLE else _is_taken(settings.lock)
    except OSError:
        return True


def refuse_beside_a_run(settings: Settings) -> None:
    """Leave a run alone: for commands that only look, and take no lock.

    Raises:
        LockedError: a run is in progress. LockError: on AWS: the state's Postgres does not answer.
    """
    if settings.aws:
        state(settings).close()
    if is_held(settings):
        raise _locked(str(settings.lock) if not settings.aws else _name(settings))


@contextmanager
def _shown(lock: Path) -> Iterator[None]:
    """Let others see that the lock is held: beside it, the same file has a lock that can be asked for without taking it."""
    if not _ASKABLE:
        yield
        return
    with lock.open("r+b") as file:
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack(_LOCK, fcntl.F_WRLCK, 0, 0, 0, 0))
        try:
            yield
        finally:  # a process that was forked meanwhile has the file open, too
            fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack(_LOCK, fcntl.F_UNLCK, 0, 0, 0, 0))


def _is_shown(lock: Path) -> bool:
    with lock.open("rb") as file:
        asked = fcntl.fcntl(file, fcntl.F_OFD_GETLK, struct.pack(_LOCK, fcntl.F_RDLCK, 0, 0, 0, 0))
    return bool(struct.unpack(_LOCK, asked)[0] != fcntl.F_UNLCK)


def _is_taken(lock: Path) -> bool:
    from filelock import FileLock, Timeout

    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True


def state(settings: Settings) -> Any:
    """A connection to the state's Postgres, by psycopg2, that commits each statement by itself.

    Raises:
        LockError: it does not answer, or the login fails.
    """
    import psycopg2

    try:
        con = psycopg2.connect(
            host=settings.state_host,
            port=settings.state_port,
            dbname=settings.state_database,
            user=settings.state_user,
            password=settings.state_password.get_secret_value(),
            connect_timeout=10,
            sslmode="verify-full",
            sslrootcert=settings.authorities(),
            keepalives_idle=30,
            tcp_user_timeout=30_000,
            application_name="millrace",
        )
    except psycopg2.Error as error:
        where = f"{settings.state_host}:{settings.state_port}/{settings.state_database}"
        raise LockError(f"login to the state's Postgres at {where} failed: {' '.join(str(error).split())}") from None
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
    return LockedError(f"a run is in progress: another run holds {what}; try again when it has ended, or use --wait")

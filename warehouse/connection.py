"""One way to ask the warehouse, whichever it is: the same SQL text, the same answers, a clear word when it will not.

What is said here must be understood by DuckDB and by Redshift alike: ``?`` for values, explicit lengths of texts, no
function that one of them lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from errors import ExitCode

from .file import HeldError, close, keep_open, open_file
from .file import WarehouseError as WarehouseError
from .quote import literal
from .sessions import kept
from .values import PlainConnection

if TYPE_CHECKING:
    from settings import Settings


class RunInProgressError(WarehouseError):
    """Somebody looks at the warehouse, and a run works on it: who looks ends at once."""

    exit_code = ExitCode.LOCKED


_IN_PROGRESS = "a run is in progress, and {} is its own until it ends: try again then"
_busy: ContextVar[Callable[[], bool] | None] = ContextVar("_busy", default=None)
"""While somebody only looks: whether a run is in progress."""


class Answer(Protocol):
    """The rows of a statement."""

    @property
    def description(self) -> Any:
        """Per column a sequence that begins with its name; None without rows."""
        ...

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows."""
        ...

    def fetchone(self) -> tuple[Any, ...] | None:
        """The next row."""
        ...


class Connection(Protocol):
    """What both warehouses can do. Each statement commits by itself unless BEGIN was said before."""

    def execute(self, query: str, parameters: Sequence[Any] = ...) -> Answer:
        """Run one statement with ``?`` for each value."""
        ...


@contextmanager
def connect(settings: Settings) -> Iterator[Connection]:
    """The warehouse, open for reading and writing until the block ends. Times are UTC.

    Raises:
        WarehouseError: another process holds the file, it is not a warehouse, or Redshift refuses the login; says which and
            what to do.
        RunInProgressError: a run is in progress, and this is only a look (see `looking`).
    """
    if settings.aws:
        from .redshift import Redshift

        with Redshift.connect(settings, settings.redshift_database) as cluster:
            yield cluster
        return
    con = _look(settings.warehouse, busy) if (busy := _busy.get()) else _open(settings)
    try:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(f"SET memory_limit = {literal(settings.memory)}")
        con.execute("SET autoinstall_known_extensions = false")
        con.execute("SET autoload_known_extensions = false")
        yield PlainConnection(con)
    finally:
        close(settings.warehouse, con)


def _open(settings: Settings) -> Any:
    return open_file(settings.warehouse, patience=settings.warehouse_wait)


def keep_warehouse_open(settings: Settings) -> AbstractContextManager[None]:
    """Keep the warehouse of this machine open from its first use until the block ends. Nobody else can open it meanwhile. Of
    Redshift the sessions are kept.
    """
    return kept() if settings.aws else keep_open(settings.warehouse)


@contextmanager
def looking(busy: Callable[[], bool]) -> Iterator[None]:
    """Let `connect` open the warehouse of this machine for reading only while the block runs, and never while a run is in
    progress: no run waits for more than one look that had begun before it.

    Args:
        busy: whether a run is in progress; it takes no lock.
    """
    token = _busy.set(busy)
    try:
        yield
    finally:
        _busy.reset(token)


def is_looking() -> bool:
    """Whether the warehouse is only looked at (see `looking`)."""
    return _busy.get() is not None


def _look(path: Path, busy: Callable[[], bool]) -> Any:
    if not busy():
        try:
            con = open_file(path, read_only=True)
        except HeldError:
            if not busy():
                raise
            raise RunInProgressError(_IN_PROGRESS.format(path)) from None  # it began just before
        if not busy():  # a run that begins now waits for this look, and one that began just before does not
            return con
        con.close()
    raise RunInProgressError(_IN_PROGRESS.format(path))


def exists(settings: Settings) -> bool:
    """Whether there may be anything in the warehouse; False only if it certainly does not exist."""
    return settings.aws or settings.warehouse.exists()


def export(query: str, path: Path, settings: Settings) -> None:
    """Write the rows of a query to a Parquet file on this machine: as columns, past this process's memory."""
    if settings.aws:
        from .redshift import unload

        unload(query, path, settings)
        return
    with connect(settings) as con:
        con.execute(f"COPY ({query}) TO {literal(path)} (FORMAT parquet)")

"""One way to ask the warehouse, whichever it is: the same SQL text, the same answers, a clear word when it will not.

What is said here must be understood by DuckDB and by Redshift alike: ``?`` for values, explicit lengths of texts, no
function that one of them lacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .quote import literal

if TYPE_CHECKING:
    from settings import Settings


class WarehouseError(Exception):
    """The warehouse could not be opened or written; what was committed before is untouched."""

    exit_code = 4


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
        WarehouseError: another process holds the file, it is not a warehouse, or Redshift does not let us in; says
            which and what to do.
    """
    if settings.aws:
        from .redshift import Redshift

        with Redshift.connect(settings, settings.redshift_database) as cluster:
            yield cluster
        return
    import duckdb

    settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    try:
        con = duckdb.connect(str(settings.warehouse))
        settings.warehouse.chmod(0o600)  # staging may hold personal fields that are kept in clear
    except duckdb.Error as error:
        raise WarehouseError(_explain(settings.warehouse, error)) from None
    try:
        con.execute("SET TimeZone = 'UTC'")
        con.execute("SET memory_limit = ?", [settings.memory])
        con.execute("SET autoinstall_known_extensions = false")
        con.execute("SET autoload_known_extensions = false")
        yield con
    finally:
        con.close()


def exists(settings: Settings) -> bool:
    """Whether there may be anything in the warehouse; False only when surely not."""
    return settings.aws or settings.warehouse.exists()


def export(query: str, path: Path, settings: Settings) -> None:
    """Write the rows of a query to a Parquet file on this machine: as columns, past this process's memory."""
    if settings.aws:
        from .redshift import unload

        unload(query, path, settings)
        return
    with connect(settings) as con:
        con.execute(f"COPY ({query}) TO {literal(path)} (FORMAT parquet)")


def _explain(path: Path, error: Exception) -> str:
    text = str(error).splitlines()[0]
    if "lock" in text.lower():
        return f"{path} is open in another process; DuckDB lets one writer in: close it (a SQL shell?) and run again. {text}"
    return f"{path} cannot be opened: {text}. If it is damaged, move it and state.duckdb away: `python runner.py run --now` makes both again from landing"

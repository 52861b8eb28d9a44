"""One way to open the warehouse, with a clear word when somebody else has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

    from settings import Settings


class WarehouseError(Exception):
    """The warehouse could not be opened or written; what was committed before is untouched."""

    exit_code = 4


@contextmanager
def connect(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, open for reading and writing until the block ends. Times are UTC.

    Raises:
        WarehouseError: another process holds the file, or it is not a warehouse; says which and what to do.
    """
    import duckdb

    settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    try:
        con = duckdb.connect(str(settings.warehouse))
    except duckdb.Error as error:
        raise WarehouseError(_explain(settings.warehouse, error)) from None
    try:
        con.execute("SET TimeZone = 'UTC'")
        con.execute("SET memory_limit = ?", [settings.memory])
        yield con
    finally:
        con.close()


def _explain(path: Path, error: Exception) -> str:
    text = str(error).splitlines()[0]
    if "lock" in text.lower():
        return f"{path} is open in another process; DuckDB lets one writer in: close it (a SQL shell?) and run again. {text}"
    return f"{path} cannot be opened: {text}. If it is damaged, move it away and replay each source: `python runner.py replay SOURCE`"

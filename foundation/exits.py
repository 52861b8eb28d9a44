"""How an error ends the program."""

from __future__ import annotations

import sys
import traceback
from typing import NoReturn

from errors import ExitCode, MillraceError

from . import stores
from .aws import explain
from .causes import causes
from .hidden import tell

_STORES = {"redshift_connector", "psycopg", "psycopg2", "botocore", "aiobotocore", "pyiceberg", "sqlalchemy"}
_OF_DUCKDB = {"IOException", "OutOfMemoryException", "ConnectionException", "FatalException"}
"""DuckDB's errors that are of a file, a disk or memory; its others are of a statement."""


def is_store_fault(error: BaseException | None) -> bool:
    """Whether the lake or the warehouse is at fault, and not this program: by where the error, or its cause, comes from."""
    if error is not None and stores.explain(error):
        return True
    for cause in causes(error, implied=False):
        kind = type(cause)
        of_duckdb = kind.__module__ in ("duckdb", "_duckdb") and kind.__name__ in _OF_DUCKDB
        if isinstance(cause, OSError) or of_duckdb or kind.__module__.partition(".")[0] in _STORES:
            return True
    return False


def exit_code(error: BaseException) -> ExitCode:
    """How the program ends for an error: that of a store that cannot be written, whatever was made of it; its own code; or
    that of a mistake in this program.
    """
    if stores.explain(error):
        return ExitCode.STORE
    if isinstance(error, MillraceError):
        return error.exit_code
    return ExitCode.STORE if is_store_fault(error) else ExitCode.BUG


def say(error: BaseException) -> str:
    """An error in words; one of a store by the folder, and not by what a library made of it."""
    return (
        stores.explain(error)
        or (str(error) if isinstance(error, MillraceError) else explain(error))
        or type(error).__name__
    )


def show_mistake(error: BaseException) -> None:
    """Print the traceback of an error in this program."""
    print(tell("".join(traceback.format_exception(error))), end="", file=sys.stderr)


def say_and_exit(error: Exception) -> NoReturn:
    """Exit with the error's code and one line on stderr, or with a traceback when it is a mistake of ours."""
    code = exit_code(error)
    if code == ExitCode.BUG:
        show_mistake(error)
    else:
        print(f"error: {tell(say(error))}", file=sys.stderr)
    sys.exit(code)

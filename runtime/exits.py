"""How an error ends the program."""

from __future__ import annotations

import sys
import traceback
from typing import NoReturn

from .visible import visible

MISTAKE = 70  # the exit code of one in this program
_STORES = {"duckdb", "redshift_connector", "psycopg", "psycopg2", "botocore", "aiobotocore", "pyiceberg", "sqlalchemy"}


def is_store_fault(error: BaseException | None) -> bool:
    """Whether the lake or the warehouse is at fault, and not this program: by where the error, or its cause, comes from."""
    if error is None:
        return False
    known = isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _STORES
    return known or is_store_fault(error.__cause__)


def say_and_exit(error: Exception, otherwise: int) -> NoReturn:
    """Exit with the error's own code and one line on stderr; with `otherwise` and a traceback when it is a mistake of ours."""
    code = getattr(error, "exit_code", None)
    if code is None:
        traceback.print_exception(error)
        sys.exit(otherwise)
    print(f"error: {visible(str(error))}", file=sys.stderr)
    sys.exit(code)

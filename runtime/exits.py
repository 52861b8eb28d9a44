"""How an error ends the program."""

from __future__ import annotations

import sys
import traceback
from typing import NoReturn


def say_and_exit(error: Exception, otherwise: int) -> NoReturn:
    """Exit with the error's own code and one line on stderr; with `otherwise` and a traceback when it is a mistake of ours."""
    code = getattr(error, "exit_code", None)
    if code is None:
        traceback.print_exception(error)
        sys.exit(otherwise)
    print(f"error: {error}", file=sys.stderr)
    sys.exit(code)

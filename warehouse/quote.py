"""Names and values as SQL text: the one place where they are quoted.

Whatever comes from a declaration, a file's header or a catalog passes through here before it is part of a statement.
"""

from __future__ import annotations

import reprlib
from decimal import Decimal


def identifier(name: str) -> str:
    """A name quoted for DuckDB, Redshift or Postgres.

    Raises:
        ValueError: it is empty or holds the NUL character, which no engine's name can.
    """
    return '"' + _whole(name or "\0").replace('"', '""') + '"'


def literal(value: object) -> str:
    """A Python str, path, int, float, Decimal or bool as a literal for DuckDB, where a backslash is a backslash."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, (int, float, Decimal)):
        return str(value)
    return "'" + _whole(str(value)).replace("'", "''") + "'"


def redshift_literal(text: str) -> str:
    """A text as a literal for Redshift, where a backslash escapes, too."""
    return literal(text.replace("\\", "\\\\"))


def _whole(text: str) -> str:
    """The text, when a parser will read it to its end."""
    if "\0" in text:
        raise ValueError(f"{reprlib.repr(text)} cannot be part of a statement: it is empty or holds the NUL character")
    return text

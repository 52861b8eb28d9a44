"""Values as part of a statement for DuckDB, which imports pandas and NumPy, 0.4 s, to look at the first parameter that it is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .quote import literal

if TYPE_CHECKING:
    import duckdb


class PlainConnection:
    """A DuckDB connection that is given no parameters where it can do without; in all else that connection."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con

    def execute(self, query: str, parameters: Sequence[Any] = ()) -> duckdb.DuckDBPyConnection:
        """Run one statement with ``?`` for each value."""
        whole = inline(query, parameters) if parameters else query
        return self._con.execute(query, parameters) if whole is None else self._con.execute(whole)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._con, name)


def inline(query: str, values: Sequence[Any]) -> str | None:
    """The statement with its values in the places of their ``?``; None: there are other question marks in it, or a value has no
    literal.
    """
    parts, texts = query.split("?"), [_text(value) for value in values]
    if len(parts) != len(texts) + 1 or None in texts:
        return None
    return parts[0] + "".join(f"{text}{part}" for text, part in zip(texts, parts[1:], strict=True))


def _text(value: Any) -> str | None:
    """A value of the type that it would have as a parameter."""
    match value:
        case None:
            return "NULL"
        case bool() | int() | Decimal():
            return literal(value)
        case float():
            return f"CAST({literal(str(value))} AS DOUBLE)"
        case str():
            return None if "\0" in value else literal(str.__str__(value))
        case datetime():
            return f"{'TIMESTAMP' if value.tzinfo is None else 'TIMESTAMPTZ'} {literal(value)}"
        case date():
            return f"DATE {literal(value)}"
    return None

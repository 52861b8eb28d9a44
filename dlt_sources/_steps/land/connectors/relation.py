"""A database's table as the contract needs it: which columns to read, and in words what is missing."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from ...contracts.columns import columns_of, describe_missing, names_asked_for
from ...declared.source_error import NEXT, RefusedError
from ..request import Request

_SHOWN = 30
"""Names of tables that an error lists."""


def choose(request: Request, there: Mapping[str, str]) -> list[str]:
    """The table's columns that the contract names, in an order that does not depend on the table's; the others are noted in
    `request.unasked`.

    Args:
        there: the table's columns with their types, in the database's words.

    Raises:
        RefusedError: one is missing, or two differ in upper and lower case only.
    """
    where = f"{request.source.name}.{request.name}"
    if lack := describe_missing(request.contract, there, ", ".join(there)):
        raise RefusedError(f"{where}: the table {request.table.table} has {lack}. {NEXT}")
    chosen = sorted(names_asked_for(request.contract) & set(there))
    request.unasked = {name: kind.lower() for name, kind in there.items() if name not in chosen}
    if not chosen:
        raise RefusedError(
            f"{where}: the table {request.table.table} has none of the columns that {request.contract.__name__} names; it"
            f" has {', '.join(there)}. {NEXT}"
        )
    alike: dict[str, str] = {}
    for name in chosen:
        if other := alike.get(name.casefold()):
            raise RefusedError(
                f"{where}: the columns {other} and {name} differ in upper and lower case only; read a view that renames"
                f" one. {NEXT}"
            )
        alike[name.casefold()] = name
    return chosen


def cursor_column(request: Request, chosen: list[str]) -> str | None:
    """The column that the cursor's field is read from: the first of its names that the table has; None: no cursor.

    Raises:
        RefusedError: it has none of them.
    """
    if request.table.cursor is None:
        return None
    paths = next((c.paths for c in columns_of(request.contract, stored=False) if c.name == request.table.cursor), ())
    names = [str(path[0]) for path in paths if len(path) == 1] or [request.table.cursor]
    if found := next((name for name in names if name in chosen), None):
        return found
    raise RefusedError(
        f"{request.source.name}.{request.name}: cursor {request.table.cursor}: the table {request.table.table} has no"
        f" column {' or '.join(names)}; if it was renamed, add the new name to the field's `path` in contract.py. {NEXT}"
    )


def no_cursor(request: Request, column: str, kind: str) -> RefusedError:
    """The error of a cursor whose column cannot be asked for what is new."""
    return RefusedError(
        f"{request.source.name}.{request.name}: cursor {request.table.cursor}: the column {column} is {kind}, not a date or"
        f" timestamp: it cannot be asked for what is new. Remove `cursor`, and the table is read whole. {NEXT}"
    )


def missing_table(request: Request, schema: str | None, there: Iterable[str]) -> RefusedError:
    """The error of a table that does not exist, with those that do."""
    table, names = request.table.table or "", sorted(there)
    close = difflib.get_close_matches(table, names, n=1, cutoff=0.5)
    has = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    return RefusedError(
        f"{request.source.name}.{request.name}: no table {table!r} in {f'schema {schema}' if schema else 'the database'}"
        f"{f'; did you mean {close[0]!r}?' if close else ';'} It has {has or 'no tables'}. Correct `table` (or `schema`) in"
        f" source.yml. {NEXT}"
    )


def end_of(request: Request) -> datetime:
    """The first moment after the last day of a backfill."""
    assert request.upto is not None
    return datetime.combine(request.upto + timedelta(days=1), datetime.min.time(), UTC)

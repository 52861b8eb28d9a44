"""Whether what is read has the names that the contract requires, and none that landed rows use for themselves."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import duckdb

from ..contracts.columns import describe_missing
from ..contracts.contract import PAYLOAD, RESERVED, Contract
from ..contracts.core_schema import checks_rows
from ..declared.source_error import NEXT, RefusedError, SourceError, quote_value

if TYPE_CHECKING:
    from .request import Request

_FEW = 2
"""Fewer records say nothing of what a source sends: one that lacks a field is rejected, like any wrong row."""
_SHOWN = 30


def refuse_names(request: Request, names: Collection[str]) -> None:
    """Refuse a page with names that landed rows use for themselves, or without a column that the contract needs.

    Raises:
        SourceError, RefusedError: names the columns.
    """
    where = f"{request.source.name}.{request.name}"
    if taken := [name for name in names if name in RESERVED and name != PAYLOAD]:
        raise SourceError(
            f"{where}: columns named {', '.join(taken)}: Millrace uses these names itself; read a view that renames them"
        )
    if PAYLOAD not in names and (lack := describe_missing(request.contract, names, quote_value(", ".join(names)))):
        raise RefusedError(f"{where}: the rows have {lack}. {NEXT}")


class NamesOfRecords:
    """The names at the top of a read's JSON records, until every name that the contract requires was among them.

    What columns.lacking is for rows with columns, where one look at the header is enough.
    """

    def __init__(self, contract: type[Contract]) -> None:
        self.contract, self.records = contract, 0
        self.found: set[str] = set()
        # code of the contract's own may make fields of others: only what it says it needs must be there
        self.is_certain = not checks_rows(contract)

    def look(self, con: duckdb.DuckDBPyConnection, columns: Collection[str]) -> None:
        """Take in the names of a page of these columns, which is registered as `page`."""
        if PAYLOAD not in columns or not self._lack():
            return
        objects = (
            f"SELECT CASE WHEN json_valid({PAYLOAD}) THEN CASE WHEN json_type({PAYLOAD}) = 'OBJECT' THEN {PAYLOAD} END END"
            " AS record FROM page"
        )
        self.records += con.execute(f"SELECT count(record) FROM ({objects})").fetchall()[0][0]
        self.found |= {
            name for (name,) in con.execute(f"SELECT DISTINCT unnest(json_keys(record)) FROM ({objects})").fetchall()
        }

    def missing(self) -> str | None:
        """In words, the required fields that none of the records has, and what they have; None: all are there."""
        return self._lack() if self.records >= _FEW else None

    def refuse_missing(self, where: str) -> None:
        """Refuse a read none of whose records has a required field: it was renamed or is gone.

        Raises:
            RefusedError: names the field and what there is.
        """
        if lack := self.missing():
            raise RefusedError(f"{where}: the {self.records} records have {lack}. {NEXT}")

    def _lack(self) -> str | None:
        names = sorted(self.found)
        shown = ", ".join(names[:_SHOWN]) + (" ..." if len(names) > _SHOWN else "")
        return describe_missing(self.contract, names, quote_value(shown)) if self.is_certain else None

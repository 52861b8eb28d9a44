"""What one read of one table is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from settings import Settings

from ..contracts.columns import columns_of
from ..contracts.contract import Contract
from ..declared.declaration import Source
from ..declared.source_yml import Table
from .parents import Parents


class UnchangedError(Exception):
    """The source says that nothing has changed since the last read."""


@dataclass
class Request:
    """One read of one table.

    Attributes:
        since: with a cursor: read rows from here on (the overlap is already taken off); None reads everything.
        until: last moment of an API's window.
        work: folder for files in passing.
        memory: what the connector wrote down at the last read; what it writes here is kept when the rows are.
        received: pages as they came, address and bytes: landed beside the rows.
        withdrawn: files whose rows count no longer; marked in the landing together with the rows.
        notes: what people should know of the read, though nothing is wrong.
        upto: last day of a backfill, where one was named: of a table with a cursor nothing later is read.
        pages, total: how many pages an API gave in the last read, the most for one record of another table, and how many
            records it said there are.
        only: names or addresses of the files to read, whatever else there is; empty: what is new.
        most: rows of a sample, where a sample of a database's table is enough; None: all rows.
        unasked: columns of a database's table that the contract does not name, with their types: they are not read.
        newest: the lake's newest load before this read: the next read looks for newer ones from there on.
        read_at: when, naive UTC; later than that of every read before it.
        links: what endpoints with `for_each` are asked with, by their table; one for all tables of a read.
        looked: names of the files that were looked at.
        ahead: it is not the source's turn yet: of more than a little (turn.py) nothing is read.
    """

    source: Source
    name: str
    table: Table
    since: datetime | None
    until: datetime
    settings: Settings
    work: Path
    memory: dict[str, Any] = field(default_factory=dict)
    received: list[tuple[str, bytes]] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    only: list[str] = field(default_factory=list)
    most: int | None = None
    upto: date | None = None
    pages: int = 0
    total: int | None = None
    unasked: dict[str, str] = field(default_factory=dict)
    newest: str = ""
    read_at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(tzinfo=None))
    looked: set[str] = field(default_factory=set)
    ahead: bool = False
    links: dict[str, Parents] = field(default_factory=dict)

    def keep_memory(self, landed: bool) -> None:
        """Let dlt commit what was written down with the rows: called in a resource of the table, after its last row.

        Args:
            landed: there were rows. With them it is remembered after which load they came, and when; without, every read
                would be a load.
        """
        keep_memory(self.name, self.memory, self.newest, self.read_at if landed else None)

    @property
    def parents(self) -> Parents | None:
        """What the endpoint is asked with, where it is asked for each record of another table."""
        return self.links.get(self.name)

    @property
    def children(self) -> list[Parents]:
        """What other endpoints are asked with that are asked for each record of this table."""
        return [parents for parents in self.links.values() if parents.endpoint.for_each == self.name]

    @property
    def contract(self) -> type[Contract]:
        """The contract of the table's rows."""
        return self.source.contracts[self.name]

    @property
    def paths(self) -> dict[str, tuple[tuple[str | int, ...], ...]]:
        """Where each field of the contract is in a raw row: the first of its paths that a row has counts."""
        return {column.name: column.paths for column in columns_of(self.contract, stored=False)}


def keep_memory(name: str, memory: dict[str, Any], newest: str, read_at: datetime | None) -> None:
    """Let dlt commit what is remembered of a table; in one of its resources.

    Args:
        newest, read_at: after which load its rows come, and when they were read; None: there are none.
    """
    import dlt

    state = dlt.current.resource_state(name)
    state.clear()
    state.update(memory)
    if read_at:
        source = dlt.current.source_state()
        source["after"], source["read_at"] = newest, read_at.isoformat()

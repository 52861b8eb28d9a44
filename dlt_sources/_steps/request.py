"""What one read of one table is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from settings import Settings

from .contract import Contract
from .declaration import Source
from .source_yml import Table


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
        pages, total: how many pages an API gave in the last read, and how many records it said there are.
        only: names or addresses of the files to read, whatever else there is; empty: what is new.
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
    only: list[str] = field(default_factory=list)
    pages: int = 0
    total: int | None = None

    @property
    def contract(self) -> type[Contract]:
        """The contract of the table's rows."""
        return self.source.contracts[self.name]


def expand(text: str, settings: Settings) -> str:
    """Replace a ``${NAME}`` that is the whole text by its setting; other text is returned as it is."""
    return settings.lookup(text[2:-1]) if text.startswith("${") and text.endswith("}") else text

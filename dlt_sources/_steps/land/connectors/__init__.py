"""One module per connector, named as in ``source.yml``; what source.yml says of its sources is a class of source_kinds.py.

A module is imported when one of its sources is read, so that what it needs costs the others nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from ...declared.connections import Connection
    from ..request import Request


class Connector(Protocol):
    """What each module of this folder has. `reach` and `refuse_address` are for those whose sources are neither a folder nor
    behind HTTP or S3: connect.py and addressed.py know these.
    """

    def read(self, request: Request, connection: Connection) -> Iterable[Any]:
        """The raw rows of `request.table`, as they are: dicts, or Arrow tables. Nothing is judged, converted or left out: the
        contract decides later. Rows of the read before are known by themselves and do not land again.

        Args:
            request: what to read, and where to write down what the next read should know (`memory`), pages as they came
                (`received`), and what people should know though nothing is wrong (`notes`).
            connection: what source.yml says of the place; ``expand(connection.address, request.settings)`` is the address.

        Raises:
            UnchangedError: before the first row, when the source says that nothing has changed.
            SourceError: it did not answer, or not as declared; nothing of this read lands. Half an answer is an error,
                too: rows that it lacks would look deleted.
            RefusedError: the same where only a person can heal it: a login, a name, a column that the contract needs.
        """

    def reach(self, source: str, address: str) -> str:
        """Ask whether the source answers, without reading a table; returns where, without the login. Optional.

        Raises:
            SourceError: it does not.
        """

    def refuse_address(self, address: str) -> str:
        """What an address must be, where this one cannot be one; "" where it can. Optional."""


def load(name: str) -> Connector:
    """The connector of a name."""
    return cast(Connector, import_module(f".{name}", __name__))

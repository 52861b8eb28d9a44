"""Connectors: a declared table's raw rows, whatever system holds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import requests

from foundation.environment import ROOT, folder_of
from settings import Settings

from ..declared.connections import HttpConnection
from ..declared.declaration import Source
from ..declared.placeholders import expand
from ..declared.source_error import SourceError, explain, redact_url
from ..declared.source_kinds import FilesSource
from . import connectors
from .addressed import check_address
from .parents import Parents
from .request import Request
from .turn import MORE


def connect(request: Request) -> Iterable[Any]:
    """The raw rows of one table: JSON records (dict), lists of them, or Arrow tables.

    Raises:
        UnchangedError: at the first row, when the source says that nothing has changed.
    """
    rows = _connect(request)
    return _told(rows, request.children) if request.children else rows


def _told(rows: Iterable[Any], children: list[Parents]) -> Iterator[Any]:
    """Records, of which the values are kept that other endpoints are asked with."""
    for row in rows:
        if row is not MORE:
            for parents in children:
                parents.add(row)
        yield row


def _connect(request: Request) -> Iterable[Any]:
    declared = request.source.declared
    if request.table.rows is not None:
        return iter(request.table.rows)
    assert not isinstance(declared, FilesSource), "files have a read of their own (file_read.py)"
    return connectors.load(declared.connector).read(request, declared.connection)


def reach(source: Source, settings: Settings) -> str:
    """Check that the source is reachable, without reading a table; returns where it answered.

    Raises:
        SourceError: it did not.
        SettingsError: its address is not set, or cannot be one.
    """
    import sqlalchemy as sa

    check_address(source, settings)
    connection, url = source.declared.connection, find_address(source, settings)
    ask = getattr(connectors.load(source.declared.connector), "reach", None)
    try:
        if ask is not None:
            return str(ask(source.name, url))
        if isinstance(connection, HttpConnection) and url.startswith(("http://", "https://")):
            _knock(connection, settings, url)
        elif connection.address and "://" not in url and not folder_of(url, ROOT).is_dir():
            raise SourceError(f"{source.name}: {url} is not a directory; create it or fix the setting")
        return redact_url(url)
    except (requests.RequestException, sa.exc.SQLAlchemyError) as error:
        raise explain(error, source.name, "check its address, and that it is up") from None


def find_address(source: Source, settings: Settings) -> str:
    """Where the source is, as its declaration and the settings say; with the login, if it holds one.

    Raises:
        SettingsError: it is not set.
    """
    return expand(source.declared.connection.address or "(its own code)", settings)


def _knock(connection: HttpConnection, settings: Settings, url: str) -> None:
    """Any answer will do; nothing of it is read. Of a server of tokens only one with a token does."""
    from ..web.http import session

    http = session(connection.model_copy(update={"attempts": 1, "timeout": 5}), settings, url)
    if connection.auth and callable(http.auth):
        http.auth(requests.Request("GET", url).prepare())
    try:
        http.get(url, stream=True).close()
    except SourceError as error:
        if error.status is None:
            raise

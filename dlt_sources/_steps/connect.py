"""Connectors: a declared table's raw rows, whatever system holds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import requests

from settings import Settings

from .connections import FilesConnection, HttpConnection, SqlConnection
from .declaration import Source
from .parents import Parents
from .request import Request, expand
from .source_error import SourceError, explain, shown
from .source_yml import HtmlSource, PythonSource, RestSource, SqlSource
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
    if isinstance(declared, RestSource):
        from .connectors import rest_api

        return rest_api.read(request, declared.connection)
    if isinstance(declared, SqlSource):
        from .connectors import sql_database

        return sql_database.read(request, declared.connection)
    if isinstance(declared, HtmlSource):
        from .connectors import html_table

        return html_table.read(request, declared.connection)
    assert isinstance(declared, PythonSource), "files have a read of their own (files.py)"
    from .connectors import python

    return python.read(request, declared.connection)


def reach(source: Source, settings: Settings) -> str:
    """Check that the source is reachable, without reading a table; returns where it answered.

    Raises:
        SourceError: it did not.
        SettingsError: its address is not set, or cannot be one.
    """
    import sqlalchemy as sa

    from .addressed import check_address
    from .connectors import sql_database

    declared = source.declared
    check_address(source, settings)
    try:
        if isinstance(declared, PythonSource):
            return "(its own code)"
        if isinstance(declared, SqlSource):
            return sql_database.reach(source.name, find_address(source, settings))
        connection, url = declared.connection, find_address(source, settings)
        if url.startswith(("http://", "https://")):
            _knock(connection, settings, url)
        elif "://" not in url and not Path(url).is_dir():
            raise SourceError(f"{source.name}: {url} is not a directory; create it or fix the setting")
        return shown(url)
    except (requests.RequestException, sa.exc.SQLAlchemyError) as error:
        raise explain(error, source.name, "check its address, and that it is up") from None


def find_address(source: Source, settings: Settings) -> str:
    """Where the source is, as its declaration and the settings say; with the login, if it holds one.

    Raises:
        SettingsError: it is not set.
    """
    declared = source.declared
    if isinstance(declared, PythonSource):
        return "(its own code)"
    connection = declared.connection
    given = connection.url if isinstance(connection, FilesConnection | SqlConnection) else connection.base_url
    return expand(given, settings)


def _knock(connection: HttpConnection, settings: Settings, url: str) -> None:
    """Any answer will do; nothing of it is read. Of a server of tokens only one with a token does."""
    from .http import session

    http = session(connection.model_copy(update={"attempts": 1, "timeout": 5}), settings, url)
    if connection.auth and callable(http.auth):
        http.auth(requests.Request("GET", url).prepare())
    try:
        http.get(url, stream=True).close()
    except SourceError as error:
        if error.status is None:
            raise

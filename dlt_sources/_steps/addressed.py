"""Whether a source's address can be one at all, before anything is asked of it: what cannot heal by itself is a wrong setting."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from settings import Settings, SettingsError

from .connections import FilesConnection, HtmlConnection, RestConnection, SqlConnection
from .declaration import Source
from .request import expand


def check_address(source: Source, settings: Settings) -> None:
    """Refuse an address that no connector could use. Its text, which may hold a password, is not part of the message.

    Raises:
        SettingsError: it is not an address of the kind; names the setting and the kind.
    """
    connection: Any = source.declared.connection
    if isinstance(connection, SqlConnection):
        text, wanted = connection.url, _database(expand(connection.url, settings))
    elif isinstance(connection, FilesConnection):
        text, wanted = connection.url, _place(expand(connection.url, settings))
    elif isinstance(connection, (RestConnection, HtmlConnection)):
        text, wanted = connection.base_url, _site(expand(connection.base_url, settings))
    else:
        return
    if wanted:
        where = f"ELT_{text[2:-1].upper()}" if text.startswith("${") else f"{source.folder / 'source.yml'}: connection"
        raise SettingsError(f"{source.name}: {where}: {wanted}; correct the setting")


def _site(url: str) -> str:
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is not a number, an unfinished IPv6 address
        fine = False
    return "" if fine else "must be an address such as https://api.example.com"


def _place(url: str) -> str:
    if re.match(r"https?:", url):
        return _site(url)
    fine = re.match(r"s3://[^/\s]+", url) if "://" in url else "\0" not in url
    return "" if fine else "must be a folder, s3://bucket/prefix or an http(s):// address"


def _database(url: str) -> str:
    import sqlalchemy as sa

    from .connectors.sql_database import driver

    example = "must be a database URL such as postgresql://user:password@host:5432/database"
    try:
        sa.make_url(driver(url)).get_dialect().import_dbapi()
    except (sa.exc.SQLAlchemyError, ValueError):
        return example
    except ImportError as error:
        return f"{example}; the driver of this one is not installed ({error.name})"
    return ""

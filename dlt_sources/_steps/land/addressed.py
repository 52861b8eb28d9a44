"""Whether a source's address can be one at all, before anything is asked of it: what cannot heal by itself is a wrong setting."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from settings import Settings, SettingsError

from ..declared.connections import FilesConnection, HttpConnection
from ..declared.declaration import Source
from ..declared.placeholders import expand
from ..declared.source_yml import AnySource
from . import connectors


def check_address(source: Source, settings: Settings) -> None:
    """Refuse an address that no connector could use. Its text, which may hold a password, is not part of the message.

    Raises:
        SettingsError: it is not an address of the kind; names the setting and the kind.
    """
    text = source.declared.connection.address
    if not text:
        return
    wanted = _refuse(source.declared, expand(text, settings))
    if wanted:
        where = f"ELT_{text[2:-1].upper()}" if text.startswith("${") else f"{source.folder / 'source.yml'}: connection"
        raise SettingsError(f"{source.name}: {where}: {wanted}; correct the setting")


def _refuse(declared: AnySource, url: str) -> str:
    """What the address must be, where this one cannot be one."""
    if isinstance(declared.connection, FilesConnection):
        return _place(url)
    if isinstance(declared.connection, HttpConnection):
        return _site(url)
    refuse = getattr(connectors.load(declared.connector), "refuse_address", _place)
    return str(refuse(url))


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

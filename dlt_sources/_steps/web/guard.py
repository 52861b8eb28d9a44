"""What a server can make this program do: answer, and no more than it was told.

A source may be hostile, or what stands behind its name may have been taken over. Each request passes here, also each
redirect and each link to a next page: so a server can neither send us elsewhere, nor get the declared headers sent
elsewhere, nor answer endlessly.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from ..declared.connections import HttpConnection
from ..declared.source_error import NEXT, SourceError, quote_url, quote_value

REDIRECTS = 5
METADATA = [ip_network(text) for text in ("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32")]
"""Where a cloud's machines answer for themselves, credentials included: no source is there, whatever its name says."""
_PORTS = {"http": 80, "https": 443}

Origin = tuple[str, str, int]


def origin(url: str) -> Origin:
    """Scheme, host and port of an address; empty and 0 where it has none."""
    parts = urlsplit(url)
    try:
        return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:  # no port that there is
        return parts.scheme, "", 0


class Guard(HTTPAdapter):
    """Sends requests to one server, and to others only where source.yml names them.

    Args:
        home: the source's address.
        headers: names of headers that only home may see.
        also: addresses that a person asked for in this run.
    """

    def __init__(self, home: str, connection: HttpConnection, headers: list[str], also: list[str]) -> None:
        super().__init__()
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        self.home, self.connection, self.headers = origin(home), connection, headers
        self.also = {origin(url) for url in also}
        self.total = 0

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send it, if it goes where it may.

        Raises:
            SourceError: it does not.
        """
        there = origin(request.url or "")
        if not self._may(there):
            raise SourceError(
                f"{self._name(self.home)} leads to {quote_value(self._name(there))}: {self._why_not(there)}; {NEXT}",
                lasting=True,
            )
        if there[1] != self.home[1] or (there != self.home and not self._upgrade(there)):
            for name in self.headers:
                request.headers.pop(name, None)
        answer = super().send(request, *args, **options)
        answer.iter_content = self._bounded(answer)  # type: ignore[method-assign]
        return answer

    def _may(self, there: Origin) -> bool:
        scheme, host, port = there
        if scheme not in _PORTS or (scheme == "http" and self.home[0] == "https" and there not in self.also):
            return False
        named = f"{host}:{port}" in self.connection.hosts or (port == _PORTS[scheme] and host in self.connection.hosts)
        return there == self.home or there in self.also or self._upgrade(there) or named

    def _upgrade(self, there: Origin) -> bool:
        """Whether it is the same host, over TLS."""
        return self.home[0] == "http" and there == ("https", self.home[1], 443) and self.home[2] == 80

    def _why_not(self, there: Origin) -> str:
        if there[0] != "https" and self.home[0] == "https":
            return "that is not encrypted, and source.yml says https"
        return "another server, which gets nothing from here; if that is right, add it to `hosts` in source.yml"

    def _bounded(self, answer: requests.Response) -> Callable[..., Iterator[Any]]:
        """The answer's `iter_content`, which is how everything reads it: counted after it was unpacked."""
        whole, connection = answer.iter_content, self.connection

        def pieces(*args: Any, **options: Any) -> Iterator[Any]:
            length = 0
            for piece in whole(*args, **options):
                length += len(piece)
                self.total += len(piece)
                if length > connection.max_megabytes * 1e6:
                    raise self._too_long(answer, connection.max_megabytes, "max_megabytes", "")
                if connection.max_total_megabytes and self.total > connection.max_total_megabytes * 1e6:
                    raise self._too_long(
                        answer, connection.max_total_megabytes, "max_total_megabytes", " in all answers together"
                    )
                yield piece

        return pieces

    def _too_long(self, answer: requests.Response, most: float, key: str, where: str) -> SourceError:
        answer.close()
        return SourceError(
            f"{quote_url(answer.url)}: more than {most:g} MB{where}; if that is right, raise `{key}` in source.yml. {NEXT}"
        )

    @staticmethod
    def _name(place: Origin) -> str:
        return f"{place[0]}://{place[1]}" + ("" if place[2] == _PORTS.get(place[0]) else f":{place[2]}")


def _checked(made: socket.socket, host: str) -> socket.socket:
    """The socket, if what it reached may be a source: checked after the name was resolved, before any data is sent."""
    peer = ip_address(made.getpeername()[0])
    real = getattr(peer, "ipv4_mapped", None) or peer
    if any(real in network for network in METADATA if network.version == real.version):
        made.close()
        raise SourceError(
            f"{quote_value(host)} is {real}, an address of this machine or of its cloud's metadata; {NEXT}"
        )
    return made


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _checked(super()._new_conn(), self.host)


class _TlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _checked(super()._new_conn(), self.host)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection

"""Web servers for tests: what they answer is a function of the request."""

from __future__ import annotations

import http.client
import logging
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

import trustme
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response
from werkzeug.datastructures import Headers

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

logging.getLogger("werkzeug").setLevel(logging.WARNING)  # each request, in a test's own log: secrets that it sent, too
Answer: TypeAlias = tuple[int, dict[str, str], bytes] | None
"""Status, headers and body; None: the connection is closed without an answer."""


class _Response(Response):
    """An answer with the headers that it is given, to the letter: werkzeug would correct a location that leads nowhere."""

    default_mimetype = None

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        headers = Headers(self.headers)
        headers.setdefault("content-length", str(sum(map(len, self.response))))
        return headers


class _Server(HTTPServer):
    """One that stops at once: by itself it looks only twice a second whether it should, and most tests have a server."""

    def thread_target(self) -> None:
        assert self.server
        self.server.serve_forever(poll_interval=0.01)


@contextmanager
def serve(answer: Callable[[Request], Answer], certificate: trustme.LeafCert | None = None) -> Iterator[str]:
    """Serve until the end of the block, each request in a thread of its own; yields the address, without a slash at its end.

    Args:
        answer: from a request to what is answered.
        certificate: serve over TLS, with this.
    """

    def respond(request: Request) -> Response:
        found = answer(request)
        if found is None:
            request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        status, headers, body = found or (500, {}, b"")
        said = f"{status} {http.client.responses.get(status, 'Unknown')}"  # werkzeug's own words are in capitals
        return _Response([body], said, headers)  # a list: for bytes werkzeug would set the length itself

    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
    with _Server("127.0.0.1", ssl_context=context, threaded=True) as server:
        server.expect_request(re.compile("")).respond_with_handler(respond)
        yield server.url_for("").rstrip("/")


def asked_path(request: Request) -> str:
    """Path and query as they were sent, nothing decoded."""
    return str(request.environ["REQUEST_URI"])

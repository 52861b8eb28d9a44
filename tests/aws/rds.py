"""TLS in front of the embedded Postgres, which is built without it: what RDS has, and what clients must check."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading

SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


class Tls:
    """A port that speaks Postgres over TLS and nothing else, and passes it on.

    Args:
        context: the server's certificate.
        target: port of the Postgres on this machine.
    """

    def __init__(self, context: ssl.SSLContext, target: int) -> None:
        self.context, self.target = context, target

    def __enter__(self) -> Tls:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.callback(client.close)
            if client.recv(8) != SSL_REQUEST:
                return
            client.sendall(b"S")
            client = self.context.wrap_socket(client, server_side=True)
            server = stack.enter_context(socket.create_connection(("127.0.0.1", self.target)))
            threading.Thread(target=_pump, args=(server, client), daemon=True).start()
            _pump(client, server)


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Pass on what comes; when one side goes away, so does the other."""
    with contextlib.suppress(OSError):
        while piece := source.recv(1 << 16):
            target.sendall(piece)
    for side in (source, target):
        with contextlib.suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)

"""A server that takes its time: a TCP proxy that lets each connection wait, and counts how many there are at a time."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator


class Proxy:
    """In front of a server on this machine.

    Attributes:
        delay: seconds that each new connection waits before it is passed on.
        opened: connections so far. now, most: open ones, and the most of them at a time.
    """

    def __init__(self, port: int, delay: float = 0) -> None:
        self.behind, self.delay = port, delay
        self.opened = self.now = self.most = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def serve(self) -> Iterator[Proxy]:
        """Listen on `port` while the block runs."""
        with socket.create_server(("127.0.0.1", 0), backlog=256) as server:
            self.port = int(server.getsockname()[1])
            threading.Thread(target=self._accept, args=(server,), daemon=True).start()
            yield self
            server.shutdown(socket.SHUT_RDWR)

    def _accept(self, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                threading.Thread(target=self._pass, args=(client,), daemon=True).start()

    def _pass(self, client: socket.socket) -> None:
        with self._lock:
            self.opened, self.now = self.opened + 1, self.now + 1
            self.most = max(self.most, self.now)
        time.sleep(self.delay)
        with contextlib.suppress(OSError), client, socket.create_connection(("127.0.0.1", self.behind)) as server:
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join()
        with self._lock:
            self.now -= 1


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)

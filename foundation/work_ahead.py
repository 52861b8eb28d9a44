"""Work that is begun before it is asked for, by a few threads."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")
PATIENCE = 1.0
"""Seconds that an interrupted run waits for its readers; one that waits for a server is left behind, and commits nothing."""
OF_A_SERVER = 4
"""Readers that ask one database server at a time. Each is a connection, of which a Postgres has a hundred for all that use it,
and a query of its own: unlike an API or a store of files it was not made to be asked by many at once.
"""


class Ahead(Generic[T]):
    """Work on some names by a few threads, in their order; asked for a name, it waits for what came of it.

    Threads are daemons: a process that is asked to end does not wait for the answer of a server.

    Args:
        work: what to do for a name.
        servers: the names, each with its database server; "" for those that are asked together with any others.
        most: how many at a time.
        cancel: ends what is under way, where nobody will ask for it any more.
        drop: what to do with results that nobody has asked for.
    """

    def __init__(
        self,
        work: Callable[[str], T],
        servers: Mapping[str, str],
        most: int,
        *,
        cancel: Callable[[], None],
        drop: Callable[[T], None],
    ) -> None:
        self._work, self._servers, self._cancel, self._drop = work, servers, cancel, drop
        self._unasked = set(servers)
        self._results = {name: Future[T]() for name in servers}
        self._waiting, self._busy, self._changed = list(servers), Counter[str](), threading.Condition()
        self._threads = [threading.Thread(target=self._go_on, daemon=True) for _ in range(min(most, len(servers)))]

    def get(self, name: str) -> T | None:
        """What came of a name; None where it is none of those.

        Raises:
            Exception: whatever the work raised.
        """
        if name not in self._results:
            return None
        found = self._results[name].result()
        self._unasked.discard(name)
        return found

    def __enter__(self) -> Ahead[T]:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._waiting.clear()
            self._changed.notify_all()
            if self._busy.total():
                self._cancel()
        for thread in self._threads:
            thread.join(PATIENCE / len(self._threads))
        left = [self._results[name] for name in self._unasked]
        for result in left:
            if result.done() and not result.exception():
                self._drop(result.result())

    def _next(self) -> str | None:
        """The first name that waits and whose server has room for one more; None: none waits."""
        with self._changed:
            while self._waiting:
                for name in self._waiting:
                    server = self._servers[name]
                    if not server or self._busy[server] < OF_A_SERVER:
                        self._waiting.remove(name)
                        self._busy[server] += 1
                        return name
                self._changed.wait()
            return None

    def _go_on(self) -> None:
        while name := self._next():
            result = self._results[name]
            try:
                result.set_result(self._work(name))
            except BaseException as error:
                result.set_exception(error)
            with self._changed:
                self._busy[self._servers[name]] -= 1
                self._changed.notify_all()

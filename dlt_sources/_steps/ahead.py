"""Reading sources side by side: most of the time of a small source is spent waiting for its answer.

Sources are read ahead as far as to the first rows that land, and no further than a little (turn.py). What is read lies in the
source's own workplace; all commits are made one after the other by who asked.

In their turn are read a team's own code, which may not be fit for threads, and databases other than Postgres: connectorx
holds Python's lock while their server thinks, so that one reader would stop all others, and signals too.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Future
from importlib import import_module
from typing import Generic, TypeVar

from settings import Settings, SettingsError

from .connect import find_address
from .declaration import Source
from .source_kinds import FilesSource, SqlSource

T = TypeVar("T")
PATIENCE = 1.0
"""Seconds that an interrupted run waits for its readers; one that waits for a server is left behind, and commits nothing."""
OF_A_DATABASE = 4
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
                    if not server or self._busy[server] < OF_A_DATABASE:
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


def servers(sources: Mapping[str, Source], names: Collection[str], settings: Settings) -> dict[str, str]:
    """Of some sources those that can be read ahead, each with its database server, or "" where it has none. One whose address
    is not set is reported in its turn.
    """
    found = {}
    for name in names:
        try:
            if (server := _server(sources[name], settings)) is not None:
                found[name] = server
        except SettingsError:
            continue
    return found


def _server(source: Source, settings: Settings) -> str | None:
    """None: the source is read in its turn."""
    address = find_address(source, settings)
    if not source.declared.reads_ahead:
        return None
    if not isinstance(source.declared, SqlSource):
        return ""
    import sqlalchemy as sa

    try:
        url = sa.make_url(address)
    except (sa.exc.ArgumentError, ValueError):
        return None  # it is refused in its turn
    where = f"{url.host or url.query.get('host')}:{url.port or url.query.get('port') or ''}"
    return where.lower() if address.startswith("postgres") else None


def load_connectors(sources: Iterable[Source], settings: Settings) -> None:
    """Import what readers of these sources need: Python's imports are not made for threads that import each other's half."""
    for source in sources:
        import_module("pandas")  # libraries load it at their first use, and another thread would see half of it
        for module in _modules(source, settings):
            import_module(module, __package__)


def _modules(source: Source, settings: Settings) -> Iterable[str]:
    declared, address = source.declared, find_address(source, settings)
    if not isinstance(declared, FilesSource):
        yield f".connectors.{declared.connector}"
        return
    yield "dlt.sources.helpers.requests"
    yield "fsspec.implementations.local"
    if address.startswith("s3://"):
        yield "dlt.sources.filesystem"
        yield "s3fs"

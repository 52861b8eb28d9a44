"""Reading sources side by side: most of the time of a small source is spent waiting for its answer.

Only sources that are asked over HTTP are read ahead, and only as far as to the first rows that land. What is read lies in
the source's own workplace; all commits are made one after the other by who asked. Databases and files in folders are the
engine's work, which uses every core by itself; a team's own code may not be fit for threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from settings import Settings, SettingsError

from .declaration import Source
from .request import expand
from .source_yml import FilesSource, HtmlSource, RestSource

T = TypeVar("T")
PATIENCE = 1.0
"""Seconds that an interrupted run waits for its readers; one that waits for a server is left behind, and commits nothing."""


class Ahead(Generic[T]):
    """Work on some names by a few threads, in their order; asked for a name, it waits for what came of it.

    Threads are daemons: a process that is asked to end does not wait for the answer of a server.

    Args:
        work: what to do for a name.
        most: how many at a time.
    """

    def __init__(self, work: Callable[[str], T], names: Collection[str], most: int) -> None:
        self._work, self._results = work, {name: Future[T]() for name in names}
        self._waiting: SimpleQueue[str] = SimpleQueue()
        for name in names:
            self._waiting.put(name)
        self._threads = [threading.Thread(target=self._go_on, daemon=True) for _ in range(min(most, len(names)))]

    def get(self, name: str) -> T | None:
        """What came of a name; None where it is none of those.

        Raises:
            Exception: whatever the work raised.
        """
        return self._results[name].result() if name in self._results else None

    def __enter__(self) -> Ahead[T]:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        while not self._waiting.empty():
            self._next()
        for thread in self._threads:
            thread.join(PATIENCE / len(self._threads))

    def _next(self) -> str | None:
        try:
            return self._waiting.get_nowait()
        except Empty:
            return None

    def _go_on(self) -> None:
        while name := self._next():
            try:
                self._results[name].set_result(self._work(name))
            except BaseException as error:
                self._results[name].set_exception(error)


def waits(source: Source, settings: Settings) -> bool:
    """Whether the reads of a source are mostly a wait for a server."""
    declared = source.declared
    if isinstance(declared, FilesSource):
        return expand(declared.connection.url, settings).startswith(("http://", "https://"))
    return isinstance(declared, RestSource | HtmlSource)


def asked_over_http(sources: Mapping[str, Source], names: Collection[str], settings: Settings) -> list[str]:
    """Of some sources those that can be read ahead; one whose address is not set is reported in its turn."""
    found = []
    for name in names:
        try:
            if waits(sources[name], settings):
                found.append(name)
        except SettingsError:
            continue
    return found

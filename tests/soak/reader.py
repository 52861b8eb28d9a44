"""Somebody who looks at what is published, and at times at `status`, while a command is struck."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import duckdb
import psycopg2

from tests.soak.content import Content
from tests.soak.project import Project

PAUSE = 0.2


class Reader:
    """A context in which everything published is read again and again.

    Args:
        states: the consistent states of all domains.
        apart: a domain whose tables may change one by one, as by a backfill of one of them.

    Attributes:
        errors: reads that failed, by what was said.
        partial: domains that were seen in none of their consistent states.
        paused: there may be nothing to read.
        ignored: a domain of which no state is known to be consistent.
    """

    def __init__(self, project: Project, states: Sequence[Content], asks_status: bool, apart: str = "") -> None:
        self.project, self.asks_status, self.apart = project, asks_status, apart
        self.errors: list[str] = []
        self.partial: list[str] = []
        self.reads, self.paused, self.ignored = 0, False, ""
        self._states = [by_domain(state) for state in states]
        self._thread, self._end = threading.Thread(target=self._watch), threading.Event()

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(PAUSE):
            if not self.paused:
                self.look()
            if self.asks_status and self.reads % 8 == 1:
                words, code, said = self.project.start("status", "--json", planted=False).end()
                if code:
                    self.errors.append(f"{words}: exit {code}: {said.strip()[-300:]}")

    def look(self) -> None:
        """Read everything once."""
        try:
            found = by_domain(self.project.published())
        except (duckdb.Error, psycopg2.Error, OSError) as error:
            if self.paused:
                return
            self.errors.append(f"{type(error).__name__}: {str(error).splitlines()[0][:300]}")
            return
        finally:
            self.reads += 1
        for domain in {name for state in self._states for name in state}:
            there, known = found.get(domain), [state.get(domain) for state in self._states]
            if domain == self.apart and there is not None:
                whole = all(rows in [state[name] for state in known if state] for name, rows in there.items())
            else:
                whole = there in known
            if not whole and domain != self.ignored:
                self.partial.append(domain)


def by_domain(content: Content) -> dict[str, Content]:
    """Published tables by their domain."""
    found: dict[str, Content] = {}
    for name, rows in content.items():
        name = name.removeprefix("gold ")
        if "." in name and " " not in name:
            found.setdefault(name.partition(".")[0], {})[name] = rows
    return found


def wait(seconds: float, alive: object) -> None:
    """Wait, unless the process ends before."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and alive.is_alive():  # type: ignore[attr-defined]
        time.sleep(0.01)

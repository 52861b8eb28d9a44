"""Strike a process at its n-th write below a folder: kill it there, or let the disk be full from there on.

A statement to a DuckDB file in the folder counts as two writes: the kill is before or after it.

Writes in a source's workplace, ``_work``, are not counted: no later run reads what is there.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from tests.forks import forget_settings, processes

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.symlink", "os.link"}
UNTOUCHED, FULL = 0, 28


def strike(work: Callable[..., Any], *arguments: Any, below: Path, at: int, how: str = "kill") -> int:
    """Do some work in another process that is struck at its n-th write below a folder.

    Args:
        work: a function that can be imported. how: ``kill``, or ``full`` for a disk that is full from there on.

    Returns:
        How the process ended: -9 killed, 28 the work ended by an error, 0 there are not as many writes.
    """
    process: Any = processes.Process(target=_work, args=(work, arguments, below, at, how))
    process.start()
    process.join(120)
    return int(process.exitcode)


class _Counted:
    """A connection of which each statement is counted before and after it."""

    def __init__(self, con: Any, count: Callable[[], None]) -> None:
        self.con, self.count = con, count

    def execute(self, *arguments: Any) -> Any:
        self.count()
        found = self.con.execute(*arguments)
        self.count()
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.con, name)


def _work(work: Callable[..., Any], arguments: tuple[Any, ...], below: Path, at: int, how: str) -> None:
    forget_settings()
    seen, prefix = [0], str(below)
    connect = duckdb.connect

    def count() -> None:
        seen[0] += 1
        if seen[0] >= at and how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)

    def connect_counted(path: str = "", **options: Any) -> Any:
        con = connect(path, **options) if path else connect(**options)
        return _Counted(con, count) if path.startswith(prefix) else con

    duckdb.connect = connect_counted  # type: ignore[assignment]

    def hook(event: str, details: tuple[Any, ...]) -> None:
        writes = event in _CHANGES or (event == "open" and (details[2] or 0) & _WRITES)
        places = [str(part) for part in details[:2] if isinstance(part, str | Path)]
        if not writes or not any(place.startswith(prefix) and "/_work" not in place for place in places):
            return
        count()
        if seen[0] >= at and event != "os.remove":
            raise OSError(FULL, "No space left on device", prefix)

    sys.addaudithook(hook)
    try:
        work(*arguments)
    except Exception:
        os._exit(FULL)
    os._exit(UNTOUCHED)

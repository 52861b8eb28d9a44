"""A process that dies at its n-th effect on the disk: before the n-th file is written, renamed or removed, or the n-th commit."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

_REMOVALS = {"os.remove", "os.rename", "os.rmdir", "os.mkdir"}
_WRITES = os.O_WRONLY | os.O_RDWR


def die_at(number: int, work: Callable[[], Any]) -> bool:
    """Do a piece of work in a fork of this process; whether it died before its end, by SIGKILL."""
    process = os.fork()
    if not process:
        _work(number, work)
    _, status = os.waitpid(process, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, -signal.SIGKILL), code
    return code != 0


def _work(number: int, work: Callable[[], Any]) -> None:
    left = [number]

    def effect() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        _watch_pyiceberg(effect)
        sys.addaudithook(lambda event, given: effect() if _is_effect(event, given) else None)
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _is_effect(event: str, given: tuple[Any, ...]) -> bool:
    if event == "open":
        return isinstance(given[0], str) and isinstance(given[2], int) and bool(given[2] & _WRITES)
    return event in _REMOVALS


def _watch_pyiceberg(effect: Callable[[], None]) -> None:
    """Its files are written by Arrow and its commits by SQLite, of which Python hears nothing."""
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.io.pyarrow import PyArrowFile, PyArrowFileIO

    for owner, name in ((SqlCatalog, "commit_table"), (PyArrowFile, "create"), (PyArrowFileIO, "delete")):
        setattr(owner, name, _counted(getattr(owner, name), effect))


def _counted(function: Callable[..., Any], effect: Callable[[], None]) -> Callable[..., Any]:
    def counted(*arguments: Any, **options: Any) -> Any:
        effect()
        done = function(*arguments, **options)
        effect()
        return done

    return counted

"""Processes that read the pieces of a backfill ahead of their turn, so many at a time and no further ahead than that."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from foundation.environment import ROOT

if TYPE_CHECKING:
    from dlt_sources.door import Source
    from settings import Settings

TRIES = 3
"""How often a piece is read whose readers die, before it is left to its turn."""
_LEAST = 128 * 10**6
"""Bytes that a reader's engine has in any case."""

Days = tuple[datetime, datetime]


class Readers:
    """Readers of some pieces, oldest first. What they bring waits in the lake; `wait` says when there is no more to wait for.

    Args:
        source: None: it cannot be read, and none of the pieces is read ahead.
        pieces: first and last day of each. at_once: pieces that are being read or have been, beyond the one whose turn it is.
    """

    def __init__(
        self, source: Source | None, batch: str, pieces: Sequence[Days], at_once: int, settings: Settings
    ) -> None:
        from dlt_sources.door import Range, why_in_its_turn
        from foundation.setting_types import bytes_of

        self._source, self._batch = source.name if source else "", batch
        self._pieces, self._at_once = list(pieces), at_once
        ahead = [
            days
            for days in pieces
            if source and not why_in_its_turn(source, Range(source.name, batch, *days, settings))
        ]
        self._ended: dict[Days, str] = {days: "" for days in pieces if days not in ahead}
        self._waiting, self._turn, self._closed = ahead, 0, False
        self._changed = threading.Condition()
        self._running: set[subprocess.Popen[str]] = set()
        memory = max(bytes_of(settings.memory) // at_once, _LEAST) // 10**6
        self._environment = os.environ | {"ELT_MEMORY": f"{memory}MB"}
        # each starts its own processes and lives as long as they: on Linux they end with the thread that started them
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(min(at_once, len(ahead)))]

    def __enter__(self) -> Readers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            for process in self._running:
                process.kill()
        for thread in self._threads:
            thread.join()

    def wait(self, days: Days) -> str:
        """Wait until a piece, whose turn it is, has been read or will not be; returns what went wrong, or an empty text."""
        with self._changed:
            while days not in self._ended:
                if not any(thread.is_alive() for thread in self._threads):
                    self._ended[days] = "no reader is left"
                    break
                self._changed.wait(1)  # a signal is seen between two waits
            self._turn = self._pieces.index(days) + 1
            self._changed.notify_all()
            return self._ended[days]

    def _next(self) -> Days | None:
        """The next piece, once it is not too far ahead; None: there is none."""
        with self._changed:
            while self._waiting and not self._closed:
                if self._pieces.index(self._waiting[0]) < self._turn + self._at_once:
                    return self._waiting.pop(0)
                self._changed.wait()
            return None

    def _work(self) -> None:
        process: subprocess.Popen[str] | None = None
        while days := self._next():
            trouble = ""
            for _ in range(TRIES):
                if process is None or process.poll() is not None:
                    try:
                        process = self._start()
                    except OSError as error:
                        trouble = f"no reader could be started: {error}"
                        break
                if (found := self._ask(process, days)) is not None:
                    trouble = found
                    break
                trouble = "its reader was killed"
                self._end(process)
                if self._closed:
                    return
            with self._changed:
                self._ended[days] = trouble
                self._changed.notify_all()
        if process:
            self._end(process)

    def _ask(self, process: subprocess.Popen[str], days: Days) -> str | None:
        """Let a process read a piece; returns what went wrong, or an empty text; None: the process has ended."""
        assert process.stdin is not None and process.stdout is not None
        with contextlib.suppress(OSError, ValueError):
            process.stdin.write("{:%Y-%m-%d} {:%Y-%m-%d}\n".format(*days))
            process.stdin.flush()
            return str(json.loads(process.stdout.readline()).get("failed", ""))
        return None

    def _start(self) -> subprocess.Popen[str]:
        with self._changed:
            words = [sys.executable, "-m", "runtime.reader", self._source, self._batch, str(os.getpid())]
            process = subprocess.Popen(
                words,
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,  # a Ctrl-C is for the backfill, which ends them
            )
            self._running.add(process)
            if self._closed:
                process.kill()
            return process

    def _end(self, process: subprocess.Popen[str]) -> None:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if pipe:
                    pipe.close()
        with self._changed:
            self._running.discard(process)

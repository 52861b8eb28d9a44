"""What this process has used so far: what a step took is the difference of two looks."""

from __future__ import annotations

import contextlib
import re
import resource
from dataclasses import dataclass
from pathlib import Path

_IO = Path("/proc/self/io")
"""On Linux: bytes of all reads and writes of files, also those that the system answered from memory."""


@dataclass(frozen=True)
class Used:
    """What a process has used: seconds of CPU, by all its threads; bytes read from files and written to them, None where the
    system does not count them.
    """

    cpu: float
    read: int | None
    written: int | None

    def since(self, before: Used) -> Used:
        """What was used since an earlier look."""
        return Used(self.cpu - before.cpu, _less(self.read, before.read), _less(self.written, before.written))


def used() -> Used:
    """What this process has used so far."""
    found = resource.getrusage(resource.RUSAGE_SELF)
    counts: dict[str, str] = {}
    with contextlib.suppress(OSError):
        counts = dict(re.findall(r"(\w+): (\d+)", _IO.read_text(encoding="ascii")))
    read, written = (int(counts[name]) if name in counts else None for name in ("rchar", "wchar"))
    return Used(found.ru_utime + found.ru_stime, read, written)


def _less(now: int | None, before: int | None) -> int | None:
    return None if now is None or before is None else now - before

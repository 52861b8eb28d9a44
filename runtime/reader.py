"""A process that reads pieces of a backfill ahead of their turn, as the backfill that started it asks for them (readers.py).

``python -m runtime.reader SOURCE BATCH PID``: each line on stdin names the first and the last day of a piece; for each it answers
with one line of JSON. It ends with stdin, and with the process PID, however that one ends.
"""

from __future__ import annotations

import ctypes
import json
import os
import queue
import signal
import sys
import threading
from datetime import datetime
from typing import BinaryIO

_DEATH_SIGNAL = 1
"""Linux's PR_SET_PDEATHSIG: the system ends this process when its parent ends, also while a library holds Python's lock."""


def answer(source: str, batch: str, asked: queue.Queue[str], out: BinaryIO) -> None:
    """Read what is asked for, piece by piece, and say how it went."""
    import settings as configuration
    from dlt_sources.door import Range, RangeError, load_sources, read_range
    from errors import MillraceError
    from foundation.hidden import tell
    from foundation.place import owner_only

    settings, declared = configuration.load(), load_sources()[source]
    while True:
        since, until = (datetime.fromisoformat(day) for day in asked.get().split())
        said: dict[str, object] = {}
        try:
            with owner_only():
                said["rows"] = read_range(declared, settings, Range(source, batch, since, until, settings))
        except (MillraceError, RangeError) as error:
            said["failed"] = tell(str(error))
        except Exception as error:  # its text may quote a row
            said["failed"] = type(error).__name__
        out.write(json.dumps(said).encode() + b"\n")
        out.flush()


def _listen(asked: queue.Queue[str]) -> None:
    for line in sys.stdin:
        asked.put(line)
    os._exit(0)


def main() -> None:
    """Answer until nobody asks any more."""
    source, batch, parent = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != int(parent):
        return
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a source's own code prints must not be read as an answer
    asked: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_listen, args=[asked], daemon=True).start()
    answer(source, batch, asked, out)


if __name__ == "__main__":
    main()

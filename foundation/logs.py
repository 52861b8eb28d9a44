"""The log file: what the console showed, line by line with the time, in ``logs/millrace.log`` of the data folder.

It holds what a terminal held, and nothing that a terminal did not: personal data is in neither. Only its owner can read
it, and it does not grow: `COUNT` files of at most `LONGEST` bytes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
import traceback
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from .hidden import tell

if TYPE_CHECKING:
    from settings import Settings

LONGEST = 5_000_000
COUNT = 5
"""Files, the newest among them."""


class _Private(RotatingFileHandler):
    """A rotating file that its owner alone can read. What cannot be written is left out: a log never stops a run."""

    def _open(self) -> TextIO:  # type: ignore[override]
        path = Path(self.baseFilename)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.fchmod(file, 0o600)
        return os.fdopen(file, "a", encoding="utf-8", errors="replace")

    def handleError(self, record: logging.LogRecord) -> None:
        """Leave it out."""


class Log:
    """Takes what the console shows."""

    def __init__(self, handler: logging.Handler) -> None:
        self._handler = handler

    def write(self, text: str, level: int = logging.INFO) -> None:
        """Add a text, each of its lines with the time."""
        for line in tell(text).splitlines():
            self._handler.handle(logging.LogRecord("millrace", level, "", 0, line, None, None))

    def write_error(self, error: BaseException) -> None:
        """Add where an error of this program was raised. Not its text: it may quote a row."""
        self.write(f"{type(error).__name__}, raised in:", logging.ERROR)
        for frame in traceback.extract_tb(error.__traceback__):
            self.write(f"  {frame.filename}:{frame.lineno} {frame.name}", logging.ERROR)


def path_of(settings: Settings) -> Path:
    """Where the log is."""
    return settings.data / "logs" / "millrace.log"


@contextlib.contextmanager
def log_to_file(settings: Settings, command: str) -> Iterator[Log]:
    """Open the log; what ends the block with an error of its own text is logged, too."""
    handler = _Private(path_of(settings), maxBytes=LONGEST, backupCount=COUNT - 1, encoding="utf-8", delay=True)
    formatter = logging.Formatter("%(asctime)sZ %(process)d %(levelname)-7s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    log = Log(handler)
    try:
        log.write(f"{command} begins")
        yield log
    except Exception as error:
        from errors import ExitCode

        from .exits import exit_code

        if exit_code(error) == ExitCode.BUG:
            log.write_error(error)
        else:
            log.write(f"error: {error}", logging.ERROR)
        raise
    finally:
        with contextlib.suppress(OSError):  # what could not be written is left out here, too
            handler.close()

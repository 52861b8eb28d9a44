"""One run at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settings import Settings


class LockedError(Exception):
    """Another run is at work."""

    exit_code = 5


@contextmanager
def one_at_a_time(settings: Settings, wait: float = 0) -> Iterator[None]:
    """Hold the run lock. The operating system frees it when the holder dies, however it dies.

    Args:
        wait: seconds to wait for another run to end.

    Raises:
        LockedError: it did not end in time.
    """
    from filelock import FileLock, Timeout

    settings.lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(settings.lock, timeout=wait):
            yield
    except Timeout:
        raise LockedError(
            f"another run holds {settings.lock}; it will not disturb yours: try again when it has ended, or use --wait"
        ) from None

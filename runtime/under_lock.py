"""What surrounds each run: the lock, its log, signals that end it, and a warehouse that stays open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from foundation.lock import one_at_a_time
from foundation.logs import Log, log_to_file
from foundation.place import owner_only
from foundation.signals import interruptible
from settings import Settings
from warehouse.connection import keep_warehouse_open

from .faults import report_folder_errors


@contextmanager
def under_lock(
    command: str, names: Sequence[str] | None, settings: Settings, wait: float, as_json: bool
) -> Iterator[Log]:
    """Hold the lock of runs while the block runs, and log what it says.

    Args:
        names: the sources that are asked for.
        wait: seconds to wait for another run.

    Raises:
        LockedError, LockError: another run holds it, or nothing can say so. SystemExit: the data folder cannot be written, which
            was reported.
    """
    with (
        interruptible(),
        owner_only(),
        report_folder_errors(command, names, settings, as_json),
        log_to_file(settings, command) as log,
        one_at_a_time(settings, wait),
        keep_warehouse_open(settings),
    ):
        yield log

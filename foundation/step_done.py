"""What is kept of a step of a run that has ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from .parts import Part


@dataclass(frozen=True)
class StepDone:
    """A step of a run that has ended.

    Attributes:
        step: what was done, such as ``land`` or ``check gold``.
        subject: to what: a source, a gold domain ...
        started_at: naive UTC.
        outcome: ``ok``, ``failed`` or ``interrupted``.
        handled: rows; of a check step checks, of a model step models.
        refused: of these, rows that were rejected, or checks or models that failed.
        detail: the same per table, as the console showed it.
        cpu_seconds, read_bytes, written_bytes: of the whole process meanwhile, so that what is read ahead for other sources
            counts here, too; None where the system does not count bytes.
        parts: what it did to each table; not recorded.
    """

    step: str
    subject: str
    started_at: datetime
    seconds: float
    outcome: str
    handled: int
    refused: int
    detail: str
    cpu_seconds: float = 0
    read_bytes: int | None = None
    written_bytes: int | None = None
    parts: tuple[Part, ...] = ()


def utc_now() -> datetime:
    """This moment by the machine's clock, naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)

"""A check's answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .failing import describe


@dataclass(frozen=True)
class CheckResult:
    """One check's answer.

    Attributes:
        layer: ``staging`` or ``gold``.
        scope: the source or the gold domain.
        severity: ``fail`` (stops the pipeline) or ``warn``.
        outcome: ``passed``, ``failed``, ``warned``, ``not_built``, ``not_evaluated`` or ``error``; the last two stop like a
            failure.
        measured: the number that was compared, where there is one.
        failing, tested, allowed, failing_sql, failed_rows: of a check that did not pass: see `Failing`.
    """

    layer: str
    scope: str
    dataset: str
    column_name: str
    check_name: str
    check_type: str
    severity: str
    outcome: str
    measured: float | None
    checked_at: datetime
    failing: int | None = None
    tested: int | None = None
    allowed: str = ""
    failing_sql: str = ""
    failed_rows: tuple[dict[str, Any], ...] = ()

    @property
    def stops(self) -> bool:
        """Whether nothing after this check may run."""
        return self.outcome in ("failed", "not_evaluated", "error")

    @property
    def found(self) -> str:
        """What did not pass, in words: how many rows of how many, and the limit."""
        words = describe(self.failing, self.tested, self.allowed)
        return words or (self.outcome if self.measured is None else f"{self.outcome} (measured {self.measured:g})")

    @property
    def recorded(self) -> dict[str, Any]:
        """What is kept of it; the failing rows are kept apart."""
        return {name: value for name, value in vars(self).items() if name != "failed_rows"}

    def __str__(self) -> str:
        where = f"{self.dataset}.{self.column_name}" if self.column_name else self.dataset
        shown = f"\n    the rows: {' '.join(self.failing_sql.split())}" if self.failing_sql else ""
        return f"{self.layer} {self.scope}: {where}: {self.check_name}: {self.found}{shown}"

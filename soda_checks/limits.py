"""The limit of rejected rows, as a check beside Soda's; whatever the limit, a table of which no row is right is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from .result import CheckResult

if TYPE_CHECKING:
    from settings import Settings


class Limit(Protocol):
    """How many rows of a table may be rejected."""

    @property
    def share(self) -> float:
        """Rejected rows as a share of all."""
        ...

    @property
    def rows(self) -> int:
        """Rejected rows."""
        ...


class Rejected(Protocol):
    """Rejected rows of a table and what is allowed."""

    @property
    def rejected(self) -> int:
        """Rows whose newest version is rejected."""
        ...

    @property
    def rows(self) -> int:
        """All rows."""
        ...

    @property
    def limit(self) -> Limit:
        """How many may be rejected."""
        ...

    @property
    def exceeds(self) -> bool:
        """Whether too many are."""
        ...


def rejected_rows(source: str, counted: Mapping[str, Rejected], settings: Settings) -> list[CheckResult]:
    """Compare the rejected rows of each table with its limit."""
    now = settings.moment()
    found = []
    for table, count in counted.items():
        what = "every row was rejected" if 1 < count.rows == count.rejected else "rejected rows"
        name = f"{what}; `python runner.py rejected {source}` says why"
        outcome = "failed" if count.exceeds else "passed"
        share = round(count.rejected / count.rows, 4) if count.rows else 0.0
        allowed = f"limit {count.limit.share * 100:g} % and {count.limit.rows:,} rows"
        found.append(
            CheckResult(
                "staging",
                source,
                table,
                "",
                name,
                "rejected_rows",
                "fail",
                outcome,
                share,
                now,
                failing=count.rejected,
                tested=count.rows,
                allowed=allowed,
            )
        )
    return found

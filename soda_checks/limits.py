"""The limit of rejected rows, as a check beside Soda's; whatever the limit, a table of which nothing is right is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from warehouse.connection import connect

from .door import CheckResult

if TYPE_CHECKING:
    from settings import Settings


class Limit(Protocol):
    """How many rows of a table may be rejected: a check fails when both numbers are exceeded."""

    @property
    def share(self) -> float:
        """Rejected rows as a share of the landed ones."""
        ...

    @property
    def rows(self) -> int:
        """Rejected rows."""
        ...


def rejected_rows(
    source: str, limits: Mapping[str, Limit], published: str | None, settings: Settings
) -> list[CheckResult]:
    """Compare what was rejected since the last publish with each table's limit.

    Args:
        published: the newest refine whose rows are published; None: none is.
    """
    with connect(settings) as con:
        counts = con.execute(
            f'SELECT table_name, sum(landed), sum(rejected) FROM "stg_{source}"._loads WHERE _refine_id > ? GROUP BY 1 ORDER BY 1',
            [published or ""],
        ).fetchall()
    now = settings.moment()
    found = []
    for table, landed, rejected in counts:
        limit = limits.get(table)
        if limit is None:  # a table that source.yml no longer has
            continue
        share = float(rejected) / float(landed) if landed else 0.0
        nothing_right = landed > 0 and rejected == landed
        bad = nothing_right or (share > limit.share and rejected > limit.rows)
        broken = (
            "every row was rejected" if nothing_right else f"at most {limit.share:.0%} and {limit.rows} rows rejected"
        )
        name = f"{broken}: `python runner.py rejected {source}` says why"
        outcome = "failed" if bad else "passed"
        found.append(
            CheckResult("staging", source, table, "", name, "rejected_rows", "fail", outcome, round(share, 4), now)
        )
    return found

"""How long the record of runs is kept: by age, and by how many later runs of the same sources ended the same way.

A source that runs every minute would otherwise fill the record within weeks; one that runs daily keeps years. What failed
stays long, and of each scope the newest answers of its checks stay whatever their age.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from .connection import Connection

KEEP = timedelta(days=30)
"""How long steps of runs and answers of checks that passed are kept."""
KEEP_FAILED = timedelta(days=400)
"""How long the other answers are kept: a check that warns does so on every run."""
RUNS = 10_000
"""Runs of the same sources, and of the same outcome, that are kept."""
DETAILED = 1_000
"""Of these, the newest whose steps and answers of checks are kept."""
_LATER = (
    "SELECT run_id FROM (SELECT run_id, row_number() OVER (PARTITION BY sources, status ORDER BY started_at DESC) AS place"
    " FROM stg_ops.runs) AS ranked WHERE place > {most}"
)


def forget(con: Connection, clock: datetime, now: datetime) -> None:
    """Delete what is kept no longer: a few statements, each of which can be repeated.

    Args:
        clock: the run's time, by which checks are dated, naive UTC.
        now: the machine's, by which runs and steps are.
    """
    detailed = _LATER.format(most=DETAILED)
    con.execute(
        "DELETE FROM stg_ops.check_results"
        f" WHERE (checked_at < ? OR (outcome = 'passed' AND checked_at < ?) OR run_id IN ({detailed}))"
        " AND run_id NOT IN (SELECT max(run_id) FROM stg_ops.check_results GROUP BY layer, scope)",
        [clock - KEEP_FAILED, clock - KEEP],
    )  # the newest answers stay: what failed before them has passed since
    con.execute(f"DELETE FROM stg_ops.steps WHERE started_at < ? OR run_id IN ({detailed})", [now - KEEP])
    con.execute(f"DELETE FROM stg_ops.runs WHERE run_id IN ({_LATER.format(most=RUNS)})")


def forget_all(con: Connection, clock: datetime, now: datetime) -> int:
    """The same, and drifts that are over; returns how many rows are gone."""
    tables = ("runs", "steps", "check_results", "drift")
    before = sum(_count(con, table) for table in tables)
    forget(con, clock, now)
    con.execute("DELETE FROM stg_ops.drift WHERE ended_at < ?", [clock - KEEP_FAILED])
    return before - sum(_count(con, table) for table in tables)


def _count(con: Connection, table: str) -> int:
    [(count,)] = con.execute(f"SELECT count(*) FROM stg_ops.{table}").fetchall()
    return int(count)

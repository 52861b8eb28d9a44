"""What the pipeline did, as data: schema ``stg_ops``, from which SQLMesh builds the ``ops`` views.

Also the pipeline's own memory: when a source last ran and which of its refines the published data holds.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .connection import WarehouseError, connect

if TYPE_CHECKING:
    import duckdb

    from settings import Settings
    from soda_checks.door import CheckResult

_TABLES = """
CREATE SCHEMA IF NOT EXISTS stg_ops;
CREATE TABLE IF NOT EXISTS stg_ops.runs (
    run_id VARCHAR, started_at TIMESTAMP, finished_at TIMESTAMP, command VARCHAR, target VARCHAR, sources VARCHAR,
    status VARCHAR, exit_code INTEGER, landed BIGINT, accepted BIGINT, rejected BIGINT, published BOOLEAN, error VARCHAR);
CREATE TABLE IF NOT EXISTS stg_ops.check_results (
    run_id VARCHAR, checked_at TIMESTAMP, layer VARCHAR, scope VARCHAR, dataset VARCHAR, column_name VARCHAR,
    check_name VARCHAR, check_type VARCHAR, severity VARCHAR, outcome VARCHAR, measured DOUBLE);
CREATE TABLE IF NOT EXISTS stg_ops.progress (source VARCHAR, ran_at TIMESTAMP, published_refine_id VARCHAR);
"""


@dataclass
class Run:
    """One execution of the runner, as it is recorded. Times are naive UTC; counts are rows."""

    command: str
    sources: list[str]
    target: str
    run_id: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}")
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC).replace(tzinfo=None))
    landed: int = 0
    accepted: int = 0
    rejected: int = 0
    published: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    exit_code: int = 0


class Ops:
    """The record of runs in one warehouse. Each call opens and closes the file."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def begin(self, run: Run) -> None:
        """Write the run as running; a run left in that state by a crash becomes failed."""
        with connect(self.settings) as con:
            con.execute(_TABLES)
            con.execute("UPDATE stg_ops.runs SET status = 'failed', error = 'it was killed' WHERE status = 'running'")
            con.execute(
                "INSERT INTO stg_ops.runs (run_id, started_at, command, target, sources, status) VALUES (?, ?, ?, ?, ?, 'running')",
                [run.run_id, run.started_at, run.command, run.target, ",".join(run.sources)],
            )

    def finish(self, run: Run, ran: Iterable[str]) -> None:
        """Write how the run ended, and that the sources in `ran` have had their turn."""
        with connect(self.settings) as con:
            con.execute(
                "UPDATE stg_ops.runs SET finished_at = ?, status = ?, exit_code = ?, landed = ?, accepted = ?, rejected = ?,"
                " published = ?, error = ? WHERE run_id = ?",
                [datetime.now(UTC).replace(tzinfo=None), "failed" if run.exit_code else "ok", run.exit_code, run.landed,
                 run.accepted, run.rejected, bool(run.published), "\n".join(run.problems) or None, run.run_id],
            )  # fmt: skip
            for source in ran:
                self._progress(con, source, "ran_at", self.settings.clock().astimezone(UTC).replace(tzinfo=None))

    def try_finish(self, run: Run) -> None:
        """`finish` for a run that broke: when the warehouse itself is what broke, there is nowhere to write it."""
        with contextlib.suppress(WarehouseError):
            self.finish(run, [])

    def add_checks(self, run: Run, results: list[CheckResult]) -> None:
        """Write the answers of checks."""
        columns = "layer, scope, dataset, column_name, check_name, check_type, severity, outcome, measured, checked_at"
        with connect(self.settings) as con:
            for result in results:
                con.execute(
                    f"INSERT INTO stg_ops.check_results (run_id, {columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [run.run_id, *astuple(result)],
                )

    def progress(self) -> dict[str, tuple[datetime | None, str | None]]:
        """Per source: (when it last ran, UTC; the newest refine whose rows are published)."""
        if not self.settings.warehouse.exists():
            return {}
        with connect(self.settings) as con:
            con.execute(_TABLES)
            rows = con.execute("SELECT source, ran_at, published_refine_id FROM stg_ops.progress").fetchall()
        return {
            source: (ran_at.replace(tzinfo=UTC) if ran_at else None, refine_id) for source, ran_at, refine_id in rows
        }

    def mark_published(self, source: str, refine_id: str) -> None:
        """Remember that the published data holds everything of `source` up to this refine."""
        with connect(self.settings) as con:
            self._progress(con, source, "published_refine_id", refine_id)

    def _progress(self, con: duckdb.DuckDBPyConnection, source: str, column: str, value: Any) -> None:
        con.execute(
            "INSERT INTO stg_ops.progress (source) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM stg_ops.progress WHERE source = ?)",
            [source, source],
        )
        con.execute(f"UPDATE stg_ops.progress SET {column} = ? WHERE source = ?", [value, source])

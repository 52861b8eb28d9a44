"""What the pipeline did, as data: schema ``stg_ops``, from which SQLMesh builds the ``ops`` views.

Also the pipeline's own memory: when a source last ran and which of its refines the published data holds.
"""

from __future__ import annotations

import contextlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from foundation.step_done import StepDone

from . import ops_tables, progress, retention, united
from . import run as record
from .connection import Connection, WarehouseError, connect, exists
from .ops_tables import insert, marks
from .run import Hold as Hold
from .run import Progress as Progress
from .run import Run as Run
from .run import cut, without_measures

if TYPE_CHECKING:
    from settings import Settings
    from soda_checks.door import CheckResult

LONGEST = 60_000
"""Bytes of a run's error text that are kept."""
BRIEF = timedelta(seconds=0.5)
"""Steps that took less, all together, are recorded with the next one."""
_unrecorded: dict[str, str] = {}
"""What went wrong in the last run of these sources, while the record cannot be written."""
INTERRUPTED = "interrupted: the process ended before the run did: it was killed, or the machine went down"


class _Checks(NamedTuple):
    """Answers of the checks of a scope, and which rows failed them, as they are recorded."""

    layer: str
    scope: str
    answers: list[dict[str, Any]]
    rows: list[dict[str, Any]]


class Ops:
    """The record of runs in one warehouse. Each call opens and closes the file."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._made = False
        self._steps: list[dict[str, Any]] = []
        self._checks: list[_Checks] = []
        self._count, self._open, self._written = 0, False, False

    def _make(self, con: Connection) -> None:
        """The tables, once per process: a run asks for its progress many times."""
        if not self._made:
            ops_tables.ensure(con, self.settings)
            self._made = True

    def begin(self, run: Run) -> None:
        """Write the run as running; a run that did not come to its end becomes interrupted."""
        run.clock = self.settings.moment()
        with connect(self.settings) as con:
            self._make(con)
            [(newest,)] = con.execute("SELECT max(started_at) FROM stg_ops.runs").fetchall()
            if newest is not None and run.started_at <= newest:  # the clock was put back: runs stay in their order
                run.start(newest + timedelta(seconds=1))
            con.execute(
                "UPDATE stg_ops.runs SET status = 'interrupted', ended = TRUE, error = COALESCE(error, ?)"
                " WHERE status = 'running' OR ended = FALSE",
                [INTERRUPTED],
            )
            retention.forget(con, run.clock, run.started_at)
            con.execute(
                "INSERT INTO stg_ops.runs (run_id, started_at, command, target, sources, status, ended)"
                " VALUES (?, ?, ?, ?, ?, 'running', FALSE)",
                [run.run_id, run.started_at, run.command, run.target, run.asked],
            )
            if run.resume:
                _note_backfill(con, run, run.resume)
            self._open = True

    def add_step(self, run: Run, step: StepDone) -> None:
        """Record a step that has ended: with the next thing recorded where that costs more than the step took. On Redshift a
        login always does.
        """
        self._count += 1
        self._steps.append({"run_id": run.run_id, "step_number": self._count, **vars(step)})
        began = self._steps[0]["started_at"]
        if not self.settings.aws and step.started_at + timedelta(seconds=step.seconds) - began > BRIEF:
            with contextlib.suppress(Exception), connect(self.settings) as con:  # what is broken will report itself
                self._add_recent(con)

    def write_recent(self) -> None:
        """Write what is recorded with the next thing, now: a run that is killed later keeps it."""
        with connect(self.settings) as con:
            self._add_recent(con)

    def _add_recent(self, con: Connection) -> None:
        """Write the steps and checks that are not recorded yet, as one commit."""
        steps = self._steps if self._open else []
        if not steps and not self._checks:
            return
        con.execute("BEGIN")
        insert(con, "steps", steps)
        insert(con, "check_results", [answer for checks in self._checks for answer in checks.answers])
        if self._checks:
            these = " OR ".join(["(layer = ? AND scope = ?)"] * len(self._checks))
            named = [value for checks in self._checks for value in (checks.layer, checks.scope)]
            con.execute(f"DELETE FROM stg_ops.failed_rows WHERE {these}", named)
            insert(con, "failed_rows", [row for checks in self._checks for row in checks.rows])
        con.execute("COMMIT")
        self._checks = []
        if self._open:
            self._steps = []

    def close(self, run: Run) -> None:
        """Write that the run came to its end, where the warehouse can be written: without this it counts as interrupted."""
        if self._open:
            with contextlib.suppress(Exception), connect(self.settings) as con:
                self._add_recent(con)
                self._write_end(con, run, ended=True)  # again: publishing comes after `finish`, and may bring trouble
                if run.resume and not run.exit_code:
                    _note_backfill(con, run, run.rest)
            self._open = False

    def create_union_views(self) -> None:
        """Make the views over every source's record of loads and rejected rows: a source that is new is among them."""
        with connect(self.settings) as con:
            united.create_union_views(con, self.settings)

    def forget(self) -> int:
        """Delete what is kept no longer; returns how many rows that were."""
        if not exists(self.settings):
            return 0
        with connect(self.settings) as con:
            self._make(con)
            return retention.forget_all(con, self.settings.moment(), record.utc_now())

    def finish(self, run: Run, ran: Iterable[str]) -> None:
        """Write how the run ended, and that the sources in `ran` have had their turn."""
        with connect(self.settings) as con:
            self._add_recent(con)
            self._write_end(con, run)
            # it began then: a slot that came while it ran is still due
            progress.write(con, {name: {"ran_at": run.clock} for name in ran})

    def _write_end(self, con: Connection, run: Run, *, ended: bool = False) -> None:
        con.execute(
            "UPDATE stg_ops.runs SET finished_at = ?, status = ?, exit_code = ?, landed = ?, accepted = ?, rejected = ?,"
            " published = ?, error = ?, ended = ? WHERE run_id = ?",
            [
                max(record.utc_now(), run.started_at),
                run.status,
                run.exit_code,
                run.landed,
                run.accepted,
                run.rejected,
                bool(run.published),
                _error(run),
                ended,
                run.run_id,
            ],
        )
        if self._open:
            self._written = True
            _unrecorded.pop(run.asked, None)

    def look(self, run: Run, tables: Mapping[str, Collection[str]]) -> None:
        """Write when the tables of sources were last read as a whole, whether rows came or not.

        Args:
            tables: per source that was read, the names of its tables.
        """
        with connect(self.settings) as con:
            self._add_recent(con)
            con.execute(f"DELETE FROM stg_ops.looks WHERE source IN ({marks(tables)})", list(tables))
            rows = [
                {"source": source, "table_name": name, "looked_at": run.clock}
                for source, names in tables.items()
                for name in names
            ]
            insert(con, "looks", rows)

    def try_finish(self, run: Run) -> None:
        """`finish` for a run that broke: when the warehouse itself is what broke, there is nowhere to write it."""
        with contextlib.suppress(Exception), connect(self.settings) as con:
            self._add_recent(con)
            self._write_end(con, run, ended=True)

    def try_record(self, run: Run) -> None:
        """Write a run that had nothing to move, where the warehouse can be written."""
        with contextlib.suppress(Exception):
            self.begin(run)
            self.finish(run, [])
            self.close(run)

    def repeats(self, run: Run) -> bool:
        """Whether the last run of the same sources before this one failed the same way: the team knows. Numbers of rows that
        a check measured may differ. Of runs that could not be recorded, as on a full disk, a resident process remembers it.
        """
        text = without_measures(_error(run) or "")
        if not self._written:
            known, _unrecorded[run.asked] = _unrecorded.get(run.asked), text
            if known == text:
                return True
        before = []
        with contextlib.suppress(Exception), connect(self.settings) as con:  # without a warehouse nobody knows
            before = con.execute(
                "SELECT error FROM stg_ops.runs WHERE sources = ? AND run_id <> ? ORDER BY started_at DESC LIMIT 1",
                [run.asked, run.run_id],
            ).fetchall()
        return bool(before) and without_measures(before[0][0] or "") == text

    def note_troubles(self, run: Run, sources: Collection[str]) -> list[str]:
        """Of these sources of the run, those with something to say: they had no trouble, or not the one they had before."""
        texts = {name: cut("\n".join(run.troubles.get(name, [])), LONGEST) for name in sources}
        known: dict[str, str] = {}
        if texts:
            with contextlib.suppress(Exception), connect(self.settings) as con:  # what is not noted is said again
                self._make(con)
                found = con.execute("SELECT source, error FROM stg_ops.troubles").fetchall()
                known = {source: without_measures(error) for source, error in found}
                if new := [name for name, text in texts.items() if known.get(name, "") != without_measures(text)]:
                    rows = [{"source": name, "error": texts[name]} for name in new if texts[name]]
                    ops_tables.replace(con, "troubles", new, rows)
        return [name for name, text in texts.items() if not text or known.get(name) != without_measures(text)]

    def add_checks(self, run: Run, layer: str, scope: str, results: Sequence[CheckResult]) -> None:
        """Write the answers of the checks of a source's staging or of a gold domain, and which rows failed them.

        The rows are those of the newest answers: earlier ones of the same checks are replaced. On Redshift, where each commit
        takes its time, with the next thing recorded (see `write_recent`).
        """
        answers = [{"run_id": run.run_id, **result.recorded} for result in results]
        rows = [
            {name: answer[name] for name in ops_tables.TABLES["failed_rows"] if name in answer}
            | {"row_number": number, "row_key": json.dumps(key, default=str, ensure_ascii=False)}
            for answer, result in zip(answers, results, strict=True)
            for number, key in enumerate(result.failed_rows, start=1)
        ]
        self._checks.append(_Checks(layer, scope, answers, rows))
        if not self.settings.aws:
            with connect(self.settings) as con:
                self._add_recent(con)

    def progress(self) -> defaultdict[str, Progress]:
        """How far each source is; a source that never ran has done nothing."""
        if not exists(self.settings):
            return defaultdict(Progress)
        with connect(self.settings) as con:
            self._make(con)
            return progress.read(con)

    def try_progress(self) -> defaultdict[str, Progress] | None:
        """`progress`, or None when the warehouse cannot be asked."""
        try:
            return self.progress()
        except WarehouseError:
            return None

    def mark(self, *, published: Mapping[str, str] | None = None, sent: Mapping[str, str] | None = None) -> None:
        """Remember up to which refine the published data, or the operational Postgres, holds everything of some sources."""
        values: dict[str, dict[str, Any]] = {}
        for name, refine_id in (published or {}).items():
            values[name] = {"published_refine_id": refine_id, "held_refine_id": None}
        for name, refine_id in (sent or {}).items():
            values[name] = values.get(name, {}) | {"sent_refine_id": refine_id}
        with connect(self.settings) as con:
            progress.write(con, values)

    def hold(self, held: Mapping[str, Hold]) -> None:
        """Remember, as one commit, that refines were tried and are not published: other sources' runs leave them alone (see `waiting`).

        Args:
            held: by source.
        """
        values = {
            name: {
                "held_refine_id": hold.refine_id,
                "held_by": record.join_names(hold.by),
                "held_in": hold.layer,
                "held_why": cut(hold.why, 4000),
            }
            for name, hold in held.items()
        }
        with connect(self.settings) as con:
            self._add_recent(con)
            progress.write(con, values)


def _note_backfill(con: Connection, run: Run, resume: str) -> None:
    """Remember the command that goes on with a source's backfill, should the process end now; empty: it is done."""
    rows = [{"source": name, "resume": resume} for name in run.sources if resume]
    ops_tables.replace(con, "backfills", run.sources, rows)


def _error(run: Run) -> str | None:
    return cut("\n".join(run.problems), LONGEST) or None

"""What the pipeline did, as data: schema ``stg_ops``, from which SQLMesh builds the ``ops`` views.

Also the pipeline's own memory: when a source last ran and which of its refines the published data holds.
"""

from __future__ import annotations

import contextlib
import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from .connection import Connection, WarehouseError, connect, exists
from .drift import TABLES as _DRIFT
from .quote import identifier
from .waiting import TABLES as _WAITING

if TYPE_CHECKING:
    from settings import Settings
    from soda_checks.door import CheckResult

KEEP = timedelta(days=30)
"""How long answers of checks that passed are kept; the others stay."""
LONGEST = 60_000
"""Bytes of a run's error text that are kept."""
_TABLES = (
    "CREATE SCHEMA IF NOT EXISTS stg_ops",
    """CREATE TABLE IF NOT EXISTS stg_ops.runs (
    run_id VARCHAR(40), started_at TIMESTAMP, finished_at TIMESTAMP, command VARCHAR(20), target VARCHAR(10),
    sources VARCHAR(1000), status VARCHAR(10), exit_code INTEGER, landed BIGINT, accepted BIGINT, rejected BIGINT,
    published BOOLEAN, error VARCHAR(65535))""",
    """CREATE TABLE IF NOT EXISTS stg_ops.check_results (
    run_id VARCHAR(40), checked_at TIMESTAMP, layer VARCHAR(10), scope VARCHAR(100), dataset VARCHAR(100),
    column_name VARCHAR(100), check_name VARCHAR(1000), check_type VARCHAR(40), severity VARCHAR(10),
    outcome VARCHAR(20), measured DOUBLE PRECISION)""",
    """CREATE TABLE IF NOT EXISTS stg_ops.progress (
    source VARCHAR(100), ran_at TIMESTAMP, published_refine_id VARCHAR(32), sent_refine_id VARCHAR(32))""",
    """CREATE TABLE IF NOT EXISTS stg_ops.looks (source VARCHAR(100), table_name VARCHAR(100), looked_at TIMESTAMP)""",
    """CREATE TABLE IF NOT EXISTS stg_ops.troubles (source VARCHAR(100), error VARCHAR(65535))""",
    *_WAITING,
    *_DRIFT,
)
_UNITED = (  # (view, the table of each source it unites, columns)
    ("loads", "_loads", "source, table_name, load_id, landed, accepted, rejected, refined_at"),
    ("rejected_rows", "_rejected",
     'id, source, table_name, load_id, row_number, "raw", field, rule, message, rejected_at'),
)  # fmt: skip


@dataclass
class Run:
    """One execution of the runner, as it is recorded. Times are naive UTC; counts are rows.

    Attributes:
        broken: sources that were to run but cannot: their declaration is wrong.
        troubles: per source, those of `problems` that are about it.
        counts: per source, how many rows were landed, accepted and rejected.
        drift: how sources depart from their contracts and did not before.
        news: per source, what of that the team hears of.
    """

    command: str
    sources: list[str]
    target: str
    run_id: str = ""
    started_at: datetime = field(default_factory=lambda: _now())
    landed: int = 0
    accepted: int = 0
    rejected: int = 0
    published: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    exit_code: int = 0
    clock: datetime | None = None
    broken: list[str] = field(default_factory=list)
    troubles: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    drift: list[str] = field(default_factory=list)
    news: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.start(self.started_at)

    def start(self, moment: datetime) -> None:
        """Set when it began, and the id that is made of that."""
        self.started_at = moment
        self.run_id = f"{moment:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"

    @property
    def asked(self) -> str:
        """The sources that it was to run, as they are recorded: also those whose declaration is broken."""
        return ",".join([*self.sources, *self.broken])


@dataclass(frozen=True)
class Progress:
    """How far a source is.

    Attributes:
        ran_at: when its last successful turn began, aware UTC.
        published: the newest refine whose rows are published.
        sent: the newest refine whose rows the operational Postgres holds, where the source has tables for it.
    """

    ran_at: datetime | None = None
    published: str | None = None
    sent: str | None = None


class Ops:
    """The record of runs in one warehouse. Each call opens and closes the file."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._made = False

    def _make(self, con: Connection) -> None:
        """The tables, once per process: a run asks for its progress many times."""
        if not self._made:
            for statement in _TABLES:
                con.execute(statement)
            self._made = True

    def begin(self, run: Run) -> None:
        """Write the run as running; a run left in that state by a crash becomes failed."""
        run.clock = self.settings.moment()
        with connect(self.settings) as con:
            self._make(con)
            [(newest,)] = con.execute("SELECT max(started_at) FROM stg_ops.runs").fetchall()
            if newest is not None and run.started_at <= newest:  # the clock was put back: runs stay in their order
                run.start(newest + timedelta(seconds=1))
            con.execute("UPDATE stg_ops.runs SET status = 'failed', error = 'it was killed' WHERE status = 'running'")
            con.execute(
                "DELETE FROM stg_ops.check_results WHERE outcome = 'passed' AND checked_at < ?", [run.clock - KEEP]
            )
            con.execute(
                "INSERT INTO stg_ops.runs (run_id, started_at, command, target, sources, status) VALUES (?, ?, ?, ?, ?, 'running')",
                [run.run_id, run.started_at, run.command, run.target, run.asked],
            )

    def unite(self) -> None:
        """Make the views over every source's record of loads and rejected rows: a source that is new is among them."""
        with connect(self.settings) as con:
            for name, table, columns in _UNITED:
                found = con.execute(
                    "SELECT table_schema FROM information_schema.tables WHERE table_name = ? AND left(table_schema, 4) = 'stg_'"
                    " AND right(table_schema, 8) <> '_staging' ORDER BY 1",
                    [table],
                ).fetchall()
                selects = [f"SELECT {columns} FROM {identifier(schema)}.{identifier(table)}" for (schema,) in found]
                late = (
                    " WITH NO SCHEMA BINDING" if self.settings.aws else ""
                )  # else a table below could not be replaced
                con.execute(f"CREATE OR REPLACE VIEW stg_ops.{name} AS {' UNION ALL '.join(selects)}{late}")

    def finish(self, run: Run, ran: Iterable[str]) -> None:
        """Write how the run ended, and that the sources in `ran` have had their turn."""
        with connect(self.settings) as con:
            con.execute(
                "UPDATE stg_ops.runs SET finished_at = ?, status = ?, exit_code = ?, landed = ?, accepted = ?, rejected = ?,"
                " published = ?, error = ? WHERE run_id = ?",
                [max(_now(), run.started_at), "failed" if run.exit_code else "ok", run.exit_code, run.landed,
                 run.accepted, run.rejected, bool(run.published), _error(run), run.run_id],
            )  # fmt: skip
            for source in ran:  # when it began: a slot that came while it ran is still to be served
                self._progress(con, source, "ran_at", run.clock)

    def look(self, run: Run, tables: Mapping[str, Collection[str]]) -> None:
        """Write when the tables of sources were last read as a whole, whether rows came or not.

        Args:
            tables: per source that was read, the names of its tables.
        """
        with connect(self.settings) as con:
            for source, names in tables.items():
                con.execute("DELETE FROM stg_ops.looks WHERE source = ?", [source])
                marks = ", ".join(["(?, ?, ?)"] * len(names))
                values = [value for name in names for value in (source, name, run.clock)]
                con.execute(f"INSERT INTO stg_ops.looks (source, table_name, looked_at) VALUES {marks}", values)

    def try_finish(self, run: Run) -> None:
        """`finish` for a run that broke: when the warehouse itself is what broke, there is nowhere to write it."""
        with contextlib.suppress(Exception):
            self.finish(run, [])

    def try_record(self, run: Run) -> None:
        """Write a run that had nothing to move, where the warehouse can be written."""
        with contextlib.suppress(Exception):
            self.begin(run)
            self.finish(run, [])

    def repeats(self, run: Run) -> bool:
        """Whether the last run of the same sources before this one failed with the same words: the team knows."""
        before = []
        with contextlib.suppress(Exception), connect(self.settings) as con:  # without a warehouse nobody knows
            before = con.execute(
                "SELECT error FROM stg_ops.runs WHERE sources = ? AND run_id <> ? ORDER BY started_at DESC LIMIT 1",
                [run.asked, run.run_id],
            ).fetchall()
        return before == [(_error(run),)]

    def note_troubles(self, run: Run, sources: Collection[str]) -> list[str]:
        """Of these sources of the run, those with something to say: they had no trouble, or not the one they had before."""
        texts = {name: _cut("\n".join(run.troubles.get(name, [])), LONGEST) for name in sources}
        known: dict[str, str] = {}
        if texts:
            with contextlib.suppress(WarehouseError), connect(self.settings) as con:
                self._make(con)
                known = dict(con.execute("SELECT source, error FROM stg_ops.troubles").fetchall())
                for name in (name for name, text in texts.items() if known.get(name, "") != text):
                    con.execute("DELETE FROM stg_ops.troubles WHERE source = ?", [name])
                    if texts[name]:
                        con.execute("INSERT INTO stg_ops.troubles VALUES (?, ?)", [name, texts[name]])
        return [name for name, text in texts.items() if not text or known.get(name) != text]

    def add_checks(self, run: Run, results: list[CheckResult]) -> None:
        """Write the answers of checks."""
        columns = "layer, scope, dataset, column_name, check_name, check_type, severity, outcome, measured, checked_at"
        rows = [[run.run_id, *(_cut(v, 1000) if isinstance(v, str) else v for v in astuple(r))] for r in results]
        if rows:  # as one statement: Redshift takes as long for one row as for all
            marks = ", ".join(f"({', '.join('?' * len(row))})" for row in rows)
            with connect(self.settings) as con:
                con.execute(
                    f"INSERT INTO stg_ops.check_results (run_id, {columns}) VALUES {marks}",
                    [v for row in rows for v in row],
                )

    def progress(self) -> defaultdict[str, Progress]:
        """How far each source is; a source that never ran has done nothing."""
        found: defaultdict[str, Progress] = defaultdict(Progress)
        if exists(self.settings):
            with connect(self.settings) as con:
                self._make(con)
                rows = con.execute("SELECT source, ran_at, published_refine_id, sent_refine_id FROM stg_ops.progress")
                for source, ran_at, published, sent in rows.fetchall():
                    found[source] = Progress(ran_at.replace(tzinfo=UTC) if ran_at else None, published, sent)
        return found

    def try_progress(self) -> defaultdict[str, Progress] | None:
        """`progress`, or None when the warehouse cannot be asked."""
        try:
            return self.progress()
        except WarehouseError:
            return None

    def mark(self, source: str, *, published: str | None = None, sent: str | None = None) -> None:
        """Remember that the published data, or the operational Postgres, holds everything of `source` up to a refine."""
        with connect(self.settings) as con:
            for column, refine_id in (("published_refine_id", published), ("sent_refine_id", sent)):
                if refine_id is not None:
                    self._progress(con, source, column, refine_id)

    def _progress(self, con: Connection, source: str, column: str, value: Any) -> None:
        con.execute(
            "INSERT INTO stg_ops.progress (source) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM stg_ops.progress WHERE source = ?)",
            [source, source],
        )
        con.execute(f"UPDATE stg_ops.progress SET {column} = ? WHERE source = ?", [value, source])


def _now() -> datetime:
    """This moment by the machine's clock, naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


def _error(run: Run) -> str | None:
    return _cut("\n".join(run.problems), LONGEST) or None


def _cut(text: str, longest: int) -> str:
    """The text's first bytes, as many as its column holds."""
    return text.encode()[:longest].decode(errors="ignore")

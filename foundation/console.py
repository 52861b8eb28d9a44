"""What a person sees: a line per step while it works, a short summary at the end, tables; or JSON for machines."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console as Rich
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from .hidden import tell
from .parts import Part, gathered
from .step_done import StepDone, utc_now
from .used import used
from .visible import visible

if TYPE_CHECKING:
    from rich.status import Status

    from warehouse.ops import Run

    from .logs import Log


ROWS = ("land", "refine", "rebuild", "sink", "publish")
"""Steps that count rows."""


class Step:
    """A step in progress: says how far it is, and at the end what it did.

    Attributes:
        handled, refused: how much it did in all, and how much of it was refused.
    """

    def __init__(self, status: Status | None, label: str) -> None:
        self._status, self._label, self.outcome = status, label, ""
        self.handled = self.refused = 0

    def progress(self, text: str) -> None:
        """Show how far the step is."""
        if self._status:
            self._status.update(f"{self._label} {escape(text)}")

    def done(self, counts: Mapping[str, int], rejected: Mapping[str, int] | None = None) -> None:
        """Say what the step did: counts by name, and counts of what it refused."""
        rejected = rejected or {}
        parts = [f"{name} {count:,}" for name, count in counts.items() if count]
        bad = [f"{name} {count:,}" for name, count in rejected.items() if count]
        self.outcome = " · ".join(parts) or ("" if bad else "nothing new")
        if bad:
            self.outcome += f"{'  ' if parts else ''}[yellow]rejected: {' · '.join(bad)}[/yellow]"
        self.handled, self.refused = sum(counts.values()), sum(rejected.values())


class Console:
    """The runner's voice. With ``as_json`` steps go to stderr and the result, as one JSON object, to stdout.

    Attributes:
        on_step: called with each step that has ended.
        done: the steps that have ended.
    """

    def __init__(self, as_json: bool = False, log: Log | None = None) -> None:
        self.as_json, self.log = as_json, log
        self.on_step: Callable[[StepDone], None] | None = None
        self.done: list[StepDone] = []
        self.out = Rich(highlight=False, soft_wrap=True)
        self.err = Rich(highlight=False, soft_wrap=True, stderr=True)
        self.steps = self.err if as_json else self.out

    @contextmanager
    def step(self, verb: str, subject: str) -> Iterator[Step]:
        """Show a step while the block runs and its outcome and seconds when it ends."""
        label, start, began, before = f"  {verb:<14}{subject:<16}", time.monotonic(), utc_now(), used()
        status = self.steps.status(label) if self.steps.is_terminal else None
        step, ended = Step(status, label), "ok"
        if status:
            status.start()
        parts: dict[tuple[str, str], Part] = {}
        try:
            with gathered() as parts:
                yield step
        except BaseException as error:
            ended = "failed" if isinstance(error, Exception) else "interrupted"
            step.outcome = f"[red]{ended}[/red]"
            raise
        finally:
            if status:
                status.stop()
            seconds = time.monotonic() - start
            self._show(self.steps, f"{label}[dim]{seconds:5.1f} s[/dim]  {step.outcome}")
            took, detail = used().since(before), Text.from_markup(step.outcome).plain
            done = StepDone(
                verb,
                subject,
                began,
                seconds,
                ended,
                step.handled,
                step.refused,
                detail,
                took.cpu,
                took.read,
                took.written,
                tuple(parts.values()),
            )
            self.done.append(done)
            if self.on_step:
                self.on_step(done)

    def _show(self, where: Rich, markup: str, level: int = logging.INFO) -> None:
        """Print a line, and log the same text."""
        where.print(markup)
        if self.log:
            self.log.write(Text.from_markup(markup).plain.rstrip(), level)

    def note(self, text: str) -> None:
        """Say something worth knowing."""
        self._show(self.steps, f"  [cyan]note[/cyan] {escape(tell(text))}")

    def problem(self, text: str) -> None:
        """Say what went wrong, on stderr."""
        self._show(self.err, f"  [red]problem[/red] {escape(tell(text))}", logging.ERROR)

    def summary(self, run: Run | None, *, profile: bool = False) -> None:
        """Say how the run ended, and how sources depart from their contracts since.

        Args:
            profile: say also where the time went, the bytes and the rows.
        """
        for text in run.drift if run else []:
            self.note(text)
        where = self.out
        if self.as_json:
            steps = {"profile": [asdict(step) for step in self.done]} if profile else {}
            self.json((asdict(run) if run else {"sources": []}) | steps)
            where = Rich(quiet=True)  # for the log only
        if run is None:
            self._show(where, "Nothing is due. `python runner.py status` shows when each source last ran.")
        else:
            published = f"published {', '.join(run.published)}" if run.published else "nothing to publish"
            verdict = f"[red]failed, exit code {run.exit_code}[/red]" if run.exit_code else "[green]ok[/green]"
            self._show(
                where,
                f"{verdict}  landed {run.landed:,} rows · accepted {run.accepted:,} · rejected {run.rejected:,} · {published}",
            )

        if profile and not self.as_json:
            self.table("Where the time went", list(profiled(self.done)), "no step was taken")

    def table(self, title: str, rows: Sequence[Mapping[str, Any]], empty: str) -> None:
        """Print rows of equal keys as a table."""
        if not rows:
            self.out.print(f"{title}: {empty}")
            return
        table = Table(
            title=title,
            title_justify="left",
            title_style="bold",
            header_style="dim",
            box=SIMPLE_HEAD,
            pad_edge=False,
            padding=(0, 1, 0, 0),
        )
        for name in rows[0]:
            number = any(isinstance(row[name], (int, float, Decimal)) for row in rows)
            whole = number or name in ("run", "status", "step")
            table.add_column(name, justify="right" if number else "left", overflow="fold", no_wrap=whole)
        for row in rows:
            table.add_row(*map(_cell, row.values()))
        self.out.print(table)

    def blocks(self, rows: Sequence[tuple[str, str]]) -> None:
        """Print pairs of a line and the detail below it, for what is too wide for a table."""
        for line, detail in rows:
            self.out.print(f"  {escape(visible(line))}\n    [dim]{escape(visible(detail))}[/dim]")

    def json(self, value: Any) -> None:
        """Print a value as JSON; where the output knows ASCII only, escaped as JSON escapes, so that it stays the same value."""
        escaped = not self.out.encoding.lower().startswith("utf")
        self.out.print_json(json.dumps(value, default=str), ensure_ascii=escaped)


def profiled(steps: Sequence[StepDone]) -> Iterator[dict[str, Any]]:
    """What steps took, a row each: seconds, their share of all, seconds of CPU, megabytes read and written, rows;
    below it what it did to each table.
    """
    whole = sum(step.seconds for step in steps)
    for step in steps:
        counts_rows = step.step in ROWS
        rows = step.handled + step.refused if counts_rows else None
        yield _took(step.step, step.subject, step, whole, rows)
        for part in step.parts:
            yield _took(f"  {part.did}", part.table, part, whole, part.rows)


def _took(step: str, of: str, took: StepDone | Part, whole: float, rows: int | None) -> dict[str, Any]:
    """What a step, or a part of it, took; `whole` are the seconds of all steps."""
    return {
        "step": step,
        "of": of,
        "s": _short(took.seconds),
        "%": round(100 * took.seconds / (whole or 1)),
        "CPU s": _short(took.cpu_seconds),
        "MB in": _megabytes(took.read_bytes),
        "MB out": _megabytes(took.written_bytes),
        "rows": rows,
    }


def _megabytes(count: int | None) -> float | None:
    return None if count is None else _short(count / 1e6)


def _short(number: float) -> float:
    """A number with the digits that matter."""
    return round(number, 2 if number < 10 else 1 if number < 100 else None)


def _cell(value: Any) -> str:
    """A value for a table; numbers are grouped from five digits on, so that years stay years."""
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, (int, float)) and abs(value) >= 10_000 else escape(visible(str(value)))

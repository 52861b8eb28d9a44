"""What a person sees: a line per step while it works, a short summary at the end, tables; or JSON for machines."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console as Rich
from rich.markup import escape
from rich.table import Table

from .visible import visible

if TYPE_CHECKING:
    from rich.status import Status

    from warehouse.ops import Run


class Step:
    """A step in progress: says how far it is, and at the end what it did."""

    def __init__(self, status: Status | None, label: str) -> None:
        self._status, self._label, self.outcome = status, label, ""

    def progress(self, text: str) -> None:
        """Show how far the step is."""
        if self._status:
            self._status.update(f"{self._label} {escape(text)}")

    def done(self, counts: Mapping[str, int], rejected: Mapping[str, int] | None = None) -> None:
        """Say what the step did: counts by name, and counts of what it refused."""
        parts = [f"{name} {count:,}" for name, count in counts.items() if count]
        bad = [f"{name} {count:,}" for name, count in (rejected or {}).items() if count]
        self.outcome = " · ".join(parts) or "nothing new"
        if bad:
            self.outcome += f"  [yellow]rejected: {' · '.join(bad)}[/yellow]"


class Console:
    """The runner's voice. With ``as_json`` steps go to stderr and the result, as one JSON object, to stdout."""

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json
        self.out = Rich(highlight=False, soft_wrap=True)
        self.err = Rich(highlight=False, soft_wrap=True, stderr=True)
        self.steps = self.err if as_json else self.out

    @contextmanager
    def step(self, verb: str, subject: str) -> Iterator[Step]:
        """Show a step while the block runs and its outcome and seconds when it ends."""
        label, start = f"  {verb:<14}{subject:<16}", time.monotonic()
        status = self.steps.status(label) if self.steps.is_terminal else None
        step = Step(status, label)
        if status:
            status.start()
        try:
            yield step
        except BaseException:
            step.outcome = "[red]failed[/red]"
            raise
        finally:
            if status:
                status.stop()
            self.steps.print(f"{label}[dim]{time.monotonic() - start:5.1f} s[/dim]  {step.outcome}")

    def note(self, text: str) -> None:
        """Say something worth knowing."""
        self.steps.print(f"  [cyan]note[/cyan] {escape(visible(text))}")

    def problem(self, text: str) -> None:
        """Say what went wrong, on stderr."""
        self.err.print(f"  [red]problem[/red] {escape(visible(text))}")

    def summary(self, run: Run | None) -> None:
        """Say how the run ended, and how sources depart from their contracts since."""
        for text in run.drift if run else []:
            self.note(text)
        if self.as_json:
            self.json(asdict(run) if run else {"sources": []})
        elif run is None:
            self.out.print("Nothing is due. `python runner.py status` shows when each source last ran.")
        else:
            published = f"published {', '.join(run.published)}" if run.published else "nothing to publish"
            verdict = f"[red]failed, exit code {run.exit_code}[/red]" if run.exit_code else "[green]ok[/green]"
            self.out.print(
                f"{verdict}  landed {run.landed:,} rows · accepted {run.accepted:,} · rejected {run.rejected:,} · {published}"
            )

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
        for name, value in rows[0].items():
            number = isinstance(value, (int, float, Decimal))
            table.add_column(name, justify="right" if number else "left", overflow="fold")
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


def _cell(value: Any) -> str:
    """A value for a table; numbers are grouped from five digits on, so that years stay years."""
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, (int, float)) and abs(value) >= 10_000 else escape(visible(str(value)))

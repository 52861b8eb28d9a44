"""The table of a soak, and the page that holds it."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from tests.soak.trials import Trial

PAGE = Path(__file__).resolve().parents[2] / "docs/reliability.md"
HEAD = (
    "struck by",
    "strikes",
    "trials",
    "right after one run",
    "after two",
    "not",
    "lost rows",
    "doubled rows",
    "partial publishes",
    "reader errors",
    "tracebacks",
    "wrong exit codes",
)
_BEGIN, _END = "<!-- soak {}: written by `make soak TARGET={} WRITE=yes` -->", "<!-- /soak {} -->"


def table(trials: Sequence[Trial]) -> str:
    """A line per kind of fault and one for all, as Markdown; a trial with strikes of several kinds is in several lines."""
    kinds = sorted({kind for trial in trials for kind in trial.kinds}, key=str.lower)
    lines = [HEAD, ("---",) * len(HEAD)]
    lines += [_line(kind, [trial for trial in trials if kind in trial.kinds], kind) for kind in kinds]
    lines.append(_line("**all**", trials))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _line(name: str, trials: Sequence[Trial], kind: str = "") -> tuple[str, ...]:
    unsettled = [trial for trial in trials if not trial.runs]
    strikes = sum(not kind or struck == kind for trial in trials for struck in trial.kinds)
    counts = (
        strikes,
        len(trials),
        sum(t.runs == 1 for t in trials),
        sum(t.runs == 2 for t in trials),
        len(unsettled),
        sum(t.lost.total() for t in unsettled),
        sum(t.extra.total() for t in unsettled),
        sum(len(t.partial) for t in trials),
        sum(len(t.reader_errors) for t in trials),
        sum(t.tracebacks for t in trials),
        sum(len(t.wrong_codes) for t in trials),
    )
    return name, *(f"{count:,}" for count in counts)


def write(trials: Sequence[Trial], seed: int, minutes: float, target: str) -> None:
    """Put the table of a target into the page."""
    begin, end = _BEGIN.format(target, target), _END.format(target)
    text = PAGE.read_text(encoding="utf-8")
    when = f"{date.today():%d %B %Y}, seed {seed}, {minutes:g} minutes, {os.cpu_count()} cores, Python {platform.python_version()}"
    new = f"{begin}\n\n{when}:\n\n{table(trials)}\n\n{end}"
    changed, found = re.subn(f"{re.escape(begin)}.*?{re.escape(end)}", lambda _: new, text, flags=re.DOTALL)
    assert found == 1, f"{PAGE} has no place for the table: {begin} ... {end}"
    PAGE.write_text(changed, encoding="utf-8")

"""`runner.py new` and `runner.py test`: a source made of a sample, and a look at one before anything lands."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import settings as configuration
from errors import ExitCode
from foundation.console import Console

if TYPE_CHECKING:
    from dlt_sources.door import Declared, Made, Trial

_NAMED = re.compile(r"\$\{(\w+)\}|\bELT_(\w+)")
_FOLDER = "dlt_sources"
WIDEST = 8
"""Values of a row that are shown beside one another."""


def create(
    name: str,
    given: str,
    table: str | None,
    selector: str | None,
    headers: Sequence[str],
    auth: str | None,
    body: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make a source of what `given` leads to, and say what was seen, what is unsure and what comes next."""
    from dlt_sources.door import make_source

    settings, console = (
        configuration.load(_settings_in([name, given, *headers, auth or "", body or ""])),
        Console(as_json),
    )
    made = make_source(
        name, given, settings, table=table, selector=selector, headers=headers, auth=auth, body=body, dry_run=dry_run
    )
    if made.written:
        for path in made.files:
            console.steps.print(f"wrote: {_FOLDER}/{path}", markup=False)
        with contextlib.redirect_stdout(console.steps.file):
            derive(name)
    if as_json:
        console.json(
            {
                "source": name,
                "files": made.files,
                "written": made.written,
                "seen": made.seen,
                "unsure": made.doubts,
                "judged": [{"table": v.table, "accepted": v.accepted, "rejected": v.rejected} for v in made.verdicts],
                "next": _next(made),
            }
        )
        return
    if dry_run:
        for path, text in made.files.items():
            console.out.print(f"[bold]{_FOLDER}/{path}[/bold]")
            console.out.print(text, markup=False)
    _tell(made, console)


def derive(name: str) -> None:
    """Write what follows from a source's contracts."""
    from dlt_sources import derive as derived
    from dlt_sources.door import Source
    from foundation.environment import ROOT

    derived.main(False, [Source(ROOT / _FOLDER / name)])


def _settings_in(texts: Iterable[str]) -> set[str]:
    """The `ELT_` names that the command line itself refers to, also the one that a database's address will be in."""
    name, *others = texts
    found = {
        f"{configuration.PREFIX}{(own or direct).upper()}" for text in others for own, direct in _NAMED.findall(text)
    }
    return found | {f"{configuration.PREFIX}{name.upper()}_URL"}


def _tell(made: Made, console: Console) -> None:
    out = console.out
    for text in made.seen:
        out.print(f"  seen    {text}", markup=False)
    for verdict in made.verdicts:
        rejected = f", {verdict.rejected:,} rejected" if verdict.rejected else ""
        out.print(
            f"  judged  {verdict.table}: {verdict.accepted:,} of {verdict.landed:,} rows accepted{rejected}",
            markup=False,
        )
    if made.doubts:
        out.print("Not sure of, and left to you (also in its README.md):")
        for text in made.doubts:
            out.print(f"  - {text}", markup=False)
    out.print(f"Next: {_next(made)}", markup=False)


def _next(made: Made) -> str:
    if not made.written:
        return "the same without --dry-run"
    set_it = f"put {made.setting}=... into .env, then " if made.setting and not _is_in_env(made.setting) else ""
    return f"{set_it}`python runner.py test {made.name}`, then `python runner.py run {made.name}`"


def _is_in_env(setting: str) -> bool:
    from foundation.environment import FILE, ROOT, read_file

    return setting in read_file(ROOT / FILE).values


def try_out(sources: Declared, name: str, rows: int, as_json: bool) -> int:
    """Show where a source answers, and its first rows judged; returns the exit code."""
    from dlt_sources.door import try_source

    console = Console(as_json)
    trial = try_source(sources[name], configuration.load(), rows)
    code = ExitCode.CHECK_FAILED if trial.too_many else ExitCode.OK
    if as_json:
        console.json(
            {
                "source": name,
                "where": trial.where,
                "tables": [_as_json(verdict) for verdict in trial.verdicts],
                "empty": trial.empty,
                "notes": trial.notes,
            }
        )
        return code
    console.out.print(f"{name} answers at {trial.where}", markup=False)
    for text in trial.notes:
        console.note(text)
    for table in trial.empty:
        console.out.print(f"{table}: no row came", markup=False)
    _show_rows(trial, console)
    for table in trial.too_many:
        console.problem(
            f"{table}: more rows are rejected than a run allows; correct dlt_sources/{name}/contract.py, or the source"
        )
    if not trial.too_many:
        console.out.print(f"Nothing has landed. Next: `python runner.py run {name}`", markup=False)
    return code


def _as_json(verdict: Any) -> dict[str, Any]:
    reasons = [{"field": f, "rule": r, "message": m, "rows": n} for (f, r, m), n in verdict.reasons.most_common()]
    return {
        "table": verdict.table,
        "accepted": verdict.accepted,
        "rejected": verdict.rejected,
        "reasons": reasons,
        "rows": verdict.rows,
    }


def _show_rows(trial: Trial, console: Console) -> None:
    for verdict in trial.verdicts:
        rows = [
            {"row": row["row"], "verdict": row["verdict"], "values or reasons": _in_short(row["values"])}
            for row in verdict.rows
        ]
        counts = f"{verdict.accepted:,} accepted, {verdict.rejected:,} rejected"
        console.table(f"{verdict.table}: {counts}", rows, "no row")


def _in_short(values: Any) -> str:
    """A row's values in a line; reasons as they are."""
    if not isinstance(values, dict):
        return str(values)
    shown = [f"{name}={value}" for name, value in list(values.items())[:WIDEST]]
    more = len(values) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")

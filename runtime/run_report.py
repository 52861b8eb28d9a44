"""`status RUN`: one run step by step, where its time went, and what failed in it."""

from __future__ import annotations

import json
from typing import Any

import settings as configuration
from errors import ExitCode, MillraceError
from foundation.console import Console
from soda_checks.failing import describe

from .record import record, rows, runs

LAST = "last"


class UnknownRunError(MillraceError):
    """There is no such run in the record."""

    exit_code = ExitCode.CONFIGURATION


def show_run(run_id: str, as_json: bool) -> None:
    """Show a run's steps with times and rows, its problems, the checks that did not pass and which rows failed them.

    Args:
        run_id: as `status` lists it, or ``last``.

    Raises:
        UnknownRunError: no such run is recorded.
    """
    settings, console = configuration.load(), Console(as_json)
    with record(settings) as seen:
        con, ops = seen.con, seen.ops
        which = "ORDER BY started_at DESC LIMIT 1" if run_id == LAST else "WHERE run_id = ?"
        found = runs(con, ops, settings, which, *([] if run_id == LAST else [run_id]))
        if not found:
            copy = f" ({seen.why}; this is the record as last published)" if seen.why else ""
            raise UnknownRunError(f"no run {run_id} is recorded{copy}; `python runner.py status` lists the last ones")
        run = found[0]
        steps = rows(con, f"SELECT * FROM {ops}.steps WHERE run_id = ? ORDER BY step_number", [run["run"]])
        checks = rows(
            con,
            f"SELECT * FROM {ops}.check_results WHERE run_id = ? AND outcome <> 'passed' ORDER BY layer, scope, dataset, column_name",
            [run["run"]],
        )
        failed = rows(
            con,
            f"SELECT * FROM {ops}.failed_rows WHERE run_id = ? ORDER BY layer, scope, dataset, column_name, check_name, row_number",
            [run["run"]],
        )
    answer = {
        "run": run,
        "steps": [step_of(row, _total(run, steps)) for row in steps],
        "checks": [check_of(row) for row in checks],
        "failed_rows": [row_of(row) for row in failed],
    }
    if as_json:
        console.json(answer)
        return
    if seen.why:
        console.note(f"{seen.why}; this is the record as last published")
    _print(console, answer)


def step_of(row: dict[str, Any], total: float) -> dict[str, Any]:
    """A step as it is shown; `share`: of the run's time, in percent."""
    return {
        "step": row["step"],
        "subject": row["subject"],
        "started": row["started_at"],
        "seconds": round(float(row["seconds"]), 1),
        "share": round(100 * float(row["seconds"]) / total) if total else 0,
        "outcome": row["outcome"],
        "rows": row["handled"],
        "rejected": row["refused"],
        "detail": row["detail"],
    }


def check_of(row: dict[str, Any]) -> dict[str, Any]:
    """A check that did not pass, as it is shown. An older record does not know how many rows failed."""
    measured = "" if row["measured"] is None else f"measured {row['measured']:g}"
    return {
        "layer": row["layer"],
        "scope": row["scope"],
        "dataset": row["dataset"],
        "column": row["column_name"],
        "check": row["check_name"],
        "outcome": row["outcome"],
        "measured": row["measured"],
        "found": describe(row.get("failing"), row.get("tested"), row.get("allowed") or "") or measured,
        "sql": row.get("failing_sql") or "",
    }


def row_of(row: dict[str, Any]) -> dict[str, Any]:
    """A failing row's key, as it is shown."""
    try:
        key = json.loads(row["row_key"])
    except ValueError:  # it was longer than the record keeps
        key = row["row_key"]
    names = ("layer", "scope", "dataset")
    return {name: row[name] for name in names} | {"column": row["column_name"], "check": row["check_name"], "key": key}


def problem_lines(checks: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Pairs of a line and a detail for `Console.blocks`."""
    return [
        (
            f"{c['layer']} {c['scope']}: {c['dataset']}{'.' if c['column'] else ''}{c['column']}: {c['check']}: {c['outcome']}",
            "\n    ".join(text for text in (c["found"], " ".join(c["sql"].split())) if text),
        )
        for c in checks
    ]


def _total(run: dict[str, Any], steps: list[dict[str, Any]]) -> float:
    return max(run["seconds"] or 0.0, sum(float(step["seconds"]) for step in steps))


def _print(console: Console, answer: dict[str, Any]) -> None:
    run, steps = answer["run"], answer["steps"]
    code = f", exit code {run['exit_code']}" if run["exit_code"] else ""
    took = "" if run["seconds"] is None else f", {run['seconds']:g} s"
    title = f"Run {run['run']}: {run['command']} {run['sources'] or ''}: {run['status']}{code}{took}"
    shown = [
        {
            "step": s["step"],
            "subject": s["subject"],
            "seconds": s["seconds"],
            "%": s["share"],
            "outcome": s["outcome"],
            "did": s["detail"],
        }
        for s in steps
    ]
    rest = _total(run, steps) - sum(step["seconds"] for step in steps)
    if shown and rest >= 1:
        between = {"step": "between steps", "subject": "", "seconds": round(rest, 1)}
        shown.append(between | {"%": round(100 * rest / _total(run, steps)), "outcome": "", "did": ""})
    console.table(title, shown, "no steps are recorded of it")
    said = (run["error"] or "").splitlines()  # of checks the record knows more, below
    lines = [line for line in said if not (answer["checks"] and line.startswith(("check failed: ", "    the rows: ")))]
    if lines:
        console.problem("\n  ".join(lines))
    if answer["checks"]:
        console.out.print("Checks that did not pass")
        console.blocks(problem_lines(answer["checks"]))
    keys = [
        {
            "check": f"{r['dataset']}{'.' if r['column'] else ''}{r['column']}: {r['check']}",
            "row": json.dumps(r["key"], ensure_ascii=False),
        }
        for r in answer["failed_rows"]
    ]
    if keys:
        console.table("Rows that failed, at most 20 of each check", keys, "")

"""`status`: what the pipeline knows about itself, for a person or as JSON.

While a run is in progress it reads the last published record instead, so looking never disturbs a run.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import settings as configuration
from foundation.console import Console
from foundation.stores import readable
from settings import Settings
from warehouse.connection import Connection, RunInProgressError
from warehouse.quote import identifier
from warehouse.run import Progress
from warehouse.staging import LOADS, staging_schema
from warehouse.waiting import read_domains

from .backfill import find_unfinished as find_backfills
from .disk import used
from .record import looking, record, rows, runs
from .run_report import check_of, problem_lines
from .unpublished import describe, each_once

if TYPE_CHECKING:
    from dlt_sources.door import Declared
    from sqlmesh_project.door import ModelRun

_CHECKS = """SELECT c.* FROM {ops}.check_results AS c
JOIN (SELECT layer, scope, max(run_id) AS run_id FROM {ops}.check_results GROUP BY layer, scope) AS newest
ON c.layer = newest.layer AND c.scope = newest.scope AND c.run_id = newest.run_id
WHERE c.outcome NOT IN ('passed', 'not_built') ORDER BY c.layer, c.scope, c.dataset, c.column_name, c.check_name"""
_DRIFT = """SELECT source, table_name AS "table", path, what, type, first_seen, last_seen, "rows" FROM {ops}.drift
WHERE ended_at IS NULL ORDER BY first_seen DESC, 1, 2, 3 LIMIT 50"""
_RUN_COLUMNS = {
    "run": "run",
    "sources": "sources",
    "status": "status",
    "exit_code": "code",
    "landed": "landed",
    "accepted": "accepted",
    "rejected": "rejected",
}
_ALL = "sqlmesh_project"
"""Named as the file where none of the models can be read."""


def status(sources: Declared, as_json: bool) -> None:
    """Show the last runs and why they failed, each table's freshness, disk used, failed checks and models that wait for a plan."""
    from dlt_sources.door import find_unfinished
    from sqlmesh_project.door import known_models

    settings, console = configuration.load(), Console(as_json)
    with record(settings) as seen:
        con, live, ops = seen.con, seen.live, seen.ops
        last = runs(con, ops, settings, "ORDER BY started_at DESC LIMIT 5")
        checks = [check_of(row) for row in rows(con, _CHECKS.format(ops=ops))]
        tables = [row for name in sources.names for row in _freshness(con, live, name)]
        drift = [row for row in rows(con, _DRIFT.format(ops=ops)) if sources.has_table(row["source"], row["table"])]
        waits = _waits(con, sources) if live and con else {}
        unfinished = find_unfinished(sources, con) if live and con else []
        backfills = find_backfills(con) if live else []
        known = known_models(con) if live and con else None
    running = seen.running or any(run["status"] == "running" for run in last)
    answer: dict[str, Any] = {
        "running": running,
        "as_last_published": seen.why,
        "runs": last,
        "tables": tables,
        "checks": [c for c in checks if c["layer"] != "staging" or c["scope"] in sources.names],
        "drift": drift,
        "waiting_domains": [],
        "not_published": [],
        **waits,
        "unfinished": [vars(found) for found in unfinished if not (running and found.what == "rebuild")]
        + ([] if running else backfills),
        "broken_sources": [{"source": name, "reason": reason} for name, reason in sources.broken.items()],
        "switched_off": sorted(sources.off),
        "disk": used(settings, sources.names),
    }
    if not as_json:
        _print(console, answer, seen.why)
    # to look takes seconds, and may fail: what is known is shown before
    models = known or _inspect(settings, look=live and not running)
    answer["pending_models"] = models.pending
    answer["broken_models"] = [{"file": file, "reason": reason} for file, reason in models.unreadable.items()]
    if as_json:
        console.json(answer)
        return
    if models.pending:
        console.note(f"changed models wait for `python runner.py plan`: {', '.join(models.pending)}")
    for row in answer["broken_models"]:
        what = "the models cannot be looked at:" if row["file"] == _ALL else "the deployed models run without"
        console.problem(f"{what} {row['reason']}")


def _inspect(settings: Settings, *, look: bool) -> ModelRun:
    """What waits for a plan. Whatever is wrong with the models is an answer, too: it must not hide the rest of the status."""
    from sqlmesh_project.door import ModelRun, inspect_models

    try:
        with looking(settings):
            return inspect_models(settings) if look else ModelRun()
    except RunInProgressError:  # it began just now
        return ModelRun()
    except Exception as error:
        return ModelRun(unreadable={_ALL: str(error) or type(error).__name__})


def _waits(con: Connection, sources: Declared) -> dict[str, list[dict[str, Any]]]:
    """What was built or tried and is not published, each once: gold domains, and sources with what stopped them."""
    query = (
        "SELECT source, held_by, held_why, held_in FROM stg_ops.progress WHERE held_refine_id IS NOT NULL ORDER BY 1"
    )
    held = {
        row["source"]: Progress(
            held_by=frozenset(row["held_by"].split(",")), held_why=row["held_why"], held_in=row["held_in"]
        )
        for row in rows(con, query)
        if row["source"] in sources.names
    }
    domains, tried = each_once(read_domains(con), held)
    texts = iter(describe(domains, tried))
    return {
        "waiting_domains": [
            {
                "domain": name,
                "sources": sorted(found.sources),
                "since": found.since.isoformat(),
                "reason": found.reason,
                "text": next(texts),
            }
            for name, found in domains.items()
        ],
        "not_published": [
            {"source": name, "reason": found.held_why, "stopped_by": sorted(found.held_by), "text": next(texts)}
            for name, found in tried.items()
        ],
    }


def _print(console: Console, answer: dict[str, Any], why: str) -> None:
    if answer["running"] or why:
        console.note(f"{why}; this is the record as last published" if why else "a run is in progress")
    runs = [
        {
            column: run[n].replace(",", ", ") if n == "sources" and run[n] else run[n]
            for n, column in _RUN_COLUMNS.items()
        }
        for run in answer["runs"]
    ]
    console.table("Last runs", runs, "none yet; `python runner.py run` starts one")
    failed = [run for run in answer["runs"] if run["error"]]
    console.blocks([(f"{run['run']} {run['status']}:", run["error"].replace("\n", "\n    ")) for run in failed])
    if failed:
        console.note(f"step by step: `python runner.py status {failed[0]['run']}`")
    brief = [
        {n: v for n, v in row.items() if n != "loads"} | {"last_landed": row["last_landed"] or "no rows yet"}
        for row in answer["tables"]
    ]
    console.table("Tables", brief, "nothing has landed yet")
    disk = [place | {"bytes": readable(place["bytes"])} for place in answer["disk"]]
    console.table("Disk used", disk, "none")
    if answer["checks"]:
        console.out.print("[bold]Checks that did not pass when they last ran[/bold]")
        console.blocks(problem_lines(answer["checks"]))
    else:
        console.out.print("Checks that did not pass when they last ran: none")
    if answer["drift"]:
        drift = [
            row | {n: row[n][:16].replace("T", " ") for n in ("first_seen", "last_seen")} for row in answer["drift"]
        ]
        console.table("Sources that depart from their contracts (`python runner.py drift`)", drift, "none")
    for row in (*answer["waiting_domains"], *answer["not_published"]):
        console.problem(row["text"])
    for row in answer["unfinished"]:
        (console.problem if row["what"] == "contract" else console.note)(row["text"])
    for name in answer["switched_off"]:
        console.note(f"{name} is switched off: its source.yml says `enabled: false`; what there is of it stays")
    for row in answer["broken_sources"]:
        console.problem(f"{row['source']} does not run, its declaration is broken: {row['reason']}")


def _freshness(con: Connection | None, live: bool, source: str) -> list[dict[str, Any]]:
    """Per table of the source: when it was last looked at, when rows last came, how many so far."""
    loads = (
        f"{identifier(staging_schema(source))}.{LOADS}"
        if live
        else f"(SELECT * FROM ops.loads WHERE source = '{source}') AS l"
    )
    looks = "stg_ops.looks" if live else "(SELECT *, last_looked_at AS looked_at FROM ops.freshness) AS f"
    found = {
        row["table"]: row
        for row in rows(
            con,
            'SELECT table_name AS "table", max(CAST(load_id AS DOUBLE PRECISION)) AS last_landed, count(*) AS loads,'
            " CAST(sum(landed) AS BIGINT) AS landed, CAST(sum(accepted) AS BIGINT) AS accepted,"
            f" CAST(sum(rejected) AS BIGINT) AS rejected FROM {loads} GROUP BY 1",
        )
    }
    looked = {
        row["table"]: row["looked_at"]
        for row in rows(con, f"SELECT table_name AS \"table\", looked_at FROM {looks} WHERE source = '{source}'")
        if row["looked_at"]
    }
    nothing = {"last_landed": None, "loads": 0, "landed": 0, "accepted": 0, "rejected": 0}
    tables = []
    for name in sorted({*found, *looked}):
        row = found.get(name, nothing)
        landed = row["last_landed"]
        times = {
            "last_looked": looked[name][:16].replace("T", " ") if name in looked else None,
            "last_landed": None if landed is None else f"{datetime.fromtimestamp(landed, UTC):%Y-%m-%d %H:%M}",
        }
        tables.append({"source": source, "table": name, **times, **{n: row[n] for n in nothing if n not in times}})
    return tables

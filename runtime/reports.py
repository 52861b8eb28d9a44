"""`status`, `rejected` and `check`: what the pipeline knows about itself, for a person or as JSON.

While a run holds the warehouse they read the last published record instead, so looking never disturbs a run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import settings as configuration
from settings import Settings
from warehouse.connection import Connection, WarehouseError, connect

from .console import Console

if TYPE_CHECKING:
    from dlt_sources.door import Declared

_RUNS = """SELECT run_id AS run, started_at AS started, replace(sources, ',', ', ') AS sources, status, exit_code, landed, accepted, rejected
FROM {ops}.runs ORDER BY started_at DESC LIMIT 5"""
_CHECKS = """SELECT layer, scope, dataset, check_name AS "check", outcome, measured FROM {ops}.check_results
WHERE outcome <> 'passed' AND run_id = (SELECT run_id FROM {ops}.check_results ORDER BY run_id DESC LIMIT 1)"""


@contextmanager
def record(settings: Settings) -> Iterator[tuple[Connection | None, bool]]:
    """(a connection to the record, whether it is the warehouse itself): the published copy while a run is at work."""
    import duckdb

    if settings.aws:  # Redshift lets everybody in
        with connect(settings) as cluster:
            yield cluster, True
        return

    for path, live in ((settings.warehouse, True), (settings.serving, False)):
        if path.exists():
            try:
                con = duckdb.connect(str(path.parent / path.readlink() if path.is_symlink() else path), read_only=True)
            except duckdb.IOException:
                continue
            with con:
                yield con, live
            return
    yield None, False


def status(sources: Declared, as_json: bool) -> None:
    """Show the last runs, each table's freshness, failed checks and models that wait for a plan."""
    from sqlmesh_project.door import ModelError, ModelRun, inspect_models

    settings = configuration.load()
    console = Console(as_json)
    with record(settings) as (con, live):
        ops = "stg_ops" if live else "ops"
        runs = _rows(con, _RUNS.format(ops=ops))
        checks = _rows(con, _CHECKS.format(ops=ops))
        shown = [
            name for name in sources.names if not name.endswith("_staging")
        ]  # dlt's schema beside another source's
        tables = [row for name in shown for row in _freshness(con, live, name)]
    models = ModelRun()
    try:
        models = inspect_models(settings) if live else models
    except ModelError as error:
        models.unreadable = {"sqlmesh_project": str(error)}
    pending = models.pending
    broken = [{"source": name, "reason": reason} for name, reason in sources.broken.items()]
    broken_models = [{"file": file, "reason": reason} for file, reason in models.unreadable.items()]
    answer = {
        "running": con is not None and not live,
        "runs": runs,
        "tables": tables,
        "checks": checks,
        "pending_models": pending,
        "broken_sources": broken,
        "broken_models": broken_models,
    }
    if as_json:
        console.json(answer)
        return
    if answer["running"]:
        console.note("a run is at work; this is the record as last published")
    last = [
        {n: v for n, v in row.items() if n != "run"} | {"started": row["started"][:16].replace("T", " ")}
        for row in runs
    ]
    console.table("Last runs", last, "none yet; `python runner.py run` starts one")
    brief = [
        {n: v for n, v in row.items() if n != "loads"} | {"last_landed": row["last_landed"] or "no rows yet"}
        for row in tables
    ]
    console.table("Tables", brief, "nothing has landed yet")
    console.table("Checks that did not pass in the last run", checks, "none")
    if pending:
        console.note(f"changed models wait for `python runner.py plan`: {', '.join(pending)}")
    for row in broken:
        console.problem(f"{row['source']} does not run, its declaration is broken: {row['reason']}")
    for row in broken_models:
        console.problem(f"the deployed models run without {row['reason']}")


def _freshness(con: Connection | None, live: bool, source: str) -> list[dict[str, Any]]:
    """Per table of the source: when it was last looked at, when rows last came, how many so far."""
    loads = f'"stg_{source}"._loads' if live else f"(SELECT * FROM ops.loads WHERE source = '{source}') AS l"
    looks = "stg_ops.looks" if live else "(SELECT *, last_looked_at AS looked_at FROM ops.freshness) AS f"
    found = {
        row["table"]: row
        for row in _rows(
            con,
            'SELECT table_name AS "table", max(CAST(load_id AS DOUBLE PRECISION)) AS last_landed, count(*) AS loads,'
            " CAST(sum(landed) AS BIGINT) AS landed, CAST(sum(accepted) AS BIGINT) AS accepted,"
            f" CAST(sum(rejected) AS BIGINT) AS rejected FROM {loads} GROUP BY 1",
        )
    }
    looked = {
        row["table"]: row["looked_at"]
        for row in _rows(con, f"SELECT table_name AS \"table\", looked_at FROM {looks} WHERE source = '{source}'")
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


def rejected(sources: Declared, names: list[str], limit: int, as_json: bool) -> None:
    """Show rejected rows by reason, and the newest of them."""
    settings = configuration.load()
    console = Console(as_json)
    reasons: list[dict[str, Any]] = []
    newest: list[dict[str, Any]] = []
    with record(settings) as (con, live):
        for name in names or sources.names:  # each by itself: one that never ran has no table, and hides nobody's rows
            rejects = (
                f'"stg_{name}"._rejected' if live else f"(SELECT * FROM ops.rejected_rows WHERE source = '{name}') AS r"
            )
            reasons += _rows(
                con,
                'SELECT source, table_name AS "table", field, rule, count(*) AS "rows"'
                f" FROM {rejects} GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
            )
            newest += _rows(
                con,
                f'SELECT rejected_at, id, field, rule, message, "raw" FROM {rejects}'
                f" ORDER BY rejected_at DESC, id LIMIT {int(limit)}",
            )
    newest.sort(key=lambda row: row["id"])
    newest.sort(key=lambda row: row["rejected_at"], reverse=True)
    rows = [{n: value for n, value in row.items() if n != "rejected_at"} for row in newest[:limit]]
    if as_json:
        console.json({"reasons": reasons, "rows": rows})
        return
    console.table("Rejected rows by reason", reasons, "none")
    console.blocks([(f"{r['id']}  {r['field']} {r['rule']}: {r['message']}", r["raw"][:300]) for r in rows])
    if rows:
        console.note("after mending the contract: `python runner.py replay SOURCE --rejected`")


def check(sources: Declared, names: list[str], as_json: bool) -> int:
    """Run the checks as the data stands; returns the exit code: 1 when one of them would stop a run, 2 when a source
    cannot be checked because its declaration is broken.
    """
    from dlt_sources.door import Staging
    from soda_checks.door import FOLDER, check

    from .lock import one_at_a_time

    settings = configuration.load()
    console = Console(as_json)
    broken = {name: reason for name, reason in sources.broken.items() if name in (names or sources.broken)}
    scopes = [("staging", name) for name in names or sources if name not in broken]
    scopes += [] if names else [("gold", path.name) for path in sorted((FOLDER / "gold").iterdir()) if path.is_dir()]
    with one_at_a_time(settings):
        Staging.make([sources[scope] for layer, scope in scopes if layer == "staging"], settings)
        results = [result for layer, scope in scopes for result in check(layer, scope, settings)]
    failed = [result for result in results if result.stops]
    if as_json:
        console.json([vars(result) for result in results])
    else:
        shown = [{"layer": r.layer, "scope": r.scope, "table": r.dataset, "check": r.check_name, "outcome": r.outcome}
                 for r in results if r.outcome != "passed"]  # fmt: skip
        console.table(f"{len(results)} checks, {len(failed)} stop", shown, "all passed")
    for name, reason in broken.items():
        console.problem(f"{name} is not checked, its declaration is broken: {reason}")
    return 1 if failed else 2 if broken else 0


def _rows(con: Connection | None, query: str) -> list[dict[str, Any]]:
    """The query's rows as dicts; none when there is no record yet or it lacks the table."""
    import duckdb

    if con is None:
        return []
    try:
        cursor = con.execute(query)
    except (duckdb.CatalogException, duckdb.BinderException):
        return []
    except WarehouseError as error:
        if "does not exist" in str(error):
            return []
        raise
    names = [column[0] for column in cursor.description or []]
    return [
        {
            n: v.replace(tzinfo=UTC).isoformat() if isinstance(v, datetime) else v
            for n, v in zip(names, row, strict=True)
        }
        for row in cursor.fetchall()
    ]

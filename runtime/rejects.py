"""`rejected`: the rows that broke their contract, for a person or as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import settings as configuration
from foundation.console import Console
from warehouse.quote import identifier
from warehouse.staging import REJECTED, staging_schema

from .record import record, rows

if TYPE_CHECKING:
    from dlt_sources.door import Declared


def rejected(sources: Declared, names: list[str], limit: int, as_json: bool) -> None:
    """Show rejected rows by reason, and the newest of them, each with all its reasons."""
    settings = configuration.load()
    console = Console(as_json)
    counts: dict[tuple[str, ...], int] = {}
    newest: list[dict[str, Any]] = []
    with record(settings) as seen:
        con, live = seen.con, seen.live
        for name in names or sources.names:  # each by itself: one that never ran has no table, and hides nobody's rows
            rejects = (
                f"{identifier(staging_schema(name))}.{REJECTED}"
                if live
                else f"(SELECT * FROM ops.rejected_rows WHERE source = '{name}') AS r"
            )
            mine = rows(con, f"SELECT * FROM {rejects} ORDER BY rejected_at DESC, id LIMIT {int(limit)}")
            newest += mine
            errors = "errors" if mine and "errors" in mine[0] else "NULL"  # an older published copy has only the first
            query = f"SELECT source, table_name, field, rule, {errors} AS errors, count(*) AS n FROM {rejects} GROUP BY 1, 2, 3, 4, 5"
            for row in rows(con, query):
                for field, rule in {(reason["field"], reason["rule"]) for reason in _reasons(row)}:
                    reason = (row["source"], row["table_name"], field, rule)
                    counts[reason] = counts.get(reason, 0) + row["n"]
    newest.sort(key=lambda row: row["id"])
    newest.sort(key=lambda row: row["rejected_at"], reverse=True)
    reasons = [
        dict(zip(("source", "table", "field", "rule"), n, strict=True)) | {"rows": counts[n]} for n in sorted(counts)
    ]
    shown = [
        {name: row[name] for name in ("id", "field", "rule", "message", "raw")} | {"reasons": _reasons(row)}
        for row in newest[:limit]
    ]
    if as_json:
        console.json({"reasons": reasons, "rows": shown})
        return
    if seen.why:
        console.note(f"{seen.why}; these are the rows as last published")
    console.table("Rejected rows by reason; a row may have several", reasons, "none")
    for row in shown:
        why = "\n      ".join(f"{r['field']} {r['rule']}: {r['message']}" for r in row["reasons"])
        console.blocks([(f"{row['id']}  {why}", row["raw"][:300])])
    if shown:
        console.note("after correcting the contract: `python runner.py replay SOURCE --rejected`")


def _reasons(row: dict[str, Any]) -> list[dict[str, str]]:
    """All reasons of a rejected row; of one whose reasons are longer than their column the first."""
    try:
        found: list[dict[str, str]] = json.loads(row["errors"])
    except (KeyError, TypeError, ValueError):
        found = []
    return found or [{"field": row["field"], "rule": row["rule"], "message": row.get("message", "")}]

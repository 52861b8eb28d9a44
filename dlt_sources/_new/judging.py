"""A sample before the real judge: what is accepted, what is rejected and why."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from settings import Settings

from .._steps.contracts.columns import columns_of
from .._steps.contracts.contract import INDEX, MARKS
from .._steps.declared.declaration import Source
from .._steps.declared.redact import of_tables
from .._steps.judge.judge import Judge
from .._steps.stores.judged import Judged

_SALT = "of a sample: no stored hash is made with it"


@dataclass
class Verdict:
    """What the judge said of a table's rows.

    Attributes:
        reasons: (field, rule, message) with the number of rows.
        rows: the first rows, rejected ones first: number, accepted or rejected, values or reasons.
    """

    table: str
    accepted: int
    rejected: int
    reasons: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def landed(self) -> int:
        """How many there were."""
        return self.accepted + self.rejected


def judge_sample(
    source: Source, files: Mapping[str, list[Path]], settings: Settings, work: Path, most: int = 10
) -> list[Verdict]:
    """Judge the rows of each table, those of lists with those of their records.

    Args:
        files: per table that is read from the source the Parquet files of its rows. most: rows to show.
    """
    judged: dict[str, Judged] = {}
    judge = Judge(source.name, work, _SALT, settings.clock(), settings.memory)
    work.mkdir(parents=True, exist_ok=True)
    redactions = of_tables(source.tables, source.contracts)
    for name, table in source.tables.items():
        landed = files.get(table.from_ or name, [])
        if not landed:
            continue
        parent = judged[table.from_] if table.from_ else None
        judged[name] = judge.judge(
            name, table, source.contracts[name], list(map(str, landed)), parent, redactions[name]
        )
    return [_verdict(source, name, found, most) for name, found in judged.items()]


def _verdict(source: Source, name: str, judged: Judged, most: int) -> Verdict:
    accepted = sum(pq.read_metadata(path).num_rows for path in judged.accepted)
    rejected = [row for path in judged.rejected for row in pq.read_table(path).to_pylist()]
    verdict = Verdict(name, accepted, len(rejected))
    for row in rejected:
        for reason in _reasons(row):
            verdict.reasons[reason] += 1
    verdict.rows = [_shown_rejected(row) for row in rejected[:most]]
    hidden = {c.name for c in columns_of(source.contracts[name]) if c.private}
    for path in judged.accepted:
        for row in pq.read_table(path).slice(0, most).to_pylist():
            if len(verdict.rows) < most:
                values = {
                    n: "(hashed)" if n in hidden and v is not None else v
                    for n, v in row.items()
                    if n not in MARKS and n != INDEX
                }
                verdict.rows.append({"row": row["_row"], "verdict": "accepted", "values": values})
    return verdict


def _reasons(row: Mapping[str, Any]) -> set[tuple[str, str, str]]:
    found = json.loads(row["errors"] or "[]") if row["errors"] else []
    reasons = {(str(e.get("field", "")), str(e.get("rule", "")), str(e.get("message", ""))) for e in found}
    return reasons or {(row["field"] or "", row["rule"] or "", row["message"] or "")}


def _shown_rejected(row: Mapping[str, Any]) -> dict[str, Any]:
    why = "; ".join(f"{place or 'the row'}: {message} ({rule})" for place, rule, message in sorted(_reasons(row)))
    return {"row": row["row_number"], "verdict": "rejected", "values": why}

"""A look at a declared source before anything lands: whether it answers, its first rows, and what the judge says of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from settings import Settings

from .._steps.declared.declaration import Source
from .._steps.declared.source_error import redact_url
from .._steps.land.addressed import check_address
from .._steps.land.connect import find_address
from .._steps.land.parents import of_source
from .judging import Verdict, judge_sample
from .make import scratch
from .sample import read_sample

PAGE = 1_000
"""Rows of a table at most, where it does not come in pages."""


@dataclass
class Trial:
    """What a source answered.

    Attributes:
        where: its address, without a login.
        verdicts: per table what the judge says of its first page. empty: tables that have no row there.
        too_many: tables of which more is rejected than their `max_rejected` allows, or all of it.
    """

    where: str
    verdicts: list[Verdict] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    too_many: list[str] = field(default_factory=list)


def try_source(source: Source, settings: Settings, rows: int = 10) -> Trial:
    """Connect, read the first page of each table and judge it; nothing lands.

    Args:
        rows: judged rows to show of each table.

    Raises:
        SourceError: the source cannot be reached, or does not answer as declared.
        SettingsError: its address is not set.
    """
    check_address(source, settings)
    asks = any(table.rows is None for table in source.extracted.values())
    trial = Trial(redact_url(find_address(source, settings)) if asks else "(its own rows)")
    with scratch() as work:
        files, links = {}, of_source(source.extracted, source.contracts)
        for name in source.extracted:
            sample = read_sample(source, name, settings, work / "read" / name, rows=PAGE, pages=1, links=links)
            files[name] = sample.files
            trial.notes += sample.notes
            if not sample.rows:
                trial.empty.append(name)
        trial.verdicts = judge_sample(
            source, {n: f for n, f in files.items() if n not in trial.empty}, settings, work / "judged", rows
        )
    for verdict in trial.verdicts:
        limit = source.tables[verdict.table].max_rejected
        above = verdict.rejected > limit.rows and verdict.rejected > limit.share * verdict.landed
        if above or (verdict.rejected > 1 and not verdict.accepted):
            trial.too_many.append(verdict.table)
    return trial

"""The tables of sources that have none yet: made for many sources at once, or for one."""

from __future__ import annotations

from collections.abc import Iterable

from settings import Settings
from warehouse import load
from warehouse.connection import connect

from ..declared.declaration import Source
from .stage import Staging
from .stagings import Known, Progress, rebuild_schema, tables_in


def make_stagings(sources: Iterable[Source], settings: Settings) -> dict[str, Known]:
    """Make the stagings of those sources that have none, on AWS as one commit; returns what these remember.

    On a laptop, where a commit is nothing to wait for, each is made when it is refined.
    """
    stagings = [Staging(source, settings, {}) for source in sources]
    if not stagings or not settings.aws:
        return {}
    with connect(settings) as con:
        there = tables_in(con)
    new = [one for one in stagings if not there.keys() & {one.schema, rebuild_schema(one.source.name)}]
    if new:
        with load.transaction(settings) as con:
            for staging in new:
                for query, values in staging.making(staging.names):
                    con.execute(query, values)
    return {one.source.name: Known(one.as_made(one.names), False) for one in new}


def open_progress(source: Source, settings: Settings) -> Progress:
    """How far a source's staging is; what is missing of it is made."""
    return Staging.open(source, settings).progress

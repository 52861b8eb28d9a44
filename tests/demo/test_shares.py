"""The world's bad rows are few at every scale: no more than a run of the shipped sources may reject."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from demo.audiophile import Rankings
from demo.deftunes import DefTunes
from demo.people import RandomUsers
from demo.records import DAYS
from demo.sales import Sales
from dlt_sources.door import load_sources

pytestmark = pytest.mark.samples


def days_of(scale: float) -> Iterator[tuple[str, str, int, int, int]]:
    """Per source, table and day of the world: (source, table, day, bad rows, rows that come)."""
    people, sales, site, tunes = (kind(7, scale) for kind in (RandomUsers, Sales, Rankings, DefTunes))
    for day in range(DAYS):
        yield "random_users", "users", day, *count(reason for _, reason in people._records(day, 0))
        lines = [line for drop in sales._drops[day].values() for line in drop]
        yield "sales", "order_lines", day, *count(line.spoil for line in lines)
        for page in ("headphones", "iems"):
            yield "audiophile", page, day, *count(product.reason for product in site._days[page][day])
        for source, table in (("deftunes_api", "users"), ("deftunes_db", "songs")):
            versions = [version for slot in getattr(tunes, table) for version in slot]
            yield source, table, day, *count(v.reason for v in versions if v.day == day and v.body is not None)


def count(reasons: Iterator[object]) -> tuple[int, int]:
    found = list(reasons)
    return sum(reason is not None for reason in found), len(found)


@pytest.mark.slow
@pytest.mark.parametrize("scale", [0.02, 0.3, 1, 4, 10])
def test_no_day_of_the_world_has_more_bad_rows_than_its_source_allows(scale: float) -> None:
    sources = load_sources()
    for source, table, day, bad, rows in days_of(scale):
        limit = sources[source].tables[table].max_rejected
        assert bad <= limit.rows or bad <= limit.share * rows, (source, table, day, bad, rows)

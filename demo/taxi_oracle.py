"""What a correct pipeline must have of the taxi site, worked out plainly from the months it served."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from .records import Reason

if TYPE_CHECKING:
    from .taxi import Month

Row = tuple[Any, ...]
FLAGS = {  # column of the fact: the fault it marks
    "is_refund": "refund",
    "has_no_distance": "no distance",
    "has_no_passengers": "no passengers",
    "is_backwards": "backwards",
    "is_out_of_month": "out of month",
    "is_implausible": "implausible",
}


def expected(months: list[Month], zones: int) -> list[tuple[str, str, list[Row]]]:
    """(what, query of the published gold, its rows in order) when these months and so many zones are served."""
    counts = ", ".join(f"count(*) FILTER (WHERE {flag})" for flag in FLAGS)
    trips = (
        f"SELECT taxi_type, source_file, count(*), sum(total_amount), {counts}, count(DISTINCT trip_key) "
        "FROM taxi.fact_trip GROUP BY ALL"
    )
    daily = (
        "SELECT taxi_type, trip_date, trips, refunds, implausible, trip_distance, total_amount FROM taxi.daily_trips"
    )
    dates = (
        "SELECT count(*) = (SELECT count(*) FROM taxi.fact_trip), count(DISTINCT d.date_day) FROM taxi.fact_trip AS t"
        " JOIN taxi.dim_date AS d ON d.date_key = t.pickup_date_key JOIN taxi.dim_date AS e ON e.date_key = t.dropoff_date_key"
    )
    hours = "SELECT pickup_zone_id, hour_of_day, trips, total_amount FROM taxi.zone_hour_trips"
    return [
        ("trips", trips, sorted(_summary(month) for month in months)),
        ("daily", daily, _daily(months)),
        ("zone hours", hours, _zone_hours(months)),
        ("zones", "SELECT count(*) FROM taxi.dim_zone", [(zones,)]),
        ("days of trips", dates, [(True, len(_days(months)))]),
    ]


def rejected(served: Iterable[Month]) -> Counter[Reason]:
    """How many trips each (table, field, rule) rejects of all that was served; the same version counts once."""
    found: Counter[Reason] = Counter()
    for month in {id(month): month for month in served}.values():
        found.update(month.rejected)
    return found


def _money(cents: Any) -> Decimal:
    return Decimal(int(cents)).scaleb(-2)


def _summary(month: Month) -> Row:
    good = month.accepted
    flags = [int(month.has(fault).sum()) for fault in FLAGS.values()]
    count = int(good.sum())
    return (month.color, month.file, count, _money(month.columns["total_amount"][good].sum()), *flags, count)


def _in_month(months: list[Month]) -> list[Month]:
    return [month.rows(np.flatnonzero(month.accepted & ~month.has("out of month"))) for month in months]


def _days(months: list[Month]) -> set[Any]:
    """The days on which trips begin."""
    return {day for month in months for day in month.columns["pickup"][month.accepted].astype("datetime64[D]").tolist()}


def _daily(months: list[Month]) -> list[Row]:
    rows: list[Row] = []
    for month in _in_month(months):
        days = month.columns["pickup"].astype("datetime64[D]")
        for day in np.unique(days):
            there = days == day
            refunds, total = month.has("refund")[there].sum(), month.columns["total_amount"][there].sum()
            odd, miles = month.has("implausible")[there], month.columns["trip_distance"][there]
            calendar: date = day.astype(object)
            hundredths = _money(miles[~odd].sum())
            rows.append((month.color, calendar, len(odd), int(refunds), int(odd.sum()), hundredths, _money(total)))
    return sorted(rows)


def _zone_hours(months: list[Month]) -> list[Row]:
    trips: Counter[tuple[int, int]] = Counter()
    cents: Counter[tuple[int, int]] = Counter()
    for month in _in_month(months):
        hours = month.columns["pickup"].astype("datetime64[h]").astype(int) % 24
        zones, totals = month.columns["PULocationID"], month.columns["total_amount"]
        for zone, hour, total in zip(zones.tolist(), hours.tolist(), totals.tolist(), strict=True):
            trips[zone, hour] += 1
            cents[zone, hour] += total
    return [(*key, trips[key], _money(cents[key])) for key in sorted(trips)]

"""The New York taxi site as it serves files: months that appear, one that is published again, and what is wrong in them.

A month's trips are columns; with each trip goes the one fault it has. Amounts are whole cents until they are written.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from . import taxi_oracle
from .records import Reason
from .taxi_files import AIRPORTS, CODES, MONEY, NEW, NOT_A_NUMBER, OLD, ZONES, csv, parquet, zones
from .taxi_oracle import Row

Color = Literal["yellow", "green"]
Array = NDArray[Any]

YELLOW_NEW_DAY, GREEN_DRAFT_DAY, GREEN_NEW_DAY, REPUBLISHED_DAY = 2, 2, 3, 3
REJECTS: dict[str, tuple[str, str]] = {  # fault: field, rule
    "no pickup time": ("pickup_datetime", "datetime_type"),
    "pickup zone 0": ("pickup_zone_id", "greater_than_equal"),
    "dropoff zone 300": ("dropoff_zone_id", "less_than_equal"),
    "negative distance": ("trip_distance", "greater_than_equal"),
    "fare no number": ("fare_amount", "finite_number"),
    "six digits": ("total_amount", "less_than"),
}
KEPT = [
    "refund",
    "no distance",
    "no passengers",
    "backwards",
    "out of month",
    "implausible",
    "vendor 6",
    "no codes",
    "twice",
]
FAULTS = ["", *KEPT, *REJECTS]  # a trip's fault is a place in this list
HOURS = np.array([4, 3, 2, 1, 1, 1, 3, 5, 7, 6, 6, 6, 7, 7, 7, 8, 8, 9, 10, 9, 8, 8, 7, 6]) / 139  # of a day's trips
BUSY = 1 / (5 + np.arange(ZONES) * 131 % ZONES)  # a few zones have most trips
BUSY[[zone - 1 for zone in AIRPORTS]] = 0.15
BUSY /= BUSY.sum()
SETS = {  # faults that are a value of a column
    "no distance": ("trip_distance", 0),
    "no passengers": ("passenger_count", 0),
    "vendor 6": ("VendorID", 6),
    "pickup zone 0": ("PULocationID", 0),
    "dropoff zone 300": ("DOLocationID", 300),
    "fare no number": ("fare_amount", NOT_A_NUMBER),
    "six digits": ("total_amount", 12_345_678),
}


@dataclass
class Month:
    """The trips of one version of one file."""

    color: Color
    month: str
    columns: dict[str, Array]
    fault: Array
    format: Literal["parquet", "csv"] = "parquet"

    @property
    def file(self) -> str:
        """The file's name."""
        return f"{self.color}_tripdata_{self.month}.{self.format}"

    @property
    def accepted(self) -> Array:
        """Which trips a correct pipeline keeps."""
        return self.fault < FAULTS.index(next(iter(REJECTS)))

    @property
    def rejected(self) -> Counter[Reason]:
        """How many trips a correct pipeline rejects, by (table, field, rule)."""
        table = f"{self.color}_trips"
        return Counter({(table, *reason): int(self.has(fault).sum()) for fault, reason in REJECTS.items()})

    def has(self, fault: str) -> Array:
        """Which trips have the fault."""
        found: Array = self.fault == FAULTS.index(fault)
        return found

    def rows(self, places: Array) -> Month:
        """The trips at some places."""
        columns = {name: values[places] for name, values in self.columns.items()}
        return Month(self.color, self.month, columns, self.fault[places], self.format)

    def with_rows(self, other: Month) -> Month:
        """These trips and others."""
        columns = {name: np.concatenate([values, other.columns[name]]) for name, values in self.columns.items()}
        return Month(self.color, self.month, columns, np.concatenate([self.fault, other.fault]), self.format)


class Taxi:
    """The site of one (seed, scale); scale 1 is 30,000 yellow and 3,000 green trips a month."""

    def __init__(self, seed: int = 7, scale: float = 1) -> None:
        self.seed, self.scale = seed, scale
        self._bytes: dict[int, bytes] = {}

    def files(self, day: int) -> dict[str, bytes]:
        """Every file the site serves on a virtual day by name."""
        months = [*self._served(day), *self._ignored(day)]
        return {"taxi_zone_lookup.csv": zones(), **{month.file: self._written(month) for month in months}}

    def expected(self, day: int) -> list[tuple[str, str, list[Row]]]:
        """(what, query of the published gold, its rows in order) after a run every evening up to `day`."""
        return taxi_oracle.expected(self._served(day), ZONES)

    def rejected(self, day: int) -> Counter[Reason]:
        """How many trips each (table, field, rule) rejects over all versions of all files so far, without files that another of
        their month has taken the place of: their rows leave.
        """
        left = [self._green_draft] if day >= GREEN_NEW_DAY else []
        served = (month for now in range(day + 1) for month in self._served(now))
        return taxi_oracle.rejected(month for month in served if not any(month is gone for gone in left))

    def withdrawn(self, day: int) -> Counter[str]:
        """How many landed rows of each table have left since, another file of their month counting now, with a run every
        evening up to `day`.
        """
        gone = len(self._green_draft.fault) if day >= GREEN_NEW_DAY else 0
        return Counter(green_trips=gone)

    def _served(self, day: int) -> list[Month]:
        months = [self._republished if day >= REPUBLISHED_DAY else self._yellow_old, self._green_old]
        months += [self._yellow_new] if day >= YELLOW_NEW_DAY else []
        if day >= GREEN_NEW_DAY:
            return [*months, self._green_new]
        return months + ([self._green_draft] if day >= GREEN_DRAFT_DAY else [])

    def _ignored(self, day: int) -> list[Month]:
        """Files of months that are served as Parquet, too: those count."""
        return [self._yellow_copy] + ([self._green_draft] if day >= GREEN_NEW_DAY else [])

    def _written(self, month: Month) -> bytes:
        if id(month) not in self._bytes:
            self._bytes[id(month)] = parquet(month) if month.format == "parquet" else csv(month)
        return self._bytes[id(month)]

    # -- the months -------------------------------------------------------------------------------------------------

    @cached_property
    def _yellow_old(self) -> Month:
        return self._month("yellow", OLD)

    @cached_property
    def _yellow_new(self) -> Month:
        return self._month("yellow", NEW)

    @cached_property
    def _green_old(self) -> Month:
        return self._month("green", OLD)

    @cached_property
    def _green_new(self) -> Month:
        return self._month("green", NEW)

    @cached_property
    def _green_draft(self) -> Month:
        """Green 2020-01 as CSV, a day before the Parquet and without some of its trips."""
        month = self._green_new
        return replace(month.rows(np.arange(len(month.fault)) % 10 > 0), format="csv")

    @cached_property
    def _yellow_copy(self) -> Month:
        """Half of yellow 2019-12 as CSV, beside the Parquet."""
        month = self._yellow_old
        return replace(month.rows(np.arange(len(month.fault)) % 2 > 0), format="csv")

    @cached_property
    def _republished(self) -> Month:
        """Yellow 2019-12 once more: of a hundred trips one has gone, one pays more and one has come."""
        rng, old = self._random("republished"), self._yellow_old
        order = rng.permutation(len(old.fault))
        each = max(3, len(order) // 100)
        kept = old.rows(np.sort(order[each:]))
        plain = np.flatnonzero(kept.has(""))
        dearer = rng.choice(plain, each, replace=False)
        for name in ("tip_amount", "total_amount"):
            kept.columns[name][dearer] += 250
        return kept.with_rows(_trips(rng, "yellow", OLD, each))

    def _month(self, color: Color, month: str) -> Month:
        rng = self._random(f"{color}/{month}")
        count = max(int((30_000 if color == "yellow" else 3_000) * self.scale), 120)
        trips = _trips(rng, color, month, count)
        each = max(3, count // 1000)
        dirty = np.split(rng.choice(count, each * (len(FAULTS) - 1), replace=False), len(FAULTS) - 1)
        for number, places in enumerate(dirty, 1):
            trips.fault[places] = number
            _spoil(rng, trips, FAULTS[number], places)
        again = trips.rows(np.flatnonzero(trips.has("twice")))
        return trips.with_rows(again)

    def _random(self, part: str) -> np.random.Generator:
        return np.random.default_rng(list(f"{self.seed}/{self.scale}/{part}".encode()))


def _trips(rng: np.random.Generator, color: Color, month: str, count: int) -> Month:
    """Trips with nothing wrong, all of them within the month."""
    start, end = np.datetime64(month, "s"), (np.datetime64(month) + 1).astype("datetime64[s]")
    seconds = int((end - start).astype(int))
    hours = rng.choice(24, count, p=HOURS) * 3600 + rng.integers(0, 3600, count)
    pickup = start + np.sort(rng.integers(0, seconds // 86_400, count) * 86_400 + hours).astype("timedelta64[s]")
    hundredths = rng.integers(20, 2_000, count)  # of a mile
    money = {
        "fare_amount": 250 + hundredths * 25 // 10,
        "extra": rng.choice([0, 50, 100], count),
        "mta_tax": np.full(count, 50),
        "tip_amount": np.where(rng.random(count) < 0.6, rng.integers(0, 900, count), 0),
        "tolls_amount": np.where(rng.random(count) < 0.05, 612, 0),
        "improvement_surcharge": np.full(count, 30),
    }
    if month == NEW:
        money["congestion_surcharge"] = rng.choice([0, 250], count)
        if color == "yellow":
            money["airport_fee"] = rng.choice([0, 125], count, p=[0.9, 0.1])
    columns = {
        "VendorID": rng.integers(1, 3, count),
        "pickup": pickup,
        "dropoff": pickup + (60 + hundredths * 2 + rng.integers(0, 600, count)).astype("timedelta64[s]"),
        "passenger_count": rng.integers(1, 7, count),
        "trip_distance": hundredths,
        "RatecodeID": rng.choice([1, 2, 3, 4, 5, 6, 99], count, p=[0.94, 0.02, 0.01, 0.01, 0.01, 0.005, 0.005]),
        "store_and_fwd_flag": rng.choice(["N", "Y"], count, p=[0.98, 0.02]),
        "PULocationID": rng.choice(ZONES, count, p=BUSY) + 1,
        "DOLocationID": rng.choice(ZONES, count, p=BUSY) + 1,
        "payment_type": rng.choice([1, 2, 3, 4], count, p=[0.7, 0.28, 0.01, 0.01]),
        **money,
        "total_amount": np.sum(list(money.values()), axis=0),
    }
    if color == "green":
        columns["trip_type"] = rng.integers(1, 3, count)
    return Month(color, month, columns, np.zeros(count, dtype=np.int64))


def _spoil(rng: np.random.Generator, trips: Month, fault: str, places: Array) -> None:
    """Gives the trips at some places a fault; a code of -1 is written as null, so is a time that is none."""
    columns = trips.columns
    start = np.datetime64(trips.month, "s")
    if fault == "refund":
        for name in {*MONEY, "congestion_surcharge", "airport_fee", "total_amount"} & set(columns):
            columns[name][places] *= -1
    elif fault == "backwards":
        columns["dropoff"][places] = columns["pickup"][places] - np.timedelta64(7, "m")
    elif fault == "out of month":
        after = (np.datetime64(trips.month) + 1).astype("datetime64[s]")
        others = np.array([np.datetime64("2009-01-01T00:08:01"), start - np.timedelta64(1, "s"), after])
        took = columns["dropoff"][places] - columns["pickup"][places]
        columns["pickup"][places] = np.resize(others, len(places))
        columns["dropoff"][places] = columns["pickup"][places] + took
    elif fault == "implausible":  # a meter not reset, a slipped decimal place, a meter left on
        kind = np.arange(len(places)) % 3
        columns["trip_distance"][places[kind == 0]] = 12_009_800
        columns["trip_distance"][places[kind == 1]] = 20_000
        columns["dropoff"][places[kind == 2]] += np.timedelta64(11, "h")
    elif fault == "no codes":
        for name in CODES:
            columns[name][places] = -1
        columns["store_and_fwd_flag"][places] = ""
    elif fault == "negative distance":
        columns["trip_distance"][places] = -rng.integers(1, 500, len(places))
    elif fault == "no pickup time":
        columns["pickup"][places] = np.datetime64("NaT")
    elif fault in SETS:
        name, value = SETS[fault]
        columns[name][places] = value

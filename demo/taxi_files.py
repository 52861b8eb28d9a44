"""The New York taxi site's files: a month of trips as Parquet or as CSV, and the list of zones."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from .taxi import Month

OLD, NEW = "2019-12", "2020-01"
ZONES = 265
AIRPORTS = {132: "JFK Airport", 138: "LaGuardia Airport"}
MONEY = ["fare_amount", "extra", "mta_tax", "tip_amount", "tolls_amount", "improvement_surcharge"]
CODES = ["passenger_count", "RatecodeID", "payment_type"]
NOT_A_NUMBER = -(10**15)
"""Of an amount in cents: it is written as NaN."""
AT_END = ["total_amount", "trip_type", "congestion_surcharge", "airport_fee"]  # of a file's columns


def zones() -> bytes:
    """The list of zones."""
    boroughs = ["Queens", "Bronx", "Manhattan", "Staten Island", "Brooklyn"]
    names = ["Harbor", "Mill", "St. Mark's", "Upper East", "Old Town", "Park, North"]
    lines = ["LocationID,Borough,Zone,service_zone", '1,"EWR","Newark Airport","EWR"']
    for zone in range(2, ZONES - 1):
        borough = boroughs[zone % 5]
        service = "Yellow Zone" if borough == "Manhattan" else "Boro Zone"
        name = f"{names[zone % 6]} {57 if zone in (56, 86) else zone}"  # two zones have one name
        if zone in AIRPORTS:
            borough, service, name = "Queens", "Airports", AIRPORTS[zone]
        lines.append(f'{zone},"{borough}","{name}","{service}"')
    lines += ['264,"Unknown","N/A","N/A"', '265,"N/A","Outside of NYC","N/A"']
    return "".join(f"{line}\r\n" for line in lines).encode()


def parquet(month: Month) -> bytes:
    """A month as the site publishes it."""
    out = io.BytesIO()
    pq.write_table(_table(month), out)
    return out.getvalue()


def csv(month: Month) -> bytes:
    """A month as the site published it until 2022: the same columns as text, times without microseconds."""
    table = _table(month)
    times = {name: pa.timestamp("s") for name in table.column_names if name.endswith("_datetime")}
    written = pa.schema([field.with_type(times.get(field.name, field.type)) for field in table.schema])
    out = io.BytesIO()
    pc.write_csv(table.cast(written), out)
    return out.getvalue()


def _table(month: Month) -> pa.Table:
    """The month, with the columns, types and order of the site's own."""
    old, prefix = month.month == OLD, "tpep" if month.color == "yellow" else "lpep"
    columns, hundredths = month.columns, {"trip_distance", *MONEY, "congestion_surcharge", "airport_fee"}
    arrays: dict[str, Any] = {}
    for name, values in columns.items():
        if name in ("pickup", "dropoff"):
            times = values.astype("datetime64[us]")
            arrays[f"{prefix}_{name}_datetime"] = pa.array(times, pa.timestamp("us"), mask=np.isnat(times))
        elif name in hundredths or name == "total_amount":
            arrays[name] = pa.array(np.where(values == NOT_A_NUMBER, np.nan, values / 100), pa.float64())
        elif name == "store_and_fwd_flag":
            arrays[name] = pa.array(values.tolist(), pa.string(), mask=values == "")
        elif name in CODES:
            arrays[name] = pa.array(values.astype(float) if old else values, mask=values == -1)
        elif name == "trip_type":
            arrays[name] = pa.array(values.astype(float) if old else values)
        else:
            arrays[name] = pa.array(values, pa.int64() if old else pa.int32())
    if month.color == "green":
        arrays["ehail_fee"] = pa.nulls(len(month.fault), pa.float64())
    order = [name for name in arrays if name not in AT_END] + [name for name in AT_END if name in arrays]
    return pa.table({name: arrays[name] for name in order})

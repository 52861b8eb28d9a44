"""What a taxi trip and a taxi zone are, and what becomes of odd trips. See README.md for the source's habits.

Rejected: no pickup or dropoff time or zone, a zone id outside 1 to 265, a negative distance, an amount of six digits.
Kept with a flag: refunds (negative fares), zero distance, zero passengers, a dropoff before its pickup, a pickup outside
the file's month. Kept as it is: codes that no list knows, codes and counts that are missing.
"""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from dlt_sources.contract import Contract, column, computed

ZoneId = Annotated[int, Field(ge=1, le=265)]
Dollars = Annotated[float, Field(gt=-100_000, lt=100_000)]


class Trip(Contract):
    """One trip by meter, with the columns yellow and green cabs share."""

    source_file: str = column("File the trip is in", path="_file", max_length=100)
    source_row: int = column("Row of that file, from 0", path="_file_row", ge=0)
    vendor_id: int | None = column("Who delivered the record", path=["VendorID", "vendor_id"], ge=0)
    pickup_datetime: datetime = column("Meter on, New York time")
    dropoff_datetime: datetime = column("Meter off, New York time")
    passenger_count: int | None = column("Passengers as the driver typed them", ge=0)
    trip_distance: float = column("Distance by meter", unit="miles", ge=0)
    rate_code_id: int | None = column("Rate at the end of the trip", path=["RatecodeID", "rate_code_id"], ge=0)
    store_and_fwd_flag: str | None = column("Y: the record waited in the car for a connection", max_length=1)
    pickup_zone_id: ZoneId = column("Zone of the pickup", path=["PULocationID", "pickup_location_id"])
    dropoff_zone_id: ZoneId = column("Zone of the dropoff", path=["DOLocationID", "dropoff_location_id"])
    payment_type_id: int | None = column("How it was paid", path=["payment_type"], ge=0)
    fare_amount: Dollars = column("Fare by meter", unit="USD")
    extra: Dollars | None = column("Surcharges of the hour", unit="USD")
    mta_tax: Dollars | None = column("MTA tax", unit="USD")
    tip_amount: Dollars | None = column("Tip by card", unit="USD")
    tolls_amount: Dollars | None = column("Tolls", unit="USD")
    improvement_surcharge: Dollars | None = column("Improvement surcharge", unit="USD")
    total_amount: Dollars = column("What the passenger was charged, without cash tips", unit="USD")
    congestion_surcharge: Dollars | None = column("Congestion surcharge; a column since 2019", unit="USD", default=None)
    file_month: str = computed(
        "Month of the file, YYYY-MM", r"regexp_extract(source_file, '\d{4}-\d{2}')", max_length=7
    )
    is_refund: bool = computed("The fare is negative: money given back", "fare_amount < 0")
    has_no_distance: bool = computed("Trip distance is zero", "trip_distance = 0")
    has_no_passengers: bool = computed("The driver typed zero passengers", "COALESCE(passenger_count = 0, FALSE)")
    is_backwards: bool = computed("The dropoff is before the pickup", "dropoff_datetime < pickup_datetime")
    is_out_of_month: bool = computed(
        "The pickup is not in the month of its file",
        r"COALESCE(regexp_extract(source_file, '\d{4}-\d{2}') <> strftime(pickup_datetime, '%Y-%m'), FALSE)",
    )
    content_hash: str = computed(
        "What the trip says, hashed: the same when its file is read or published again",
        "md5(concat_ws('|', vendor_id, pickup_datetime, dropoff_datetime, COALESCE(passenger_count, -1), trip_distance,"
        " pickup_zone_id, dropoff_zone_id, COALESCE(rate_code_id, -1), COALESCE(payment_type_id, -1), fare_amount, total_amount))",
        max_length=32,
    )


class YellowTrip(Trip):
    """One trip of a yellow cab."""

    pickup_datetime: datetime = column("Meter on, New York time", path=["tpep_pickup_datetime", "pickup_datetime"])
    dropoff_datetime: datetime = column("Meter off, New York time", path=["tpep_dropoff_datetime", "dropoff_datetime"])
    airport_fee: Dollars | None = column(
        "Fee at LaGuardia and JFK; a column since 2021", path=["Airport_fee", "airport_fee"], unit="USD", default=None
    )


class GreenTrip(Trip):
    """One trip of a green cab."""

    pickup_datetime: datetime = column("Meter on, New York time", path=["lpep_pickup_datetime", "pickup_datetime"])
    dropoff_datetime: datetime = column("Meter off, New York time", path=["lpep_dropoff_datetime", "dropoff_datetime"])
    ehail_fee: Dollars | None = column("Fee for an e-hail", unit="USD", default=None)
    trip_type_id: int | None = column("Hailed in the street or dispatched", path=["trip_type"], default=None, ge=0)


class Zone(Contract):
    """One taxi zone; 264 is "Unknown", 265 "Outside of NYC"."""

    zone_id: ZoneId = column("The zone", path=["LocationID", "location_id"])
    borough: str = column("Borough; N/A: none", path=["Borough", "borough"], max_length=20)
    zone: str = column("Name of the zone; three names come twice", path=["Zone", "zone"], max_length=70)
    service_zone: str = column("Kind of service; N/A: none", max_length=20)


class Code(Contract):
    """One code of the TLC's lists."""

    id: int = column("The code", ge=0)
    name: str = column("What it means", min_length=1, max_length=60)

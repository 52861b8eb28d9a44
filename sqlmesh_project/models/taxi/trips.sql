MODEL (
  name taxi.trips,
  kind VIEW,
  owner analytics,
  grain trip_key,
  description 'Trips with the names behind their codes, and borough, zone and kind of service at both ends: what spreadsheets and notebooks read.',
  column_descriptions (
    trip_key = 'The trip: what it says, hashed, and its number among equals; stays when a file is read or published again',
    taxi_type = 'yellow or green',
    source_file = 'File the trip is in',
    vendor_id = 'Who delivered the record',
    vendor = 'Who delivered the record, by name',
    rate_code_id = 'Rate at the end of the trip',
    rate_code = 'Rate at the end of the trip, by name',
    payment_type_id = 'How it was paid',
    payment_type = 'How it was paid, by name',
    trip_type_id = 'Hailed or dispatched; -1 for yellow cabs',
    trip_type = 'Hailed or dispatched, by name',
    pickup_zone_id = 'Zone of the pickup',
    pickup_zone = 'Zone of the pickup, by name',
    pickup_borough = 'Borough of the pickup; NULL: none',
    pickup_service_zone = 'Kind of service at the pickup; NULL: none',
    dropoff_zone_id = 'Zone of the dropoff',
    dropoff_zone = 'Zone of the dropoff, by name',
    dropoff_borough = 'Borough of the dropoff; NULL: none',
    dropoff_service_zone = 'Kind of service at the dropoff; NULL: none',
    pickup_date_key = 'Day of the pickup as yyyymmdd, key of dim_date',
    dropoff_date_key = 'Day of the dropoff as yyyymmdd, key of dim_date',
    pickup_datetime = 'Meter on, New York time',
    dropoff_datetime = 'Meter off, New York time',
    passenger_count = 'Passengers as the driver typed them; NULL: nothing typed',
    trip_distance = 'Distance by meter, miles',
    store_and_fwd_flag = 'Y: the record waited in the car for a connection',
    fare_amount = 'Fare by meter, USD',
    extra = 'Surcharges of the hour, USD',
    mta_tax = 'MTA tax, USD',
    tip_amount = 'Tip by card, USD',
    tolls_amount = 'Tolls, USD',
    improvement_surcharge = 'Improvement surcharge, USD',
    congestion_surcharge = 'Congestion surcharge, USD',
    airport_fee = 'Airport fee, yellow cabs, USD',
    ehail_fee = 'E-hail fee, green cabs, USD',
    total_amount = 'What the passenger was charged, without cash tips, USD',
    is_refund = 'The fare is negative: money given back',
    has_no_distance = 'Trip distance is zero',
    has_no_passengers = 'The driver typed zero passengers',
    is_backwards = 'The dropoff is before the pickup',
    is_out_of_month = 'The pickup is not in the month of its file',
    is_implausible = 'Farther than 300 miles, faster than 100 miles per hour, or longer than 10 hours: not counted in miles and averages'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      trip_key
    )),
    NOT_NULL(
      columns := (
        trip_key,
        taxi_type,
        vendor,
        rate_code,
        payment_type,
        trip_type,
        pickup_zone,
        dropoff_zone
      )
    ),
    SAME_ROWS(other := taxi.fact_trip)
  )
);

SELECT
  t.trip_key::VARCHAR(60) AS trip_key,
  t.taxi_type::VARCHAR(6) AS taxi_type,
  t.source_file::VARCHAR(400) AS source_file,
  t.vendor_id::INTEGER AS vendor_id,
  v.vendor::VARCHAR(240) AS vendor,
  t.rate_code_id::INTEGER AS rate_code_id,
  r.rate_code::VARCHAR(240) AS rate_code,
  t.payment_type_id::INTEGER AS payment_type_id,
  m.payment_type::VARCHAR(240) AS payment_type,
  t.trip_type_id::INTEGER AS trip_type_id,
  k.trip_type::VARCHAR(240) AS trip_type,
  t.pickup_zone_id::INTEGER AS pickup_zone_id,
  p.zone::VARCHAR(280) AS pickup_zone,
  p.borough::VARCHAR(80) AS pickup_borough,
  p.service_zone::VARCHAR(80) AS pickup_service_zone,
  t.dropoff_zone_id::INTEGER AS dropoff_zone_id,
  d.zone::VARCHAR(280) AS dropoff_zone,
  d.borough::VARCHAR(80) AS dropoff_borough,
  d.service_zone::VARCHAR(80) AS dropoff_service_zone,
  t.pickup_date_key::INTEGER AS pickup_date_key,
  t.dropoff_date_key::INTEGER AS dropoff_date_key,
  t.pickup_datetime::TIMESTAMP AS pickup_datetime,
  t.dropoff_datetime::TIMESTAMP AS dropoff_datetime,
  t.passenger_count::INTEGER AS passenger_count,
  t.trip_distance::DOUBLE PRECISION AS trip_distance,
  t.store_and_fwd_flag::VARCHAR(4) AS store_and_fwd_flag,
  t.fare_amount::DECIMAL(10, 2) AS fare_amount,
  t.extra::DECIMAL(10, 2) AS extra,
  t.mta_tax::DECIMAL(10, 2) AS mta_tax,
  t.tip_amount::DECIMAL(10, 2) AS tip_amount,
  t.tolls_amount::DECIMAL(10, 2) AS tolls_amount,
  t.improvement_surcharge::DECIMAL(10, 2) AS improvement_surcharge,
  t.congestion_surcharge::DECIMAL(10, 2) AS congestion_surcharge,
  t.airport_fee::DECIMAL(10, 2) AS airport_fee,
  t.ehail_fee::DECIMAL(10, 2) AS ehail_fee,
  t.total_amount::DECIMAL(10, 2) AS total_amount,
  t.is_refund::BOOLEAN AS is_refund,
  t.has_no_distance::BOOLEAN AS has_no_distance,
  t.has_no_passengers::BOOLEAN AS has_no_passengers,
  t.is_backwards::BOOLEAN AS is_backwards,
  t.is_out_of_month::BOOLEAN AS is_out_of_month,
  t.is_implausible::BOOLEAN AS is_implausible
FROM taxi.fact_trip AS t
JOIN taxi.dim_vendor AS v
  ON v.vendor_id = t.vendor_id
JOIN taxi.dim_rate_code AS r
  ON r.rate_code_id = t.rate_code_id
JOIN taxi.dim_payment_type AS m
  ON m.payment_type_id = t.payment_type_id
JOIN taxi.dim_trip_type AS k
  ON k.trip_type_id = t.trip_type_id
JOIN taxi.dim_zone AS p
  ON p.zone_id = t.pickup_zone_id
JOIN taxi.dim_zone AS d
  ON d.zone_id = t.dropoff_zone_id

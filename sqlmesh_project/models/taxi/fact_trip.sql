MODEL (
  name taxi.fact_trip,
  kind INCREMENTAL_BY_PARTITION,
  owner analytics,
  grain trip_key,
  partitioned_by source_file,
  depends_on ARRAY(
    taxi.dim_vendor,
    taxi.dim_rate_code,
    taxi.dim_payment_type,
    taxi.dim_trip_type,
    taxi.dim_zone,
    taxi.dim_date
  ),
  description 'One trip. The files that staging changed since the day of the last build are replaced whole, the others are not touched; files that staging no longer has are deleted.',
  column_descriptions (
    trip_key = 'The trip: what it says, hashed, and its number among equals; stays when a file is read or published again',
    taxi_type = 'yellow or green',
    source_file = 'File the trip is in',
    vendor_id = 'Who delivered the record',
    rate_code_id = 'Rate at the end of the trip',
    payment_type_id = 'How it was paid',
    trip_type_id = 'Hailed or dispatched; -1 for yellow cabs',
    pickup_zone_id = 'Zone of the pickup',
    dropoff_zone_id = 'Zone of the dropoff',
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
        source_file,
        pickup_datetime,
        dropoff_datetime,
        total_amount,
        is_implausible
      )
    ),
    REFERENCES_DIMENSION(key := vendor_id, dimension := taxi.dim_vendor, dimension_key := vendor_id),
    REFERENCES_DIMENSION(key := rate_code_id, dimension := taxi.dim_rate_code, dimension_key := rate_code_id),
    REFERENCES_DIMENSION(
      key := payment_type_id,
      dimension := taxi.dim_payment_type,
      dimension_key := payment_type_id
    ),
    REFERENCES_DIMENSION(key := trip_type_id, dimension := taxi.dim_trip_type, dimension_key := trip_type_id),
    REFERENCES_DIMENSION(key := pickup_zone_id, dimension := taxi.dim_zone, dimension_key := zone_id),
    REFERENCES_DIMENSION(key := dropoff_zone_id, dimension := taxi.dim_zone, dimension_key := zone_id),
    REFERENCES_DIMENSION(key := pickup_date_key, dimension := taxi.dim_date, dimension_key := date_key),
    REFERENCES_DIMENSION(key := dropoff_date_key, dimension := taxi.dim_date, dimension_key := date_key)
  ),
  physical_properties (distkey = 'trip_key', sortkey = 'pickup_datetime')
);

SELECT
  (
    'y' || y.file_month || '-' || y.content_hash || '-' || ROW_NUMBER() OVER (PARTITION BY y.source_file, y.content_hash ORDER BY y.source_row)::VARCHAR(10)
  )::VARCHAR(60) AS trip_key,
  'yellow'::VARCHAR(6) AS taxi_type,
  y.source_file::VARCHAR(400) AS source_file,
  COALESCE(y.vendor_id, -1)::INTEGER AS vendor_id,
  COALESCE(y.rate_code_id, -1)::INTEGER AS rate_code_id,
  COALESCE(y.payment_type_id, -1)::INTEGER AS payment_type_id,
  -1::INTEGER AS trip_type_id,
  y.pickup_zone_id::INTEGER AS pickup_zone_id,
  y.dropoff_zone_id::INTEGER AS dropoff_zone_id,
  @DATE_KEY(y.pickup_datetime)::INTEGER AS pickup_date_key,
  @DATE_KEY(y.dropoff_datetime)::INTEGER AS dropoff_date_key,
  y.pickup_datetime::TIMESTAMP AS pickup_datetime,
  y.dropoff_datetime::TIMESTAMP AS dropoff_datetime,
  y.passenger_count::INTEGER AS passenger_count,
  y.trip_distance::DOUBLE PRECISION AS trip_distance,
  y.store_and_fwd_flag::VARCHAR(4) AS store_and_fwd_flag,
  y.fare_amount::DECIMAL(10, 2) AS fare_amount,
  y.extra::DECIMAL(10, 2) AS extra,
  y.mta_tax::DECIMAL(10, 2) AS mta_tax,
  y.tip_amount::DECIMAL(10, 2) AS tip_amount,
  y.tolls_amount::DECIMAL(10, 2) AS tolls_amount,
  y.improvement_surcharge::DECIMAL(10, 2) AS improvement_surcharge,
  y.congestion_surcharge::DECIMAL(10, 2) AS congestion_surcharge,
  y.airport_fee::DECIMAL(10, 2) AS airport_fee,
  NULL::DECIMAL(10, 2) AS ehail_fee,
  y.total_amount::DECIMAL(10, 2) AS total_amount,
  y.is_refund::BOOLEAN AS is_refund,
  y.has_no_distance::BOOLEAN AS has_no_distance,
  y.has_no_passengers::BOOLEAN AS has_no_passengers,
  y.is_backwards::BOOLEAN AS is_backwards,
  y.is_out_of_month::BOOLEAN AS is_out_of_month,
  @IS_IMPLAUSIBLE(y.trip_distance, y.pickup_datetime, y.dropoff_datetime)::BOOLEAN AS is_implausible
FROM stg_taxi.yellow_trips AS y
WHERE
  @REFINED_SINCE(y._refine_id)
UNION ALL
SELECT
  (
    'g' || g.file_month || '-' || g.content_hash || '-' || ROW_NUMBER() OVER (PARTITION BY g.source_file, g.content_hash ORDER BY g.source_row)::VARCHAR(10)
  )::VARCHAR(60) AS trip_key,
  'green'::VARCHAR(6) AS taxi_type,
  g.source_file::VARCHAR(400) AS source_file,
  COALESCE(g.vendor_id, -1)::INTEGER AS vendor_id,
  COALESCE(g.rate_code_id, -1)::INTEGER AS rate_code_id,
  COALESCE(g.payment_type_id, -1)::INTEGER AS payment_type_id,
  COALESCE(g.trip_type_id, -1)::INTEGER AS trip_type_id,
  g.pickup_zone_id::INTEGER AS pickup_zone_id,
  g.dropoff_zone_id::INTEGER AS dropoff_zone_id,
  @DATE_KEY(g.pickup_datetime)::INTEGER AS pickup_date_key,
  @DATE_KEY(g.dropoff_datetime)::INTEGER AS dropoff_date_key,
  g.pickup_datetime::TIMESTAMP AS pickup_datetime,
  g.dropoff_datetime::TIMESTAMP AS dropoff_datetime,
  g.passenger_count::INTEGER AS passenger_count,
  g.trip_distance::DOUBLE PRECISION AS trip_distance,
  g.store_and_fwd_flag::VARCHAR(4) AS store_and_fwd_flag,
  g.fare_amount::DECIMAL(10, 2) AS fare_amount,
  g.extra::DECIMAL(10, 2) AS extra,
  g.mta_tax::DECIMAL(10, 2) AS mta_tax,
  g.tip_amount::DECIMAL(10, 2) AS tip_amount,
  g.tolls_amount::DECIMAL(10, 2) AS tolls_amount,
  g.improvement_surcharge::DECIMAL(10, 2) AS improvement_surcharge,
  g.congestion_surcharge::DECIMAL(10, 2) AS congestion_surcharge,
  NULL::DECIMAL(10, 2) AS airport_fee,
  g.ehail_fee::DECIMAL(10, 2) AS ehail_fee,
  g.total_amount::DECIMAL(10, 2) AS total_amount,
  g.is_refund::BOOLEAN AS is_refund,
  g.has_no_distance::BOOLEAN AS has_no_distance,
  g.has_no_passengers::BOOLEAN AS has_no_passengers,
  g.is_backwards::BOOLEAN AS is_backwards,
  g.is_out_of_month::BOOLEAN AS is_out_of_month,
  @IS_IMPLAUSIBLE(g.trip_distance, g.pickup_datetime, g.dropoff_datetime)::BOOLEAN AS is_implausible
FROM stg_taxi.green_trips AS g
WHERE
  @REFINED_SINCE(g._refine_id);

@IF(
  @runtime_stage = 'evaluating',
  DELETE FROM @this_model
  WHERE
    NOT source_file IN (
      SELECT
        y.source_file
      FROM stg_taxi.yellow_trips AS y
      UNION
      SELECT
        g.source_file
      FROM stg_taxi.green_trips AS g
    ) /* a file that was published again without a good row */
)

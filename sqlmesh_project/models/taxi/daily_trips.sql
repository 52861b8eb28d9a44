MODEL (
  name taxi.daily_trips,
  kind VIEW,
  owner analytics,
  grain (taxi_type, trip_date),
  description 'Trips per day and kind of cab, without those outside the month of their file. Implausible trips count as trips and in amounts, not in miles.',
  column_descriptions (
    taxi_type = 'yellow or green',
    trip_date = 'Day of the pickup, New York',
    trips = 'Trips',
    refunds = 'Trips whose fare was given back',
    passengers = 'Passengers as typed',
    no_distance = 'Trips whose distance is zero',
    no_passengers = 'Trips with zero passengers typed',
    backwards = 'Trips whose dropoff is before their pickup',
    implausible = 'Trips that no taxi can have driven: see fact_trip',
    trip_distance = 'Miles, without implausible trips',
    average_distance = 'Miles per trip, without implausible trips; NULL: there is no other',
    fare_amount = 'Sum of fares in USD',
    tip_amount = 'Sum of tips by card in USD',
    total_amount = 'Sum of charges in USD'
  ),
  audits (
    UNIQUE_COMBINATION_OF_COLUMNS(columns := (taxi_type, trip_date)),
    NOT_NULL(columns := (taxi_type, trip_date, trips, total_amount))
  )
);

SELECT
  t.taxi_type::VARCHAR(6) AS taxi_type,
  t.pickup_datetime::DATE AS trip_date,
  COUNT(*)::INTEGER AS trips,
  SUM(CASE WHEN t.is_refund THEN 1 ELSE 0 END)::INTEGER AS refunds,
  SUM(t.passenger_count)::BIGINT AS passengers,
  SUM(CASE WHEN t.has_no_distance THEN 1 ELSE 0 END)::INTEGER AS no_distance,
  SUM(CASE WHEN t.has_no_passengers THEN 1 ELSE 0 END)::INTEGER AS no_passengers,
  SUM(CASE WHEN t.is_backwards THEN 1 ELSE 0 END)::INTEGER AS backwards,
  SUM(CASE WHEN t.is_implausible THEN 1 ELSE 0 END)::INTEGER AS implausible,
  SUM(CASE WHEN t.is_implausible THEN 0 ELSE t.trip_distance::DECIMAL(18, 2) END)::DECIMAL(18, 2) AS trip_distance,
  @HALF_UP(
    SUM(CASE WHEN t.is_implausible THEN 0 ELSE t.trip_distance::DECIMAL(18, 2) END)::DOUBLE PRECISION / NULLIF(SUM(CASE WHEN t.is_implausible THEN 0 ELSE 1 END), 0)
  )::DECIMAL(10, 4) AS average_distance,
  SUM(t.fare_amount)::DECIMAL(18, 2) AS fare_amount,
  SUM(t.tip_amount)::DECIMAL(18, 2) AS tip_amount,
  SUM(t.total_amount)::DECIMAL(18, 2) AS total_amount
FROM taxi.fact_trip AS t
WHERE
  NOT t.is_out_of_month
GROUP BY
  t.taxi_type,
  t.pickup_datetime::DATE

MODEL (
  name taxi.daily_trips,
  kind VIEW,
  owner analytics,
  grain (taxi_type, trip_date),
  description 'Trips per day and kind of cab, without those outside the month of their file.',
  column_descriptions (
    taxi_type = 'yellow or green',
    trip_date = 'Day of the pickup, New York',
    trips = 'Trips',
    refunds = 'Trips whose fare was given back',
    passengers = 'Passengers as typed',
    trip_distance = 'Miles',
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
  SUM(t.trip_distance::DECIMAL(18, 2))::DECIMAL(18, 2) AS trip_distance,
  SUM(t.fare_amount)::DECIMAL(18, 2) AS fare_amount,
  SUM(t.tip_amount)::DECIMAL(18, 2) AS tip_amount,
  SUM(t.total_amount)::DECIMAL(18, 2) AS total_amount
FROM taxi.fact_trip AS t
WHERE
  NOT t.is_out_of_month
GROUP BY
  t.taxi_type,
  t.pickup_datetime::DATE

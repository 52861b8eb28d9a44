MODEL (
  name taxi.trips_by_hour,
  kind VIEW,
  owner analytics,
  grain (
    taxi_type,
    trip_date,
    hour_of_day,
    pickup_zone_id,
    payment_type_id,
    airport_zone_id,
    airport_direction
  ),
  description 'Trips per kind of cab, day, hour, zone of the pickup, payment and airport, without those outside the month of their file: what dashboards read.',
  column_descriptions (
    taxi_type = 'yellow or green',
    trip_date = 'Day of the pickup, New York',
    hour_of_day = 'Hour of the pickup, 0 to 23, New York',
    pickup_zone_id = 'Zone of the pickup',
    zone = 'Name of the zone',
    zone_place = 'Place of the zone among all by its trips, 1 is the busiest',
    borough = 'Borough; NULL: none',
    payment_type_id = 'How it was paid, the code; -1: none',
    payment_type = 'How it was paid',
    airport_zone_id = 'Airport at an end of the trip, its zone; NULL: none',
    airport = 'Airport at an end of the trip; NULL: none',
    airport_direction = 'from: the trip began at the airport; to: it only ended there; NULL: no airport',
    trips = 'Trips',
    refunds = 'Trips whose fare was given back',
    passengers = 'Passengers as typed',
    implausible = 'Trips that no taxi can have driven: see fact_trip',
    trip_distance = 'Miles, without implausible trips',
    fare_amount = 'Sum of fares in USD',
    tip_amount = 'Sum of tips by card in USD',
    total_amount = 'Sum of charges in USD'
  ),
  audits (
    UNIQUE_COMBINATION_OF_COLUMNS(
      columns := (
        taxi_type,
        trip_date,
        hour_of_day,
        pickup_zone_id,
        payment_type_id,
        airport_zone_id,
        airport_direction
      )
    ),
    NOT_NULL(
      columns := (
        taxi_type,
        trip_date,
        hour_of_day,
        pickup_zone_id,
        zone,
        payment_type,
        trips,
        total_amount
      )
    ),
    ACCEPTED_VALUES("column" := airport_direction, is_in := ('from', 'to'))
  )
);

WITH trips AS (
  SELECT
    t.*,
    p.zone,
    p.borough,
    m.payment_type,
    CASE
      WHEN p.service_zone IN ('Airports', 'EWR')
      THEN p.zone_id
      WHEN d.service_zone IN ('Airports', 'EWR')
      THEN d.zone_id
    END AS airport_zone_id,
    CASE
      WHEN p.service_zone IN ('Airports', 'EWR')
      THEN p.zone
      WHEN d.service_zone IN ('Airports', 'EWR')
      THEN d.zone
    END AS airport,
    CASE
      WHEN p.service_zone IN ('Airports', 'EWR')
      THEN 'from'
      WHEN d.service_zone IN ('Airports', 'EWR')
      THEN 'to'
    END AS airport_direction
  FROM taxi.fact_trip AS t
  JOIN taxi.dim_zone AS p
    ON p.zone_id = t.pickup_zone_id
  JOIN taxi.dim_zone AS d
    ON d.zone_id = t.dropoff_zone_id
  JOIN taxi.dim_payment_type AS m
    ON m.payment_type_id = t.payment_type_id
  WHERE
    NOT t.is_out_of_month
), places AS (
  SELECT
    t.pickup_zone_id,
    ROW_NUMBER() OVER (ORDER BY COUNT(*) DESC, t.pickup_zone_id) AS zone_place
  FROM trips AS t
  GROUP BY
    t.pickup_zone_id
)
SELECT
  t.taxi_type::VARCHAR(6) AS taxi_type,
  t.pickup_datetime::DATE AS trip_date,
  EXTRACT(HOUR FROM t.pickup_datetime)::INTEGER AS hour_of_day,
  t.pickup_zone_id::INTEGER AS pickup_zone_id,
  t.zone::VARCHAR(280) AS zone,
  p.zone_place::INTEGER AS zone_place,
  t.borough::VARCHAR(80) AS borough,
  t.payment_type_id::INTEGER AS payment_type_id,
  t.payment_type::VARCHAR(240) AS payment_type,
  t.airport_zone_id::INTEGER AS airport_zone_id,
  t.airport::VARCHAR(280) AS airport,
  t.airport_direction::VARCHAR(4) AS airport_direction,
  COUNT(*)::INTEGER AS trips,
  SUM(CASE WHEN t.is_refund THEN 1 ELSE 0 END)::INTEGER AS refunds,
  SUM(t.passenger_count)::BIGINT AS passengers,
  SUM(CASE WHEN t.is_implausible THEN 1 ELSE 0 END)::INTEGER AS implausible,
  SUM(CASE WHEN t.is_implausible THEN 0 ELSE t.trip_distance::DECIMAL(18, 2) END)::DECIMAL(18, 2) AS trip_distance,
  SUM(t.fare_amount)::DECIMAL(18, 2) AS fare_amount,
  SUM(t.tip_amount)::DECIMAL(18, 2) AS tip_amount,
  SUM(t.total_amount)::DECIMAL(18, 2) AS total_amount
FROM trips AS t
JOIN places AS p
  ON p.pickup_zone_id = t.pickup_zone_id
GROUP BY
  t.taxi_type,
  t.pickup_datetime::DATE,
  EXTRACT(HOUR FROM t.pickup_datetime),
  t.pickup_zone_id,
  t.zone,
  p.zone_place,
  t.borough,
  t.payment_type_id,
  t.payment_type,
  t.airport_zone_id,
  t.airport,
  t.airport_direction

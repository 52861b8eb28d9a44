MODEL (
  name taxi.zone_hour_trips,
  kind VIEW,
  owner analytics,
  grain (pickup_zone_id, hour_of_day),
  description 'Trips per zone of the pickup and hour of the day, all cabs, without those outside the month of their file.',
  column_descriptions (
    pickup_zone_id = 'Zone of the pickup',
    hour_of_day = 'Hour of the pickup, 0 to 23, New York',
    zone = 'Name of the zone',
    borough = 'Borough; NULL: none',
    trips = 'Trips',
    total_amount = 'Sum of charges in USD'
  ),
  audits (
    UNIQUE_COMBINATION_OF_COLUMNS(columns := (pickup_zone_id, hour_of_day)),
    NOT_NULL(columns := (pickup_zone_id, hour_of_day, trips, total_amount))
  )
);

SELECT
  t.pickup_zone_id::INTEGER AS pickup_zone_id,
  EXTRACT(HOUR FROM t.pickup_datetime)::INTEGER AS hour_of_day,
  z.zone::VARCHAR(280) AS zone,
  z.borough::VARCHAR(80) AS borough,
  COUNT(*)::INTEGER AS trips,
  SUM(t.total_amount)::DECIMAL(18, 2) AS total_amount
FROM taxi.fact_trip AS t
JOIN taxi.dim_zone AS z
  ON z.zone_id = t.pickup_zone_id
WHERE
  NOT t.is_out_of_month
GROUP BY
  t.pickup_zone_id,
  EXTRACT(HOUR FROM t.pickup_datetime),
  z.zone,
  z.borough

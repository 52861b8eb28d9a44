MODEL (
  name taxi.monthly_flags,
  kind VIEW,
  owner analytics,
  grain (taxi_type, trip_month, flag),
  description 'How many trips of a month have a flag, per kind of cab, beside the last month before it that there is. A share that moves is a change at the source, not in the traffic.',
  column_descriptions (
    taxi_type = 'yellow or green',
    trip_month = 'First day of the month of the pickup, New York',
    flag = 'no distance, no passengers, backwards, implausible or refund',
    trips = 'Trips',
    flagged = 'Trips with the flag',
    share = 'Trips with the flag as a share of all, 0 to 1',
    share_before = 'The same of the last month before; NULL: this is the first',
    has_moved = 'Whether the share moved by more than half of what it was and by more than 0.005; NULL: this is the first month',
    is_newest = 'Whether it is the newest month of this kind of cab'
  ),
  audits (
    UNIQUE_COMBINATION_OF_COLUMNS(columns := (taxi_type, trip_month, flag)),
    NOT_NULL(columns := (taxi_type, trip_month, flag, trips, flagged, share, is_newest)),
    ACCEPTED_RANGE("column" := share, min_v := 0, max_v := 1, inclusive := TRUE)
  )
);

WITH months AS (
  SELECT
    d.taxi_type,
    DATE_TRUNC('MONTH', d.trip_date)::DATE AS trip_month,
    SUM(d.trips) AS trips,
    SUM(d.no_distance) AS no_distance,
    SUM(d.no_passengers) AS no_passengers,
    SUM(d.backwards) AS backwards,
    SUM(d.implausible) AS implausible,
    SUM(d.refunds) AS refunds
  FROM taxi.daily_trips AS d
  GROUP BY
    d.taxi_type,
    DATE_TRUNC('MONTH', d.trip_date)::DATE
), flags AS (
  SELECT
    m.taxi_type,
    m.trip_month,
    'no distance' AS flag,
    m.trips,
    m.no_distance AS flagged
  FROM months AS m
  UNION ALL
  SELECT
    m.taxi_type,
    m.trip_month,
    'no passengers' AS flag,
    m.trips,
    m.no_passengers AS flagged
  FROM months AS m
  UNION ALL
  SELECT
    m.taxi_type,
    m.trip_month,
    'backwards' AS flag,
    m.trips,
    m.backwards AS flagged
  FROM months AS m
  UNION ALL
  SELECT
    m.taxi_type,
    m.trip_month,
    'implausible' AS flag,
    m.trips,
    m.implausible AS flagged
  FROM months AS m
  UNION ALL
  SELECT
    m.taxi_type,
    m.trip_month,
    'refund' AS flag,
    m.trips,
    m.refunds AS flagged
  FROM months AS m
), shares AS (
  SELECT
    f.*,
    @HALF_UP(f.flagged::DOUBLE PRECISION / f.trips)::DECIMAL(10, 4) AS share
  FROM flags AS f
), compared AS (
  SELECT
    s.*,
    LAG(s.share) OVER (PARTITION BY s.taxi_type, s.flag ORDER BY s.trip_month) AS share_before,
    LEAD(s.trip_month) OVER (PARTITION BY s.taxi_type, s.flag ORDER BY s.trip_month) AS month_after
  FROM shares AS s
)
SELECT
  c.taxi_type::VARCHAR(6) AS taxi_type,
  c.trip_month::DATE AS trip_month,
  c.flag::VARCHAR(13) AS flag,
  c.trips::BIGINT AS trips,
  c.flagged::BIGINT AS flagged,
  c.share::DECIMAL(10, 4) AS share,
  c.share_before::DECIMAL(10, 4) AS share_before,
  (
    ABS(c.share - c.share_before) > 0.005
    AND ABS(c.share - c.share_before) * 2 > c.share_before
  )::BOOLEAN AS has_moved,
  (
    c.month_after IS NULL
  )::BOOLEAN AS is_newest
FROM compared AS c

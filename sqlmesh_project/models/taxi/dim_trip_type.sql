MODEL (
  name taxi.dim_trip_type,
  kind FULL,
  owner analytics,
  grain trip_type_id,
  description 'Hailed in the street or dispatched; green cabs only: the codes of the TLC, those only trips mention, and -1 for trips without one.',
  column_descriptions (
    trip_type_id = 'The code; -1: none',
    trip_type = 'What it means',
    status = 'known: on the list; inferred: only trips mention it; unknown: the trip has no code'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      trip_type_id
    )),
    NOT_NULL(columns := (trip_type_id, trip_type, status))
  ),
  physical_properties (diststyle = 'ALL', sortkey = 'trip_type_id')
);

SELECT
  c.id::INTEGER AS trip_type_id,
  c.name::VARCHAR(240) AS trip_type,
  'known'::VARCHAR(8) AS status
FROM stg_taxi.trip_types AS c
UNION ALL
SELECT
  m.trip_type_id::INTEGER AS trip_type_id,
  (
    'Code ' || m.trip_type_id::VARCHAR(20)
  )::VARCHAR(240) AS trip_type,
  'inferred'::VARCHAR(8) AS status
FROM (
  SELECT DISTINCT
    g.trip_type_id
  FROM stg_taxi.green_trips AS g
) AS m
LEFT JOIN stg_taxi.trip_types AS c
  ON c.id = m.trip_type_id
WHERE
  c.id IS NULL AND NOT m.trip_type_id IS NULL
UNION ALL
SELECT
  -1::INTEGER AS trip_type_id,
  'None'::VARCHAR(240) AS trip_type,
  'unknown'::VARCHAR(8) AS status

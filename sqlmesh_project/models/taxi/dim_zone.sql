MODEL (
  name taxi.dim_zone,
  kind FULL,
  owner analytics,
  grain zone_id,
  description 'Taxi zones; 264 is Unknown and 265 outside of New York City. Three names come twice.',
  column_descriptions (
    zone_id = 'The zone, 1 to 265',
    zone = 'Name',
    borough = 'Borough; NULL: none',
    service_zone = 'Kind of service; NULL: none',
    status = 'known: in the lookup file; inferred: only trips mention it'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      zone_id
    )),
    NOT_NULL(columns := (zone_id, zone, status))
  ),
  physical_properties (diststyle = 'ALL', sortkey = 'zone_id')
);

SELECT
  z.zone_id::INTEGER AS zone_id,
  CASE WHEN z.zone = 'N/A' THEN 'Unknown' ELSE z.zone END::VARCHAR(280) AS zone,
  NULLIF(z.borough, 'N/A')::VARCHAR(80) AS borough,
  NULLIF(z.service_zone, 'N/A')::VARCHAR(80) AS service_zone,
  'known'::VARCHAR(8) AS status
FROM stg_taxi.zones AS z
UNION ALL
SELECT
  m.zone_id::INTEGER AS zone_id,
  'Unknown'::VARCHAR(280) AS zone,
  NULL::VARCHAR(80) AS borough,
  NULL::VARCHAR(80) AS service_zone,
  'inferred'::VARCHAR(8) AS status
FROM (
  SELECT
    y.pickup_zone_id AS zone_id
  FROM stg_taxi.yellow_trips AS y
  UNION
  SELECT
    y.dropoff_zone_id AS zone_id
  FROM stg_taxi.yellow_trips AS y
  UNION
  SELECT
    g.pickup_zone_id AS zone_id
  FROM stg_taxi.green_trips AS g
  UNION
  SELECT
    g.dropoff_zone_id AS zone_id
  FROM stg_taxi.green_trips AS g
) AS m
LEFT JOIN stg_taxi.zones AS z
  ON z.zone_id = m.zone_id
WHERE
  z.zone_id IS NULL

MODEL (
  name taxi.dim_vendor,
  kind FULL,
  owner analytics,
  grain vendor_id,
  description 'Who delivered the record: the codes of the TLC, those only trips mention, and -1 for trips without one.',
  column_descriptions (
    vendor_id = 'The code; -1: none',
    vendor = 'What it means',
    status = 'known: on the list; inferred: only trips mention it; unknown: the trip has no code'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      vendor_id
    )),
    NOT_NULL(columns := (vendor_id, vendor, status))
  ),
  physical_properties (diststyle = 'ALL', sortkey = 'vendor_id')
);

SELECT
  c.id::INTEGER AS vendor_id,
  c.name::VARCHAR(240) AS vendor,
  'known'::VARCHAR(8) AS status
FROM stg_taxi.vendors AS c
UNION ALL
SELECT
  m.vendor_id::INTEGER AS vendor_id,
  (
    'Code ' || m.vendor_id::VARCHAR(20)
  )::VARCHAR(240) AS vendor,
  'inferred'::VARCHAR(8) AS status
FROM (
  SELECT
    y.vendor_id
  FROM stg_taxi.yellow_trips AS y
  UNION
  SELECT
    g.vendor_id
  FROM stg_taxi.green_trips AS g
) AS m
LEFT JOIN stg_taxi.vendors AS c
  ON c.id = m.vendor_id
WHERE
  c.id IS NULL AND NOT m.vendor_id IS NULL
UNION ALL
SELECT
  -1::INTEGER AS vendor_id,
  'None'::VARCHAR(240) AS vendor,
  'unknown'::VARCHAR(8) AS status

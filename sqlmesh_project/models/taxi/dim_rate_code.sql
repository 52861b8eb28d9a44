MODEL (
  name taxi.dim_rate_code,
  kind FULL,
  owner analytics,
  grain rate_code_id,
  description 'Rate at the end of the trip: the codes of the TLC, those only trips mention, and -1 for trips without one.',
  column_descriptions (
    rate_code_id = 'The code; -1: none',
    rate_code = 'What it means',
    status = 'known: on the list; inferred: only trips mention it; unknown: the trip has no code'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      rate_code_id
    )),
    NOT_NULL(columns := (rate_code_id, rate_code, status))
  ),
  physical_properties (diststyle = 'ALL', sortkey = 'rate_code_id')
);

SELECT
  c.id::INTEGER AS rate_code_id,
  c.name::VARCHAR(240) AS rate_code,
  'known'::VARCHAR(8) AS status
FROM stg_taxi.rate_codes AS c
UNION ALL
SELECT
  m.rate_code_id::INTEGER AS rate_code_id,
  (
    'Code ' || m.rate_code_id::VARCHAR(20)
  )::VARCHAR(240) AS rate_code,
  'inferred'::VARCHAR(8) AS status
FROM (
  SELECT
    y.rate_code_id
  FROM stg_taxi.yellow_trips AS y
  UNION
  SELECT
    g.rate_code_id
  FROM stg_taxi.green_trips AS g
) AS m
LEFT JOIN stg_taxi.rate_codes AS c
  ON c.id = m.rate_code_id
WHERE
  c.id IS NULL AND NOT m.rate_code_id IS NULL
UNION ALL
SELECT
  -1::INTEGER AS rate_code_id,
  'None'::VARCHAR(240) AS rate_code,
  'unknown'::VARCHAR(8) AS status

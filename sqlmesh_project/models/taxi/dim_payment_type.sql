MODEL (
  name taxi.dim_payment_type,
  kind FULL,
  owner analytics,
  grain payment_type_id,
  description 'How it was paid: the codes of the TLC, those only trips mention, and -1 for trips without one.',
  column_descriptions (
    payment_type_id = 'The code; -1: none',
    payment_type = 'What it means',
    status = 'known: on the list; inferred: only trips mention it; unknown: the trip has no code'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      payment_type_id
    )),
    NOT_NULL(columns := (payment_type_id, payment_type, status))
  ),
  physical_properties (diststyle = 'ALL', sortkey = 'payment_type_id')
);

SELECT
  c.id::INTEGER AS payment_type_id,
  c.name::VARCHAR(240) AS payment_type,
  'known'::VARCHAR(8) AS status
FROM stg_taxi.payment_types AS c
UNION ALL
SELECT
  m.payment_type_id::INTEGER AS payment_type_id,
  (
    'Code ' || m.payment_type_id::VARCHAR(20)
  )::VARCHAR(240) AS payment_type,
  'inferred'::VARCHAR(8) AS status
FROM (
  SELECT
    y.payment_type_id
  FROM stg_taxi.yellow_trips AS y
  UNION
  SELECT
    g.payment_type_id
  FROM stg_taxi.green_trips AS g
) AS m
LEFT JOIN stg_taxi.payment_types AS c
  ON c.id = m.payment_type_id
WHERE
  c.id IS NULL AND NOT m.payment_type_id IS NULL
UNION ALL
SELECT
  -1::INTEGER AS payment_type_id,
  'None'::VARCHAR(240) AS payment_type,
  'unknown'::VARCHAR(8) AS status

MODEL (
  name ops.freshness,
  kind VIEW,
  owner analytics,
  grain (source, table_name),
  description 'Per table: when it was last looked at, when rows last arrived and how many there have been.',
  column_descriptions (
    source = 'Source that was read',
    table_name = 'Table',
    last_looked_at = 'When the last whole read that succeeded began, UTC, whether rows came or not; NULL: not since this is recorded',
    last_load_id = 'Newest landed load that held rows; unix time of the read; NULL: none yet',
    last_refined_at = 'When it was refined, UTC; NULL: none yet',
    loads = 'Loads that held rows',
    landed = 'Rows landed',
    accepted = 'Rows accepted',
    rejected = 'Rows rejected'
  ),
  audits (
    UNIQUE_COMBINATION_OF_COLUMNS(columns := (source, table_name)),
    NOT_NULL(columns := (source, table_name, loads, landed, accepted, rejected))
  )
);

WITH events AS (
  SELECT
    l.source,
    l.table_name,
    NULL::TIMESTAMP AS looked_at,
    l.load_id,
    l.refined_at,
    l.landed,
    l.accepted,
    l.rejected
  FROM ops.loads AS l
  UNION ALL
  SELECT
    k.source,
    k.table_name,
    k.looked_at,
    NULL::VARCHAR(32) AS load_id,
    NULL::TIMESTAMP AS refined_at,
    0::BIGINT AS landed,
    0::BIGINT AS accepted,
    0::BIGINT AS rejected
  FROM stg_ops.looks AS k
)
SELECT
  e.source::VARCHAR(100) AS source,
  e.table_name::VARCHAR(100) AS table_name,
  MAX(e.looked_at)::TIMESTAMP AS last_looked_at,
  MAX(e.load_id)::VARCHAR(32) AS last_load_id,
  MAX(e.refined_at)::TIMESTAMP AS last_refined_at,
  COUNT(e.load_id)::BIGINT AS loads,
  SUM(e.landed)::BIGINT AS landed,
  SUM(e.accepted)::BIGINT AS accepted,
  SUM(e.rejected)::BIGINT AS rejected
FROM events AS e
GROUP BY
  e.source,
  e.table_name

MODEL (
  name ops.freshness,
  kind VIEW,
  owner analytics,
  grain (source, table_name),
  description 'Per table: when rows last arrived and how many there have been.',
  column_descriptions (
    source = 'Source that was read',
    table_name = 'Table',
    last_load_id = 'Newest landed load that held rows; unix time of the read',
    last_refined_at = 'When it was refined, UTC',
    loads = 'Loads that held rows',
    landed = 'Rows landed',
    accepted = 'Rows accepted',
    rejected = 'Rows rejected'
  ),
  audits (
    UNIQUE_COMBINATION_OF_COLUMNS(columns := (source, table_name)),
    NOT_NULL(columns := (source, table_name, last_load_id, last_refined_at))
  )
);

SELECT
  loads.source::VARCHAR(100) AS source,
  loads.table_name::VARCHAR(100) AS table_name,
  MAX(loads.load_id)::VARCHAR(32) AS last_load_id,
  MAX(loads.refined_at)::TIMESTAMP AS last_refined_at,
  COUNT(*)::BIGINT AS loads,
  SUM(loads.landed)::BIGINT AS landed,
  SUM(loads.accepted)::BIGINT AS accepted,
  SUM(loads.rejected)::BIGINT AS rejected
FROM ops.loads AS loads
GROUP BY
  loads.source,
  loads.table_name

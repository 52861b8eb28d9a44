MODEL (
  name ops.loads,
  kind VIEW,
  owner analytics,
  grain (source, table_name, load_id),
  description 'Every landed load and what became of its rows: landed = accepted + rejected.',
  column_descriptions (
    source = 'Source that was read',
    table_name = 'Table that was refined',
    load_id = 'Landed load; unix time of the read',
    landed = 'Rows the load holds',
    accepted = 'Rows that met their contract',
    rejected = 'Rows that did not',
    refined_at = 'When it was refined, UTC'
  ),
  audits (
    UNIQUE_COMBINATION_OF_COLUMNS(columns := (source, table_name, load_id)),
    NOT_NULL(columns := (source, table_name, load_id, landed, accepted, rejected)),
    FORALL(criteria := (
      landed = accepted + rejected
    ))
  )
);

SELECT
  every.source::VARCHAR(100) AS source,
  every.table_name::VARCHAR(100) AS table_name,
  every.load_id::VARCHAR(32) AS load_id,
  every.landed::BIGINT AS landed,
  every.accepted::BIGINT AS accepted,
  every.rejected::BIGINT AS rejected,
  every.refined_at::TIMESTAMP AS refined_at
FROM stg_ops.loads AS every

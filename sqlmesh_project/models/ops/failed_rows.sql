MODEL (
  name ops.failed_rows,
  kind VIEW,
  owner analytics,
  grain (layer, scope, dataset, column_name, check_name, row_number),
  description 'Keys of rows that failed a check when it last ran: at most 20 of each check, personal fields masked.',
  column_descriptions (
    run_id = 'The run that checked',
    checked_at = 'When, UTC',
    layer = 'staging or gold',
    scope = 'Source or gold domain',
    dataset = 'Table that was checked',
    column_name = 'Column; empty: the whole table',
    check_name = 'What was checked',
    row_number = 'From 1 for each check',
    row_key = 'What names the row, JSON'
  ),
  audits (
    NOT_NULL(
      columns := (run_id, checked_at, layer, scope, dataset, check_name, row_number, row_key)
    )
  )
);

SELECT
  every.run_id::VARCHAR(40) AS run_id,
  every.checked_at::TIMESTAMP AS checked_at,
  every.layer::VARCHAR(10) AS layer,
  every.scope::VARCHAR(100) AS scope,
  every.dataset::VARCHAR(100) AS dataset,
  every.column_name::VARCHAR(100) AS column_name,
  every.check_name::VARCHAR(1000) AS check_name,
  every.row_number::INTEGER AS row_number,
  every.row_key::VARCHAR(4000) AS row_key
FROM stg_ops.failed_rows AS every

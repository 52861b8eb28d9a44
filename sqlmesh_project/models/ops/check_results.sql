MODEL (
  name ops.check_results,
  kind VIEW,
  owner analytics,
  grain (run_id, layer, scope, dataset, column_name, check_name),
  description 'Every answer of every check.',
  column_descriptions (
    run_id = 'The run that checked',
    checked_at = 'When, UTC',
    layer = 'staging or gold',
    scope = 'Source or gold domain',
    dataset = 'Table that was checked',
    column_name = 'Column; empty: the whole table',
    check_name = 'What was checked',
    check_type = 'Kind of check',
    severity = 'fail or warn',
    outcome = 'passed, failed, warned, not_built, not_evaluated or error',
    measured = 'Number that was compared',
    failing = 'Rows that failed; NULL: it passed, or is not about rows',
    tested = 'Of how many rows; NULL: it passed, or is not about rows',
    allowed = 'The limit, in words',
    failing_sql = 'Query for the rows that failed; empty: none'
  ),
  audits (
    NOT_NULL(columns := (run_id, checked_at, layer, scope, outcome)),
    ACCEPTED_VALUES("column" := severity, is_in := ('fail', 'warn'))
  )
);

SELECT
  results.run_id::VARCHAR(40) AS run_id,
  results.checked_at::TIMESTAMP AS checked_at,
  results.layer::VARCHAR(10) AS layer,
  results.scope::VARCHAR(100) AS scope,
  results.dataset::VARCHAR(100) AS dataset,
  results.column_name::VARCHAR(100) AS column_name,
  results.check_name::VARCHAR(1000) AS check_name,
  results.check_type::VARCHAR(40) AS check_type,
  results.severity::VARCHAR(10) AS severity,
  results.outcome::VARCHAR(20) AS outcome,
  results.measured::DOUBLE PRECISION AS measured,
  results.failing::BIGINT AS failing,
  results.tested::BIGINT AS tested,
  results.allowed::VARCHAR(100) AS allowed,
  results.failing_sql::VARCHAR(65535) AS failing_sql
FROM stg_ops.check_results AS results

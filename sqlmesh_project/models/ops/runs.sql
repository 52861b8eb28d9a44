MODEL (
  name ops.runs,
  kind VIEW,
  owner analytics,
  grain run_id,
  description 'Every run of the pipeline.',
  column_descriptions (
    run_id = 'The run',
    started_at = 'When it began, UTC',
    finished_at = 'When it ended, UTC; NULL while it runs',
    seconds = 'How long it took; NULL while it runs',
    command = 'Command of the runner',
    target = 'Where it ran',
    sources = 'Sources of the run, comma separated',
    status = 'running, ok, failed or interrupted (killed before its end)',
    exit_code = 'Exit code; see the README',
    landed = 'Rows landed',
    accepted = 'Rows accepted',
    rejected = 'Rows rejected',
    published = 'Whether a domain was published',
    error = 'What went wrong'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      run_id
    )),
    NOT_NULL(columns := (run_id, started_at, status))
  )
);

SELECT
  runs.run_id::VARCHAR(40) AS run_id,
  runs.started_at::TIMESTAMP AS started_at,
  runs.finished_at::TIMESTAMP AS finished_at,
  DATEDIFF(SECOND, runs.started_at, runs.finished_at)::INTEGER AS seconds,
  runs.command::VARCHAR(20) AS command,
  runs.target::VARCHAR(10) AS target,
  runs.sources::VARCHAR(1000) AS sources,
  runs.status::VARCHAR(20) AS status,
  runs.exit_code::INTEGER AS exit_code,
  runs.landed::BIGINT AS landed,
  runs.accepted::BIGINT AS accepted,
  runs.rejected::BIGINT AS rejected,
  runs.published::BOOLEAN AS published,
  runs.error::VARCHAR(65535) AS error
FROM stg_ops.runs AS runs

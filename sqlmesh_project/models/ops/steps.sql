MODEL (
  name ops.steps,
  kind VIEW,
  owner analytics,
  grain (run_id, step_number),
  description 'Every step of every run of the last 30 days: where the time went.',
  column_descriptions (
    run_id = 'The run',
    step_number = 'Its place in the run, from 1',
    step = 'What was done: land, refine, check staging, model ...',
    subject = 'To what: a source, a gold domain ...',
    started_at = 'When it began, UTC',
    seconds = 'How long it took',
    outcome = 'ok, failed or interrupted',
    handled = 'Rows; of a check step checks, of a model step models',
    refused = 'Of these, rows rejected or checks and models that failed',
    detail = 'The same per table',
    cpu_seconds = 'Seconds of CPU of the whole process meanwhile; NULL before they were recorded',
    read_bytes = 'Bytes read from files meanwhile; NULL where the system does not count them',
    written_bytes = 'Bytes written to files meanwhile; NULL where the system does not count them'
  ),
  audits (
    UNIQUE_COMBINATION_OF_COLUMNS(columns := (run_id, step_number)),
    NOT_NULL(columns := (run_id, step_number, step, started_at, seconds, outcome))
  )
);

SELECT
  every.run_id::VARCHAR(40) AS run_id,
  every.step_number::INTEGER AS step_number,
  every.step::VARCHAR(20) AS step,
  every.subject::VARCHAR(100) AS subject,
  every.started_at::TIMESTAMP AS started_at,
  every.seconds::DOUBLE PRECISION AS seconds,
  every.outcome::VARCHAR(20) AS outcome,
  every.handled::BIGINT AS handled,
  every.refused::BIGINT AS refused,
  every.detail::VARCHAR(4000) AS detail,
  every.cpu_seconds::DOUBLE PRECISION AS cpu_seconds,
  every.read_bytes::BIGINT AS read_bytes,
  every.written_bytes::BIGINT AS written_bytes
FROM stg_ops.steps AS every

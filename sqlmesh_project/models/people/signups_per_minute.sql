MODEL (
  name people.signups_per_minute,
  kind VIEW,
  owner analytics,
  grain minute,
  description 'People who signed up, per minute.',
  column_descriptions (minute = 'Minute of the sign-up, UTC', signups = 'People'),
  audits (UNIQUE_VALUES(columns := (
      minute
  )), NOT_NULL(columns := (minute, signups)))
);

SELECT
  DATE_TRUNC('MINUTE', p.registered_at)::TIMESTAMP AS minute,
  COUNT(*)::INTEGER AS signups
FROM people.dim_people AS p
GROUP BY
  DATE_TRUNC('MINUTE', p.registered_at)

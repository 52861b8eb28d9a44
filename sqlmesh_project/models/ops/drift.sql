MODEL (
  name ops.drift,
  kind VIEW,
  owner analytics,
  grain (source, table_name, path, what),
  description 'How what sources send departs from their contracts: names and types, never values.',
  column_descriptions (
    source = 'Source that sends it',
    table_name = 'Table',
    path = 'Field: its path in the rows, or its name in the contract; *: names that may be values',
    what = 'unknown: not declared; gone: not sent any more; type: comes in another type; null: always NULL',
    type = 'Type of an unknown field or of the new values; else the type that there was',
    first_seen = 'Since when, UTC',
    last_seen = 'When it was last so, UTC',
    "rows" = 'Rows in which it was so; 0: a column of a database, which is not read',
    ended_at = 'When it was over, UTC; NULL: it is still so'
  ),
  audits (
    UNIQUE_COMBINATION_OF_COLUMNS(columns := (source, table_name, path, what)),
    NOT_NULL(columns := (source, table_name, path, what, first_seen, last_seen)),
    ACCEPTED_VALUES("column" := what, is_in := ('unknown', 'gone', 'type', 'null'))
  )
);

SELECT
  drift.source::VARCHAR(100) AS source,
  drift.table_name::VARCHAR(100) AS table_name,
  drift.path::VARCHAR(200) AS path,
  drift.what::VARCHAR(10) AS what,
  drift."type"::VARCHAR(100) AS "type",
  drift.first_seen::TIMESTAMP AS first_seen,
  drift.last_seen::TIMESTAMP AS last_seen,
  drift.rows::BIGINT AS rows,
  drift.ended_at::TIMESTAMP AS ended_at
FROM stg_ops.drift AS drift

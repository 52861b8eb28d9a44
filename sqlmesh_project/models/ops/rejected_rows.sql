MODEL (
  name ops.rejected_rows,
  kind VIEW,
  owner analytics,
  grain id,
  description 'Rows that broke their contract, with the reason. `python runner.py replay SOURCE --rejected` sends them through the contract of today.',
  column_descriptions (
    id = 'Table, load, row and list position',
    source = 'Source the row came from',
    table_name = 'Table the row was meant for',
    load_id = 'Landed load it came in',
    row_number = 'Its row in that load',
    raw = 'The row as landed, JSON, personal fields masked',
    field = 'Field that broke the contract; empty: the row itself',
    rule = 'Rule that was broken, in words of Pydantic',
    message = 'What the rule says to a person',
    rejected_at = 'When it was rejected, UTC',
    errors = 'Every broken rule of the row, JSON'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      id
    )),
    NOT_NULL(columns := (id, source, table_name, load_id, "raw", field, rule, message))
  )
);

SELECT
  every.id::VARCHAR(200) AS id,
  every.source::VARCHAR(100) AS source,
  every.table_name::VARCHAR(100) AS table_name,
  every.load_id::VARCHAR(32) AS load_id,
  every.row_number::BIGINT AS row_number,
  every."raw"::VARCHAR(65535) AS "raw",
  every.field::VARCHAR(200) AS field,
  every.rule::VARCHAR(100) AS rule,
  every.message::VARCHAR(4000) AS message,
  every.rejected_at::TIMESTAMP AS rejected_at,
  every.errors::VARCHAR(65535) AS errors
FROM stg_ops.rejected_rows AS every

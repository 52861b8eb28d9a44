MODEL (
  name sales.dim_status,
  kind FULL,
  owner analytics,
  grain status,
  description 'States of an order.',
  column_descriptions (status = 'State', is_final = 'Whether the order can still change'),
  audits (UNIQUE_VALUES(columns := (
      status
  )), NOT_NULL(columns := (status, is_final))),
  physical_properties (
    diststyle = 'ALL'
  )
);

SELECT
  o.status::VARCHAR(20) AS status,
  (
    o.status IN ('Shipped', 'Cancelled', 'Resolved')
  )::BOOLEAN AS is_final
FROM stg_sales.order_lines AS o
GROUP BY
  o.status

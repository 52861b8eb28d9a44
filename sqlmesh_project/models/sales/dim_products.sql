MODEL (
  name sales.dim_products,
  kind FULL,
  owner analytics,
  grain product_key,
  description 'Every version of every product (SCD2): a version opens on the day of the first order that shows other values, unchanged orders open none; of several orders on a day the last counts. Full: a late batch may split versions anywhere in the past, and the table is small.',
  column_descriptions (
    product_key = 'Key of the version',
    product_code = 'The product',
    product_line = 'Kind of product',
    list_price = 'Price of the maker (MSRP) in USD',
    valid_from = 'Day of the first order with these values',
    valid_to = 'Day of the first order with others; NULL: none yet',
    is_current = 'Whether it is the newest version'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      product_key
    )),
    NOT_NULL(columns := (product_key, product_code, valid_from, is_current)),
    FORALL(criteria := (
      valid_to IS NULL OR valid_to > valid_from
    ))
  ),
  physical_properties (diststyle = 'ALL', sortkey = 'product_key')
);

WITH lines AS (
  SELECT
    o.product_code,
    o.product_line,
    o.list_price,
    o.order_date,
    ROW_NUMBER() OVER (
      PARTITION BY o.product_code, o.order_date
      ORDER BY o.order_number DESC, o.order_line_number DESC
    ) AS place
  FROM stg_sales.order_lines AS o
), last_of_day AS (
  SELECT
    l.*
  FROM lines AS l
  WHERE
    l.place = 1
)
SELECT
  (
    v.product_code::VARCHAR(60) || '/' || TO_CHAR(v.valid_from, 'YYYYMMDD')
  )::VARCHAR(80) AS product_key,
  v.product_code::VARCHAR(60) AS product_code,
  v.product_line::VARCHAR(200) AS product_line,
  v.list_price::DECIMAL(10, 2) AS list_price,
  v.valid_from::DATE AS valid_from,
  v.valid_to::DATE AS valid_to,
  (
    v.valid_to IS NULL
  )::BOOLEAN AS is_current
FROM @VERSIONS(last_of_day, product_code, order_date, order_date, product_line, list_price) AS v

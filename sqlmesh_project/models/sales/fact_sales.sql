MODEL (
  name sales.fact_sales,
  kind FULL,
  owner analytics,
  grain (order_number, order_line_number),
  depends_on ARRAY(sales.dim_status, sales.dim_date),
  description 'One order line, with the versions of its product and customer that were valid on the day of the order. Full: a late batch may move older lines to other versions.',
  column_descriptions (
    sales_key = 'Key of the line: the order and its line',
    order_number = 'The order',
    order_line_number = 'Line of the order, from 1',
    order_date = 'Day of the order',
    ship_date = 'Day it was sent; NULL: not yet',
    order_date_key = 'Day of the order as yyyymmdd, key of dim_date',
    ship_date_key = 'Day it was sent as yyyymmdd, key of dim_date; -1: not yet',
    product_key = 'Version of the product',
    customer_key = 'Version of the customer',
    status = 'State of the order',
    quantity_ordered = 'Pieces ordered',
    price_each = 'Price of a piece as recorded, USD; capped at 100 in half of the lines',
    sales = 'Amount of the line in USD',
    amount_disagrees = 'Whether sales is not quantity times price'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      sales_key
    )),
    UNIQUE_COMBINATION_OF_COLUMNS(columns := (order_number, order_line_number)),
    NOT_NULL(
      columns := (
        sales_key,
        order_number,
        order_line_number,
        order_date,
        order_date_key,
        ship_date_key,
        product_key,
        customer_key,
        status,
        quantity_ordered,
        sales
      )
    ),
    REFERENCES_DIMENSION(key := product_key, dimension := sales.dim_products, dimension_key := product_key),
    REFERENCES_DIMENSION(key := customer_key, dimension := sales.dim_customers, dimension_key := customer_key),
    REFERENCES_DIMENSION(key := status, dimension := sales.dim_status, dimension_key := status),
    REFERENCES_DIMENSION(key := order_date_key, dimension := sales.dim_date, dimension_key := date_key),
    REFERENCES_DIMENSION(key := ship_date_key, dimension := sales.dim_date, dimension_key := date_key)
  ),
  physical_properties (distkey = 'order_number', sortkey = 'order_date')
);

SELECT
  (
    o.order_number::VARCHAR(20) || '/' || o.order_line_number::VARCHAR(20)
  )::VARCHAR(41) AS sales_key,
  o.order_number::BIGINT AS order_number,
  o.order_line_number::INTEGER AS order_line_number,
  o.order_date::DATE AS order_date,
  o.ship_date::DATE AS ship_date,
  @DATE_KEY(o.order_date)::INTEGER AS order_date_key,
  COALESCE(@DATE_KEY(o.ship_date), -1)::INTEGER AS ship_date_key,
  p.product_key::VARCHAR(80) AS product_key,
  c.customer_key::VARCHAR(40) AS customer_key,
  o.status::VARCHAR(20) AS status,
  o.quantity_ordered::INTEGER AS quantity_ordered,
  o.price_each::DECIMAL(10, 2) AS price_each,
  o.sales::DECIMAL(10, 2) AS sales,
  o.amount_disagrees::BOOLEAN AS amount_disagrees
FROM stg_sales.order_lines AS o
LEFT JOIN sales.dim_products AS p
  ON p.product_code = o.product_code
  AND o.order_date >= p.valid_from
  AND (
    p.valid_to IS NULL OR o.order_date < p.valid_to
  )
LEFT JOIN sales.dim_customers AS c
  ON c.customer_id = o.customer_id
  AND o.order_date >= c.valid_from
  AND (
    c.valid_to IS NULL OR o.order_date < c.valid_to
  )

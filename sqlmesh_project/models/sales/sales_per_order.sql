MODEL (
  name sales.sales_per_order,
  kind VIEW,
  owner analytics,
  grain order_number,
  description 'Sales per order: what an invoice shows. Lines may be sent on different days and be in different states.',
  column_descriptions (
    order_number = 'The order',
    order_date = 'Day of the order; of its first line where lines disagree',
    first_ship_date = 'Day a line of it was first sent; NULL: none yet',
    last_ship_date = 'Day a line of it was last sent; NULL: none yet',
    customer_id = 'The customer; the lowest where lines disagree',
    order_lines = 'Order lines',
    products = 'Different products',
    unsent_lines = 'Order lines not sent yet',
    quantity = 'Pieces ordered',
    total_sales = 'Sum of sales in USD'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      order_number
    )),
    NOT_NULL(columns := (order_number, total_sales))
  )
);

SELECT
  f.order_number::BIGINT AS order_number,
  MIN(f.order_date)::DATE AS order_date,
  MIN(f.ship_date)::DATE AS first_ship_date,
  MAX(f.ship_date)::DATE AS last_ship_date,
  MIN(c.customer_id)::BIGINT AS customer_id,
  COUNT(*)::INTEGER AS order_lines,
  COUNT(DISTINCT p.product_code)::INTEGER AS products,
  SUM(CASE WHEN f.ship_date IS NULL THEN 1 ELSE 0 END)::INTEGER AS unsent_lines,
  SUM(f.quantity_ordered)::BIGINT AS quantity,
  SUM(f.sales)::DECIMAL(18, 2) AS total_sales
FROM sales.fact_sales AS f
JOIN sales.dim_products AS p
  ON p.product_key = f.product_key
JOIN sales.dim_customers AS c
  ON c.customer_key = f.customer_key
GROUP BY
  f.order_number

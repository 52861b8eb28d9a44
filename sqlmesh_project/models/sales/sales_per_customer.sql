MODEL (
  name sales.sales_per_customer,
  kind VIEW,
  owner analytics,
  grain customer_id,
  description 'Sales per customer.',
  column_descriptions (
    customer_id = 'The customer',
    orders = 'Orders with such a line',
    order_lines = 'Order lines',
    quantity = 'Pieces ordered',
    total_sales = 'Sum of sales in USD'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      customer_id
    )),
    NOT_NULL(columns := (customer_id, total_sales))
  )
);

SELECT
  c.customer_id::BIGINT AS customer_id,
  COUNT(DISTINCT f.order_number)::INTEGER AS orders,
  COUNT(*)::INTEGER AS order_lines,
  SUM(f.quantity_ordered)::BIGINT AS quantity,
  SUM(f.sales)::DECIMAL(18, 2) AS total_sales
FROM sales.fact_sales AS f
JOIN sales.dim_customers AS c
  ON c.customer_key = f.customer_key
GROUP BY
  c.customer_id

MODEL (
  name sales.sales_per_country,
  kind VIEW,
  owner analytics,
  grain country,
  description 'Sales per country, where the customer was on the day of the order.',
  column_descriptions (
    country = 'Country of the customer on the day of the order; NULL: not said',
    orders = 'Orders with such a line',
    order_lines = 'Order lines',
    quantity = 'Pieces ordered',
    total_sales = 'Sum of sales in USD'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      country
    )),
    NOT_NULL(columns := (order_lines, total_sales))
  )
);

SELECT
  c.country::VARCHAR(200) AS country,
  COUNT(DISTINCT f.order_number)::INTEGER AS orders,
  COUNT(*)::INTEGER AS order_lines,
  SUM(f.quantity_ordered)::BIGINT AS quantity,
  SUM(f.sales)::DECIMAL(18, 2) AS total_sales
FROM sales.fact_sales AS f
JOIN sales.dim_customers AS c
  ON c.customer_key = f.customer_key
GROUP BY
  c.country

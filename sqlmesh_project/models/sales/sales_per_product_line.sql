MODEL (
  name sales.sales_per_product_line,
  kind VIEW,
  owner analytics,
  grain product_line,
  description 'Sales per product line, as it was on the day of the order.',
  column_descriptions (
    product_line = 'Kind of product',
    orders = 'Orders with such a line',
    order_lines = 'Order lines',
    quantity = 'Pieces ordered',
    total_sales = 'Sum of sales in USD'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      product_line
    )),
    NOT_NULL(columns := (product_line, total_sales))
  )
);

SELECT
  p.product_line::VARCHAR(200) AS product_line,
  COUNT(DISTINCT f.order_number)::INTEGER AS orders,
  COUNT(*)::INTEGER AS order_lines,
  SUM(f.quantity_ordered)::BIGINT AS quantity,
  SUM(f.sales)::DECIMAL(18, 2) AS total_sales
FROM sales.fact_sales AS f
JOIN sales.dim_products AS p
  ON p.product_key = f.product_key
GROUP BY
  p.product_line

MODEL (
  name sales.sales_per_product,
  kind VIEW,
  owner analytics,
  grain product_code,
  description 'Sales per product, over all versions of it.',
  column_descriptions (
    product_code = 'The product',
    orders = 'Orders with such a line',
    order_lines = 'Order lines',
    quantity = 'Pieces ordered',
    total_sales = 'Sum of sales in USD'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      product_code
    )),
    NOT_NULL(columns := (product_code, total_sales))
  )
);

SELECT
  p.product_code::VARCHAR(60) AS product_code,
  COUNT(DISTINCT f.order_number)::INTEGER AS orders,
  COUNT(*)::INTEGER AS order_lines,
  SUM(f.quantity_ordered)::BIGINT AS quantity,
  SUM(f.sales)::DECIMAL(18, 2) AS total_sales
FROM sales.fact_sales AS f
JOIN sales.dim_products AS p
  ON p.product_key = f.product_key
GROUP BY
  p.product_code

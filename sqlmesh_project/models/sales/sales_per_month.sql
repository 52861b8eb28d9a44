MODEL (
  name sales.sales_per_month,
  kind VIEW,
  owner analytics,
  grain (sales_year, sales_month),
  description 'Sales per month of the order.',
  column_descriptions (
    sales_year = 'Year of the order',
    sales_month = 'Month of the order',
    orders = 'Orders with such a line',
    order_lines = 'Order lines',
    quantity = 'Pieces ordered',
    total_sales = 'Sum of sales in USD'
  ),
  audits (
    UNIQUE_COMBINATION_OF_COLUMNS(columns := (sales_year, sales_month)),
    NOT_NULL(columns := (sales_year, sales_month, total_sales))
  )
);

SELECT
  EXTRACT(YEAR FROM f.order_date)::INTEGER AS sales_year,
  EXTRACT(MONTH FROM f.order_date)::INTEGER AS sales_month,
  COUNT(DISTINCT f.order_number)::INTEGER AS orders,
  COUNT(*)::INTEGER AS order_lines,
  SUM(f.quantity_ordered)::BIGINT AS quantity,
  SUM(f.sales)::DECIMAL(18, 2) AS total_sales
FROM sales.fact_sales AS f
GROUP BY
  EXTRACT(YEAR FROM f.order_date),
  EXTRACT(MONTH FROM f.order_date)

MODEL (
  name sales.order_lines,
  kind VIEW,
  owner analytics,
  grain (order_number, order_line_number),
  description 'Order lines with the product and the customer as they were on the day of the order: what dashboards and spreadsheets read.',
  column_descriptions (
    order_number = 'The order',
    order_line_number = 'Line of the order, from 1',
    order_date = 'Day of the order',
    status = 'State of the order',
    product_code = 'The product',
    product_line = 'Kind of product on that day',
    list_price = 'Price of the maker (MSRP) on that day, USD',
    customer_id = 'The customer',
    customer_name = 'Name of the customer on that day, a company',
    city = 'Town of the customer on that day; NULL: not said',
    country = 'Country of the customer on that day; NULL: not said',
    country_code = 'ISO 3166-1 alpha-2 of that country; NULL: not said, or a spelling that country_names does not have',
    territory = 'Sales region on that day; NA is North America',
    quantity_ordered = 'Pieces ordered',
    sales = 'Amount of the line in USD'
  ),
  audits (
    UNIQUE_COMBINATION_OF_COLUMNS(columns := (order_number, order_line_number)),
    NOT_NULL(
      columns := (
        order_number,
        order_line_number,
        order_date,
        status,
        product_code,
        customer_id,
        quantity_ordered,
        sales
      )
    ),
    SAME_ROWS(other := sales.fact_sales)
  )
);

SELECT
  f.order_number::BIGINT AS order_number,
  f.order_line_number::INTEGER AS order_line_number,
  f.order_date::DATE AS order_date,
  f.status::VARCHAR(20) AS status,
  p.product_code::VARCHAR(60) AS product_code,
  p.product_line::VARCHAR(200) AS product_line,
  p.list_price::DECIMAL(10, 2) AS list_price,
  c.customer_id::BIGINT AS customer_id,
  c.customer_name::VARCHAR(400) AS customer_name,
  c.city::VARCHAR(200) AS city,
  c.country::VARCHAR(200) AS country,
  n.country_code::VARCHAR(2) AS country_code,
  c.territory::VARCHAR(200) AS territory,
  f.quantity_ordered::INTEGER AS quantity_ordered,
  f.sales::DECIMAL(10, 2) AS sales
FROM sales.fact_sales AS f
JOIN sales.dim_products AS p
  ON p.product_key = f.product_key
JOIN sales.dim_customers AS c
  ON c.customer_key = f.customer_key
LEFT JOIN sales.country_names AS n
  ON n.country = c.country

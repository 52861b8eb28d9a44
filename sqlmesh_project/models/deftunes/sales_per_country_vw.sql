MODEL (
  name deftunes.sales_per_country_vw,
  kind VIEW,
  owner analytics,
  grain (session_month, session_year, country_code),
  description 'Revenue per month, year and country of the account; country_code is NULL for accounts the API never sent.',
  column_descriptions (
    session_month = 'Month of the session, 1 to 12',
    session_year = 'Year of the session',
    country_code = 'ISO 3166-1 alpha-2 country of the account; NULL when unknown',
    total_sales = 'Sum of prices paid in USD'
  ),
  audits (
    UNIQUE_COMBINATION_OF_COLUMNS(columns := (session_month, session_year, country_code)),
    NOT_NULL(columns := (session_month, session_year, total_sales))
  )
);

SELECT
  EXTRACT(MONTH FROM items.session_start_time)::INTEGER AS session_month,
  EXTRACT(YEAR FROM items.session_start_time)::INTEGER AS session_year,
  users.country_code::VARCHAR(2) AS country_code,
  SUM(items.price)::DECIMAL(18, 2) AS total_sales
FROM deftunes.fact_order_items AS items
JOIN deftunes.dim_users AS users
  ON users.user_id = items.user_id
GROUP BY
  EXTRACT(MONTH FROM items.session_start_time),
  EXTRACT(YEAR FROM items.session_start_time),
  users.country_code

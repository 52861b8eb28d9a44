MODEL (
  name deftunes.sales_per_artist_vw,
  kind VIEW,
  owner analytics,
  grain (session_year, artist_name),
  description 'Revenue per year and artist name. Artists that share a name share a row, as in the system this rebuilds.',
  column_descriptions (
    session_year = 'Year of the session',
    artist_name = 'Name of the artist',
    total_sales = 'Sum of prices paid in USD'
  ),
  audits (
    UNIQUE_COMBINATION_OF_COLUMNS(columns := (session_year, artist_name)),
    NOT_NULL(columns := (session_year, artist_name, total_sales))
  )
);

SELECT
  EXTRACT(YEAR FROM items.session_start_time)::INTEGER AS session_year,
  artists.artist_name::VARCHAR(2000) AS artist_name,
  SUM(items.price)::DECIMAL(18, 2) AS total_sales
FROM deftunes.fact_order_items AS items
JOIN deftunes.dim_artists AS artists
  ON artists.artist_id = items.artist_id
GROUP BY
  EXTRACT(YEAR FROM items.session_start_time),
  artists.artist_name

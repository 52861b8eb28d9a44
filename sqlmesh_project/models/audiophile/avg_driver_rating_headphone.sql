MODEL (
  name audiophile.avg_driver_rating_headphone,
  kind VIEW,
  owner analytics,
  grain driver_type,
  description 'Average grade per kind of driver.',
  column_descriptions (
    driver_type = 'Drivers as the page says them',
    average_rating = 'Average worth of the grades; higher is better',
    reference_average_rating = 'The same on the scale of the system this rebuilds; lower is better',
    number_of_products = 'Models ranked now'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      driver_type
    )),
    NOT_NULL(columns := (driver_type, average_rating, number_of_products))
  )
);

SELECT
  r.driver_type::VARCHAR(800) AS driver_type,
  @HALF_UP(SUM(r.rank_value)::DOUBLE PRECISION / COUNT(*))::DECIMAL(10, 4) AS average_rating,
  @HALF_UP(SUM(r.reference_value)::DOUBLE PRECISION / COUNT(*))::DECIMAL(10, 4) AS reference_average_rating,
  COUNT(*)::INTEGER AS number_of_products
FROM audiophile.headphones AS r
WHERE
  r.is_current AND NOT r.driver_type IS NULL
GROUP BY
  r.driver_type

MODEL (
  name audiophile.@{name},
  kind VIEW,
  blueprints (
    (name := highest_rank_company_headphone, ranking := headphones),
    (name := highest_rank_company_iem, ranking := iems)
  ),
  owner analytics,
  grain company_name,
  description 'Average grade per company.',
  column_descriptions (
    company_name = 'The company',
    average_rating = 'Average worth of the grades; higher is better',
    reference_average_rating = 'The same on the scale of the system this rebuilds; lower is better',
    number_of_products = 'Models ranked now'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      company_name
    )),
    NOT_NULL(columns := (company_name, average_rating, number_of_products))
  )
);

SELECT
  r.company_name::VARCHAR(400) AS company_name,
  @HALF_UP(SUM(r.rank_value)::DOUBLE PRECISION / COUNT(*))::DECIMAL(10, 4) AS average_rating,
  @HALF_UP(SUM(r.reference_value)::DOUBLE PRECISION / COUNT(*))::DECIMAL(10, 4) AS reference_average_rating,
  COUNT(*)::INTEGER AS number_of_products
FROM audiophile.@{ranking} AS r
WHERE
  r.is_current
GROUP BY
  r.company_name

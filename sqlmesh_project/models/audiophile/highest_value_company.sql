MODEL (
  name audiophile.@{name},
  kind VIEW,
  blueprints (
    (name := highest_value_company_headphone, ranking := headphones),
    (name := highest_value_company_iem, ranking := iems)
  ),
  owner analytics,
  grain company_name,
  description 'Most stars for value per company; NULL: no model of it has one.',
  column_descriptions (company_name = 'The company', highest_value = 'Most stars, 1 to 3; NULL: none'),
  audits (
    UNIQUE_VALUES(columns := (
      company_name
    )),
    NOT_NULL(columns := (
      company_name
    ))
  )
);

SELECT
  r.company_name::VARCHAR(400) AS company_name,
  MAX(r.value_rating)::INTEGER AS highest_value
FROM audiophile.@{ranking} AS r
WHERE
  r.is_current
GROUP BY
  r.company_name

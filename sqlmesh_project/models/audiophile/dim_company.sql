MODEL (
  name audiophile.dim_company,
  kind FULL,
  owner analytics,
  grain company_name,
  description 'Companies with a model in either ranking, now or ever.',
  column_descriptions (
    company_name = 'The company',
    headphones = 'Headphones ranked now',
    iems = 'In-ear monitors ranked now'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      company_name
    )),
    NOT_NULL(columns := (company_name, headphones, iems))
  ),
  physical_properties (
    diststyle = 'ALL'
  )
);

SELECT
  c.company_name::VARCHAR(400) AS company_name,
  COUNT(h.model)::INTEGER AS headphones,
  COUNT(i.model)::INTEGER AS iems
FROM audiophile.model_companies AS c
LEFT JOIN audiophile.headphones AS h
  ON h.model = c.model AND h.is_current
LEFT JOIN audiophile.iems AS i
  ON i.model = c.model AND i.is_current
GROUP BY
  c.company_name

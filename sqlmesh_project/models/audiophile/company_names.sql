MODEL (
  name audiophile.company_names,
  kind SEED (
    path '../../seeds/companies.csv'
  ),
  columns (
    name_start VARCHAR(400),
    company_name VARCHAR(400)
  ),
  ignored_rules ARRAY('nomissingunittest'),
  owner analytics,
  grain name_start,
  description 'Companies whose name is not the first word of their models. Kept by hand: add a line when a new one appears.',
  column_descriptions (name_start = 'How a model of the company begins', company_name = 'The company'),
  audits (
    UNIQUE_VALUES(columns := (
      name_start
    )),
    NOT_NULL(columns := (name_start, company_name))
  ),
  physical_properties (
    diststyle = 'ALL'
  )
)

MODEL (
  name sales.country_names,
  kind SEED (
    path '../../seeds/country_names.csv',
    csv_settings (keep_default_na = FALSE)
  ),
  columns (
    country VARCHAR(400),
    country_code VARCHAR(2)
  ),
  ignored_rules ARRAY('nomissingunittest'),
  owner analytics,
  grain country,
  description 'Countries as people write them in English, and their ISO codes. A spelling that is missing here has no code: it stays off the map, and in every sum.',
  column_descriptions (country = 'Name of the country', country_code = 'ISO 3166-1 alpha-2'),
  audits (
    UNIQUE_VALUES(columns := (
      country
    )),
    NOT_NULL(columns := (country, country_code))
  ),
  physical_properties (
    diststyle = 'ALL'
  )
)

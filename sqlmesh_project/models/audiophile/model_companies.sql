MODEL (
  name audiophile.model_companies,
  kind VIEW,
  owner analytics,
  grain model,
  description 'The company of every model that was ever ranked: by the list of company names, the longest that fits; else the first word.',
  column_descriptions (model = 'Maker and model as ranked', company_name = 'The company'),
  audits (
    UNIQUE_VALUES(columns := (
      model
    )),
    NOT_NULL(columns := (model, company_name))
  )
);

WITH models AS (
  SELECT
    h.model
  FROM stg_audiophile.headphones AS h
  UNION
  SELECT
    i.model
  FROM stg_audiophile.iems AS i
), candidates AS (
  SELECT
    m.model,
    c.company_name,
    ROW_NUMBER() OVER (PARTITION BY m.model ORDER BY LENGTH(c.name_start) DESC) AS place
  FROM models AS m
  LEFT JOIN audiophile.company_names AS c
    ON LEFT(LOWER(m.model) || ' ', LENGTH(c.name_start) + 1) = LOWER(c.name_start) || ' '
)
SELECT
  c.model::VARCHAR(2000) AS model,
  COALESCE(c.company_name, SPLIT_PART(c.model, ' ', 1))::VARCHAR(400) AS company_name
FROM candidates AS c
WHERE
  c.place = 1

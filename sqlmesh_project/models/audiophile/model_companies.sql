MODEL (
  name audiophile.model_companies,
  kind VIEW,
  owner analytics,
  grain model,
  description 'The company of every model that was ever ranked. By the list of company names, the longest that fits; else by what all models have in common that begin with the same word, where there are several; else the first word.',
  column_descriptions (
    model = 'Maker and model as ranked',
    company_name = 'The company',
    named_by = 'list: company_names has it; prefix: words that several models share; first word: nothing else is known',
    is_doubtful = 'Whether a person should add the company to the list: it has one word of a single longer name, or two models that may be of one series'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      model
    )),
    NOT_NULL(columns := (model, company_name, named_by, is_doubtful)),
    ACCEPTED_VALUES("column" := named_by, is_in := ('list', 'prefix', 'first word'))
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
), words AS (
  SELECT
    c.model,
    c.company_name,
    SPLIT_PART(c.model, ' ', 1) AS word_1,
    SPLIT_PART(c.model, ' ', 2) AS word_2,
    SPLIT_PART(c.model, ' ', 3) AS word_3,
    SPLIT_PART(c.model, ' ', 4) AS word_4
  FROM candidates AS c
  WHERE
    c.place = 1
), shared AS (
  /* the words that all models of a first word share, if each has a word more: else it would be a model's name */
  SELECT
    w.word_1,
    COUNT(*) AS models,
    CASE
      WHEN MIN(w.word_2) = MAX(w.word_2) AND MIN(w.word_3) <> ''
      THEN MIN(w.word_2)
    END AS word_2,
    CASE
      WHEN MIN(w.word_2) = MAX(w.word_2)
      AND MIN(w.word_3) = MAX(w.word_3)
      AND MIN(w.word_4) <> ''
      THEN MIN(w.word_3)
    END AS word_3
  FROM words AS w
  WHERE
    w.company_name IS NULL
  GROUP BY
    w.word_1
), named AS (
  SELECT
    w.model,
    w.company_name,
    w.word_1,
    s.models,
    @IS_NAME(w.word_2) AND w.word_3 <> '' AS has_more,
    CASE WHEN s.models > 1 AND @IS_NAME(s.word_2) THEN ' ' || s.word_2 END AS name_2,
    CASE
      WHEN s.models > 1 AND @IS_NAME(s.word_2) AND @IS_NAME(s.word_3)
      THEN ' ' || s.word_3
    END AS name_3
  FROM words AS w
  LEFT JOIN shared AS s
    ON s.word_1 = w.word_1
)
SELECT
  n.model::VARCHAR(2000) AS model,
  COALESCE(n.company_name, n.word_1 || COALESCE(n.name_2, '') || COALESCE(n.name_3, ''))::VARCHAR(400) AS company_name,
  CASE
    WHEN NOT n.company_name IS NULL
    THEN 'list'
    WHEN NOT n.name_2 IS NULL
    THEN 'prefix'
    ELSE 'first word'
  END::VARCHAR(10) AS named_by,
  (
    n.company_name IS NULL
    AND (
      (
        NOT n.name_2 IS NULL AND n.models = 2
      ) OR (
        n.models = 1 AND n.has_more
      )
    )
  )::BOOLEAN AS is_doubtful
FROM named AS n

MODEL (
  name audiophile.ranking_history,
  kind VIEW,
  owner analytics,
  grain (kind, model, version),
  description 'Every version of every ranked model, headphones and in-ear monitors, beside the version before it: what changed, and when.',
  column_descriptions (
    kind = 'headphones or in-ears',
    model = 'Maker and model',
    version = 'Number of the version, from 1',
    company_name = 'The company',
    rank_grade = 'Overall grade, S+ to F-',
    rank_value = 'Worth of the grade; higher is better',
    price = 'Price in USD without accessories; unknown: NULL',
    price_status = 'listed, discontinued, replaced or unknown',
    valid_from = 'Read that first showed this version, UTC',
    valid_to = 'Read that no longer did, UTC; NULL: none yet',
    is_current = 'Whether the page shows it now',
    grade_before = 'Grade of the version before; NULL: this is the first',
    price_before = 'Price of the version before; NULL: unknown, or this is the first',
    change = 'price, grade, price and grade, other (such as the words of the reviewer), or listed: the first version',
    price_ever_changed = 'Whether the model has had more than one price',
    grade_ever_changed = 'Whether the model has had more than one grade'
  ),
  audits (
    UNIQUE_COMBINATION_OF_COLUMNS(columns := (kind, model, version)),
    NOT_NULL(columns := (kind, model, version, company_name, rank_grade, valid_from, change)),
    ACCEPTED_VALUES(
      "column" := change,
      is_in := ('listed', 'price', 'grade', 'price and grade', 'other')
    )
  )
);

WITH versions AS (
  SELECT
    'headphones' AS kind,
    r.model,
    r.version,
    r.company_name,
    r.rank_grade,
    r.rank_value,
    r.price,
    r.price_status,
    r.valid_from,
    r.valid_to,
    r.is_current
  FROM audiophile.headphones AS r
  UNION ALL
  SELECT
    'in-ears' AS kind,
    r.model,
    r.version,
    r.company_name,
    r.rank_grade,
    r.rank_value,
    r.price,
    r.price_status,
    r.valid_from,
    r.valid_to,
    r.is_current
  FROM audiophile.iems AS r
), compared AS (
  SELECT
    v.*,
    LAG(v.rank_grade) OVER (PARTITION BY v.kind, v.model ORDER BY v.version) AS grade_before,
    LAG(v.price) OVER (PARTITION BY v.kind, v.model ORDER BY v.version) AS price_before,
    @STATE_OF(v.price) AS price_state,
    LAG(@STATE_OF(v.price)) OVER (PARTITION BY v.kind, v.model ORDER BY v.version) AS price_state_before
  FROM versions AS v
)
SELECT
  c.kind::VARCHAR(10) AS kind,
  c.model::VARCHAR(2000) AS model,
  c.version::INTEGER AS version,
  c.company_name::VARCHAR(400) AS company_name,
  c.rank_grade::VARCHAR(2) AS rank_grade,
  c.rank_value::DECIMAL(4, 1) AS rank_value,
  c.price::DECIMAL(10, 2) AS price,
  c.price_status::VARCHAR(12) AS price_status,
  c.valid_from::TIMESTAMP AS valid_from,
  c.valid_to::TIMESTAMP AS valid_to,
  c.is_current::BOOLEAN AS is_current,
  c.grade_before::VARCHAR(2) AS grade_before,
  c.price_before::DECIMAL(10, 2) AS price_before,
  CASE
    WHEN c.grade_before IS NULL
    THEN 'listed'
    WHEN c.price_state <> c.price_state_before AND c.rank_grade <> c.grade_before
    THEN 'price and grade'
    WHEN c.price_state <> c.price_state_before
    THEN 'price'
    WHEN c.rank_grade <> c.grade_before
    THEN 'grade'
    ELSE 'other'
  END::VARCHAR(15) AS change,
  (
    MIN(c.price_state) OVER (PARTITION BY c.kind, c.model) <> MAX(c.price_state) OVER (PARTITION BY c.kind, c.model)
  )::BOOLEAN AS price_ever_changed,
  (
    MIN(c.rank_grade) OVER (PARTITION BY c.kind, c.model) <> MAX(c.rank_grade) OVER (PARTITION BY c.kind, c.model)
  )::BOOLEAN AS grade_ever_changed
FROM compared AS c

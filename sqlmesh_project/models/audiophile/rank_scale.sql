MODEL (
  name audiophile.rank_scale,
  kind SEED (
    path '../../seeds/rank_scale.csv'
  ),
  columns (
    grade VARCHAR(2),
    rank_value DECIMAL(4, 1),
    reference_value DECIMAL(4, 1)
  ),
  ignored_rules ARRAY('nomissingunittest'),
  owner analytics,
  grain grade,
  description 'The 21 grades and what they are worth.',
  column_descriptions (
    grade = 'Grade, S+ to F-',
    rank_value = 'Worth of the grade; higher is better, 10 to 20',
    reference_value = 'Worth on the scale of the system this rebuilds: lower is better, 10 to 20'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      grade
    )),
    NOT_NULL(columns := (grade, rank_value, reference_value))
  ),
  physical_properties (
    diststyle = 'ALL'
  )
)

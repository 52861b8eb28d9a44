MODEL (
  name audiophile.headphones,
  kind FULL,
  owner analytics,
  grain (model, valid_from),
  description 'Every version of every ranked headphone (SCD2): a version begins with the read that first showed it and ends with the read that showed another or none. Comments are not tracked. Full: built from the history that staging keeps, so that a rebuild gives the same.',
  column_descriptions (
    model = 'Maker and model; several models on one line are divided by /',
    version = 'Number of the version, from 1',
    company_name = 'The company',
    rank_grade = 'Overall grade, S+ to F-',
    rank_value = 'Worth of the grade; higher is better',
    reference_value = 'Worth on the scale of the system this rebuilds; lower is better',
    value_rating = 'Stars for value, 1 to 3; none: NULL',
    price = 'Price in USD without accessories; unknown: NULL',
    price_status = 'listed, discontinued, replaced or unknown',
    price_note = 'Variant, bundled amplifier or successor',
    bundle_price = 'Price in USD with what it must be bought with',
    price_disagrees = 'Whether the hidden price of the page is neither price nor bundle price',
    audio_signature = 'Sound in words of the reviewer',
    tone_grade = 'Grade for tone',
    technical_grade = 'Grade for technicalities',
    driver_type = 'Drivers as the page says them',
    dynamic_drivers = 'Dynamic drivers per side',
    balanced_armature_drivers = 'Balanced armatures per side',
    electrostatic_drivers = 'Electrostatic drivers per side',
    planar_drivers = 'Planar drivers per side',
    other_drivers = 'Other drivers per side',
    fit_cup = 'Fit and cup, such as Open Circumaural',
    valid_from = 'Read that first showed this version, UTC',
    valid_to = 'Read that no longer did, UTC; NULL: none yet',
    is_current = 'Whether the page shows it now'
  ),
  audits (
    UNIQUE_COMBINATION_OF_COLUMNS(columns := (model, valid_from)),
    NOT_NULL(
      columns := (
        model,
        company_name,
        rank_grade,
        rank_value,
        price_status,
        valid_from,
        is_current
      )
    ),
    ACCEPTED_RANGE("column" := value_rating, min_v := 1, max_v := 3, inclusive := TRUE),
    FORALL(criteria := (
      valid_to IS NULL OR valid_to > valid_from
    ))
  ),
  physical_properties (diststyle = 'ALL', sortkey = 'model')
);

SELECT
  v.model::VARCHAR(2000) AS model,
  ROW_NUMBER() OVER (PARTITION BY v.model ORDER BY v.valid_from)::INTEGER AS version,
  c.company_name::VARCHAR(400) AS company_name,
  v.rank_grade::VARCHAR(2) AS rank_grade,
  s.rank_value::DECIMAL(4, 1) AS rank_value,
  s.reference_value::DECIMAL(4, 1) AS reference_value,
  v.value_rating::INTEGER AS value_rating,
  v.price::DECIMAL(10, 2) AS price,
  v.price_status::VARCHAR(12) AS price_status,
  v.price_note::VARCHAR(800) AS price_note,
  v.bundle_price::DECIMAL(10, 2) AS bundle_price,
  v.price_disagrees::BOOLEAN AS price_disagrees,
  v.audio_signature::VARCHAR(800) AS audio_signature,
  v.tone_grade::VARCHAR(2) AS tone_grade,
  v.technical_grade::VARCHAR(2) AS technical_grade,
  v.driver_type::VARCHAR(800) AS driver_type,
  v.dynamic_drivers::INTEGER AS dynamic_drivers,
  v.balanced_armature_drivers::INTEGER AS balanced_armature_drivers,
  v.electrostatic_drivers::INTEGER AS electrostatic_drivers,
  v.planar_drivers::INTEGER AS planar_drivers,
  v.other_drivers::INTEGER AS other_drivers,
  v.fit_cup::VARCHAR(800) AS fit_cup,
  v.valid_from::TIMESTAMP AS valid_from,
  v.valid_to::TIMESTAMP AS valid_to,
  (
    v.valid_to IS NULL
  )::BOOLEAN AS is_current
FROM @VERSIONS(
  stg_audiophile.headphones,
  model,
  _read_at,
  (_load_id::DOUBLE PRECISION, _row),
  rank_grade,
  value_rating,
  price,
  price_status,
  price_note,
  bundle_price,
  CASE WHEN price_disagrees THEN 1 WHEN NOT price_disagrees THEN 0 END,
  audio_signature,
  tone_grade,
  technical_grade,
  driver_type,
  fit_cup,
  CASE WHEN _deleted THEN 1 ELSE 0 END
) AS v
JOIN audiophile.rank_scale AS s
  ON s.grade = v.rank_grade
JOIN audiophile.model_companies AS c
  ON c.model = v.model
WHERE
  NOT v._deleted

MODEL (
  name audiophile.@{name},
  kind VIEW,
  blueprints (
    (
      name := avg_audio_signature_headphone,
      ranking := headphones,
      least := 15,
      said := 'Average grade per sound signature, of signatures with more than 15 models.'
    ),
    (
      name := avg_audio_signature_iem,
      ranking := iems,
      least := 35,
      said := 'Average grade per sound signature, of signatures with more than 35 models.'
    )
  ),
  owner analytics,
  grain signature,
  description @said,
  column_descriptions (
    signature = 'Sound in words of the reviewer',
    average_rating = 'Average worth of the grades; higher is better',
    reference_average_rating = 'The same on the scale of the system this rebuilds; lower is better',
    number_of_products = 'Models ranked now'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      signature
    )),
    NOT_NULL(columns := (signature, average_rating, number_of_products))
  )
);

SELECT
  r.audio_signature::VARCHAR(800) AS signature,
  @HALF_UP(SUM(r.rank_value)::DOUBLE PRECISION / COUNT(*))::DECIMAL(10, 4) AS average_rating,
  @HALF_UP(SUM(r.reference_value)::DOUBLE PRECISION / COUNT(*))::DECIMAL(10, 4) AS reference_average_rating,
  COUNT(*)::INTEGER AS number_of_products
FROM audiophile.@{ranking} AS r
WHERE
  r.is_current
GROUP BY
  r.audio_signature
HAVING
  COUNT(*) > @least

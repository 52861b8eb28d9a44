AUDIT (
  name references_dimension,
  dialect redshift,
  defaults (
    dimension_key = NULL
  )
);

/* every key of the fact has its row in the dimension */
SELECT
  f.@key AS missing_key
FROM @this_model AS f
LEFT JOIN @dimension AS d
  ON d.@key = f.@key
WHERE
  d.@key IS NULL

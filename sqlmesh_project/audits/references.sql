AUDIT (
  name references_dimension,
  dialect redshift
);

/* every key of the fact has its row in the dimension */
SELECT
  f.@key AS missing_key
FROM @this_model AS f
LEFT JOIN @dimension AS d
  ON d.@dimension_key = f.@key
WHERE
  d.@dimension_key IS NULL

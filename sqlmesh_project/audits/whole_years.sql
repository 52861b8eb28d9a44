AUDIT (
  name whole_years,
  dialect redshift
);

/* a calendar has every year from its first day to its last */
SELECT
  d.year,
  COUNT(*) AS days
FROM @this_model AS d
WHERE
  NOT d.year IS NULL
GROUP BY
  d.year
HAVING
  MIN(d.day_of_year) <> 1
  OR MAX(d.month * 100 + d.day_of_month) <> 1231
  OR COUNT(*) <> MAX(d.day_of_year)

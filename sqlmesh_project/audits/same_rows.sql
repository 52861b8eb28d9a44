AUDIT (
  name same_rows,
  dialect redshift
);

/* a join that says more about each row of another model loses none and repeats none */
SELECT
  here.row_count,
  there.row_count AS row_count_there
FROM (
  SELECT
    COUNT(*) AS row_count
  FROM @this_model
) AS here
CROSS JOIN (
  SELECT
    COUNT(*) AS row_count
  FROM @other
) AS there
WHERE
  here.row_count <> there.row_count

MODEL (
  name deftunes.dim_date,
  kind FULL,
  cron '@monthly',
  allow_partials FALSE,
  owner analytics,
  grain date_key,
  description 'Calendar days from 2000-01-01 to 2039-12-31, generated.',
  column_descriptions (
    date_key = 'The day as yyyymmdd',
    date_day = 'The day',
    day_of_week = 'Day of the week, 1 = Monday to 7 = Sunday',
    day_of_month = 'Day of the month',
    day_of_year = 'Day of the year',
    week_of_year = 'ISO week of the year',
    month = 'Month, 1 to 12',
    quarter = 'Quarter, 1 to 4',
    year = 'Year',
    is_weekday = 'Whether it is Monday to Friday'
  ),
  audits (
    UNIQUE_VALUES(columns := (date_key, date_day)),
    NOT_NULL(columns := (date_key, date_day))
  ),
  physical_properties (diststyle = 'ALL', sortkey = 'date_key')
);

WITH digits AS (
  SELECT
    0 AS digit
  UNION ALL
  SELECT
    1
  UNION ALL
  SELECT
    2
  UNION ALL
  SELECT
    3
  UNION ALL
  SELECT
    4
  UNION ALL
  SELECT
    5
  UNION ALL
  SELECT
    6
  UNION ALL
  SELECT
    7
  UNION ALL
  SELECT
    8
  UNION ALL
  SELECT
    9
), numbers AS (
  /* counted, not recursed: Redshift takes a recursion in no subquery, and a step for each day */
  SELECT
    a.digit + 10 * b.digit + 100 * c.digit + 1000 * d.digit + 10000 * e.digit AS number
  FROM digits AS a
  CROSS JOIN digits AS b
  CROSS JOIN digits AS c
  CROSS JOIN digits AS d
  CROSS JOIN digits AS e
), days AS (
  SELECT
    DATEADD(DAY, n.number, @VAR('calendar_start')::DATE)::DATE AS date_day
  FROM numbers AS n
  WHERE
    n.number <= DATEDIFF(DAY, @VAR('calendar_start')::DATE, @VAR('calendar_end')::DATE)
)
SELECT
  TO_CHAR(days.date_day, 'YYYYMMDD')::INTEGER AS date_key,
  @CALENDAR_COLUMNS(days.date_day)
FROM days

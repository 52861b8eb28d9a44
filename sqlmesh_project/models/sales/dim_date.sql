MODEL (
  name sales.dim_date,
  kind FULL,
  owner analytics,
  grain date_key,
  description 'Calendar days: every day of each year with an order or a shipment, of the year before it and of the year after; and -1 for what has no day yet.',
  column_descriptions (
    date_key = 'The day as yyyymmdd; -1: none',
    date_day = 'The day; NULL: none',
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
    NOT_NULL(columns := (
      date_key
    )),
    WHOLE_YEARS()
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
), seen AS (
  SELECT
    EXTRACT(YEAR FROM o.order_date) AS year
  FROM stg_sales.order_lines AS o
  UNION
  SELECT
    EXTRACT(YEAR FROM o.ship_date) AS year
  FROM stg_sales.order_lines AS o
  WHERE
    NOT o.ship_date IS NULL
), years AS (
  /* a year before and after: a calendar is never shorter than what comes next, and one odd date adds three years */
  SELECT
    GREATEST(s.year - 1, 1) AS year
  FROM seen AS s
  UNION
  SELECT
    s.year
  FROM seen AS s
  UNION
  SELECT
    LEAST(s.year + 1, 9999) AS year
  FROM seen AS s
), days AS (
  SELECT
    DATEADD(
      DAY,
      a.digit + 10 * b.digit + 100 * c.digit,
      (
        RIGHT('000' || y.year::VARCHAR(10), 4) || '-01-01'
      )::DATE
    )::DATE AS date_day,
    y.year
  FROM years AS y
  CROSS JOIN digits AS a
  CROSS JOIN digits AS b
  CROSS JOIN digits AS c
  WHERE
    a.digit + 10 * b.digit + 100 * c.digit < 366
)
SELECT
  @DATE_KEY(d.date_day)::INTEGER AS date_key,
  @CALENDAR_COLUMNS(d.date_day)
FROM days AS d
WHERE
  EXTRACT(YEAR FROM d.date_day) = d.year
UNION ALL
SELECT
  -1::INTEGER AS date_key,
  NULL::DATE AS date_day,
  NULL::INTEGER AS day_of_week,
  NULL::INTEGER AS day_of_month,
  NULL::INTEGER AS day_of_year,
  NULL::INTEGER AS week_of_year,
  NULL::INTEGER AS month,
  NULL::INTEGER AS quarter,
  NULL::INTEGER AS year,
  NULL::BOOLEAN AS is_weekday

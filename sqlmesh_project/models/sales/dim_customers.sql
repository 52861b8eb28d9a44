MODEL (
  name sales.dim_customers,
  kind FULL,
  owner analytics,
  grain customer_key,
  description 'Every version of every customer (SCD2): a version opens on the day of the first order that shows other values, unchanged orders open none; of several orders on a day the last counts. Full: a late batch may split versions anywhere in the past, and the table is small.',
  column_descriptions (
    customer_key = 'Key of the version',
    customer_id = 'The customer',
    customer_name = 'Name of the customer, a company',
    city = 'Town',
    country = 'Country',
    territory = 'Sales region; NA is North America',
    contact_lastname = 'Family name of the contact',
    contact_firstname = 'Given name of the contact',
    valid_from = 'Day of the first order with these values',
    valid_to = 'Day of the first order with others; NULL: none yet',
    is_current = 'Whether it is the newest version'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      customer_key
    )),
    NOT_NULL(columns := (customer_key, customer_id, valid_from, is_current)),
    FORALL(criteria := (
      valid_to IS NULL OR valid_to > valid_from
    ))
  ),
  physical_properties (diststyle = 'ALL', sortkey = 'customer_key')
);

WITH lines AS (
  SELECT
    o.customer_id,
    o.customer_name,
    o.city,
    o.country,
    o.territory,
    o.contact_lastname,
    o.contact_firstname,
    o.order_date,
    ROW_NUMBER() OVER (
      PARTITION BY o.customer_id, o.order_date
      ORDER BY o.order_number DESC, o.order_line_number DESC
    ) AS place
  FROM stg_sales.order_lines AS o
), last_of_day AS (
  SELECT
    l.*
  FROM lines AS l
  WHERE
    l.place = 1
)
SELECT
  (
    v.customer_id::VARCHAR(20) || '/' || TO_CHAR(v.valid_from, 'YYYYMMDD')
  )::VARCHAR(40) AS customer_key,
  v.customer_id::BIGINT AS customer_id,
  v.customer_name::VARCHAR(400) AS customer_name,
  v.city::VARCHAR(200) AS city,
  v.country::VARCHAR(200) AS country,
  v.territory::VARCHAR(200) AS territory,
  v.contact_lastname::VARCHAR(200) AS contact_lastname,
  v.contact_firstname::VARCHAR(200) AS contact_firstname,
  v.valid_from::DATE AS valid_from,
  v.valid_to::DATE AS valid_to,
  (
    v.valid_to IS NULL
  )::BOOLEAN AS is_current
FROM @VERSIONS(
  last_of_day,
  customer_id,
  order_date,
  order_date,
  customer_name,
  city,
  country,
  territory,
  contact_lastname,
  contact_firstname
) AS v

MODEL (
  name deftunes.user_activity_vw,
  kind VIEW,
  owner analytics,
  grain user_id,
  description 'What each account bought. Sessions are counted as sessions; the system this rebuilds counted item rows and called them sessions.',
  column_descriptions (
    user_id = 'Account id, uuid',
    user_name = 'Given name; NULL when unknown',
    user_lastname = 'Family name; NULL when unknown',
    country_code = 'Country of the account; NULL when unknown',
    total_sessions = 'Sessions with a purchase',
    total_items = 'Tracks bought',
    active_days = 'Days with a purchase',
    total_spend = 'Sum of prices paid in USD',
    average_spend = 'Average price paid in USD',
    last_activity = 'Begin of the latest session with a purchase, UTC',
    liked_items = 'Tracks bought and liked'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      user_id
    )),
    NOT_NULL(columns := (user_id, total_sessions, total_items, total_spend))
  )
);

SELECT
  items.user_id::VARCHAR(36) AS user_id,
  MAX(users.user_name)::VARCHAR(400) AS user_name,
  MAX(users.user_lastname)::VARCHAR(400) AS user_lastname,
  MAX(users.country_code)::VARCHAR(2) AS country_code,
  COUNT(DISTINCT items.session_id)::BIGINT AS total_sessions,
  COUNT(*)::BIGINT AS total_items,
  COUNT(DISTINCT items.date_key)::BIGINT AS active_days,
  SUM(items.price)::DECIMAL(18, 2) AS total_spend,
  @HALF_UP(SUM(items.price)::DOUBLE PRECISION / COUNT(*))::DECIMAL(18, 4) AS average_spend,
  MAX(items.session_start_time)::TIMESTAMP AS last_activity,
  SUM(CASE WHEN items.liked THEN 1 ELSE 0 END)::BIGINT AS liked_items
FROM deftunes.fact_order_items AS items
JOIN deftunes.dim_users AS users
  ON users.user_id = items.user_id
GROUP BY
  items.user_id

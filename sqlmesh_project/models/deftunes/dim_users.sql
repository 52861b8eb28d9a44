MODEL (
  name deftunes.dim_users,
  kind FULL,
  owner analytics,
  grain user_id,
  description 'DeFtunes accounts, one row per user_id. An account that sessions mention but the API never sent has status inferred and unknown attributes. Full: an account can change at any age and the table is small.',
  column_descriptions (
    user_id = 'Account id, uuid',
    user_lastname = 'Family name',
    user_name = 'Given name',
    user_since = 'When the account was made, UTC',
    place_name = 'Town of the account',
    country_code = 'ISO 3166-1 alpha-2 country of the account',
    status = 'known: the API sent it; inferred: only sessions mention it'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      user_id
    )),
    NOT_NULL(columns := (user_id, status)),
    ACCEPTED_VALUES("column" := status, is_in := ('known', 'inferred'))
  ),
  physical_properties (diststyle = 'ALL', sortkey = 'user_id')
);

SELECT
  users.user_id::VARCHAR(36) AS user_id,
  users.user_lastname::VARCHAR(400) AS user_lastname,
  users.user_name::VARCHAR(400) AS user_name,
  users.user_since::TIMESTAMP AS user_since,
  users.place_name::VARCHAR(800) AS place_name,
  users.country_code::VARCHAR(2) AS country_code,
  'known'::VARCHAR(8) AS status
FROM stg_deftunes_api.users AS users
UNION ALL
SELECT
  mentioned.user_id::VARCHAR(36) AS user_id,
  NULL::VARCHAR(400) AS user_lastname,
  NULL::VARCHAR(400) AS user_name,
  NULL::TIMESTAMP AS user_since,
  NULL::VARCHAR(800) AS place_name,
  NULL::VARCHAR(2) AS country_code,
  'inferred'::VARCHAR(8) AS status
FROM (
  SELECT DISTINCT
    sessions.user_id
  FROM stg_deftunes_api.sessions AS sessions
) AS mentioned
LEFT JOIN stg_deftunes_api.users AS users
  ON users.user_id = mentioned.user_id
WHERE
  users.user_id IS NULL

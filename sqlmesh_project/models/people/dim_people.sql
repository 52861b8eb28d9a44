MODEL (
  name people.dim_people,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key person_id
  ),
  owner analytics,
  grain person_id,
  description 'People who signed up, with their newest data. Only rows that staging changed since the day of the last build are read. No credentials; the e-mail address is a salted hash.',
  column_descriptions (
    person_id = 'The person, uuid',
    first_name = 'Given name',
    last_name = 'Family name',
    title = 'Form of address',
    gender = 'Gender as the API says it',
    city = 'Town',
    state = 'State or region',
    country = 'Country, in words',
    postcode = 'Postcode',
    nat = 'Nationality, ISO 3166-1 alpha-2',
    email = 'E-mail address, salted and hashed',
    registered_at = 'When the person signed up, UTC'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      person_id
    )),
    NOT_NULL(columns := (person_id, first_name, last_name, country, registered_at))
  ),
  physical_properties (distkey = 'person_id', sortkey = 'registered_at')
);

SELECT
  u.person_id::VARCHAR(36) AS person_id,
  u.first_name::VARCHAR(400) AS first_name,
  u.last_name::VARCHAR(400) AS last_name,
  u.title::VARCHAR(120) AS title,
  u.gender::VARCHAR(80) AS gender,
  u.city::VARCHAR(400) AS city,
  u.state::VARCHAR(400) AS state,
  u.country::VARCHAR(400) AS country,
  u.postcode::VARCHAR(80) AS postcode,
  u.nat::VARCHAR(8) AS nat,
  u.email::VARCHAR(64) AS email,
  u.registered_at::TIMESTAMP AS registered_at
FROM stg_random_users.users AS u
WHERE
  @REFINED_SINCE(u._refine_id)

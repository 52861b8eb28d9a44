MODEL (
  name deftunes.order_items_vw,
  kind VIEW,
  owner analytics,
  grain (session_id, track_id),
  description 'Purchased tracks with what the account, track and artist are called: what dashboards and spreadsheets read.',
  column_descriptions (
    session_id = 'Session of the purchase, uuid',
    track_id = 'Track bought (TR...)',
    session_start_time = 'When the session began, UTC',
    user_id = 'Account that bought, uuid',
    country_code = 'ISO 3166-1 alpha-2 country of the account; NULL when unknown',
    artist_name = 'Name of the artist',
    song_name = 'Title of the track; NULL: the catalogue has none',
    release = 'Album or single; NULL when unknown',
    release_year = 'Year of release; NULL when unknown',
    price = 'Price paid in USD',
    liked = 'Whether the listener likes the track'
  ),
  audits (
    UNIQUE_COMBINATION_OF_COLUMNS(columns := (session_id, track_id)),
    NOT_NULL(
      columns := (session_id, track_id, session_start_time, user_id, artist_name, price, liked)
    ),
    SAME_ROWS(other := deftunes.fact_order_items)
  )
);

SELECT
  items.session_id::VARCHAR(36) AS session_id,
  items.track_id::VARCHAR(18) AS track_id,
  items.session_start_time::TIMESTAMP AS session_start_time,
  items.user_id::VARCHAR(36) AS user_id,
  users.country_code::VARCHAR(2) AS country_code,
  artists.artist_name::VARCHAR(2000) AS artist_name,
  songs.title::VARCHAR(2000) AS song_name,
  songs.release::VARCHAR(2000) AS release,
  songs.year::INTEGER AS release_year,
  items.price::DECIMAL(10, 2) AS price,
  items.liked::BOOLEAN AS liked
FROM deftunes.fact_order_items AS items
JOIN deftunes.dim_users AS users
  ON users.user_id = items.user_id
JOIN deftunes.dim_songs AS songs
  ON songs.track_id = items.track_id
JOIN deftunes.dim_artists AS artists
  ON artists.artist_id = items.artist_id

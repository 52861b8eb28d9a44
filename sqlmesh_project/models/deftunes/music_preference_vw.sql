MODEL (
  name deftunes.music_preference_vw,
  kind VIEW,
  owner analytics,
  grain (track_id, country_code, session_month, session_year),
  description 'What is bought and liked where: per track, country, month and year. Tracks are joined on track_id; the system this rebuilds joined song_id, which matches nothing.',
  column_descriptions (
    track_id = 'Track id (TR...)',
    song_name = 'Title of the track',
    artist_name = 'Name of the artist as bought',
    country_code = 'Country of the accounts; NULL when unknown',
    session_month = 'Month of the sessions, 1 to 12',
    session_year = 'Year of the sessions',
    purchases = 'Tracks bought',
    liked_items = 'Of those, liked',
    liked_percentage = 'Liked share in percent',
    average_price = 'Average price paid in USD'
  ),
  audits (
    UNIQUE_COMBINATION_OF_COLUMNS(columns := (track_id, country_code, session_month, session_year)),
    NOT_NULL(columns := (track_id, artist_name, purchases, liked_percentage)),
    ACCEPTED_RANGE("column" := liked_percentage, min_v := 0, max_v := 100, inclusive := TRUE)
  )
);

SELECT
  items.track_id::VARCHAR(18) AS track_id,
  MAX(songs.title)::VARCHAR(2000) AS song_name,
  MAX(artists.artist_name)::VARCHAR(2000) AS artist_name,
  users.country_code::VARCHAR(2) AS country_code,
  EXTRACT(MONTH FROM items.session_start_time)::INTEGER AS session_month,
  EXTRACT(YEAR FROM items.session_start_time)::INTEGER AS session_year,
  COUNT(*)::BIGINT AS purchases,
  SUM(CASE WHEN items.liked THEN 1 ELSE 0 END)::BIGINT AS liked_items,
  (
    100::DOUBLE PRECISION * SUM(CASE WHEN items.liked THEN 1 ELSE 0 END) / COUNT(*)
  )::DOUBLE PRECISION AS liked_percentage,
  @HALF_UP(SUM(items.price)::DOUBLE PRECISION / COUNT(*))::DECIMAL(18, 4) AS average_price
FROM deftunes.fact_order_items AS items
JOIN deftunes.dim_songs AS songs
  ON songs.track_id = items.track_id
JOIN deftunes.dim_artists AS artists
  ON artists.artist_id = items.artist_id
JOIN deftunes.dim_users AS users
  ON users.user_id = items.user_id
GROUP BY
  items.track_id,
  users.country_code,
  EXTRACT(MONTH FROM items.session_start_time),
  EXTRACT(YEAR FROM items.session_start_time)

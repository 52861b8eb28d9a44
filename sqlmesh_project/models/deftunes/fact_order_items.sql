MODEL (
  name deftunes.fact_order_items,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key (session_id, track_id)
  ),
  owner analytics,
  grain (session_id, track_id),
  depends_on ARRAY(deftunes.dim_users, deftunes.dim_songs, deftunes.dim_artists, deftunes.dim_date),
  description 'One purchased track of a session. Only rows that staging changed since the day of the last build are read (a refine id is nanoseconds of unix time); rows of a corrected session that staging no longer has are deleted. Both steps give the same result when repeated after a crash.',
  column_descriptions (
    session_id = 'Session of the purchase, uuid',
    track_id = 'Track bought (TR...); the API calls it song_id',
    user_id = 'Account that bought, uuid',
    artist_id = 'Artist of the track as shown at the purchase (AR...)',
    date_key = 'Day of the session as yyyymmdd, key of dim_date',
    item_number = 'Place in the session, from 0',
    price = 'Price paid in USD',
    liked = 'Whether the listener likes the track',
    liked_since = 'When it was liked, UTC; often after the session',
    session_start_time = 'When the session began, UTC',
    refine_id = 'Refine that last wrote the row to staging'
  ),
  audits (
    UNIQUE_COMBINATION_OF_COLUMNS(columns := (session_id, track_id)),
    NOT_NULL(
      columns := (session_id, track_id, user_id, artist_id, date_key, price, session_start_time)
    ),
    ACCEPTED_RANGE("column" := price, min_v := 0, max_v := 2, inclusive := TRUE),
    REFERENCES_DIMENSION(key := user_id, dimension := deftunes.dim_users, dimension_key := user_id),
    REFERENCES_DIMENSION(key := track_id, dimension := deftunes.dim_songs, dimension_key := track_id),
    REFERENCES_DIMENSION(key := artist_id, dimension := deftunes.dim_artists, dimension_key := artist_id),
    REFERENCES_DIMENSION(key := date_key, dimension := deftunes.dim_date, dimension_key := date_key)
  ),
  physical_properties (distkey = 'session_id', sortkey = 'session_start_time')
);

SELECT
  items.session_id::VARCHAR(36) AS session_id,
  items.song_id::VARCHAR(18) AS track_id,
  items.user_id::VARCHAR(36) AS user_id,
  items.artist_id::VARCHAR(18) AS artist_id,
  TO_CHAR(items.session_start_time, 'YYYYMMDD')::INTEGER AS date_key,
  items.item_number::INTEGER AS item_number,
  items.price::DECIMAL(10, 2) AS price,
  items.liked::BOOLEAN AS liked,
  items.liked_since::TIMESTAMP AS liked_since,
  items.session_start_time::TIMESTAMP AS session_start_time,
  items._refine_id::VARCHAR(32) AS refine_id
FROM stg_deftunes_api.session_items AS items
WHERE
  @REFINED_SINCE(items._refine_id);

@IF(
  @runtime_stage = 'evaluating',
  DELETE FROM @this_model
  WHERE
    NOT (
      session_id || track_id
    ) IN (
      SELECT
        items.session_id || items.song_id
      FROM stg_deftunes_api.session_items AS items
    ) /* not on creation: there is nothing to delete from then */
)

MODEL (
  name deftunes.dim_songs,
  kind FULL,
  owner analytics,
  grain track_id,
  description 'Tracks, one row per track_id (what purchases point at). A track only purchases mention has status inferred and the title shown at most purchases. Full: the catalogue has no time of change, and the table is small.',
  column_descriptions (
    track_id = 'Track id (TR...)',
    song_id = 'Composition id (SO...); several tracks may share it',
    title = 'Title of the track',
    release = 'Album or single the track is from',
    year = 'Year of release; NULL when unknown',
    artist_id = 'Artist id (AR...)',
    duration = 'Length in seconds',
    status = 'known: in the catalogue; inferred: only purchases mention it'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      track_id
    )),
    NOT_NULL(columns := (track_id, artist_id, status)),
    ACCEPTED_VALUES("column" := status, is_in := ('known', 'inferred'))
  ),
  physical_properties (diststyle = 'ALL', sortkey = 'track_id')
);

WITH mentioned AS (
  SELECT
    counted.track_id,
    counted.song_name,
    counted.artist_id,
    ROW_NUMBER() OVER (
      PARTITION BY counted.track_id
      ORDER BY counted.uses DESC, counted.song_name, counted.artist_id
    ) AS place
  FROM (
    SELECT
      items.song_id AS track_id,
      items.song_name,
      items.artist_id,
      COUNT(*) AS uses
    FROM stg_deftunes_api.session_items AS items
    GROUP BY
      items.song_id,
      items.song_name,
      items.artist_id
  ) AS counted
)
SELECT
  songs.track_id::VARCHAR(18) AS track_id,
  songs.song_id::VARCHAR(18) AS song_id,
  songs.title::VARCHAR(2000) AS title,
  songs.release::VARCHAR(2000) AS release,
  NULLIF(songs.year, 0)::INTEGER AS year,
  songs.artist_id::VARCHAR(18) AS artist_id,
  songs.duration::DOUBLE PRECISION AS duration,
  'known'::VARCHAR(8) AS status
FROM stg_deftunes_db.songs AS songs
UNION ALL
SELECT
  mentioned.track_id::VARCHAR(18) AS track_id,
  NULL::VARCHAR(18) AS song_id,
  mentioned.song_name::VARCHAR(2000) AS title,
  NULL::VARCHAR(2000) AS release,
  NULL::INTEGER AS year,
  mentioned.artist_id::VARCHAR(18) AS artist_id,
  NULL::DOUBLE PRECISION AS duration,
  'inferred'::VARCHAR(8) AS status
FROM mentioned
LEFT JOIN stg_deftunes_db.songs AS songs
  ON songs.track_id = mentioned.track_id
WHERE
  mentioned.place = 1 AND songs.track_id IS NULL

MODEL (
  name deftunes.dim_artists,
  kind FULL,
  owner analytics,
  grain artist_id,
  description 'Artists, one row per artist_id. The catalogue gives some artists several names and MusicBrainz ids: the one on most tracks counts, ties go to the alphabetically smallest. An artist only purchases mention has status inferred and the name shown at most purchases. Full: a changed track can change its artist, and the table is small.',
  column_descriptions (
    artist_id = 'Artist id (AR...)',
    artist_mbid = 'Artist at MusicBrainz; NULL when the catalogue knows none',
    artist_name = 'Name of the artist',
    status = 'known: in the catalogue; inferred: only purchases mention it'
  ),
  audits (
    UNIQUE_VALUES(columns := (
      artist_id
    )),
    NOT_NULL(columns := (artist_id, artist_name, status)),
    ACCEPTED_VALUES("column" := status, is_in := ('known', 'inferred'))
  ),
  physical_properties (diststyle = 'ALL', sortkey = 'artist_id')
);

WITH names AS (
  SELECT
    counted.artist_id,
    counted.artist_name,
    counted.is_known,
    ROW_NUMBER() OVER (
      PARTITION BY counted.artist_id
      ORDER BY counted.is_known DESC, counted.uses DESC, counted.artist_name
    ) AS place
  FROM (
    SELECT
      songs.artist_id,
      songs.artist_name,
      1 AS is_known,
      COUNT(*) AS uses
    FROM stg_deftunes_db.songs AS songs
    GROUP BY
      songs.artist_id,
      songs.artist_name
    UNION ALL
    SELECT
      items.artist_id,
      items.artist_name,
      0 AS is_known,
      COUNT(*) AS uses
    FROM stg_deftunes_api.session_items AS items
    GROUP BY
      items.artist_id,
      items.artist_name
  ) AS counted
), mbids AS (
  SELECT
    counted.artist_id,
    counted.artist_mbid,
    ROW_NUMBER() OVER (PARTITION BY counted.artist_id ORDER BY counted.uses DESC, counted.artist_mbid) AS place
  FROM (
    SELECT
      songs.artist_id,
      songs.artist_mbid,
      COUNT(*) AS uses
    FROM stg_deftunes_db.songs AS songs
    WHERE
      NOT songs.artist_mbid IS NULL
    GROUP BY
      songs.artist_id,
      songs.artist_mbid
  ) AS counted
)
SELECT
  names.artist_id::VARCHAR(18) AS artist_id,
  mbids.artist_mbid::VARCHAR(144) AS artist_mbid,
  names.artist_name::VARCHAR(2000) AS artist_name,
  CASE WHEN names.is_known = 1 THEN 'known' ELSE 'inferred' END::VARCHAR(8) AS status
FROM names
LEFT JOIN mbids
  ON mbids.artist_id = names.artist_id AND mbids.place = 1
WHERE
  names.place = 1

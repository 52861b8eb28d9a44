"""Real records of the course's systems go through the contracts."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dlt_sources._steps.judge.judge import Judge
from dlt_sources.door import load_sources
from tests.dlt_sources.test_judge import judge


def _source(name: str):
    return load_sources()[name]


def test_real_users_and_sessions_are_accepted(samples, tmp_path):
    source = _source("deftunes_api")
    users = json.loads((samples / "deftunes" / "real_users_sample.json").read_text())
    sessions = json.loads((samples / "deftunes" / "real_sessions_sample.json").read_text())
    for name, records, count in (("users", users, 11), ("sessions", sessions, 2)):
        landed = pa.table({"_payload": [json.dumps(r) for r in records]})
        accepted, rejected, _ = judge(tmp_path / name, source.contracts[name], landed, source.tables[name])
        assert (len(accepted), rejected) == (count, {})
    files = [str(tmp_path / "sessions" / "1700000000.5.a.parquet")]
    judging = Judge("deftunes_api", tmp_path / "items", "salt", datetime(2020, 1, 1, tzinfo=UTC), "1GB")
    parent = judging.judge("sessions", source.tables["sessions"], source.contracts["sessions"], files)
    items = judging.judge(
        "session_items", source.tables["session_items"], source.contracts["session_items"], files, parent
    )
    rows = [row for path in items.accepted for row in pq.read_table(path).to_pylist()]
    assert len(rows) == 11 and items.rejected == []
    assert {row["song_id"][:2] for row in rows} == {"TR"}
    assert sum(row["price"] for row in rows) == sum(
        Decimal(str(i["price"])) for s in sessions for i in s["session_items"]
    )


def test_real_songs_are_accepted(samples, tmp_path):
    source = _source("deftunes_db")
    landed = duckdb.sql(
        f"SELECT * FROM read_csv('{samples}/deftunes/real_songs_sample.csv', header = true)"
    ).to_arrow_table()
    accepted, rejected, _ = judge(tmp_path, source.contracts["songs"], landed, source.tables["songs"])
    assert (len(accepted), rejected) == (25, {})
    assert {row["song_id"][:2] for row in accepted.values()} == {"SO"}


def test_every_row_of_the_million_song_subset_is_accounted_for(samples, tmp_path):
    """Catalogue material of another shape: some of its ids have lost a character, and those rows are the rejected ones."""
    path = samples / "deftunes" / "msd_subset_SongCSV.csv"
    landed = duckdb.sql(f"""
        SELECT 'TRAAAAAAAAAAAAAAAA' AS track_id, Title AS title, SongID AS song_id, AlbumName AS release, ArtistID AS artist_id,
            NULL::VARCHAR AS artist_mbid, ArtistName AS artist_name, Duration::DOUBLE AS duration,
            NULL::DOUBLE AS artist_familiarity, NULL::DOUBLE AS artist_hotttnesss, Year::INT AS year,
            NULL::INT AS track_7digitalid, NULL::INT AS shs_perf, NULL::INT AS shs_work
        FROM read_csv('{path}', header = true, all_varchar = true, strict_mode = false)""").to_arrow_table()
    source = _source("deftunes_db")
    accepted, rejected, _ = judge(tmp_path, source.contracts["songs"], landed, source.tables["songs"])
    cut = [n for n, row in enumerate(landed.to_pylist()) if len(row["song_id"]) < 18 or len(row["artist_id"]) < 18]
    assert sorted(rejected) == cut and len(cut) == 1207
    assert len(accepted) == 10_001 - 1207
    assert {(row["field"], row["rule"]) for row in rejected.values()} == {
        (f, "string_pattern_mismatch") for f in ("song_id", "artist_id")
    }

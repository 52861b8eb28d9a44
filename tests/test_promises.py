"""The pipeline's promises over several upstream days, on real parts."""

from collections import Counter

import duckdb
import pytest

from demo.records import DAYS
from demo.show import differences
from tests.harness import Pipeline

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def days(world, tmp_path_factory):
    """A pipeline that has run on every day of the world."""
    pipeline = Pipeline(tmp_path_factory.mktemp("days") / "data", world.environment)
    for day in range(DAYS):
        if day:
            world.advance()
        result = pipeline("run", "--now", **world.environment)
        assert result.code == 0, result.out + result.err
    return Pipeline(pipeline.folder, world.environment)


def test_gold_and_rejects_equal_the_oracle(days, world):
    with duckdb.connect(str((days.folder / "serving.duckdb").resolve()), read_only=True) as con:
        assert differences(con, world) == []


def test_staging_holds_one_row_per_key(days, world):
    found = {
        name.split(".")[1]: len(rows) for name, rows in days.staged().items() if not name.split(".")[1].startswith("_")
    }
    assert found == world.oracle().staged


def test_every_landed_row_is_accepted_or_rejected(days):
    loads = days.query("SELECT table_name, load_id, landed, accepted, rejected FROM ops.loads")
    assert loads
    assert all(landed == accepted + rejected for _, _, landed, accepted, rejected in loads)
    rejected = Counter({key: n for *key, n in []})
    rejected.update(
        {
            (t, load): n
            for t, load, n in days.query("SELECT table_name, load_id, count(*) FROM ops.rejected_rows GROUP BY ALL")
        }
    )
    assert rejected == Counter({(t, load): r for t, load, _, _, r in loads if r})


def test_landed_counts_are_those_of_the_files(days):
    for source, table in (("deftunes_api", "users"), ("deftunes_api", "sessions"), ("deftunes_db", "songs")):
        files = duckdb.sql(f"SELECT count(*) FROM '{days.folder}/lake/landing/{source}/{table}/*.parquet'").fetchall()
        assert files == days.query(
            f"SELECT sum(landed)::BIGINT FROM ops.loads WHERE source = '{source}' AND table_name = '{table}'"
        )


def test_every_rejected_row_names_field_and_rule(days):
    rows = days.query("SELECT field, rule, message, raw, table_name FROM ops.rejected_rows")
    assert rows
    for field, rule, message, raw, _table in rows:
        assert rule and message and raw
        assert field or rule in ("model_type", "parent_rejected")


def test_running_again_changes_no_table(days):
    gold, staged, landed = days.gold(), days.staged(), days.landed()
    result = days("run", "--now")
    assert result.code == 0, result.err
    assert (days.gold(), days.staged(), days.landed()) == (gold, staged, landed)


def test_gold_has_one_row_per_declared_grain(days):
    grains = {
        "dim_users": "user_id", "dim_artists": "artist_id", "dim_songs": "track_id", "dim_date": "date_key",
        "fact_order_items": "session_id, track_id", "sales_per_artist_vw": "session_year, artist_name",
        "sales_per_country_vw": "session_year, session_month, country_code", "user_activity_vw": "user_id",
        "music_preference_vw": "track_id, country_code, session_month, session_year",
    }  # fmt: skip
    assert set(grains) == set(days.gold())
    for table, grain in grains.items():
        assert (
            days.query(f"SELECT {grain} FROM deftunes.{table} GROUP BY {grain} HAVING count(*) > 1", "serving.duckdb")
            == []
        )


def test_deleting_warehouse_and_state_and_replaying_landing_gives_the_same_gold(days, tmp_path):
    rebuilt = days.copy(tmp_path / "data")
    for name in ("warehouse.duckdb", "state.duckdb", "serving.duckdb"):
        (rebuilt.folder / name).unlink()
    # nothing upstream may be asked for it
    result = rebuilt(
        "replay",
        "deftunes_api",
        ELT_DEFTUNES_API_URL="http://127.0.0.1:9",
        ELT_DEFTUNES_DB_URL="postgresql://127.0.0.1:9/x",
    )
    assert result.code == 0, result.out + result.err
    result = rebuilt(
        "replay",
        "deftunes_db",
        ELT_DEFTUNES_API_URL="http://127.0.0.1:9",
        ELT_DEFTUNES_DB_URL="postgresql://127.0.0.1:9/x",
    )
    assert result.code == 0, result.out + result.err
    assert rebuilt.gold() == days.gold()


def test_replaying_over_what_is_there_changes_no_row_of_gold(days, tmp_path):
    again = days.copy(tmp_path / "data")
    result = again("replay", "deftunes_api", "--rejected")
    assert result.code == 0, result.err
    assert again.gold() == days.gold()
    assert len(again.staged()["stg_deftunes_api._rejected"]) == len(days.staged()["stg_deftunes_api._rejected"])


def test_nothing_is_kept_outside_the_data_folder(days):
    assert list((days.folder.parent / "home").rglob("*")) == []


def test_silver_is_iceberg_for_any_reader(days):
    import importlib.util
    from pathlib import Path

    con = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    for name in ("avro", "httpfs", "iceberg"):
        package = importlib.util.find_spec(f"duckdb_extension_{name}")
        [base] = package.submodule_search_locations
        con.execute(f"LOAD '{Path(base) / 'extensions' / f'v{duckdb.__version__}' / f'{name}.duckdb_extension'}'")
    for table, source in (("users", "deftunes_api"), ("session_items", "deftunes_api"), ("songs", "deftunes_db")):
        metadata = max((days.folder / "lake" / "silver" / source / table / "metadata").glob("*.metadata.json"))
        [(rows,)] = con.execute(f"SELECT count(*) FROM iceberg_scan('{metadata}')").fetchall()
        [(accepted,)] = days.query(f"SELECT sum(accepted)::BIGINT FROM ops.loads WHERE table_name = '{table}'")
        assert rows == accepted > 0


def test_status_and_rejected_answer_in_json(days):
    status = days("status", "--json").json
    assert status["runs"][0]["status"] == "ok"
    assert {row["table"] for row in status["tables"]} == {"users", "sessions", "session_items", "songs"}
    assert status["pending_models"] == []
    rejected = days("rejected", "deftunes_db", "--json").json
    assert sum(row["rows"] for row in rejected["reasons"]) == len(days.staged()["stg_deftunes_db._rejected"])

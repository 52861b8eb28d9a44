"""The pipeline's promises over several upstream days, on real parts."""

import contextlib
import json
import re
from collections import Counter
from pathlib import Path

import duckdb
import psycopg2
import pyarrow.parquet as pq
import pytest

from demo.records import DAYS
from demo.show import differences
from dlt_sources.door import load_sources
from tests.harness import Pipeline, make_once
from tests.privacy.scan import places_of_each

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def days(world, tmp_path_factory, shared):
    """A pipeline that has run on every day of the world; on the later ones it published what differs, however small."""
    pipeline = Pipeline(tmp_path_factory.mktemp("days") / "data", world.environment)
    for day in range(DAYS):
        if day:
            world.advance()
        patch = "tests.patches:compare_every_table" if day > 1 else ""
        result = pipeline("run", "--now", patch=patch, **world.environment)
        assert result.code == 0, result.out + result.err
        if not day:
            make_once(shared / "first_day", lambda folder: pipeline.copy(folder / "data"))  # and no file runs it again
    return Pipeline(pipeline.folder, world.environment)


def test_gold_and_rejects_equal_the_oracle(days, world):
    with duckdb.connect(str((days.folder / "serving.duckdb").resolve()), read_only=True) as con:
        assert differences(con, world) == []


def test_staging_holds_one_row_per_key(days, world):
    staged = days.staged()
    found = {name.split(".")[1]: len(rows) for name, rows in staged.items() if name.startswith("stg_deftunes")}
    assert {table: found[table] for table in world.oracle().staged} == world.oracle().staged
    with days.connected("warehouse.duckdb"):
        for name, source in load_sources().items():
            for table, declared in source.tables.items():
                key = [*declared.key, "_load_id"] if declared.mode == "scd2" else declared.key
                twice = f"SELECT 1 FROM stg_{name}.{table} GROUP BY {', '.join(key)} HAVING count(*) > 1"
                assert staged[f"stg_{name}.{table}"] and days.query(twice) == [], (name, table)


def test_every_landed_row_is_accepted_or_rejected(days):
    loads = days.query("SELECT table_name, load_id, landed, accepted, rejected FROM ops.loads")
    assert loads
    assert all(landed == accepted + rejected for _, _, landed, accepted, rejected in loads)
    rejected = Counter(
        {
            (t, load): n
            for t, load, n in days.query("SELECT table_name, load_id, count(*) FROM ops.rejected_rows GROUP BY ALL")
        }
    )
    assert rejected == Counter({(t, load): r for t, load, _, _, r in loads if r})


def test_landed_counts_are_those_of_the_files(days, world):
    for name, source in load_sources().items():
        for table in source.extracted:
            landing = days.folder / "lake" / "landing" / name
            files = [file for folder in (table, f"{table}__*") for file in landing.glob(f"{folder}/*.parquet")]
            landed = f"SELECT sum(landed)::BIGINT FROM ops.loads WHERE source = '{name}' AND table_name = '{table}'"
            rows = sum(pq.read_metadata(file).num_rows for file in files)
            gone = world.taxi.withdrawn(world.day)[table] if name == "taxi" else 0
            assert [(rows - gone,)] == days.query(landed), (name, table)


def test_every_rejected_row_names_field_and_rule(days):
    rows = days.query("SELECT field, rule, message, raw, table_name FROM ops.rejected_rows")
    assert rows
    for field, rule, message, raw, _table in rows:
        assert rule and message and raw
        assert field or rule in ("model_type", "parent_rejected", "malformed_line")


def test_running_again_changes_no_table(days):
    gold, staged, landed = days.gold(), days.staged(), days.landed()
    result = days("run", "--now")
    assert result.code == 0, result.err
    assert (days.gold(), days.staged(), days.landed()) == (gold, staged, landed)


def test_gold_has_one_row_per_declared_grain(days):
    grains = {}
    for path in Path("sqlmesh_project/models").glob("*/*.sql"):
        head = path.read_text().split(");")[0]
        name, grain = (re.search(rf"^  {word} (.+?),\n  \w", head, re.M | re.S)[1] for word in ("name", "grain"))
        blueprints = re.findall(r"\bname := (\w+)", head) or [""]
        grains |= {name.replace("@{name}", blueprint): grain.strip("()") for blueprint in blueprints}
    published = set(days.gold())
    assert published == {name for name in grains if not name.startswith("ops.")}
    with days.connected("serving.duckdb"):
        for table in published:
            query = f"SELECT 1 FROM {table} GROUP BY {grains[table]} HAVING count(*) > 1"
            assert days.query(query, "serving.duckdb") == [], table


@pytest.mark.nightly
def test_deleting_warehouse_and_state_and_replaying_landing_gives_the_same_gold(days, world, tmp_path):
    rebuilt = days.copy(tmp_path / "data")
    for name in ("warehouse.duckdb", "state.duckdb", "serving.duckdb"):
        (rebuilt.folder / name).unlink()
    nowhere = {
        name: "postgresql://127.0.0.1:9/x" if name.endswith("DB_URL") else "http://127.0.0.1:9"
        for name in world.environment
        if name.endswith(("_URL", "_FILES")) and name != "ELT_POSTGRES_URL"  # nothing upstream may be asked for it
    }
    for source in load_sources():
        result = rebuilt("replay", source, **nowhere)
        assert result.code == 0, result.out + result.err
    assert rebuilt.gold() == days.gold()


@pytest.mark.nightly
def test_replaying_over_what_is_there_changes_no_row_of_gold(days, tmp_path):
    again = days.copy(tmp_path / "data")
    result = again("replay", "deftunes_api", "--rejected")
    assert result.code == 0, result.err
    assert again.gold() == days.gold()
    assert len(again.staged()["stg_deftunes_api._rejected"]) == len(days.staged()["stg_deftunes_api._rejected"])


def test_no_personal_field_is_anywhere_in_clear(days, world):
    """What the world really sent in tagged fields is in no byte outside the landing of the source that sent it."""
    sent = {name: tagged_values(days.folder, name, source) for name, source in load_sources().items()}
    assert len(sent["random_users"]) > 50
    said = "".join(
        result.out + result.err
        for result in (days("rejected", "--rows", "1000"), days("rejected", "--json"), days("status", "--json"))
    )
    tagged = [(values, [name]) for name, values in sent.items() if values]
    assert places_of_each(tagged, days.folder, said + str(Sunk(world).rows())) == []


def tagged_values(folder, name, source):
    """The texts in tagged fields of a source's landed records, long enough to be nobody else's."""
    from dlt_sources._steps.contracts.columns import columns_of
    from dlt_sources._steps.contracts.contract import PAYLOAD

    found = set()
    for table in source.extracted:
        paths = [path for c in columns_of(source.contracts[table], stored=False) if c.private for path in c.paths]
        for file in (folder / "lake" / "landing" / name).glob(f"{table}/*.parquet") if paths else []:
            for text in pq.read_table(file, columns=[PAYLOAD])[PAYLOAD].to_pylist():
                for path in paths:
                    value = json.loads(text)
                    for part in path:
                        value = value.get(part) if isinstance(value, dict) else None
                    found |= {value} if isinstance(value, str) and len(value) > 7 else set()
    return found


def test_the_operational_postgres_has_the_newest_row_of_each_key(days, world):
    sunk = Sunk(world).rows()
    for name, source in load_sources().items():
        for table, declared in source.tables.items():
            if "postgres" in declared.sinks:
                newest = (
                    f"SELECT {', '.join(declared.key)} FROM stg_{name}.{table} QUALIFY row_number() OVER (PARTITION BY"
                    f" {', '.join(declared.key)} ORDER BY _load_id::DOUBLE DESC, _row DESC) = 1 AND NOT _deleted ORDER BY ALL"
                )
                assert sorted(sunk[name, table]) == days.query(newest), (name, table)


class Sunk:
    """The keys in the operational Postgres."""

    def __init__(self, world):
        self.dsn = world.postgres.operational

    def rows(self):
        found = {}
        with contextlib.closing(psycopg2.connect(self.dsn)) as con, con.cursor() as cursor:
            for name, source in load_sources().items():
                for table, declared in source.tables.items():
                    if "postgres" in declared.sinks:
                        cursor.execute(f'SELECT {", ".join(declared.key)} FROM "{name}"."{table}"')
                        found[name, table] = cursor.fetchall()
        return found


def test_nothing_is_kept_outside_the_data_folder(days):
    assert list((days.folder.parent / "home").rglob("*")) == []


def test_silver_is_iceberg_for_any_reader(days, world):
    import importlib.util

    con = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    for name in ("avro", "httpfs", "iceberg"):
        package = importlib.util.find_spec(f"duckdb_extension_{name}")
        [base] = package.submodule_search_locations
        con.execute(f"LOAD '{Path(base) / 'extensions' / f'v{duckdb.__version__}' / f'{name}.duckdb_extension'}'")
    tables = [(table, name) for name, source in load_sources().items() for table in source.tables]
    for table, source in tables:
        metadata = max((days.folder / "lake" / "silver" / source / table / "metadata").glob("*.metadata.json"))
        [(rows,)] = con.execute(f"SELECT count(*) FROM iceberg_scan('{metadata}')").fetchall()
        [(accepted,)] = days.query(
            f"SELECT sum(accepted)::BIGINT FROM ops.loads WHERE table_name = '{table}' AND source = '{source}'"
        )
        assert rows == accepted > 0


def test_status_and_rejected_answer_in_json(days):
    status = days("status", "--json").json
    assert status["runs"][0]["status"] == "ok"
    declared = {(name, table) for name, source in load_sources().items() for table in source.tables}
    assert {(row["source"], row["table"]) for row in status["tables"]} == declared
    assert status["pending_models"] == []
    rejected = days("rejected", "deftunes_db", "--json").json
    assert sum(row["rows"] for row in rejected["reasons"]) == len(days.staged()["stg_deftunes_db._rejected"])


@pytest.mark.parametrize(
    ("source", "table"),
    [("sales", "order_lines"), pytest.param("deftunes_api", "sessions", marks=pytest.mark.nightly)],
)
def test_a_replay_after_raw_rows_have_expired_loses_nothing(source, table, days, tmp_path):
    """On AWS the lake's lifecycle removes old raw rows, never the log of loads: what became of the rows stays."""
    landing, silver = days.folder / "lake" / "landing", days.folder / "lake" / "silver"
    first = min(path.name.split(".")[0] for path in landing.glob(f"{source}/{table}*/*.parquet"))
    expired = {path: tmp_path / path.name for path in landing.glob(f"{source}/{table}*/{first}.*.parquet")}
    gold, rejected, rows = days.gold(), days.query("SELECT id FROM ops.rejected_rows ORDER BY id"), silver_rows(silver)
    for path, aside in expired.items():
        path.rename(aside)
    replayed = days("replay", source)
    for path, aside in expired.items():
        aside.rename(path)
    assert replayed.code == 0, replayed.err
    assert expired and days.gold() == gold and silver_rows(silver) == rows
    assert days.query("SELECT id FROM ops.rejected_rows ORDER BY id") == rejected


def silver_rows(folder):
    from pyiceberg.table import StaticTable

    found = {}
    for table in (
        path.parent for path in folder.glob("*/*/metadata") if path.parent.parent.name in ("sales", "deftunes_api")
    ):
        newest = max((table / "metadata").glob("*.metadata.json"))
        found[table.name] = StaticTable.from_metadata(str(newest)).scan().to_arrow().num_rows
    return found

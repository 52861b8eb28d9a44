"""SQLMesh plans and runs models of every kind that the project uses on the stand-in, twice."""

from pathlib import Path
from typing import Any

from redshift_stand_in.client import Client
from redshift_stand_in.server import Redshift

MODELS = {
    "full": "MODEL (name gold.full_, kind FULL); "
    "SELECT id::BIGINT AS id, upper(name)::VARCHAR(20) AS name FROM raw_sm.things",
    "view": "MODEL (name gold.seen, kind VIEW); SELECT id, name FROM gold.full_ WHERE id > 1",
    "by_key": "MODEL (name gold.by_key, kind INCREMENTAL_BY_UNIQUE_KEY (unique_key id), "
    "physical_properties (distkey = id, sortkey = id)); "
    "SELECT id::BIGINT AS id, name::VARCHAR(20) AS name, amount::DECIMAL(10, 2) AS amount FROM raw_sm.things",
    "history": "MODEL (name gold.history, kind SCD_TYPE_2_BY_COLUMN (unique_key id, columns [name])); "
    "SELECT id::BIGINT AS id, name::VARCHAR(20) AS name FROM raw_sm.things",
    "by_time": "MODEL (name gold.by_time, kind INCREMENTAL_BY_TIME_RANGE (time_column at), start '2026-01-01'); "
    "SELECT at::TIMESTAMP AS at, id::BIGINT AS id FROM raw_sm.things WHERE at BETWEEN @start_ts AND @end_ts",
    "seed": "MODEL (name gold.seed, kind SEED (path '../seeds/seed.csv'), columns (code VARCHAR(3), rate DOUBLE PRECISION))",
}


def _context(redshift: Redshift, folder: Path) -> Any:
    from sqlmesh import Context
    from sqlmesh.core.config import Config, DuckDBConnectionConfig, GatewayConfig, ModelDefaultsConfig
    from sqlmesh.core.config.connection import RedshiftConnectionConfig

    gateway = GatewayConfig(
        connection=RedshiftConnectionConfig(
            host=redshift.host,
            port=redshift.port,
            user=redshift.user,
            password=redshift.password,
            database="warehouse",
            ssl=True,
            sslmode="verify-full",
            concurrent_tasks=2,
        ),
        state_connection=DuckDBConnectionConfig(database=str(folder / "state.db")),
    )
    config = Config(
        gateways={"": gateway},
        model_defaults=ModelDefaultsConfig(dialect="redshift"),
        disable_anonymized_analytics=True,
    )
    return Context(paths=[str(folder)], config=config)


def test_every_kind_twice(redshift: Redshift, sql: Client, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "seed.csv").write_text("code,rate\nEUR,1.5\nUSD,2\n")
    for name, text in MODELS.items():
        (tmp_path / "models" / f"{name}.sql").write_text(text)
    sql("CREATE SCHEMA raw_sm")
    sql("CREATE TABLE raw_sm.things (id BIGINT, name VARCHAR(20), amount DECIMAL(10, 2), at TIMESTAMP)")
    sql("INSERT INTO raw_sm.things VALUES (1, 'a', 1.5, '2026-01-01'), (2, 'b', 2.5, '2026-01-02')")
    context = _context(redshift, tmp_path)
    context.plan(auto_apply=True, no_prompts=True)
    assert sql("SELECT * FROM gold.full_ ORDER BY id") == [(1, "A"), (2, "B")]
    assert sql("SELECT * FROM gold.seed ORDER BY 1") == [("EUR", 1.5), ("USD", 2.0)]

    sql("UPDATE raw_sm.things SET name = 'bb' WHERE id = 2")
    sql("INSERT INTO raw_sm.things VALUES (3, 'c', 3.25, '2026-01-03')")
    context = _context(redshift, tmp_path)
    context.plan(auto_apply=True, no_prompts=True, restate_models=["gold.*"], skip_tests=True)
    context.run(ignore_cron=True)
    assert sql("SELECT * FROM gold.full_ ORDER BY id") == [(1, "A"), (2, "BB"), (3, "C")]
    assert sql("SELECT * FROM gold.seen ORDER BY id") == [(2, "BB"), (3, "C")]
    assert [tuple(map(str, r)) for r in sql("SELECT * FROM gold.by_key ORDER BY id")] == [
        ("1", "a", "1.50"),
        ("2", "bb", "2.50"),
        ("3", "c", "3.25"),
    ]
    assert sql("SELECT count(*), count(valid_to) FROM gold.history WHERE id = 2") in ([(2, 1)], [(1, 0)])
    assert [r[0] for r in sql("SELECT id FROM gold.by_time ORDER BY 1")] == [1, 2, 3]
    declared = sql("SELECT diststyle, sortkey1 FROM svv_table_info WHERE \"table\" LIKE '%by_key%'")
    assert ("KEY(id)", "id") in declared
    context.close()

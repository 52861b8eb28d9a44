"""SQLMesh's configuration. Python, not YAML, so that the addresses come from settings.py like everybody's."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sqlmesh.core.config import (
    AutoCategorizationMode,
    CategorizerConfig,
    Config,
    DuckDBConnectionConfig,
    GatewayConfig,
    LinterConfig,
    ModelDefaultsConfig,
    PlanConfig,
    PostgresConnectionConfig,
    RedshiftConnectionConfig,
)
from sqlmesh.core.config.format import FormatConfig

import settings as configuration

settings = configuration.load()
settings.data.mkdir(parents=True, exist_ok=True)

LOCAL = GatewayConfig(
    connection=DuckDBConnectionConfig(
        database=str(settings.warehouse), concurrent_tasks=1, connector_config={"memory_limit": settings.memory}
    ),
    state_connection=DuckDBConnectionConfig(database=str(settings.state), concurrent_tasks=1),
)
REDSHIFT = GatewayConfig(
    connection=RedshiftConnectionConfig(
        host=settings.redshift_host,
        port=settings.redshift_port,
        user=settings.redshift_user,
        password=settings.redshift_password.get_secret_value(),
        database=settings.redshift_database,
        concurrent_tasks=4,
    ),
    state_connection=PostgresConnectionConfig(
        host=settings.state_host,
        port=settings.state_port,
        user=settings.state_user,
        password=settings.state_password.get_secret_value(),
        database=settings.state_database,
    ),
    state_schema="sqlmesh_state",
)

config = Config(
    gateways={"local": LOCAL, "redshift": REDSHIFT},
    default_gateway="redshift" if settings.target == "aws" else "local",
    cache_dir=str(settings.data / "sqlmesh_cache"),
    disable_anonymized_analytics=True,
    # allow_partials: rows loaded today show today; the runner decides when there is something to build, not the cron.
    model_defaults=ModelDefaultsConfig(dialect="redshift", start="2020-01-01", cron="@daily", allow_partials=True),
    plan=PlanConfig(
        auto_categorize_changes=CategorizerConfig(
            external=AutoCategorizationMode.FULL,
            python=AutoCategorizationMode.FULL,
            sql=AutoCategorizationMode.FULL,
            seed=AutoCategorizationMode.FULL,
        ),
    ),
    variables={
        "calendar_start": "2000-01-01",
        "calendar_end": "2039-12-31",
    },
    linter=LinterConfig(
        enabled=True,
        rules=[
            "ambiguousorinvalidcolumn",
            "invalidselectstarexpansion",
            "noselectstar",
            "nomissingaudits",
            "nomissingexternalmodels",
            "noambiguousprojections",
            "nomissingunittest",
            "nomissingowner",
            "nomissingdescriptions",
            "nomissinggrain",
        ],
    ),
    format=FormatConfig(normalize=True, append_newline=True),
)

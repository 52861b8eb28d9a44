"""SQLMesh's configuration. Python, not YAML, so that the addresses come from settings.py like everybody's."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
from sqlmesh.core.constants import IGNORE_PATTERNS
from sqlmesh.core.config.format import FormatConfig

import settings as configuration
from foundation.environment import current

settings = configuration.load()
settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
FOLDER = Path(__file__).resolve().parent


class DuckDB(DuckDBConnectionConfig):
    """A DuckDB file that others may have open for a moment."""

    @property
    def _connection_factory(self) -> Callable[..., Any]:
        from warehouse.file import open_file

        return lambda database: open_file(Path(database), patience=settings.warehouse_wait)


LOCAL = GatewayConfig(
    connection=DuckDB(
        database=str(settings.warehouse), concurrent_tasks=1, connector_config={"memory_limit": settings.memory}
    ),
    state_connection=DuckDB(database=str(settings.state), concurrent_tasks=1),
)


class Redshift(RedshiftConnectionConfig):
    """Redshift by the project's own login: what IAM lends ends after an hour, so each connection asks for it."""

    @property
    def _connection_factory(self) -> Callable[..., Any]:
        from warehouse.redshift import login

        return lambda **_: login(settings, settings.redshift_database)


class State(PostgresConnectionConfig):
    """The state's Postgres with its certificate verified, which SQLMesh's own configuration has no key for."""

    @property
    def _static_connection_kwargs(self) -> dict[str, Any]:
        return {"sslrootcert": settings.authorities()}


def aws_gateway() -> GatewayConfig:
    """Redshift for the models, Postgres for SQLMesh's state: Redshift is slow at keeping it."""
    return GatewayConfig(
        connection=Redshift(host=settings.redshift_host, database=settings.redshift_database, concurrent_tasks=4),
        state_connection=State(
            host=settings.state_host,
            port=settings.state_port,
            user=settings.state_user,
            password=settings.state_password.get_secret_value(),
            database=settings.state_database,
            sslmode="verify-full",
        ),
        state_schema="sqlmesh_state",
    )


def of_others() -> list[str]:
    """On the demo's data, the models and staging tables that a team added: the demo builds the shipped ones only."""
    if not (demo := current().demo):
        return []
    domains = [f for f in (FOLDER / "models").iterdir() if f.name not in demo.domains]
    staging = [f for f in (FOLDER / "external_models").glob("*.y*ml") if f.stem not in (*demo.sources, "ops")]
    return [f"{f.relative_to(FOLDER)}/**/*" if f.is_dir() else str(f.relative_to(FOLDER)) for f in domains + staging]


config = Config(
    ignore_patterns=[*IGNORE_PATTERNS, *of_others()],
    gateways={"redshift": aws_gateway()} if settings.aws else {"local": LOCAL},
    default_gateway="redshift" if settings.aws else "local",
    cache_dir=str(settings.data / "sqlmesh_cache"),
    disable_anonymized_analytics=True,
    infer_python_dependencies=False,  # each plan would read what is installed here; nothing asks for it: uv.lock says it
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

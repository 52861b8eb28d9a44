"""Every choice that comes from outside: the only module that reads the environment (and `.env`).

One word, ``ELT_TARGET=local|aws``, chooses the world; everything else has a default that works on a laptop.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent

# Set before any library is imported: nothing phones home unless its user turns it on.
LIBRARIES = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
    # dlt would keep a second copy of everything it ever loaded.
    "LOAD__DELETE_COMPLETED_JOBS": "true",
    "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true",
    "SODA_CORE_TELEMETRY_ENABLED": "false",
    # SQLMesh forks workers to load models; a fork of a process that already holds DuckDB's threads crashes.
    "MAX_FORK_WORKERS": "1",
}


class SettingsError(Exception):
    """The environment does not describe a world that can run; the message says what to change."""

    exit_code = 2


class Settings(BaseSettings):
    """The settings of one run. Names in the environment are the fields' names with ``ELT_`` before them."""

    model_config = SettingsConfigDict(
        env_prefix="ELT_", env_file=ROOT / ".env", extra="ignore", hide_input_in_errors=True
    )

    target: Literal["local", "aws"] = Field("local", description="where it all runs")
    data_dir: Path = Field(ROOT / "data", description="local target: the folder that holds everything")
    pii_salt: SecretStr = Field(SecretStr("local-only-salt"), description="salt of hashed personal fields")
    now: datetime | None = Field(None, description="a fixed clock (UTC) for back-dated runs; unset: the real one")
    memory: str = Field("2GB", description="what DuckDB may hold in memory before it spills to disk, such as 2GB")
    retry_pace: float = Field(1.0, ge=0, description="multiplies the waits between retries of a request")
    alert_urls: SecretStr = Field(SecretStr(""), description="comma-separated Apprise URLs that hear of failed runs")

    postgres_url: SecretStr = Field(SecretStr(""), description="DSN of the operational Postgres of `sinks: [postgres]`")

    # Dashboards. On a laptop the key and the first password are made and kept in the data folder.
    dashboards_secret_key: SecretStr = Field(
        SecretStr(""), description="signs Superset's sessions; 32 characters or more"
    )
    dashboards_admin_password: SecretStr = Field(SecretStr(""), description="password of the first user `admin`")
    dashboards_meta_url: SecretStr = Field(SecretStr(""), description="aws: SQLAlchemy URL of Superset's own Postgres")
    dashboards_user: str = Field("", description="aws: the Redshift user of the dashboards, who may only read")
    dashboards_password: SecretStr = Field(SecretStr(""), description="aws: that user's password")

    # Target aws: the SQLMesh gateway `redshift`.
    redshift_host: str = ""
    redshift_port: int = 5439
    redshift_database: str = "warehouse"
    redshift_user: str = ""
    redshift_password: SecretStr = SecretStr("")
    state_host: str = Field("", description="Postgres that holds SQLMesh's state on aws")
    state_port: int = 5432
    state_user: str = ""
    state_password: SecretStr = SecretStr("")
    state_database: str = "sqlmesh"

    @cached_property
    def data(self) -> Path:
        """The data folder as an absolute path; a relative one counts from the checkout, not from the shell."""
        return self.data_dir if self.data_dir.is_absolute() else ROOT / self.data_dir

    @property
    def landing(self) -> Path:
        """Raw, append-only loads: ``<landing>/<source>/<table>/<load id>.<file id>.parquet``."""
        return self.data / "lake" / "landing"

    @property
    def silver(self) -> Path:
        """Accepted rows as Iceberg tables."""
        return self.data / "lake" / "silver"

    @property
    def warehouse(self) -> Path:
        """Staging and gold. The file's stem is the catalog's name: the same word as the Redshift database."""
        return self.data / "warehouse.duckdb"

    @property
    def state(self) -> Path:
        """SQLMesh's state, apart from the warehouse."""
        return self.data / "state.duckdb"

    @property
    def serving(self) -> Path:
        """What dashboards read: a link that always points at one whole published version."""
        return self.data / "serving.duckdb"

    @property
    def superset(self) -> Path:
        """What Superset itself keeps: users, assets as imported, its log; on a laptop also its secrets."""
        return self.data / "superset"

    @property
    def dlt(self) -> Path:
        """Dlt's own working folders; never the home or /var folder, so checkouts do not share state."""
        return self.data / "dlt"

    @property
    def lock(self) -> Path:
        """Held by the one run that may write."""
        return self.data / "run.lock"

    def clock(self) -> datetime:
        """The time of this run: timezone-aware UTC; the fixed clock if one is set."""
        if self.now is None:
            return datetime.now(UTC)
        return self.now if self.now.tzinfo else self.now.replace(tzinfo=UTC)

    def moment(self) -> datetime:
        """`clock` as the warehouse's columns hold times: naive UTC."""
        return self.clock().astimezone(UTC).replace(tzinfo=None)

    def lookup(self, name: str) -> str:
        """The value of ``ELT_<NAME>``, from the environment or `.env`: what ``${NAME}`` in a source.yml stands for.

        Raises:
            SettingsError: it is not set; the message names the variable.
        """
        variable = f"ELT_{name.upper()}"
        value = os.environ.get(variable) or dotenv_values(ROOT / ".env").get(variable)
        if not value:
            raise SettingsError(f"{variable} is not set; put it in the environment or in .env (see .env.example)")
        return value


def load() -> Settings:
    """Read the environment and `.env` once per call, and set what the libraries read from it.

    Raises:
        SettingsError: a value is missing or of the wrong kind; names the variable and the fix.
    """
    for name, value in LIBRARIES.items():
        os.environ.setdefault(name, value)
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"  ELT_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
        raise SettingsError("settings are not usable:\n" + "\n".join(lines)) from None

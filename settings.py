"""Every choice that comes from outside; foundation/environment.py reads the environment and `.env` for it, and nothing else does.

One word, ``ELT_TARGET=local|aws``, chooses the world; everything else has a default that works on a laptop.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self, TypeVar

from pydantic import Field, PrivateAttr, SecretStr, ValidationError, model_validator

from foundation import environment, stores
from foundation import setting_types as of
from foundation.bootstrap_settings import Bootstrap as Bootstrap
from foundation.environment import PREFIX as PREFIX
from foundation.environment import ROOT as ROOT
from foundation.environment import FromEnvironment
from foundation.environment import SettingsError as SettingsError
from foundation.hidden import remember
from foundation.layout import Layout

TOOLS = {"ELT_LIVE_TESTS"}
"""Names that no setting has and the project's own tools read."""
SECRET = "secret:"  # noqa: S105 (how a value names a secret)

# Set before any library is imported: nothing phones home unless its user turns it on.
LIBRARIES = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "CRITICAL",  # what goes wrong is raised, and said once; dlt would log each try's traceback
    # dlt would keep a second copy of everything it ever loaded.
    "LOAD__DELETE_COMPLETED_JOBS": "true",
    "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true",
    "SODA_CORE_TELEMETRY_ENABLED": "false",
    # SQLMesh forks workers to load models; a fork of a process that already holds DuckDB's threads crashes.
    "MAX_FORK_WORKERS": "1",
}


class Settings(Layout, FromEnvironment):
    """The settings of one run. Names in the environment are the fields' names with ``ELT_`` before them."""

    target: Literal["local", "aws"] = Field("local", description="where it all runs")
    data_dir: of.Folder = Field(ROOT / "data", description="local target: the folder that holds everything")
    demo_data_dir: of.Folder = Field(
        ROOT / "data-demo", description="the folder of `runner.py demo`, apart from data_dir"
    )
    pii_salt: SecretStr | None = Field(
        None,
        description="salt of hashed personal fields; on a laptop without it one is made and kept in the data folder",
    )
    now: of.Moment | None = Field(None, description="a fixed clock (UTC) for back-dated runs; unset: the real one")
    memory: of.Size = Field("2GB", description="what DuckDB may hold in memory before it spills to disk, such as 2GB")
    readers: int = Field(
        32,
        ge=1,
        le=256,
        description="how many sources are read at a time, and on AWS refined; of one database server 4 at most",
    )
    retry_pace: of.Pace = Field(1.0, description="multiplies the waits between retries of a request")
    warehouse_wait: of.Pace = Field(
        30.0, description="seconds that a run waits for another program to close the warehouse or SQLMesh's state"
    )
    alert_urls: of.AlertUrls = Field(SecretStr(""), description="comma-separated Apprise URLs that hear of failed runs")

    postgres_url: of.PostgresUrl = Field(
        SecretStr(""), description="DSN of the operational Postgres of `sinks: [postgres]`"
    )

    # Dashboards. On a laptop the key and the first password are made and kept in the data folder.
    dashboards_secret_key: of.LongSecret = Field(
        SecretStr(""), description="signs Superset's sessions; 32 characters or more"
    )
    dashboards_admin_password: SecretStr = Field(SecretStr(""), description="password of the first user `admin`")
    dashboards_meta_url: of.DatabaseUrl = Field(
        SecretStr(""), description="aws: SQLAlchemy URL of Superset's own Postgres"
    )
    dashboards_user: str = Field("", description="aws: the Redshift user of the dashboards, who may only read")
    dashboards_password: SecretStr = Field(SecretStr(""), description="aws: that user's password")

    # Target aws. Any value of any setting may also be `secret:NAME` or `secret:NAME#key`: read from AWS Secrets Manager.
    lake_url: of.LakeUrl = Field("", description="aws: the lake, s3://bucket/prefix")
    kms_key: str = Field("", description="aws: KMS key of what is written to the lake; unset: S3's own keys (AES256)")
    glue_prefix: of.GluePrefix = Field(
        "silver_", description="aws: silver's databases in the Glue catalog are this and the source"
    )
    redshift_host: of.Host = Field("", description="aws: endpoint of Redshift, a name without port")
    redshift_port: of.Port = Field(5439, description="aws: Redshift's port")
    redshift_database: str = Field("warehouse", description="aws: the database of staging and gold")
    redshift_serving: str = Field("serving", description="aws: the database of the same Redshift that dashboards read")
    redshift_role: of.RoleArn = Field(
        "", description="ARN of the role by which Redshift itself reads and writes the lake"
    )
    redshift_workgroup: str = Field("", description="aws: Redshift Serverless: log in by IAM to this workgroup")
    redshift_cluster: str = Field("", description="aws: provisioned Redshift: log in by IAM to this cluster")
    redshift_user: str = Field(
        "", description="with a password: who logs in; with redshift_cluster: the user to become"
    )
    redshift_password: SecretStr = Field(SecretStr(""), description="only where IAM cannot be used")
    state_host: of.Host = Field("", description="aws: Postgres that holds SQLMesh's state and the lock of the run")
    state_port: of.Port = Field(5432, description="aws: that Postgres's port")
    state_user: str = Field("", description="aws: the login to it")
    state_password: SecretStr = Field(SecretStr(""), description="aws: that login's password")
    state_database: str = Field("sqlmesh", description="aws: its database")
    ca_file: of.Pem | None = Field(
        None, description="PEM file of the authorities that Redshift's and the state's certificates are checked by"
    )

    _lent: dict[str, str] = PrivateAttr({})

    @model_validator(mode="before")
    @classmethod
    def _revealed(cls, given: dict[str, object]) -> dict[str, object]:
        return {name: _reveal(value) if isinstance(value, str) else value for name, value in given.items()}

    @model_validator(mode="after")
    def _complete(self) -> Settings:
        if self.target == "aws":
            needed = [
                "lake_url",
                "redshift_host",
                "redshift_role",
                "state_host",
                "state_user",
                "state_password",
                "pii_salt",
            ]
            if not (self.redshift_workgroup or self.redshift_cluster):
                needed += ["redshift_user", "redshift_password"]
            missing = [name for name in needed if not _plain(getattr(self, name))]
            if missing:
                raise ValueError(
                    f"target aws needs {', '.join(f'ELT_{name.upper()}' for name in missing)}; docs/aws.md says what they are"
                )
            if self.redshift_database == self.redshift_serving:
                raise ValueError("ELT_REDSHIFT_SERVING must be another database than ELT_REDSHIFT_DATABASE")
        return self

    @property
    def aws(self) -> bool:
        """Whether it all runs on AWS."""
        return self.target == "aws"

    def redshift_login(self) -> tuple[str, str]:
        """User and password for Redshift: the given ones, or an hour's credentials from IAM.

        Raises:
            AwsError: IAM did not give any; names the permission that is missing.
        """
        from foundation import aws

        if self.redshift_workgroup or self.redshift_cluster:
            user, password = aws.redshift_credentials(
                self.redshift_workgroup, self.redshift_cluster, self.redshift_user
            )
            remember(password)
            return user, password
        return self.redshift_user, self.redshift_password.get_secret_value()

    def authorities(self) -> str:
        """Path of the PEM file by which servers' certificates are checked; Amazon's, unless another one is set."""
        import importlib.util

        found = importlib.util.find_spec("redshift_connector")
        assert found is not None and found.origin is not None, "redshift-connector is not installed: make setup"
        return str(self.ca_file or Path(found.origin).parent / "files" / "redshift-ca-bundle.crt")

    def clock(self) -> datetime:
        """The time of this run: timezone-aware UTC; the fixed clock if one is set."""
        if self.now is None:
            return datetime.now(UTC)
        return self.now if self.now.tzinfo else self.now.replace(tzinfo=UTC)

    def moment(self) -> datetime:
        """`clock` as the warehouse's columns hold times: naive UTC."""
        return self.clock().astimezone(UTC).replace(tzinfo=None)

    def lend(self, variable: str, value: str) -> Self:
        """These settings with a value that `lookup` finds first: the environment, which every child inherits, does not learn it."""
        lent = self.model_copy()
        lent._lent = self._lent | {variable: value}
        return lent

    def lookup(self, name: str) -> str:
        """The value of ``ELT_<NAME>``, from the environment or `.env`: what ``${NAME}`` in a source.yml stands for.

        Raises:
            SettingsError: it is not set, or names a secret that cannot be read; the message names the variable.
        """
        variable = f"{PREFIX}{name.upper()}"
        value = self._lent.get(variable) or environment.current().values.get(variable)
        if not value:
            raise SettingsError(f"{variable} is not set; put it in the environment or in .env (see .env.example)")
        from foundation.aws import SecretError

        try:
            found = _reveal(value)
            remember(found, "" if value.startswith(SECRET) else variable)
            return found
        except SecretError as error:
            raise SettingsError(f"{variable}: {error}") from None  # one source's trouble, not the run's


class Dashboards(Settings):
    """What Superset must know: on AWS it knows neither the lake nor the state, nor may it. superset/door.py says what is missing."""

    @model_validator(mode="after")
    def _complete(self) -> Dashboards:
        return self


Kind = TypeVar("Kind", bound=FromEnvironment)


def load(also: Collection[str] = ()) -> Settings:
    """Read the environment and `.env` once per call, and set what the libraries read from it.

    Args:
        also: names that may be set from now on, though no source refers to them yet.

    Raises:
        SettingsError: a value is missing or of the wrong kind, or a name is unknown; says which, where and the fix.
    """
    TOOLS.update(also)
    return _read(Settings)


def load_dashboards() -> Dashboards:
    """The same for `runner.py dashboards`."""
    return _read(Dashboards)


def load_bootstrap() -> Bootstrap:
    """The same for `python -m runtime.bootstrap`."""
    return _read(Bootstrap)


def _read(kind: type[Kind]) -> Kind:
    for name, value in LIBRARIES.items():
        os.environ.setdefault(name, value)
    given = environment.current()
    fields = {name for every in (Settings, Bootstrap) for name in every.model_fields}
    problems = [
        *given.problems,
        *environment.unknown(given, {f"{PREFIX}{name.upper()}" for name in fields} | TOOLS),
    ]
    settings = None
    try:
        settings = kind()
    except ValidationError as error:
        problems += environment.explain(given, error)
    if settings is None or problems:
        raise SettingsError(
            "settings are not usable:" + "\n  ".join(["", *problems] if problems[1:] else [" " + problems[0]])
        )
    if isinstance(settings, Settings):
        stores.use(settings)
    for field in settings.__class__.model_fields:
        if isinstance(secret := getattr(settings, field), SecretStr):
            remember(secret.get_secret_value())
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        remember(os.environ.get(name, ""))
    if authorities := getattr(settings, "ca_file", None):  # the one way to tell redshift-connector
        os.environ["SSL_CERT_FILE"] = str(authorities)
    return settings


def _plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _reveal(text: str) -> str:
    """A value that names a secret as the secret's text; any other as it is."""
    if not text.startswith(SECRET):
        return text
    from foundation import aws

    name, _, key = text.removeprefix(SECRET).partition("#")
    return aws.secret(name, key)

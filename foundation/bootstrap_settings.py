"""The settings of `python -m runtime.bootstrap`."""

from __future__ import annotations

from pydantic import Field

from . import setting_types as of
from .environment import FromEnvironment


class Bootstrap(FromEnvironment):
    """What `python -m runtime.bootstrap` must know, and no more: the pipeline's own secrets have no value yet."""

    bootstrap_prefix: str = Field(min_length=1, description="what secrets' names begin with, such as millrace-dev")
    bootstrap_db_secret: str = Field(min_length=1, description="ARN of the secret of the RDS's admin")
    bootstrap_redshift_secret: str = Field(min_length=1, description="ARN of the secret of the namespace's admin")
    bootstrap_pipeline_role: str = Field(
        pattern=r"^[\w+=,.@-]+$", description="name, not ARN, of the role of the pipeline's task"
    )
    bootstrap_spectrum: bool = Field(
        False, description="whether Redshift's role may read silver: make schemas over that of sources that ask for it"
    )
    glue_prefix: of.GluePrefix = "silver_"
    redshift_host: of.Host = Field(min_length=1)
    redshift_port: of.Port = 5439
    redshift_database: str = "warehouse"
    redshift_serving: str = "serving"
    redshift_role: of.RoleArn = Field(
        min_length=1, description="ARN of the role by which Redshift reads and writes the lake"
    )
    state_host: of.Host = Field(min_length=1)
    state_port: of.Port = 5432
    ca_file: of.Pem = Field(description="PEM file of the authorities of Redshift and of RDS")

    def redshift_login(self) -> tuple[str, str]:
        """User and password of the namespace's admin.

        Raises:
            SecretError: its secret cannot be read.
        """
        from foundation import aws

        arn = self.bootstrap_redshift_secret
        return aws.secret(arn, "username"), aws.secret(arn, "password")

    def authorities(self) -> str:
        """As in `Settings`; here it must be set: the RDS's authority is in no driver."""
        return str(self.ca_file)

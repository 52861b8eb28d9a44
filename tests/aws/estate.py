"""An AWS account for tests: S3, Glue, IAM and Secrets Manager, a Redshift, and an RDS Postgres with TLS, all local."""

from __future__ import annotations

import contextlib
import json
import secrets
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg2
import trustme
from redshift_stand_in.server import Redshift

from demo.postgres import USER, Postgres
from demo.world import World
from tests.aws.cloud import REGION, Cloud
from tests.aws.policy import ACCOUNT, KEY, TEMPLATE, WORKGROUP, Policy, render
from tests.aws.rds import Tls
from tests.harness import SALT, Pipeline

BUCKET, PREFIX, DROPS = "millrace-lake", "elt", "millrace-drops"
ROLE = "arn:aws:iam::123456789012:role/millrace-redshift"
IAM_USER = "IAM:millrace"


class Estate:
    """What a pipeline on AWS runs on.

    Args:
        folder: for the databases.
        rds: a Postgres that runs; it gets a port with TLS and a database for the state.
    """

    def __init__(self, folder: Path, rds: Postgres) -> None:
        self.folder, self.rds = folder, rds
        self.authority = trustme.CA()
        self.salt = SALT  # as on a laptop: what ran there already is compared with

    def __enter__(self) -> Estate:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._stack = contextlib.ExitStack()
        try:
            self.cloud = self._stack.enter_context(Cloud())
            self.redshift = self._stack.enter_context(Redshift(self.folder / "redshift", dict(self.cloud.kwargs)))
            self.tls = self._stack.enter_context(Tls(self._tls(), self.rds.port))
        except BaseException:
            self._stack.close()
            raise
        self.redshift.roles.add(ROLE)
        self.redshift.users[IAM_USER] = self.cloud.redshift_password = secrets.token_urlsafe(12)
        self.redshift.query('CREATE ROLE "millrace" LOGIN IN ROLE rs_clients')
        for database in self.redshift.databases:
            self.redshift.query(f'GRANT CREATE ON DATABASE {database} TO "millrace"')
        for bucket in (BUCKET, DROPS):
            self.cloud.client("s3").create_bucket(Bucket=bucket)
        secret = json.dumps({"username": USER, "password": self.rds.password})
        self.cloud.client("secretsmanager").create_secret(Name="millrace/state", SecretString=secret)
        self.cloud.client("secretsmanager").create_secret(Name="millrace/pii-salt", SecretString=self.salt)
        self._state()
        self.ca = self.folder / "authorities.pem"
        self.ca.write_bytes(self.redshift.ca.read_bytes() + self.authority.cert_pem.bytes())
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def environment(self) -> dict[str, str]:
        """What the pipeline must know of it: names of secrets, and no secret but the keys of the SDK."""
        return {
            **self.cloud.environment,
            "ELT_TARGET": "aws",
            "ELT_LAKE_URL": f"s3://{BUCKET}/{PREFIX}",
            "ELT_KMS_KEY": KEY,
            "ELT_REDSHIFT_HOST": self.redshift.host,
            "ELT_REDSHIFT_PORT": str(self.redshift.port),
            "ELT_REDSHIFT_WORKGROUP": "analytics",
            "ELT_REDSHIFT_ROLE": ROLE,
            "ELT_STATE_HOST": "localhost",
            "ELT_STATE_PORT": str(self.tls.port),
            "ELT_STATE_USER": "secret:millrace/state#username",
            "ELT_STATE_PASSWORD": "secret:millrace/state#password",
            "ELT_PII_SALT": "secret:millrace/pii-salt",
            "ELT_CA_FILE": str(self.ca),
        }

    @property
    def of_a_laptop(self) -> dict[str, str]:
        """What a pipeline on a laptop must be told to make the same of the same world, without touching this estate."""
        return {"ELT_PII_SALT": self.salt, "ELT_POSTGRES_URL": self.rds.dsn.removesuffix("postgres") + "laptop"}

    def secrets(self) -> dict[str, str]:
        """Every secret that must appear nowhere."""
        return {
            "AWS key": self.cloud.environment["AWS_SECRET_ACCESS_KEY"],
            "Redshift login": self.cloud.redshift_password,
            "state and sources": self.rds.password,
            "salt": self.salt,
        }

    def objects(self, prefix: str = "") -> dict[str, bytes]:
        """The lake's objects under a prefix, by name."""
        s3 = self.cloud.client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{PREFIX}/{prefix}")
        names = [item["Key"] for page in pages for item in page.get("Contents", [])]
        return {name: s3.get_object(Bucket=BUCKET, Key=name)["Body"].read() for name in names}

    def prepare_for(self, world: World) -> dict[str, str]:
        """Keep the secret of the world's sources, and let the pipeline do what Terraform's policy says and nothing else.

        Returns:
            What the pipeline must know of the sources: no secret, but where it is.
        """
        secret = json.dumps({"deftunes_db_url": world.environment["ELT_DEFTUNES_DB_URL"]})
        self.cloud.client("secretsmanager").create_secret(Name="millrace/sources", SecretString=secret)
        self.cloud.bound_by(self.policy())
        return {"ELT_DEFTUNES_DB_URL": "secret:millrace/sources#deftunes_db_url"}

    def policy(self) -> Policy:
        """What Terraform lets the pipeline's role do, on this estate."""
        names = ("state", "pii-salt", "sources")
        values = {
            "bucket_arn": f"arn:aws:s3:::{BUCKET}",
            "prefix": PREFIX,
            "drops_arn": f"arn:aws:s3:::{DROPS}",
            "kms_key_arn": KEY,
            "catalog_arn": f"arn:aws:glue:{REGION}:{ACCOUNT}",
            "glue_prefix": "silver_",
            "workgroup_arn": WORKGROUP,
            "secret_arns": [f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:millrace/{n}-??????" for n in names],
        }
        return Policy(render(TEMPLATE, values))

    def _tls(self) -> ssl.SSLContext:
        """The certificate of the RDS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert("localhost").configure_cert(context)
        return context

    def _state(self) -> None:
        """Databases of the state and of a laptop's sinks, made by a superuser over the Postgres's own socket."""
        with contextlib.closing(
            psycopg2.connect(host=str(self.rds._sockets), port=self.rds.port, user="postgres", dbname="postgres")
        ) as con:
            con.autocommit = True
            for name in ("sqlmesh", "laptop"):
                con.cursor().execute(f"CREATE DATABASE {name} OWNER {USER}")


class AwsPipeline(Pipeline):
    """A pipeline on an estate: what it left behind is in Redshift and in the lake; its folder holds scratch only."""

    def __init__(self, folder: Path, estate: Estate, environment: dict[str, str]) -> None:
        super().__init__(folder, estate.environment | environment)
        self.estate = estate
        self.said_first: list[Any] = []  # the statements of its first run

    def query(self, sql: str, database: str = "warehouse") -> list[tuple[Any, ...]]:
        return self.estate.redshift.query(
            sql, {"warehouse.duckdb": "warehouse", "serving.duckdb": "serving"}.get(database, database)
        )

    def landed(self) -> set[str]:
        return {name for name in self.estate.objects("landing/") if name.endswith(".parquet") and "_seen/" not in name}

    def _schemas(self, database: str, condition: str) -> list[str]:
        query = (
            f"SELECT schema_name FROM information_schema.schemata WHERE {condition.replace('main', 'public')} AND schema_name"
            " NOT LIKE 'pg!_%' ESCAPE '!' AND schema_name NOT LIKE 'sqlmesh%' AND schema_name NOT LIKE 'rs%' ORDER BY 1"
        )
        return [schema for (schema,) in self.query(query, database)]

    def _content(self, database: str, schema: str, without: str) -> dict[str, list[tuple[Any, ...]]]:
        columns: dict[str, list[str]] = {}
        for table, column in self.query(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema ="
            f" '{schema}' ORDER BY table_name, ordinal_position",
            database,
        ):
            columns.setdefault(table, []).append(column)
        found = {}
        for table, names in columns.items():
            listed = ", ".join(f'"{name}"' for name in names if name != without)
            found[table] = self.query(f'SELECT {listed} FROM "{schema}"."{table}"', database)
        return found


def alike(tables: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """Tables so that two engines' are equal when they hold the same rows: sorted here, floats to nine digits."""
    return {
        name: sorted((tuple(map(_plain, row)) for row in rows), key=lambda row: [(v is None, str(v)) for v in row])
        for name, rows in tables.items()
    }


def differences(one: dict[str, list[Any]], other: dict[str, list[Any]]) -> Iterable[str]:
    """What differs, in words: tables that one lacks, and the first rows that one lacks."""
    for name in sorted(one.keys() | other.keys()):
        if name not in one or name not in other:
            yield f"{name}: only in {'the first' if name in one else 'the second'}"
        elif one[name] != other[name]:
            only = [row for row in one[name] if row not in other[name]][:3]
            only_other = [row for row in other[name] if row not in one[name]][:3]
            yield f"{name}: {len(one[name])} and {len(other[name])} rows; only in one: {only}; only in the other: {only_other}"


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.9g}")
    return value.normalize() if hasattr(value, "normalize") else value

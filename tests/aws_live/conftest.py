"""A real AWS account for the tests of this folder: everything under a name of its own, and gone at the end.

`ELT_LIVE_TESTS=1` runs them against the account that the settings of target aws name; `ELT_LIVE_TESTS=rehearsal` runs
the same code against the stand-ins of `tests/aws`. Unset: they are skipped. README.md says what they need and cost.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from dotenv import dotenv_values

import settings as configuration
from demo.postgres import USER, Postgres
from demo.world import World
from foundation import aws
from foundation.lock import state
from settings import Settings, SettingsError
from tests import needs
from tests.harness import ROOT, Pipeline, Running
from warehouse.redshift import Redshift

LONGEST = 3600  # seconds a run may take: a Redshift Serverless that slept wakes up first
PAUSES = (0, 5, 15, 40)  # seconds between tries to drop a database that a killed run's session may still hold


class Account:
    """What the tests use of the account that the settings name.

    Attributes:
        settings: the user's own; of them only the server, the login, the role and the bucket are used.
        name: what everything that is made here is called, or begins with.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings, self.name = settings, f"millrace_test_{secrets.token_hex(4)}"
        self.databases = [f"{self.name}_warehouse", f"{self.name}_serving"]
        bucket, _, prefix = settings.lake.removeprefix("s3://").partition("/")
        self.bucket, self.prefix = bucket, "/".join(part for part in (prefix, self.name) if part)

    @property
    def environment(self) -> dict[str, str]:
        """The user's environment and `.env`, with names of the tests' own; the home stays, for AWS profiles."""
        known = {n: v for n, v in dotenv_values(ROOT / ".env").items() if v and n.startswith("ELT_")}
        known |= {n: v for n, v in os.environ.items() if n.startswith(("ELT_", "AWS_"))}
        known = {n: v for n, v in known.items() if n not in ("ELT_DATA_DIR", "ELT_NOW", "ELT_RETRY_PACE")}
        return known | {
            "HOME": str(Path.home()),
            "ELT_TARGET": "aws",
            "ELT_LAKE_URL": f"s3://{self.bucket}/{self.prefix}",
            "ELT_GLUE_PREFIX": f"{self.name}_",
            "ELT_REDSHIFT_DATABASE": self.databases[0],
            "ELT_REDSHIFT_SERVING": self.databases[1],
            "ELT_STATE_DATABASE": self.name,
            "ELT_ALERT_URLS": "",
        }

    def make(self) -> None:
        """The databases; S3 and Glue want nothing made."""
        with Redshift.connect(self.settings, self.settings.redshift_database) as session:
            for database in self.databases:
                session.execute(f"CREATE DATABASE {database}")
        self._state(f"CREATE DATABASE {self.name}")

    def remove(self) -> list[str]:
        """Remove everything of this name; returns what could not be removed, and why."""
        steps: dict[str, Callable[[], object]] = {
            **{f"Redshift database {d}": lambda d=d: self._drop(d) for d in self.databases},  # type: ignore[misc]
            f"Postgres database {self.name}": lambda: self._state(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)"),
            f"s3://{self.bucket}/{self.prefix}/": self._empty,
            f"Glue databases {self.name}_*": self._unglue,
        }
        left = []
        for what, step in steps.items():
            try:
                step()
            except Exception as error:
                left.append(f"{what}: {type(error).__name__}: {' '.join(str(error).split())}")
        return left

    def objects(self) -> list[str]:
        """The keys of all objects under the tests' prefix."""
        pages = aws.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=f"{self.prefix}/")
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def glue(self) -> list[str]:
        """The names of Glue's databases of the tests."""
        pages = aws.client("glue").get_paginator("get_databases").paginate()
        names = [database["Name"] for page in pages for database in page["DatabaseList"]]
        return [name for name in names if name.startswith(f"{self.name}_")]

    def query(self, sql: str, database: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Rows from Redshift."""
        with Redshift.connect(self.settings, database) as session:
            return session.execute(sql, parameters).fetchall()

    def _state(self, statement: str) -> None:
        with contextlib.closing(state(self.settings)) as con, con.cursor() as cursor:
            cursor.execute(statement)

    def _drop(self, database: str) -> None:
        for pause in PAUSES:
            time.sleep(pause)
            with Redshift.connect(self.settings, self.settings.redshift_database) as session:
                there = "SELECT 1 FROM pg_database WHERE datname = ?"
                if not session.execute(there, [database]).fetchall():
                    return
                with contextlib.suppress(Exception) if pause != PAUSES[-1] else contextlib.nullcontext():
                    session.execute(f"DROP DATABASE {database}")
                    return

    def _empty(self) -> None:
        s3 = aws.client("s3")
        keys = self.objects()
        for start in range(0, len(keys), 1000):
            batch = [{"Key": key} for key in keys[start : start + 1000]]
            failed = s3.delete_objects(Bucket=self.bucket, Delete={"Objects": batch, "Quiet": True}).get("Errors", [])
            if failed:
                raise aws.AwsError(f"{len(failed)} objects stay, the first: {failed[0]}")
        for upload in s3.list_multipart_uploads(Bucket=self.bucket, Prefix=f"{self.prefix}/").get("Uploads", []):
            s3.abort_multipart_upload(Bucket=self.bucket, Key=upload["Key"], UploadId=upload["UploadId"])

    def _unglue(self) -> None:
        glue = aws.client("glue")
        for database in self.glue():
            pages = glue.get_paginator("get_tables").paginate(DatabaseName=database)
            for table in [table["Name"] for page in pages for table in page["TableList"]]:
                glue.delete_table(DatabaseName=database, Name=table)
            glue.delete_database(Name=database)


class Patient(Running):
    """A command that may take as long as a cluster takes."""

    def end(self) -> Any:
        self.process.join(LONGEST)
        assert self.process.exitcode is not None, f"the run has not ended after {LONGEST} seconds"
        return super().end()


class LivePipeline(Pipeline):
    """A pipeline on the account: what it left behind is in Redshift and in the lake; its folder holds scratch only."""

    def __init__(self, folder: Path, account: Account, environment: dict[str, str]) -> None:
        super().__init__(folder, account.environment | environment)
        self.account = account

    def start(self, *arguments: str, patch: str = "", kill: str = "", **environment: str) -> Running:
        running = super().start(*arguments, patch=patch, kill=kill, **environment)
        return Patient(running.process, running.out, running.err)

    def query(self, sql: str, database: str = "warehouse.duckdb") -> list[tuple[Any, ...]]:
        return self.account.query(sql, self._named(database))

    def landed(self) -> set[str]:
        keys = [key.removeprefix(f"{self.account.prefix}/") for key in self.account.objects()]
        return {key for key in keys if key.startswith("landing/") and key.endswith(".parquet") and "/_seen/" not in key}

    def _named(self, database: str) -> str:
        return self.account.databases[["warehouse.duckdb", "serving.duckdb"].index(database)]

    def _schemas(self, database: str, condition: str) -> list[str]:
        found = self.query("SELECT DISTINCT table_schema FROM svv_columns ORDER BY 1", database)
        if "NOT IN" in condition:  # what is published
            system = ("ops", "public", "information_schema", "catalog_history")
            return [s for (s,) in found if s not in system and not s.startswith("pg_")]
        return [s for (s,) in found if s.startswith("stg_") and s != "stg_ops" and not s.endswith("_staging")]

    def _content(self, database: str, schema: str, without: str) -> dict[str, list[tuple[Any, ...]]]:
        columns: dict[str, list[str]] = {}
        with Redshift.connect(self.account.settings, self._named(database)) as session:
            known = session.execute(
                "SELECT table_name, column_name FROM svv_columns WHERE table_schema = ? ORDER BY 1, ordinal_position",
                [schema],
            )
            for table, column in known.fetchall():
                if column != without:
                    columns.setdefault(str(table), []).append(f'"{column}"')
            return {
                table: session.execute(f'SELECT {", ".join(names)} FROM "{schema}"."{table}"').fetchall()
                for table, names in columns.items()
            }


def lacking() -> str:
    """Why there is no account to test on; empty when there is one."""
    if os.environ.get("ELT_LIVE_TESTS") not in ("1", "rehearsal"):
        return "the promises on a real AWS account need one"
    try:
        configuration.load()
        aws.client("sts").get_caller_identity()
    except (SettingsError, aws.AwsError) as error:
        return str(error)
    except Exception as error:  # of the SDK: no credentials, no region, no network
        return aws.explain(error)
    return ""


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Account]:
    """The account, with databases for the tests; what was made is removed, whatever happened."""
    with contextlib.ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("ELT_TARGET", "aws")
        trusted = os.environ.get("SSL_CERT_FILE")
        patch.setenv("SSL_CERT_FILE", trusted or "")  # settings.load() changes it; it is put back at the end
        if trusted is None:
            patch.delenv("SSL_CERT_FILE")
        tidy = stack.enter_context(_rehearsal(tmp_path_factory.mktemp("rehearsal"), patch))
        if why := lacking():
            needs.lack(why, "tests/aws_live/README.md (ELT_LIVE_TESTS=1)")
        account = Account(configuration.load())
        tidy(account, "before")
        try:
            account.make()
            yield account
        finally:
            tidy(account, "after")
            left = account.remove()
            with pytestconfig.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
                print(
                    f"\n{account.name}: "
                    + ("everything is removed" if not left else "\n  STILL THERE ".join(["", *left]))
                )


@contextlib.contextmanager
def _rehearsal(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Callable[[Account, str], None]]:
    """With ELT_LIVE_TESTS=rehearsal: the stand-ins as the account, and what they want said before and after."""
    if os.environ.get("ELT_LIVE_TESTS") != "rehearsal":
        yield lambda _account, _when: None
        return
    from tests.aws.estate import IAM_USER, Estate

    postgres = Postgres(folder / "rds")
    postgres.start()
    with contextlib.closing(postgres), Estate(folder / "estate", postgres) as estate:
        who = IAM_USER.partition(":")[2]
        with _superuser(postgres) as cursor:
            cursor.execute(f"ALTER ROLE {USER} CREATEDB")
        estate.redshift.query(f'ALTER ROLE "{who}" CREATEDB')
        estate.redshift.query("ALTER DATABASE template_rs IS_TEMPLATE true", "postgres")  # else others may not copy it
        for name, value in estate.environment.items():
            patch.setenv(name, value)

        def tidy(account: Account, when: str) -> None:
            if when == "before":
                estate.redshift.databases += account.databases  # which databases can be read from others
                return
            estate.redshift._foreign.close()
            for name in account.databases:
                end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
                estate.redshift.query(end, "postgres")

        yield tidy


@pytest.fixture(scope="module")
def on_aws(account: Account, world: World, tmp_path_factory: pytest.TempPathFactory) -> LivePipeline:
    """A pipeline on the account that has not run yet."""
    folder = tmp_path_factory.mktemp("aws") / "data"
    return LivePipeline(folder, account, world.environment)


@pytest.fixture(scope="module")
def on_laptop(account: Account, world: World, tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """The same on a laptop, with an operational Postgres of its own in the world's."""
    with _superuser(world.postgres) as cursor:
        cursor.execute(f"CREATE DATABASE laptop OWNER {USER}")
    local = {"ELT_TARGET": "local", "ELT_POSTGRES_URL": world.postgres.dsn.removesuffix("postgres") + "laptop"}
    return Pipeline(tmp_path_factory.mktemp("laptop") / "data", account.environment | world.environment | local)


@contextlib.contextmanager
def _superuser(postgres: Postgres) -> Iterator[Any]:
    """Statements that commit by themselves, over the demo Postgres's own socket."""
    where = {"host": str(postgres._sockets), "port": postgres.port, "user": "postgres", "dbname": "postgres"}
    with contextlib.closing(psycopg2.connect(**where)) as con:
        con.autocommit = True
        yield con.cursor()

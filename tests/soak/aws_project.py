"""A project on target aws: what it holds is in S3, Glue, Redshift and two Postgres; its data folder is scratch."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2

from demo.postgres import Postgres
from tests.aws.cloud import REGION
from tests.aws.estate import Estate
from tests.soak.content import Content, Query, gathering, published, silver, staged
from tests.soak.project import Project
from tests.soak.upstream import Upstream

GLUE_PREFIX = "silver_"


class AwsProject(Project):
    """A project on an estate of its own, which only one at a time may have: moto keeps its state in the process.

    Attributes:
        state: the Postgres that holds SQLMesh's state and the lock.
    """

    patience = 300  # an AWS service that fails is asked up to ten times, with longer and longer waits

    def __init__(self, folder: Path, database: str, upstream: Upstream) -> None:
        super().__init__(folder, database, upstream)
        self.state = Postgres(folder / "state")
        self.state.start()
        try:
            self.estate = Estate(folder / "estate", self.state).__enter__()
        except BaseException:
            self.state.close()
            raise
        self.environment |= self.estate.environment

    def close(self) -> None:
        """End the estate."""
        self.estate.__exit__(None, None, None)
        self.state.close()

    def content(self) -> Content:
        found = {f"gold {name}": rows for name, rows in self.published().items()}
        with closing(self.estate.redshift.admin("warehouse")) as con:
            found |= staged(_query(con))
            gathers = gathering(_query(con))
        return found | silver(self._catalog(), gathers, GLUE_PREFIX) | self.sunk()

    def published(self) -> Content:
        before = self.estate.redshift.restarts
        try:
            with closing(self.estate.redshift.admin("serving")) as con:
                con.cursor().execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
                return published(_query(con))
        except psycopg2.OperationalError:
            if self.estate.redshift.restarts == before:
                raise
        return self.published()  # the next connection waits until it has restarted

    def end_sessions_of_state(self) -> None:
        """Let the state's Postgres end whatever session a command has there."""
        postgres = self.state
        with closing(
            psycopg2.connect(host=str(postgres._sockets), port=postgres.port, user="postgres", dbname="postgres")
        ) as con:
            con.cursor().execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'sqlmesh'")

    def _catalog(self) -> Any:
        from pyiceberg.catalog.glue import GlueCatalog

        of = self.estate.cloud.kwargs
        names = {
            "access-key-id": of["aws_access_key_id"],
            "secret-access-key": of["aws_secret_access_key"],
            "region": REGION,
            "endpoint": of["endpoint_url"],
        }
        places = {f"{service}.{name}": value for service in ("glue", "s3") for name, value in names.items()}
        return GlueCatalog("silver", **places, **{"py-io-impl": "pyiceberg.io.fsspec.FsspecFileIO"})


def _query(con: Any) -> Query:
    def query(sql: str) -> list[tuple[Any, ...]]:
        with con.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    return query

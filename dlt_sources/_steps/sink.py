"""The operational Postgres: staging's newest rows of tables that declare ``sinks: [postgres]``, merged by key.

A pipeline of its own that remembers, in Postgres and with the rows, the newest refine it has sent. So a Postgres that
was away is caught up by the next run, and sending again changes nothing. Tables: ``<source>.<table>``. After a rebuild
each is replaced as a whole, in one transaction: its columns may be of other types now.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

import dlt
import psycopg2
import pyarrow.parquet as pq

from foundation.causes import causes, first_line
from foundation.exits import is_store_fault
from settings import Settings, SettingsError
from warehouse.column_types import dlt_hint
from warehouse.connection import export
from warehouse.quote import identifier, literal
from warehouse.staging import MARKS, staging_schema

from .contracts.columns import columns_of, dlt_columns
from .declared.declaration import Source
from .declared.source_yml import Table
from .land.connectors.pg_errors import say_of_connection
from .staging.merges import newest_per_key
from .staging.stage import Staging
from .stores import pipelines

KEEP_LOADS = 100
"""Loads of which dlt's notes stay in the operational Postgres."""


def sink(source: Source, settings: Settings) -> dict[str, int]:
    """Send what staging has that Postgres has not.

    Returns:
        Rows sent per table; an empty dict when there was nothing to send.

    Raises:
        SettingsError: no Postgres is set. StoreError: it could not be reached or written.
    """
    progress = Staging.open(source, settings).progress
    with _explained(source, settings):
        pipe = _pipeline(source, settings)
    sent = str(pipe.state.get("sources", {}).get(source.name, {}).get("refine_id", ""))
    if sent >= progress.refine_id:
        return {}
    whole = bool(sent) and sent < progress.rebuilt
    if whole:
        sent = ""
        _forget_types(pipe, source)
    folder = settings.dlt / "sink" / source.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    counts: dict[str, int] = {}
    resources = []
    for name, table in source.operational.items():
        path = folder / f"{name}.parquet"
        export(_newest(source, name, table, sent, settings, kept_only=whole), path, settings)
        counts[name] = pq.read_metadata(path).num_rows
        resources.append(_resource(source, name, table, path, progress.refine_id, whole))

    @dlt.source(name=source.name)
    def rows() -> Any:
        return resources

    with _explained(source, settings):
        pipelines.run(pipe, rows(), newest=pipelines.newest_load(pipe))
        _forget_loads(pipe)
    shutil.rmtree(folder, ignore_errors=True)
    return {name: count for name, count in counts.items() if count}


def _pipeline(source: Source, settings: Settings) -> dlt.Pipeline:
    from dlt.destinations import postgres

    url = settings.postgres_url.get_secret_value()
    if not url:
        raise SettingsError(
            f"ELT_POSTGRES_URL is not set, and {source.name} has tables with `sinks: [postgres]`; set it (.env.example) or"
            " remove the sink from source.yml"
        )
    return pipelines.pipeline(
        f"sink_{source.name}", postgres(url, replace_strategy="staging-optimized"), source.name, settings
    )


@contextlib.contextmanager
def _explained(source: Source, settings: Settings) -> Iterator[None]:
    """Say of what Postgres, or the way to it, does wrong that it is the operational Postgres's, and why.

    Raises:
        StoreError: it could not be reached or written.
    """
    try:
        yield
    except Exception as error:
        if not (isinstance(error, pipelines.StoreError) or is_store_fault(error)):
            raise
        chain = list(causes(error))
        cause = next((found for found in chain if isinstance(found, psycopg2.Error)), chain[-1])
        if isinstance(cause, psycopg2.OperationalError) and cause.pgcode is None:  # there was no connection
            _, why = say_of_connection(cause, settings.postgres_url.get_secret_value())
        else:
            why = f"could not be written ({first_line(cause)})"
        raise pipelines.StoreError(
            f"{source.name}: the operational Postgres {why}; the next run sends what waits"
        ) from error


def _forget_types(pipe: dlt.Pipeline, source: Source) -> None:
    """Let dlt learn the tables' columns again: it refuses a column whose type changed, and has no call for that."""
    from dlt.destinations.exceptions import DatabaseUndefinedRelation

    schema = pipe.schemas[source.name]
    known = [name for name in source.operational if name in schema.tables]
    schema.drop_tables(known)
    pipe._schema_storage.save_schema(schema)
    with pipe.sql_client() as client, client.with_staging_dataset():
        for name in known:  # where the rows gather: made again with today's types
            client.execute_sql(f"DROP TABLE IF EXISTS {client.make_qualified_table_name(name)}")
        with contextlib.suppress(
            DatabaseUndefinedRelation
        ):  # a schema that is noted there: dlt makes none of its tables
            client.execute_sql(f"DELETE FROM {client.make_qualified_table_name(schema.version_table_name)}")


def _forget_loads(pipe: dlt.Pipeline) -> None:
    """Remove what dlt notes of loads that were sent long ago: two rows for each, in somebody else's database. Its state counts
    by the newest load alone, which stays.
    """
    with pipe.sql_client() as client:
        loads, states = map(client.make_qualified_table_name, ("_dlt_loads", "_dlt_pipeline_state"))
        kept = f"SELECT load_id FROM {loads} ORDER BY CAST(load_id AS DOUBLE PRECISION) DESC LIMIT {KEEP_LOADS}"
        client.execute_sql(f"DELETE FROM {states} WHERE _dlt_load_id NOT IN ({kept})")
        client.execute_sql(f"DELETE FROM {loads} WHERE load_id NOT IN ({kept})")


def _newest(source: Source, name: str, table: Table, sent: str, settings: Settings, *, kept_only: bool) -> str:
    """The newest row of each key that was refined after `sent`, as SQL over staging; `kept_only`: without those that are gone."""
    columns = ", ".join(
        # the one character Postgres's text refuses; Redshift's own has none either
        f"replace({n}, chr(0), '') AS {n}" if column.kind is str and not settings.aws else n
        for column in columns_of(source.contracts[name])
        for n in [identifier(column.name)]
    )
    refined = (
        f"SELECT * FROM {identifier(staging_schema(source.name))}.{identifier(name)} WHERE _refine_id > {literal(sent)}"
    )
    return f"SELECT {columns}, _deleted, _read_at FROM ({newest_per_key(refined, table.key, '_row')}) AS newest" + (
        " WHERE NOT _deleted" if kept_only else ""
    )


def _resource(source: Source, name: str, table: Table, path: Any, refine_id: str, whole: bool) -> Any:
    columns: Any = dlt_columns(source.contracts[name], all_nullable=True) | {
        "_deleted": dlt_hint(MARKS["_deleted"]) | {"hard_delete": True},
        "_read_at": dlt_hint(MARKS["_read_at"]),
    }

    def rows() -> Any:
        dlt.current.source_state()["refine_id"] = refine_id  # commits with the rows
        yield pq.read_table(path)

    disposition: Any = "replace" if whole else {"disposition": "merge", "strategy": "delete-insert"}
    return pipelines.resource(rows(), name, columns=columns, primary_key=table.key, write_disposition=disposition)

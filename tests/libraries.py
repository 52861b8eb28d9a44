"""The libraries that commands import, and nothing of the project: its code may be a checkout's of its own.

Imported once, by the process that forks the commands under test: these imports would be most of the suite's time.
"""

import gc
import sqlite3  # noqa: F401

import connectorx  # noqa: F401
import dlt._workspace._plugins
import dlt.common.libs.pyarrow
import dlt.destinations
import dlt.sources.filesystem
import dlt.sources.helpers.requests
import dlt.sources.rest_api
import dlt.sources.sql_database  # noqa: F401
import duckdb.func  # noqa: F401
import filelock  # noqa: F401
import fsspec.implementations.chained
import fsspec.implementations.local  # noqa: F401
import msgspec  # noqa: F401
import pendulum.locales.en.locale  # noqa: F401
import psycopg2  # noqa: F401
import pyarrow.dataset
import pyarrow.parquet  # noqa: F401
import pydantic_settings  # noqa: F401
import pyiceberg.avro.decoder_fast
import pyiceberg.catalog.sql
import pyiceberg.io.pyarrow  # noqa: F401
import rich._emoji_codes
import rich.json
import rich.table  # noqa: F401
import ruamel.yaml.mergevalue  # noqa: F401
import soda_core.check_collections.session
import soda_core.contracts.contract_verification  # noqa: F401
import sqlalchemy.dialects.postgresql
import sqlalchemy.dialects.sqlite  # noqa: F401
import sqlglot.serde  # noqa: F401
import sqlmesh.core.audit.builtin  # noqa: F401
import typer  # noqa: F401

from tests import shared_models

shared_models.install()
gc.collect()
gc.freeze()  # no command looks for garbage in these, nor copies their memory by looking

"""The libraries that commands import, and nothing of the project: its code may be a checkout's of its own.

Imported once, by the process that forks the commands under test: these imports would be most of the suite's time.
"""

import connectorx  # noqa: F401
import dlt.destinations
import dlt.sources.filesystem
import dlt.sources.rest_api
import dlt.sources.sql_database  # noqa: F401
import duckdb  # noqa: F401
import psycopg2  # noqa: F401
import pyarrow.dataset
import pyarrow.parquet  # noqa: F401
import pydantic_settings  # noqa: F401
import pyiceberg.catalog.sql  # noqa: F401
import rich.table  # noqa: F401
import soda_core.contracts.contract_verification  # noqa: F401
import sqlmesh  # noqa: F401
import typer  # noqa: F401

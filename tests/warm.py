"""Imported once by the process that forks the runners under test: their imports would be most of the suite's time."""

import os

os.environ.update({"MAX_FORK_WORKERS": "1", "SODA_CORE_TELEMETRY_ENABLED": "false", "RUNTIME__DLTHUB_TELEMETRY": "false",
                   "RUNTIME__LOG_LEVEL": "ERROR", "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true"})  # fmt: skip

import connectorx  # noqa: F401
import dlt.destinations
import dlt.sources.rest_api
import dlt.sources.sql_database  # noqa: F401
import soda_core.contracts.contract_verification  # noqa: F401
import sqlmesh  # noqa: F401

import dlt_sources.door  # noqa: F401
import runner  # noqa: F401
import soda_checks.door  # noqa: F401
import sqlmesh_project.listener  # noqa: F401

"""Imported once by the process that forks the runners under test: their imports would be most of the suite's time."""

import os

from settings import LIBRARIES

os.environ.update(LIBRARIES)

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

"""Where dlt writes on each target: the lake, the warehouse, and on AWS the place between them that Redshift copies from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from settings import Settings

from .lake import LAYOUT
from .naming import Exact
from .source_yml import Table

LONGEST = 65_535
"""Bytes of Redshift's longest VARCHAR."""
_CHARACTER = 4
"""Bytes of the longest character in UTF-8: contracts count characters, Redshift bytes."""


def lake(settings: Settings) -> Any:
    """The landing layer: a folder, or S3."""
    from dlt.destinations import filesystem

    return filesystem(settings.landing, layout=LAYOUT, naming_convention=Exact, **_s3(settings))


def warehouse(settings: Settings) -> Any:
    """The warehouse: the DuckDB file, or Redshift."""
    if settings.aws:
        from dlt.destinations import redshift
        from dlt.destinations.impl.redshift.configuration import RedshiftCredentials

        user, password = settings.redshift_login()
        credentials = RedshiftCredentials()
        credentials.host, credentials.port = settings.redshift_host, settings.redshift_port
        credentials.database, credentials.username, credentials.password = settings.redshift_database, user, password
        credentials.query = {"sslmode": "verify-full", "sslrootcert": settings.authorities()}
        credentials.resolve()
        return redshift(credentials, staging_iam_role=settings.redshift_role)
    from dlt.destinations import duckdb
    from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

    file = DuckDbCredentials(str(settings.warehouse))
    file.global_config = {"memory_limit": settings.memory}
    return duckdb(file)


def way(settings: Settings) -> Any:
    """Where rows wait for Redshift's COPY; the local warehouse takes them directly."""
    if not settings.aws:
        return None
    from dlt.destinations import filesystem

    return filesystem(f"{settings.lake}/staging", **_s3(settings))


def for_redshift(columns: Mapping[str, dict[str, Any]], table: Table | None) -> dict[str, dict[str, Any]]:
    """Columns as Redshift measures and stores them: texts in bytes, the table's distribution and sort keys.

    Args:
        table: the declared table; None for what the pipeline keeps about itself.
    """
    sized = {
        name: column | {"precision": min(column["precision"] * _CHARACTER, LONGEST)}
        if column["data_type"] == "text"
        else dict(column)
        for name, column in columns.items()
    }
    if table is not None and table.distribute_by:
        sized[table.distribute_by]["cluster"] = True  # dlt's word for DISTKEY
    sized[table.sort_by if table is not None else "load_id"]["sort"] = True
    return sized


def _s3(settings: Settings) -> dict[str, Any]:
    if not settings.aws:
        return {}
    from runtime.aws import storage_options

    options = storage_options(settings)
    return {"config_kwargs": options.pop("config_kwargs"), "kwargs": options}

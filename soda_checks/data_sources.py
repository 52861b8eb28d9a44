"""The warehouse as Soda's data source, per target."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from warehouse.connection import WarehouseError, connect
from warehouse.sessions import session

if TYPE_CHECKING:
    from settings import Settings

NAME = "warehouse"


def depth(settings: Settings) -> str:
    """What stands before the schema in a dataset's path: Redshift's paths also name the database."""
    return f"{settings.redshift_database}/" if settings.aws else ""


@contextmanager
def opened(settings: Settings) -> Iterator[Any]:
    """The data source, connected until the block ends.

    Raises:
        WarehouseError: the warehouse cannot be opened.
    """
    with _redshift(settings) if settings.aws else _duckdb(settings) as source:
        yield source


@contextmanager
def _duckdb(settings: Settings) -> Iterator[Any]:
    from soda_duckdb.common.data_sources.duckdb_data_source import DuckDBDataSourceImpl

    with connect(settings) as con:
        cursor: Any = con
        yield DuckDBDataSourceImpl.from_existing_cursor(cursor.cursor(), name=NAME)


@contextmanager
def _redshift(settings: Settings) -> Iterator[Any]:
    """Soda's own connection, but over TLS that is verified, which its configuration cannot ask for."""
    from soda_core.common.data_source_connection import DataSourceConnection
    from soda_redshift.common.data_sources.redshift_data_source import RedshiftDataSourceImpl
    from soda_redshift.common.data_sources.redshift_data_source_connection import (
        RedshiftDataSource,
        RedshiftDataSourceConnection,
        RedshiftUserPassConnection,
    )

    class Open(RedshiftDataSourceConnection):  # type: ignore[misc]
        def __init__(self, connection: Any) -> None:
            DataSourceConnection.__init__(self, NAME, {}, connection=connection)

    key = ("checks", settings.redshift_host, str(settings.redshift_port), settings.redshift_database)
    with session(key, lambda: _log_in(settings), lambda connection: int(connection.fileno())) as connection:
        user, password = settings.redshift_login()
        where: dict[str, Any] = {"host": settings.redshift_host, "port": settings.redshift_port, "user": user}
        properties = RedshiftUserPassConnection(**where, password=password, database=settings.redshift_database)
        yield RedshiftDataSourceImpl(RedshiftDataSource(name=NAME, connection=properties), Open(connection))


def _log_in(settings: Settings) -> Any:
    import psycopg

    user, password = settings.redshift_login()
    try:
        connection = psycopg.connect(
            host=settings.redshift_host,
            port=settings.redshift_port,
            user=user,
            password=password,
            dbname=settings.redshift_database,
            connect_timeout=30,
            client_encoding="utf-8",
            sslmode="verify-full",
            sslrootcert=settings.authorities(),
            autocommit=True,
        )
    except psycopg.Error as error:
        raise WarehouseError(f"Redshift refused the connection of the checks: {' '.join(str(error).split())}") from None
    connection.prepare_threshold = None  # prepared statements would end with a DEALLOCATE ALL, which Redshift lacks
    return connection

"""Redshift by its own driver: logged in by IAM where it can be, over verified TLS, with UNLOAD for many rows."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .file import WarehouseError
from .quote import redshift_literal
from .sessions import session

if TYPE_CHECKING:
    from settings import Settings


REACHED = 30
"""Seconds after which a server that does not answer is given up."""


class Redshift:
    """A session that commits each statement by itself, unless BEGIN was said before.

    Args:
        connection: of redshift-connector.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        connection.autocommit = True

    @classmethod
    @contextmanager
    def connect(cls, settings: Settings, database: str) -> Iterator[Redshift]:
        """A session in a database of the project's Redshift; during a run one that is kept (see `sessions`).

        Raises:
            WarehouseError: it does not answer, or the login fails.
        """
        key = ("redshift", settings.redshift_host, str(settings.redshift_port), database)
        with session(key, lambda: login(settings, database), _socket_of) as connection:
            yield cls(connection)
            if connection.in_transaction:  # nobody would commit it now, and who asks next would be in it
                cls(connection).execute("ROLLBACK")

    def execute(self, query: str, parameters: Sequence[Any] = ()) -> _Rows:
        """Run one statement with ``?`` for each value.

        Raises:
            WarehouseError: Redshift refused it or went away.
        """
        import redshift_connector

        cursor = self._connection.cursor()
        cursor.paramstyle = "qmark"
        try:
            cursor.execute(query, tuple(parameters))
            return _Rows(cursor)
        except (redshift_connector.Error, OSError) as error:
            raise WarehouseError(f"Redshift: {reason(error)}") from error

    def roll_back(self) -> None:
        """Undo what was done since BEGIN; a session that is gone has done that already."""
        with contextlib.suppress(WarehouseError):
            self.execute("ROLLBACK")


class _Rows:
    def __init__(self, cursor: Any) -> None:
        self.description = cursor.description
        self._rows = [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    def fetchall(self) -> list[tuple[Any, ...]]:
        rows, self._rows = self._rows, []
        return rows

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows.pop(0) if self._rows else None


def login(settings: Settings, database: str) -> Any:
    """A connection of redshift-connector, whose certificate and host name were checked.

    A server that cannot be reached is given up after 30 seconds; a statement may take as long as it takes.

    Raises:
        WarehouseError: no connection; says what to look at.
    """
    import redshift_connector

    user, password = settings.redshift_login()
    try:
        connection = redshift_connector.connect(
            host=settings.redshift_host,
            port=settings.redshift_port,
            database=database,
            user=user,
            password=password,
            ssl=True,
            sslmode="verify-full",
            tcp_keepalive=True,
            timeout=REACHED,
            application_name="millrace",  # else the driver looks through all of Python's modules for a name
            max_prepared_statements=0,  # a kept one would be of tables as they were when it was first run
        )
        connection._usock.settimeout(None)  # the driver's timeout would end every longer statement, too
        return connection
    except (redshift_connector.Error, OSError) as error:
        from foundation.aws import forget

        forget()  # a login that has ended, perhaps: the next call asks IAM again
        where = f"{settings.redshift_host}:{settings.redshift_port}/{database}"
        raise WarehouseError(
            f"login to Redshift at {where} failed: {reason(error)}; `python runner.py doctor` says which part of it"
        ) from None


def reason(error: BaseException) -> str:
    """The server's or the driver's own words in one line."""
    told = [arg.get("M", arg) if isinstance(arg, dict) else arg for arg in error.args] or [type(error).__name__]
    return " ".join(": ".join(map(str, told)).split())


def unload(query: str, path: Path, settings: Settings) -> None:
    """Write the rows of a query to a Parquet file: Redshift writes to the lake, from there they come here.

    Raises:
        WarehouseError: Redshift could not run it or not write.
    """
    import fsspec

    from foundation.aws import storage_options

    place = f"{settings.lake}/staging/_unload/{secrets.token_hex(8)}"
    lake = fsspec.filesystem("s3", **storage_options(settings))
    key = f" KMS_KEY_ID {redshift_literal(settings.kms_key)} ENCRYPTED" if settings.kms_key else ""
    role = redshift_literal(settings.redshift_role)
    with Redshift.connect(settings, settings.redshift_database) as con:
        con.execute(
            f"UNLOAD ({redshift_literal(query)}) TO {redshift_literal(f'{place}/')} IAM_ROLE {role} FORMAT AS PARQUET PARALLEL OFF{key}"
        )
        files = sorted(lake.find(place))
        names = [] if files else [column[0] for column in con.execute(f"SELECT * FROM ({query}) LIMIT 0").description]
    copies = [path.with_suffix(f".{number}.part") for number in range(len(files))]
    if files:
        lake.get(files, [str(copy) for copy in copies])
        lake.rm(files)
    _join(copies, names, path)


def _join(parts: list[Path], names: list[str], path: Path) -> None:
    """The parts as one file; for no parts (no rows) a file with these columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not parts:
        pq.write_table(pa.table({name: pa.array([], pa.string()) for name in names}), path)
    elif len(parts) == 1:
        shutil.move(parts[0], path)
    else:
        with pq.ParquetWriter(path, pq.read_schema(parts[0])) as writer:
            for part in parts:
                for batch in pq.ParquetFile(part).iter_batches():
                    writer.write_batch(batch)
                part.unlink()


def _socket_of(connection: Any) -> int:
    return int(connection._usock.fileno())

"""External schemas on the Glue catalog: Iceberg tables in S3 are read as they are when a statement begins.

The rows of a table's newest snapshot stand in a table of PostgreSQL, in the columns that Redshift gives to Iceberg's types;
texts end at 16,384 bytes, as there. Nothing can be written by way of it.
"""

from __future__ import annotations

import re
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

from .plan import Plan, Refused

if TYPE_CHECKING:
    from .dialect import Piece
    from .server import Redshift
    from .session import Session

EXTERNAL = ""
"""Among the tables that a plan reads of other places, the place of those that lie in the lake."""
LONGEST = 16_384
"""Bytes of a text that Redshift gives of an Iceberg string: it cuts the rest off."""
_TYPES = {
    "boolean": "boolean",
    "int": "integer",
    "long": "bigint",
    "float": "real",
    "double": "double precision",
    "date": "date",
    "timestamp": "timestamp",
    "timestamptz": "timestamptz",
    "string": f"varchar({LONGEST})",
}
_SCHEMA = re.compile(
    r"CREATE\s+EXTERNAL\s+SCHEMA\s+(IF\s+NOT\s+EXISTS\s+)?\"?(?P<name>\w+)\"?\s+FROM\s+DATA\s+CATALOG\s+DATABASE\s+"
    r"'(?P<database>[^']+)'\s+IAM_ROLE\s+'(?P<role>[^']+)'",
    re.I,
)


def schema(piece: Piece) -> Plan:
    """The plan of CREATE EXTERNAL SCHEMA; of the kinds there are the one on the data catalog."""
    found = _SCHEMA.fullmatch(piece.text.strip())
    if not found:
        raise Refused(f"the stand-in does not know the external schema {piece.text[:120]!r}", "42601")
    name, database, role = found["name"].lower(), found["database"], found["role"]

    def work(session: Session) -> str:
        if role not in session.server.roles:
            raise Refused(f"The requested role {role} is not associated to cluster", "XX000")
        there = session.internal(f"SELECT 1 FROM pg_namespace WHERE nspname = '{name}'")
        if there and not found[1]:
            raise Refused(f'schema "{name}" already exists', "42P06")
        if not there:
            session.internal(f'CREATE SCHEMA "{name}"')
            session.internal(f"DELETE FROM rs.external WHERE nsp = '{name}'")
            session.internal(f"INSERT INTO rs.external VALUES ('{name}', '{database}', '{role}')")
            session.server.spectrum.forget(session.database)
        return "CREATE SCHEMA"

    return Plan(piece.text, work=work)


class Spectrum:
    """What each database sees of the lake."""

    def __init__(self, server: Redshift) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._schemas: dict[str, dict[str, str]] = {}
        self._read: dict[tuple[str, str, str], tuple[str, list[tuple[str, str]]]] = {}
        self._failed: dict[tuple[str, str, str], Refused] = {}
        self._glue: Any = None

    def schemas(self, database: str) -> tuple[str, ...]:
        """The external schemas of a database."""
        if database not in self._schemas:
            found = self._server.query("SELECT nsp, catalog FROM rs.external", database)
            self._schemas[database] = {str(nsp): str(catalog) for nsp, catalog in found}
        return tuple(sorted(self._schemas[database]))

    def forget(self, database: str) -> None:
        """Look again at which schemas there are: one was made."""
        self._schemas.pop(database, None)

    def prepare(self, plan: Plan, database: str) -> None:
        """Make the lake's tables that a plan reads, and those that views of earlier ones read, what they are now."""
        with self._lock:
            named = {(database, *name[1:]) for name in plan.foreign if name[0] == EXTERNAL}
            for key in named:
                self._read.setdefault(key, ("", []))
            for key in list(self._read) if plan.kind == "plain" else ():
                self._refresh(*key)
            for key in named & self._failed.keys():
                raise self._failed[key]

    def _refresh(self, database: str, schema: str, table: str) -> None:
        """Read a table's newest snapshot, where there is another than before."""
        self.schemas(database)
        catalog = self._schemas[database].get(schema)
        location = self._location(catalog, table) if catalog else ""
        known, columns = self._read[database, schema, table]
        if location == known:
            return
        name = f'"{schema}"."{table}"'
        self._failed.pop((database, schema, table), None)
        try:
            rows, wanted = self._rows(location) if location else ([], [])
        except Refused as refusal:  # of whoever reads it: for a view that does, the table is not there
            self._failed[database, schema, table], rows, wanted = refusal, [], []
        with closing(self._server.admin(database)) as con, con.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SET LOCAL lock_timeout = '30s'")
            if wanted != columns:
                cursor.execute("SELECT rs.detach(to_regclass(%s))", [name])
                cursor.execute(f"DROP TABLE IF EXISTS {name}")
                if wanted:
                    listed = ", ".join(f'"{column}" {kind}' for column, kind in wanted)
                    cursor.execute(f"CREATE TABLE {name} ({listed})")
                    cursor.execute(f"GRANT SELECT ON {name} TO PUBLIC")
                    cursor.execute("SELECT rs.rebind(%s)", [table])
            elif wanted:
                cursor.execute(f"DELETE FROM {name}")
            if rows:
                from psycopg2.extras import execute_values

                execute_values(cursor, f"INSERT INTO {name} VALUES %s", rows, page_size=1000)
            cursor.execute("COMMIT")
        self._read[database, schema, table] = (location, wanted)

    def _location(self, catalog: str, table: str) -> str:
        """Where a table's description lies; nothing where there is no such table."""
        import boto3

        self._glue = self._glue or boto3.session.Session().client("glue", **self._server.s3)
        try:
            found = self._glue.get_table(DatabaseName=catalog, Name=table)["Table"]
        except self._glue.exceptions.EntityNotFoundException:
            return ""
        if found.get("Parameters", {}).get("table_type", "").upper() != "ICEBERG":
            raise Refused(f"the stand-in knows Iceberg tables only, not {catalog}.{table}", "XX000")
        return str(found["Parameters"]["metadata_location"])

    def _rows(self, location: str) -> tuple[list[tuple[Any, ...]], list[tuple[str, str]]]:
        """(the rows of the newest snapshot, its columns with their types)."""
        from pyiceberg.table import StaticTable

        s3 = self._server.s3
        properties = {
            "py-io-impl": "pyiceberg.io.fsspec.FsspecFileIO",
            "s3.endpoint": s3["endpoint_url"],
            "s3.region": s3["region_name"],
            "s3.access-key-id": s3["aws_access_key_id"],
            "s3.secret-access-key": s3["aws_secret_access_key"],
        }
        table = StaticTable.from_metadata(location, properties)
        columns = [(field.name, _type(field.name, str(field.field_type))) for field in table.schema().fields]
        found = table.scan().to_arrow()
        held = [[_value(value) for value in found.column(name).to_pylist()] for name, _ in columns]
        return list(zip(*held, strict=True)), columns


def _type(name: str, iceberg: str) -> str:
    if decimal := re.fullmatch(r"decimal\((\d+), ?(\d+)\)", iceberg):
        return f"numeric({decimal[1]}, {decimal[2]})"
    if iceberg not in _TYPES:
        raise Refused(f"column {name}: the stand-in does not know Iceberg's {iceberg} in an external table", "XX000")
    return _TYPES[iceberg]


def _value(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if "\0" in value:
        raise Refused("Spectrum Scan Error\n  code: 15007\n  context: a text holds the character NUL", "XX000")
    return value.encode()[:LONGEST].decode(errors="ignore")


def refuse_writes(schema_of_target: str, external: tuple[str, ...]) -> None:
    """What lies in the lake is read only."""
    if schema_of_target.lower() in external:
        raise Refused("the stand-in writes no external table: they are read only", "0A000")

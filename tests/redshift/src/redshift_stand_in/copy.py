"""COPY from S3: the objects become one CSV file that PostgreSQL reads in the client's own transaction."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import objects, wire
from .create import full, named, quoted
from .dialect import Piece
from .objects import Bucket, Options
from .plan import Context, Plan, Refused

if TYPE_CHECKING:
    import pyarrow as pa

    from .session import Session

KNOWN = {
    **objects.LOGIN,
    "FORMAT": "f",
    "PARQUET": "",
    "ORC": "",
    "AVRO": "p",
    "JSON": "p",
    "CSV": "",
    "QUOTE": "s",
    "DELIMITER": "s",
    "GZIP": "",
    "BZIP2": "",
    "ZSTD": "",
    "LZOP": "",
    "IGNOREHEADER": "n",
    "NULL": "s",
    "DATEFORMAT": "s",
    "TIMEFORMAT": "s",
    "MAXERROR": "n",
    "REGION": "s",
    "MANIFEST": "",
    "SERIALIZETOJSON": "",
    "EMPTYASNULL": "",
    "BLANKSASNULL": "",
    "TRUNCATECOLUMNS": "",
    "TRIMBLANKS": "",
    "ACCEPTINVCHARS": "p",
    "ACCEPTANYDATE": "",
    "ENCODING": "s",
    "ESCAPE": "",
    "REMOVEQUOTES": "",
    "EXPLICIT_IDS": "",
    "FILLRECORD": "",
    "IGNOREBLANKLINES": "",
    "IGNOREALLERRORS": "",
    "COMPUPDATE": "?",
    "STATUPDATE": "?",
    "COMPROWS": "n",
    "NOLOAD": "",
    "ROUNDEC": "",
}
_COLUMNAR = {
    "FORMAT",
    "IAM_ROLE",
    "MANIFEST",
    "SERIALIZETOJSON",
    "STATUPDATE",
    "FILLRECORD",
    "EXPLICIT_IDS",
    "MAXERROR",
    "ACCEPTINVCHARS",
    "COMPUPDATE",
} | objects.KEYS
_SUPPORTED = {
    "FORMAT",
    "PATHS",
    "IAM_ROLE",
    "MANIFEST",
    "SERIALIZETOJSON",
    "STATUPDATE",
    "COMPUPDATE",
    "MAXERROR",
    "GZIP",
    "BZIP2",
    "ZSTD",
    "IGNOREHEADER",
    "NULL",
    "DATEFORMAT",
    "TIMEFORMAT",
    "REGION",
    "DELIMITER",
    "QUOTE",
    "EMPTYASNULL",
    "BLANKSASNULL",
    "TRUNCATECOLUMNS",
    "EXPLICIT_IDS",
    "IGNOREBLANKLINES",
} | objects.KEYS


@dataclass(frozen=True)
class Column:
    """A column that is loaded: PostgreSQL's name of its type, and a text's length in bytes."""

    name: str
    type: str
    length: int | None
    precision: int | None = None
    scale: int | None = None

    @property
    def text(self) -> bool:
        """Does it hold text?"""
        return self.type in ("character varying", "character")


def plan(piece: Piece, context: Context) -> Plan:
    """The plan of a COPY."""
    words = piece.words
    if "FROM" not in words:
        raise Refused("syntax error: COPY lacks FROM", "42601")
    source = words.index("FROM") + 1
    if source >= len(words) or not words[source].startswith("\0"):
        raise Refused("COPY FROM STDIN or a program is not supported: only S3", "0A000")
    head = piece.text[: piece.tokens[source - 1].start]
    target = re.fullmatch(r"COPY\s+([^(]+?)\s*(?:\(([^)]*)\)\s*)?", head.strip(), re.I | re.S)
    if not target:
        raise Refused("syntax error in COPY", "42601")
    parts = named(target[1], context)
    listed = [name.strip().strip('"').lower() for name in target[2].split(",")] if target[2] else None
    found = objects.options(piece, source + 1, KNOWN)
    _check(found)
    uri = words[source][1:]
    return Plan(piece.text, work=lambda session: _load(session, parts, listed, uri, found))


def _check(found: Options) -> None:
    if found.format in ("PARQUET", "ORC"):
        for name in set(found.found) - _COLUMNAR:
            raise Refused(f"{name} argument is not supported for {found.format} based COPY", "0A000")
    for name in set(found.found) - _SUPPORTED:
        raise Refused(f"the stand-in does not know COPY ... {name}")
    if found["MAXERROR"] not in (None, "0"):
        raise Refused("the stand-in does not know MAXERROR above 0")
    if found.format not in ("PARQUET", "JSON", "CSV", ""):
        raise Refused(f"the stand-in does not know COPY ... FORMAT {found.format}")
    if found["SERIALIZETOJSON"] and found.format != "PARQUET":
        raise Refused("SERIALIZETOJSON is only supported for columnar formats")


def columns(session: Session, parts: list[str], listed: list[str] | None, explicit: bool) -> list[Column]:
    """The columns that are loaded, in order."""
    name = full(parts)
    rows = session.internal(
        "SELECT attname, format_type(atttypid, NULL), atttypmod, attidentity <> '' FROM pg_attribute "
        f"WHERE attrelid = to_regclass({quoted(name)}) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    )
    if not rows:
        raise Refused(f'relation "{".".join(parts)}" does not exist', "42P01")
    known = {}
    for raw in rows:
        column, kind, typmod, identity = [(value or b"").decode() for value in raw]
        modifier = int(typmod)
        numeric = kind == "numeric" and modifier > 0
        text = kind in ("character varying", "character")
        known[column] = (
            Column(
                column,
                kind,
                modifier - 4 if text else None,
                ((modifier - 4) >> 16) & 65535 if numeric else None,
                (modifier - 4) & 65535 if numeric else None,
            ),
            identity == "t",
        )
    if listed is None:
        return [column for column, identity in known.values() if explicit or not identity]
    for column in listed:
        if column not in known:
            raise Refused(f'column "{column}" of relation "{parts[-1]}" does not exist', "42703")
    return [known[column][0] for column in listed]


def _load(session: Session, parts: list[str], listed: list[str] | None, uri: str, found: Options) -> str:
    from . import parquet, rows

    objects.authorize(session, found, "COPY")
    wanted = columns(session, parts, listed, bool(found["EXPLICIT_IDS"]))
    bucket = Bucket(session.server)
    count = 0
    for name in bucket.to_read(uri, found):
        data = bucket.read(name)
        if found.format == "PARQUET":
            table = parquet.texts(name, data, wanted, bool(found["SERIALIZETOJSON"]))
        else:
            table = rows.texts(session, parts, name, data, wanted, found)
        count += table.num_rows
        _server_side(session, parts, wanted, table)
    session.internal(f"SET rs.copied TO '{count}'")
    session.client.send(wire.notice(f"Load into table '{parts[-1]}' completed, {count} record(s) loaded successfully."))
    return f"COPY {count}"


def _server_side(session: Session, parts: list[str], wanted: list[Column], table: pa.Table) -> None:
    """Let PostgreSQL read a table of texts; nulls are bare, texts are quoted."""
    import pyarrow.csv

    path = session.server.exchange / f"{uuid.uuid4().hex}.csv"
    try:
        style: Any = pyarrow.csv.WriteOptions(include_header=False, quoting_style="all_valid")
        pyarrow.csv.write_csv(table, str(path), style)
        path.chmod(0o644)
        names = ", ".join(f'"{column.name}"' for column in wanted)
        session.internal(
            f"COPY {full(parts)} ({names}) FROM {quoted(str(path.resolve()))} WITH (FORMAT csv, ENCODING 'UTF8')"
        )
    finally:
        path.unlink(missing_ok=True)

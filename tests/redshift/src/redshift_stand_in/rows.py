"""JSON and CSV for COPY: what cannot be loaded is told in stl_load_errors, which a rollback does not undo."""

from __future__ import annotations

import bz2
import csv
import datetime
import gzip
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .create import full, quoted
from .objects import Options
from .plan import Refused

if TYPE_CHECKING:
    import pyarrow as pa

    from .copy import Column
    from .session import Session

_INT = re.compile(r"[+-]?\d+")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|nan|[+-]?inf(inity)?", re.I)
_BITS = {"smallint": 16, "integer": 32, "bigint": 64}
_TRUE, _FALSE = {"t", "true", "1", "y", "yes"}, {"f", "false", "0", "n", "no"}


class Bad(Exception):
    """A value that cannot be loaded: its error's number and words."""

    def __init__(self, code: int, reason: str, column: Column | None = None, value: str = "") -> None:
        super().__init__(reason)
        self.code, self.reason, self.column, self.value = code, reason, column, value


@dataclass
class _Line:
    number: int
    raw: str
    values: list[Any]


def texts(session: Session, parts: list[str], name: str, data: bytes, wanted: list[Column], found: Options) -> pa.Table:
    """The rows of an object as texts that PostgreSQL reads."""
    import pyarrow as pa

    line = _Line(0, "", [])
    loaded: list[list[str | None]] = []
    try:
        reader = _json if found.format == "JSON" else _delimited
        for line in reader(_decompressed(name, data, found), wanted, found):
            if isinstance(line.values, Bad):
                raise line.values
            loaded.append([_value(value, column, found) for value, column in zip(line.values, wanted, strict=True)])
    except Bad as bad:
        _record(session, parts, name, line, bad)
        raise Refused(
            f"Load into table '{parts[-1]}' failed.  Check 'stl_load_errors' system table for details.", "XX000"
        ) from bad
    made = [pa.array([row[at] for row in loaded], pa.string()) for at in range(len(wanted))]
    return pa.table(made, names=[str(at) for at in range(len(wanted))])


def _decompressed(name: str, data: bytes, found: Options) -> str:
    try:
        if found["GZIP"]:
            data = gzip.decompress(data)
        if found["BZIP2"]:
            data = bz2.decompress(data)
        if found["ZSTD"]:
            import pyarrow as pa

            data = pa.CompressedInputStream(io.BytesIO(data), "zstd").read()
    except (OSError, EOFError) as error:
        raise Refused(
            f"failed to inflate {name}: invalid or incomplete deflate data. zlib error code: -3", "XX000"
        ) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(f"String contains invalid or unsupported UTF8 codepoints in {name}", "XX000") from error


def _json(text: str, wanted: list[Column], found: Options) -> Iterator[_Line]:
    paths = str(found["PATHS"] or "auto")
    if paths not in ("auto", "auto ignorecase"):
        raise Refused("the stand-in does not know COPY ... JSON with a paths file")
    decoder = json.JSONDecoder(parse_float=_Number, parse_int=_Number)
    at, number = 0, 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        number += 1
        try:
            row, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            yield _Line(number, text[at : at + 200], Bad(1216, "Invalid JSON object"))  # type: ignore[arg-type]
            raise Bad(1216, "Invalid JSON object") from error
        if not isinstance(row, dict):
            raise Bad(1216, "Invalid JSON object: an object was expected")
        if "ignorecase" in paths:
            row = {key.lower(): value for key, value in row.items()}
        yield _Line(number, text[at:end], [row.get(column.name) for column in wanted])
        at = end


class _Number(str):
    """A number of JSON as it was written."""


def _dumped(value: Any) -> str:
    """JSON without spaces, its numbers as they were written."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_dumped(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_dumped, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _delimited(text: str, wanted: list[Column], found: Options) -> Iterator[_Line]:
    is_csv = found.format == "CSV"
    delimiter = str(found["DELIMITER"] or ("," if is_csv else "|")).replace("\\t", "\t")
    quote = {"quotechar": str(found["QUOTE"] or '"')} if is_csv else {"quoting": csv.QUOTE_NONE}
    reader: Any = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, **quote)
    skip = int(found["IGNOREHEADER"] or 0)
    for number, values in enumerate(reader, 1):
        if number <= skip or (not values and found["IGNOREBLANKLINES"]):
            continue
        line: Any = values
        if len(values) < len(wanted):
            line = Bad(1214, "Delimiter not found")
        elif len(values) > len(wanted):
            line = Bad(1202, "Extra column(s) found")
        yield _Line(number, delimiter.join(values), line)


def _value(value: Any, column: Column, found: Options) -> str | None:
    """A value's text for PostgreSQL, checked against its column."""
    if value is None:
        return None
    if column.type == "jsonb":
        return _dumped(value) if found.format == "JSON" else str(value)
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif not isinstance(value, str):
        value = _dumped(value)
    if value == (found["NULL"] or "\\N"):
        return None
    if column.text:
        return _text(value, column, found)
    value = value.strip()
    return _checked(value, column) if value else None


def _text(value: str, column: Column, found: Options) -> str | None:
    if (not value and found["EMPTYASNULL"]) or (not value.strip() and found["BLANKSASNULL"]):
        return None
    size = len(value.encode())
    if size > (column.length or 0):
        if not found["TRUNCATECOLUMNS"]:
            raise Bad(1204, "String length exceeds DDL length", column, value)
        value = value.encode()[: column.length].decode(errors="ignore")
    return value


def _checked(value: str, column: Column) -> str:
    kind = column.type
    if kind in _BITS:
        if not _INT.fullmatch(value):
            raise Bad(1207, f"Invalid digit, Value '{value[:1]}', Pos 0, Type: {kind.title()}", column, value)
        if not -(2 ** (_BITS[kind] - 1)) <= int(value) < 2 ** (_BITS[kind] - 1):
            raise Bad(1216, f"Overflow for type {kind}", column, value)
    elif kind in ("numeric", "real", "double precision"):
        if not _NUMBER.fullmatch(value):
            raise Bad(1207, f"Invalid digit, Value '{value[:1]}', Pos 0, Type: {kind.title()}", column, value)
    elif kind == "boolean":
        if value.lower() not in _TRUE | _FALSE:
            raise Bad(1210, "Unknown boolean format", column, value)
    elif kind == "date" or kind.startswith("timestamp"):
        try:
            datetime.datetime.fromisoformat(value)
        except ValueError as error:
            told = (
                "Invalid Date Format" if kind == "date" else "Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]"
            )
            raise Bad(1206, told, column, value) from error
        return value[:10] if kind == "date" else value
    return value


def _record(session: Session, parts: list[str], name: str, line: _Line, bad: Bad) -> None:
    column = bad.column
    values = [
        name[:256],
        (column.name if column else "")[:127],
        (column.type if column else "")[:10],
        str(column.length or "") if column else "",
        line.raw[:200],
        bad.value[:200],
        bad.reason[:100],
    ]
    file, colname, kind, length, raw, field, reason = map(quoted, values)
    session.server.query(
        "INSERT INTO rs.stl_load_errors (userid, slice, tbl, starttime, session, query, filename, line_number, colname, type, "
        "col_length, position, raw_line, raw_field_value, err_code, err_reason) VALUES (100, 0, "
        f"coalesce(to_regclass({quoted(full(parts))})::oid::int, 0), rs.getdate(), 0, 0, {file}, {line.number}, {colname}, {kind}, "
        f"{length}, 0, {raw}, {field}, {bad.code}, {reason})",
        session.database,
    )

"""UNLOAD to Parquet: PostgreSQL writes a CSV file in the client's own session, and it goes to S3 with proper types."""

from __future__ import annotations

import io
import json
import uuid
from typing import TYPE_CHECKING, Any

from . import objects
from .create import quoted
from .dialect import Piece, parsed
from .objects import Bucket, Options
from .plan import Context, Plan, Refused

if TYPE_CHECKING:
    import pyarrow as pa

    from .session import Session

KNOWN = {
    **objects.LOGIN,
    "FORMAT": "f",
    "PARQUET": "",
    "CSV": "",
    "JSON": "",
    "PARALLEL": "?",
    "ALLOWOVERWRITE": "",
    "CLEANPATH": "",
    "ENCRYPTED": "",
    "KMS_KEY_ID": "s",
    "MANIFEST": "",
    "VERBOSE": "",
    "MAXFILESIZE": "s",
    "MB": "",
    "GB": "",
    "REGION": "s",
    "ROWGROUPSIZE": "s",
    "HEADER": "",
    "DELIMITER": "s",
    "GZIP": "",
    "ADDQUOTES": "",
    "NULL": "s",
    "ESCAPE": "",
    "EXTENSION": "s",
    "BZIP2": "",
    "ZSTD": "",
    "PARTITION": "",
    "BY": "",
    "INCLUDE": "",
    "FIXEDWIDTH": "s",
}
_TEXT_ONLY = ("HEADER", "DELIMITER", "GZIP", "BZIP2", "ZSTD", "ADDQUOTES", "NULL", "ESCAPE", "FIXEDWIDTH")


def plan(piece: Piece, context: Context) -> Plan:
    """The plan of an UNLOAD."""
    from .translate import query

    words = piece.words
    if len(words) < 6 or words[1] != "(" or words[3] != ")" or words[4] != "TO" or words[5][:1] != "\0":
        raise Refused("syntax error: UNLOAD ('select ...') TO 's3://...'", "42601")
    select = piece.tokens[2].text
    inner = query(select, context)
    if parsed(select).args.get("limit"):
        raise Refused("LIMIT clause is not supported in the outer SELECT of UNLOAD")
    found = objects.options(piece, 6, KNOWN)
    if found.format != "PARQUET":
        raise Refused("the stand-in knows UNLOAD ... FORMAT AS PARQUET only")
    for name in _TEXT_ONLY:
        if found[name]:
            raise Refused(f"{name} is not supported for UNLOAD to PARQUET", "0A000")
    for name in ("PARTITION", "ROWGROUPSIZE", "EXTENSION"):
        if found[name]:
            raise Refused(f"the stand-in does not know UNLOAD ... {name}")
    uri = words[5][1:]
    return Plan(piece.text, work=lambda session: _unload(session, inner.run, uri, found), foreign=inner.foreign)


def _unload(session: Session, select: str, uri: str, found: Options) -> str:
    objects.authorize(session, found, "UNLOAD")
    bucket = Bucket(session.server)
    present = bucket.named(uri)
    if present and found["CLEANPATH"]:
        for name in present:
            bucket.remove(name)
    elif present and not found["ALLOWOVERWRITE"]:
        raise Refused(
            "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, manually "
            "removing the target files in S3, or using the ALLOWOVERWRITE option.",
            "XX000",
        )
    table = _table(session, select)
    more: dict[str, str] = {}
    if found["ENCRYPTED"] or found["KMS_KEY_ID"]:
        more = {"ServerSideEncryption": "aws:kms"} if found["KMS_KEY_ID"] else {"ServerSideEncryption": "AES256"}
        if found["KMS_KEY_ID"]:
            more["SSEKMSKeyId"] = str(found["KMS_KEY_ID"])
    single = found["PARALLEL"] in ("OFF", "FALSE")
    half = table.num_rows // 2
    parts = [table] if single or not half else [table.slice(0, half), table.slice(half)]
    written = []
    for at, part in enumerate(parts):
        name = f"{uri}000.parquet" if single else f"{uri}{at:04}_part_00.parquet"
        data = _parquet(part)
        bucket.write(name, data, **more)
        written.append({"url": name, "meta": {"content_length": len(data), "record_count": part.num_rows}})
    if found["MANIFEST"]:
        bucket.write(f"{uri}manifest", json.dumps({"entries": written}).encode(), **more)
    return "UNLOAD"


def _parquet(table: pa.Table) -> bytes:
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="snappy")
    return buffer.getvalue()


def _table(session: Session, select: str) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv

    shape = session.described(f"SELECT * FROM ({select}) AS _u LIMIT 0")
    path = session.server.exchange / f"{uuid.uuid4().hex}.csv"
    try:
        session.internal(
            f"COPY ({select}) TO {quoted(str(path.resolve()))} WITH (FORMAT csv, FORCE_QUOTE *, ENCODING 'UTF8')"
        )
        data = path.read_bytes()
    finally:
        path.unlink(missing_ok=True)
    names = [str(at) for at in range(len(shape))]
    read = (
        pyarrow.csv.read_csv(
            io.BytesIO(data),
            read_options=pyarrow.csv.ReadOptions(column_names=names, block_size=1 << 30),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        if data
        else pa.table({name: pa.array([], pa.string()) for name in names})
    )
    made = [_typed(read.column(at), oid, typmod) for at, (_, oid, typmod) in enumerate(shape)]
    return pa.Table.from_arrays(made, names=[name for name, _, _ in shape])


def _typed(values: Any, oid: int, typmod: int) -> Any:
    """A column of texts in the type that Redshift unloads."""
    import decimal

    import pyarrow as pa
    import pyarrow.compute as pc

    simple = {20: pa.int64(), 21: pa.int16(), 23: pa.int32(), 700: pa.float32(), 701: pa.float64(), 1082: pa.date32()}
    if oid in simple:
        return values.cast(simple[oid])
    if oid == 16:
        return pc.equal(values, "t")
    if oid in (1114, 1184):
        kind = pa.timestamp("us", "UTC" if oid == 1184 else None)
        if oid == 1184:
            values = pc.replace_substring_regex(values, r"\+00$", "Z")
        return values.cast(kind)
    if oid == 1700:
        numbers = [None if v is None else decimal.Decimal(v) for v in values.to_pylist()]
        scale = (
            (typmod - 4) & 65535
            if typmod > 0
            else max((-n.as_tuple().exponent for n in numbers if n is not None), default=0)
        )
        precision = ((typmod - 4) >> 16) & 65535 if typmod > 0 else 38
        return pa.array(numbers, pa.decimal128(precision, scale))
    if oid in (17, 1083, 1266):
        raise Refused("the stand-in does not unload VARBYTE and TIME")
    return values.cast(pa.string())

"""Parquet for COPY: columns by position, types as strict as Redshift takes them."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from .plan import Refused

if TYPE_CHECKING:
    import pyarrow as pa

    from .copy import Column


def texts(name: str, data: bytes, wanted: list[Column], serialize: bool) -> pa.Table:
    """The rows of a file as texts that PostgreSQL reads; `Refused` where Redshift would not load it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(data))
        table = file.read()
    except (pa.ArrowInvalid, OSError) as error:
        raise _scan(f"File '{name}' has an invalid version number or is not a Parquet file: {error}") from error
    if table.num_columns != len(wanted):
        raise _scan(
            f"Unmatched number of columns between table and file. Table columns: {len(wanted)}, "
            f"Data columns: {table.num_columns}, File name: {name}"
        )
    found = [
        _column(name, table.column(at), table.schema.field(at), column, serialize) for at, column in enumerate(wanted)
    ]
    return pa.table(found, names=[str(at) for at in range(len(found))])


def _column(name: str, values: Any, field: Any, column: Column, serialize: bool) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if pa.types.is_dictionary(field.type):
        values = values.cast(kind)
    nested = pa.types.is_nested(kind)
    if column.type == "jsonb":
        if not serialize:
            raise _incompatible(name, field, column, "SERIALIZETOJSON is needed to load SUPER")
        if not (nested or pa.types.is_string(kind) or pa.types.is_large_string(kind) or _fits(kind, column)):
            raise _incompatible(name, field, column)
        return pa.array([None if v is None else json.dumps(v, default=str) for v in values.to_pylist()], pa.string())
    if not _fits(kind, column):
        raise _incompatible(name, field, column)
    if column.text:
        _lengths(name, values, column)
        return values.cast(pa.string())
    if column.type == "bytea":
        return pa.array([None if v is None else "\\x" + v.hex() for v in values.to_pylist()], pa.string())
    if pa.types.is_timestamp(kind) and kind.tz is None and column.type == "timestamp with time zone":
        values = values.cast(pa.timestamp(kind.unit, "UTC"))
    if pa.types.is_timestamp(kind) and kind.tz is not None and column.type == "timestamp without time zone":
        values = values.cast(pa.timestamp(kind.unit, "UTC")).cast(pa.timestamp(kind.unit))
    return pc.cast(values, pa.string())


def _fits(kind: Any, column: Column) -> bool:
    import pyarrow as pa

    types = pa.types
    if types.is_decimal(kind):
        return column.type == "numeric" and kind.scale == column.scale and kind.precision <= (column.precision or 0)
    if types.is_timestamp(kind):
        return kind.unit in ("us", "ms") and column.type.startswith("timestamp")
    if types.is_string(kind) or types.is_large_string(kind):
        return column.text
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return column.type == "bytea"
    name = {
        "int8": "smallint",
        "int16": "smallint",
        "int32": "integer",
        "int64": "bigint",
        "float": "real",
        "double": "double precision",
        "bool": "boolean",
        "date32[day]": "date",
    }.get(str(kind))
    return column.type == name or (column.type == "jsonb" and name is not None)


def _lengths(name: str, values: Any, column: Column) -> None:
    import pyarrow.compute as pc

    longest = pc.max(pc.binary_length(values)).as_py() or 0
    if longest > (column.length or 0):
        raise _scan(
            f"The length of the data column {column.name} is longer than the length defined in the table. "
            f"Table: {column.length}, Data: {longest}, File name: {name}"
        )


def _incompatible(name: str, field: Any, column: Column, why: str = "") -> Refused:
    return _scan(
        f"File '{name}' has an incompatible Parquet schema for column '{field.name}'. "
        f"Column type: {column.type.upper()}, Parquet schema: {field.type}{'. ' + why if why else ''}"
    )


def _scan(context: str) -> Refused:
    return Refused(f"Spectrum Scan Error\n  code: 15007\n  context: {context}", "XX000")

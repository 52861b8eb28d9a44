"""Rows that Postgres copies out, as Parquet: each value is what the server writes of it, so nothing is rounded or cut.

COPY's CSV is read by Arrow while it arrives; memory stays constant. Where the values of a column have no form in its
Arrow type (NaN, infinity, years before 1 and after 9999, bytes that are not UTF-8), the whole column is read as text or
bytes, for the contract to judge row by row.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

BUFFER = 1 << 20
BLOCK = 4 << 20
"""Bytes that Arrow parses at once; a row must fit in."""
LARGEST_BLOCK = (1 << 31) - 1
TEXT = pa.string()
_ZONED = pa.timestamp("us", "UTC")
_MOMENT = r"'^[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9:.]+([+]00)?)?$'"
_NUMBER = r"'^-?[0-9]+([.][0-9]+)?$'"
_NATIVE = {
    "bool": pa.bool_(),
    "int2": pa.int64(),
    "int4": pa.int64(),
    "int8": pa.int64(),
    "oid": pa.int64(),
    "float4": pa.float64(),
    "float8": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": _ZONED,
}
MOMENTS = {"date", "timestamp", "timestamptz"}


@dataclass(frozen=True)
class PgColumn:
    """A column of a Postgres table.

    Attributes:
        type: name of its type; of a domain, that of the type below it. "" for types that are not Postgres's own.
        modifier: the type's modifier: a numeric's digits; -1 for none.
        readable: whether the login may read it.
        arrow: what its values are read as.
    """

    name: str
    type: str
    modifier: int
    readable: bool
    arrow: pa.DataType = TEXT

    @property
    def native(self) -> PgColumn:
        """The column with the Arrow type that holds all its usual values; text for every type that has none."""
        kind = _NATIVE.get(self.type)
        if self.type == "numeric" and self.modifier != -1:
            digits, places = (self.modifier - 4) >> 16, (((self.modifier - 4) & 0x7FF) ^ 1024) - 1024
            digits, places = max(digits, places, digits - places), max(places, 0)
            kind = pa.decimal128(digits, places) if digits <= 38 else None
        return replace(self, arrow=kind or pa.string())

    @property
    def zoned(self) -> bool:
        """Whether its values are moments, which are written with their offset from UTC."""
        return self.type == "timestamptz"

    @property
    def form(self) -> str | None:
        """A regular expression, as SQL, of the texts that its Arrow type holds; None: of all."""
        if pa.types.is_decimal(self.arrow):
            return _NUMBER
        return _MOMENT if pa.types.is_temporal(self.arrow) else None


class LongerError(Exception):
    """The rows are longer than they may be."""


def copy(
    cursor: Any, query: str, columns: list[PgColumn], target: Path, block: int = BLOCK, most: int | None = None
) -> None:
    """Write the rows of a query, whose columns are `columns`, to a Parquet file; no rows, no file.

    Args:
        most: bytes that they may have in memory; None: any. If they have more, the cursor's connection is of no more use.

    Raises:
        LongerError: they have more.
        pa.ArrowInvalid: a value has no form in its column's Arrow type.
        psycopg2.Error: the server failed.
    """
    reading, writing = os.pipe()
    failed: list[BaseException] = []

    def fill() -> None:
        try:
            with open(writing, "wb", BUFFER) as sink:  # noqa: PTH123 a pipe has no path
                cursor.copy_expert(f"COPY ({query}) TO STDOUT (FORMAT csv)", sink)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=fill, daemon=True)
    thread.start()
    try:
        with open(reading, "rb", BUFFER) as source:  # noqa: PTH123
            try:
                _write(source, columns, target, block, most)
            except pa.ArrowInvalid:
                while source.read(BUFFER):  # the connection is usable again when all has come
                    pass
                raise
    finally:
        thread.join()
        if failed and not isinstance(failed[0], BrokenPipeError):  # what came before was cut off
            raise failed[0]


def _write(source: Any, columns: list[PgColumn], target: Path, block: int, most: int | None) -> None:
    if not source.peek(1):
        return
    names = [str(number) for number in range(len(columns))]
    types = dict(zip(names, (column.arrow for column in columns), strict=True))
    rows = pc.open_csv(
        source,
        read_options=pc.ReadOptions(column_names=names, block_size=block),
        parse_options=pc.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=pc.ConvertOptions(
            column_types=types,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )
    schema = pa.schema([(column.name, column.arrow) for column in columns])
    with pq.ParquetWriter(target, schema, compression="lz4", use_dictionary=False) as writer:
        size = 0
        for batch in rows:
            size += batch.nbytes
            if most is not None and size > most:
                raise LongerError
            writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=schema))


def holds_bytes(path: Path) -> bool:
    """Whether a column that `copy` wrote is bytes, which may be text."""
    return path.exists() and any(pa.types.is_binary(field.type) for field in pq.read_schema(path))


def pages(path: Path, rows: int) -> Iterator[pa.Table]:
    """The rows that `copy` wrote; bytes as text in columns whose bytes all are text."""
    if not path.exists():
        return
    with pq.ParquetFile(path) as file:
        bytes_ = [field.name for field in file.schema_arrow if pa.types.is_binary(field.type)]
        texts = [name for name in bytes_ if _is_text(file, name, rows)]
        for batch in file.iter_batches(rows):
            page = pa.Table.from_batches([batch])
            schema = pa.schema([f.with_type(pa.string()) if f.name in texts else f for f in page.schema])
            yield page.cast(schema)
    path.unlink()


def _is_text(file: pq.ParquetFile, name: str, rows: int) -> bool:
    try:
        for batch in file.iter_batches(rows, columns=[name]):
            batch.column(0).cast(pa.string())
    except pa.ArrowInvalid:
        return False
    return True

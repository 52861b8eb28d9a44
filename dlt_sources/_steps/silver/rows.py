"""Accepted rows into an Iceberg table: a Parquet file that is of the table's own form is taken as it is, any other is written again."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from settings import Settings
from warehouse import durable

from ..stores.lake import storage

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table, Transaction

ROWS = 250_000  # per Iceberg commit's in-memory piece


def append(transaction: Transaction, target: Table, files: list[Path], settings: Settings) -> None:
    """Append the rows of Parquet files."""
    schema = transaction.table_metadata.schema()
    filled = [path for path in files if pq.read_metadata(path).num_rows]
    whole = [path for path in filled if _is_iceberg(pq.read_schema(path), schema)]
    if whole:
        with transaction.update_snapshot().fast_append() as added:
            for path in whole:
                added.append_data_file(_describe(_put(path, target.location(), settings), path, transaction))
    for piece in pieces([path for path in filled if path not in whole], schema.as_arrow()):
        transaction.append(piece)


def _is_iceberg(columns: pa.Schema, schema: Schema) -> bool:
    """Whether a file is as Iceberg would write it: each of its columns is one of the table's, by number, name and type.

    The numbers are what every reader of Iceberg finds columns by, also after they were renamed.
    """
    held, ids = schema.as_arrow(), {field.name: str(field.field_id).encode() for field in schema.fields}
    return all(
        (field.metadata or {}).get(b"PARQUET:field_id") == ids.get(field.name, b"none")
        and same_type(held.field(field.name).type, field.type)
        for field in columns
    )


def _describe(place: str, path: Path, transaction: Transaction) -> DataFile:
    """A file as a manifest describes it."""
    from pyiceberg.io import pyarrow as io
    from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
    from pyiceberg.typedef import Record

    table = transaction.table_metadata
    facts = io.data_file_statistics_from_parquet_metadata(
        parquet_metadata=pq.read_metadata(path),
        stats_columns=io.compute_statistics_plan(table.schema(), table.properties),
        parquet_column_mapping=io.parquet_path_to_id_mapping(table.schema()),
    )
    return DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=place,
        file_format=FileFormat.PARQUET,
        partition=Record(),
        file_size_in_bytes=path.stat().st_size,
        spec_id=table.default_spec_id,
        **facts.to_serialized_dict(),
    )


def same_type(old: pa.DataType, new: pa.DataType) -> bool:
    """Whether two types are one to Iceberg."""
    texts = (pa.types.is_string, pa.types.is_large_string)
    both_text = any(is_text(old) for is_text in texts) and any(is_text(new) for is_text in texts)
    return bool(old == new or both_text)


def _put(path: Path, location: str, settings: Settings) -> str:
    """Put a file among those of the table, where it stays; returns its address."""
    place = f"{location}/data/{secrets.token_hex(16)}.parquet"
    if settings.aws:
        storage(settings).put_file(str(path), place)
        return place
    from pyiceberg.io.pyarrow import PyArrowFileIO

    target = Path(PyArrowFileIO.parse_location(place)[2])  # what Iceberg will open
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, target)
    except OSError:  # another disk, or one that knows no links
        shutil.copyfile(path, target)
    durable.flush([target])
    return place


def pieces(files: list[Path], schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows as the table holds them, in pieces of bounded size, read without reading ahead.

    Each file is shaped by itself: the engine writes times with their zone, rows that Pydantic looked at have none.
    """
    held: list[pa.Table] = []
    count = 0
    for batch in (batch for path in files for batch in pq.ParquetFile(path).iter_batches()):
        held.append(shaped(pa.Table.from_batches([batch]), schema))
        count += batch.num_rows
        if count >= ROWS:
            yield pa.concat_tables(held)
            held, count = [], 0
    if count:
        yield pa.concat_tables(held)


def shaped(piece: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows with the table's columns, by name: a contract gains and loses fields, its table keeps them all."""
    columns = [
        piece[field.name].cast(field.type) if field.name in piece.column_names else pa.nulls(len(piece), field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)

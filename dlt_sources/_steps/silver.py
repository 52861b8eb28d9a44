"""Silver: every accepted row as an Iceberg table of the lake, for any engine that reads Iceberg.

A landed load is written to a table in one commit that replaces whatever that load wrote before, so writing it again
changes nothing. The catalog is SQLite beside the tables locally (Glue on AWS); names are ``<source>.<table>``.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from settings import Settings

from .pipelines import StoreError

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

ROWS = 250_000  # per Iceberg commit's in-memory piece


def catalog(settings: Settings) -> Catalog:
    """The Iceberg catalog of the target."""
    if settings.aws:
        from pyiceberg.catalog.glue import GlueCatalog

        from runtime.aws import encryption

        keys = encryption(settings)
        properties = {
            "warehouse": settings.silver,
            "py-io-impl": "pyiceberg.io.fsspec.FsspecFileIO",  # s3fs, as everything else here: it sends these headers
            "s3.server-side-encryption": keys["ServerSideEncryption"],
            "s3.sse-kms-key-id": keys.get("SSEKMSKeyId"),
        }
        return GlueCatalog("silver", **{name: value for name, value in properties.items() if value})
    from pyiceberg.catalog.sql import SqlCatalog

    folder = Path(settings.silver)
    folder.mkdir(parents=True, exist_ok=True)
    return SqlCatalog("silver", uri=f"sqlite:///{folder / 'catalog.db'}", warehouse=folder.as_uri())


def namespace(source: str, settings: Settings) -> str:
    """The Iceberg namespace of a source: in Glue, where names belong to the whole account, with the project's prefix."""
    return f"{settings.glue_prefix}{source}" if settings.aws else source


def write(source: str, table: str, files: list[Path], loads: list[str], settings: Settings) -> None:
    """Make the rows of `loads` in the Iceberg table be exactly the rows of the Parquet `files`.

    Args:
        files: accepted rows with a ``_load_id`` column; all of one schema.
        loads: the landed loads the rows come from, all of whose rows these are; rows of other loads stay.
    """
    from pyiceberg.expressions import BooleanExpression, In

    if not loads:
        return
    of_these: BooleanExpression = In("_load_id", loads)  # type: ignore
    target = _table(source, table, pq.read_schema(files[0]), settings)
    again = target.current_snapshot() is not None and bool(
        next(
            iter(target.scan(row_filter=of_these, selected_fields=("_load_id",), limit=1).to_arrow_batch_reader()),
            None,
        )
    )
    with target.transaction() as transaction:
        if again:
            transaction.delete(of_these)
        for piece in _pieces(files, target.schema().as_arrow()):
            transaction.append(piece)


def forget_moved(source: str, settings: Settings) -> None:
    """Remove a source's tables that were made in another place, before all of its loads are written again. What lies in that
    place is left alone: it may be another folder's by now.
    """
    if moved := _moved(source, settings):
        store = catalog(settings)
        for table in moved:
            store.drop_table(f"{source}.{table}")
            shutil.rmtree(Path(settings.silver, source, table), ignore_errors=True)


def _refuse_moved(source: str, table: str, settings: Settings) -> None:
    if place := _moved(source, settings).get(table):
        raise StoreError(
            f"the data folder {settings.data_dir} was moved or copied: silver's {source}.{table} was made as {place}, and"
            f" Iceberg's paths are absolute; run `python runner.py replay {source}`, which makes it again from landing"
        )


def _moved(source: str, settings: Settings) -> dict[str, str]:
    """Of a source's tables those whose metadata the catalog expects outside of this folder, with that place. By the
    catalog's own table: pyiceberg cannot open what is not there.
    """
    import sqlite3

    file = Path(settings.silver, "catalog.db")
    if settings.aws or not file.exists():
        return {}
    asked = "SELECT table_name, metadata_location FROM iceberg_tables WHERE table_namespace = ?"
    with contextlib.closing(sqlite3.connect(file)) as con, contextlib.suppress(sqlite3.OperationalError):
        here = f"{Path(settings.silver).as_uri()}/"
        return {table: place for table, place in con.execute(asked, [source]) if not place.startswith(here)}
    return {}


def remove(source: str, table: str, column: str, files: Mapping[str, str], settings: Settings) -> None:
    """Delete the rows that withdrawn files delivered.

    Args:
        column: holds the name of a row's file.
        files: each with the load of its mark: rows of later loads stay.
    """
    from pyiceberg.expressions import And, EqualTo, In

    store, name = catalog(settings), f"{namespace(source, settings)}.{table}"
    if not files or not store.table_exists(name):
        return
    target = store.load_table(name)
    for file, mark in files.items():
        of_file = EqualTo(column, file)  # type: ignore[call-arg, misc]
        found = target.scan(row_filter=of_file, selected_fields=("_load_id",)).to_arrow_batch_reader()
        loads = {load for batch in found for load in batch["_load_id"].to_pylist() if float(load) < float(mark)}
        if loads:
            target.delete(And(of_file, In("_load_id", loads)))  # type: ignore


def _pieces(files: list[Path], schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows as the table holds them, in pieces of bounded size, read without reading ahead.

    Each file is shaped by itself: the engine writes times with their zone, rows that Pydantic looked at have none.
    """
    held: list[pa.Table] = []
    count = 0
    for batch in (batch for path in files for batch in pq.ParquetFile(path).iter_batches()):
        held.append(_shaped(pa.Table.from_batches([batch]), schema))
        count += batch.num_rows
        if count >= ROWS:
            yield pa.concat_tables(held)
            held, count = [], 0
    if count:
        yield pa.concat_tables(held)


def _shaped(piece: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows with the table's columns, by name: a contract gains and loses fields, its table keeps them all."""
    columns = [
        piece[field.name].cast(field.type) if field.name in piece.column_names else pa.nulls(len(piece), field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _table(source: str, table: str, schema: pa.Schema, settings: Settings) -> Table:
    """The Iceberg table, made or widened to hold the schema (a contract may gain fields)."""
    _refuse_moved(source, table, settings)
    store = catalog(settings)
    space = namespace(source, settings)
    store.create_namespace_if_not_exists(space)
    schema = pa.schema([field.with_nullable(True) for field in schema])  # a field that is dropped leaves NULLs
    root = settings.silver if settings.aws else Path(settings.silver).as_uri()
    target = store.create_table_if_not_exists(
        f"{space}.{table}", schema=schema, location=f"{root}/{source}/{table}" if settings.aws else None
    )
    if set(schema.names) - {field.name for field in target.schema().fields}:
        with target.update_schema() as update:
            update.union_by_name(schema)
    return target

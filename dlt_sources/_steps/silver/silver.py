"""Silver: every accepted row as an Iceberg table of the lake, for any engine that reads Iceberg.

A landed load is written to a table in one commit that replaces whatever that load wrote before, so writing it again
changes nothing. The catalog is SQLite beside the tables locally (Glue on AWS); names are ``<source>.<table>``. A rebuild
gathers its rows in ``<source>.<table>__rebuild``, which then takes the other's name.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from foundation.lock import ensure_held
from settings import Settings

from ..stores.lake import storage
from ..stores.pipelines import StoreError
from .catalog import catalog, namespace
from .catalog import moved as moved_tables
from .rows import append
from .tidy import PROPERTIES, tidy
from .widen import widen

if TYPE_CHECKING:
    from pyiceberg.table import Table

ASIDE = "__rebuild"


class Silver:
    """The Iceberg tables of one source.

    Args:
        aside: those in which a rebuild gathers its rows.
    """

    def __init__(self, source: str, settings: Settings, *, aside: bool = False) -> None:
        self.source, self.settings, self.aside = source, settings, aside
        self.namespace = namespace(source, settings)

    def write(self, table: str, files: list[Path], loads: list[str]) -> None:
        """Make the rows of `loads` in the Iceberg table be exactly the rows of the Parquet `files`.

        Args:
            files: accepted rows with a ``_load_id`` column; all of one schema.
            loads: the landed loads the rows come from, all of whose rows these are; rows of other loads stay.

        Raises:
            ContractChangedError: a column of the table holds another type, and does not get wider by itself.
            LockError: the lock of this run is gone; nothing is committed.
        """
        from pyiceberg.expressions import BooleanExpression, In

        if not loads:
            return
        of_these: BooleanExpression = In("_load_id", loads)  # type: ignore
        target = self._table(table, pq.read_schema(files[0]))
        with self._readable(table):
            again = target.current_snapshot() is not None and bool(
                next(
                    iter(
                        target.scan(row_filter=of_these, selected_fields=("_load_id",), limit=1).to_arrow_batch_reader()
                    ),
                    None,
                )
            )
        with self._readable(table), target.transaction() as transaction:
            if again:
                transaction.delete(of_these)
            append(transaction, target, files, self.settings)
            ensure_held()

    def field_ids(self, table: str, names: Iterable[str]) -> dict[str, int]:
        """The numbers that columns have in the Iceberg table, or will have when rows with them are written."""
        if not self.aside:
            self._refuse_moved(table)
        target = self._existing(table)
        known = {field.name: field.field_id for field in target.schema().fields} if target else {}
        later = itertools.count(target.metadata.last_column_id + 1 if target else 1)
        return {name: known[name] if name in known else next(later) for name in names}

    def remove(self, table: str, column: str, files: Mapping[str, str]) -> None:
        """Delete the rows that withdrawn files delivered.

        Args:
            column: holds the name of a row's file.
            files: each with the load of its mark: rows of later loads stay.
        """
        from pyiceberg.expressions import And, EqualTo, In

        target = self._existing(table) if files else None
        if target is None:
            return
        for file, mark in files.items():
            of_file = EqualTo(column, file)  # type: ignore[call-arg, misc]
            found = target.scan(row_filter=of_file, selected_fields=("_load_id",)).to_arrow_batch_reader()
            loads = {load for batch in found for load in batch["_load_id"].to_pylist() if float(load) < float(mark)}
            if loads:
                target.delete(And(of_file, In("_load_id", loads)))  # type: ignore

    def columns(self, table: str) -> dict[str, str] | None:
        """A table's columns with Iceberg's types; None where there is no table."""
        target = self._existing(table)
        return {field.name: str(field.field_type) for field in target.schema().fields} if target else None

    def rows(self, table: str, loads: Collection[str]) -> pa.RecordBatchReader | None:
        """The rows of some loads, or None where there is no table."""
        from pyiceberg.expressions import In

        target = self._existing(table)
        return target.scan(row_filter=In("_load_id", loads)).to_arrow_batch_reader() if target else None  # type: ignore

    def loads(self, table: str) -> set[str]:
        """The loads that a table has rows of."""
        target = self._existing(table)
        with self._readable(table):
            found = target.scan(selected_fields=("_load_id",)).to_arrow_batch_reader() if target else []
            return {load for batch in found for load in batch["_load_id"].unique().to_pylist()}

    def rename_columns(self, table: str, renamed: Mapping[str, str]) -> None:
        """Give columns their new names; those that have them already stay."""
        target = self._existing(table) if renamed else None
        names = {field.name for field in target.schema().fields} if target else set()
        wanted = {old: new for old, new in renamed.items() if old in names and new not in names}
        if target and wanted:
            with target.update_schema() as update:
                for old, new in wanted.items():
                    update.rename_column(old, new)

    def forget_moved(self) -> bool:
        """Remove tables that were made in another place, before all loads are written again; whether there were any. What
        lies in that place is left alone: it may be another folder's by now.
        """
        if moved := moved_tables(self.source, self.settings):
            store = catalog(self.settings)
            for table in moved:
                store.drop_table(f"{self.source}.{table}")
            self.remove_orphans()
        return bool(moved)

    def drop(self, tables: Collection[str]) -> None:
        """Remove tables, with all their snapshots and files."""
        store = catalog(self.settings)
        from pyiceberg.exceptions import NoSuchTableError

        for name in map(self._name, tables):
            with contextlib.suppress(NoSuchTableError):
                store.drop_table(name)
        self.remove_orphans()

    def swap(self, tables: Collection[str]) -> None:
        """Let what a rebuild gathered take the place of the tables of the same names; done twice, it changes nothing more."""
        from pyiceberg.exceptions import NoSuchTableError

        store = catalog(self.settings)
        for table in tables:
            name = f"{self.namespace}.{table}"
            if store.table_exists(name + ASIDE):
                with contextlib.suppress(NoSuchTableError):
                    store.drop_table(name)  # its metadata may be damaged: it is not looked at
                store.rename_table(name + ASIDE, name)
        self.remove_orphans()

    def tables(self) -> list[str]:
        """The names of the source's tables."""
        store = catalog(self.settings)
        if not store.namespace_exists(self.namespace):
            return []
        return [name[-1] for name in store.list_tables(self.namespace)]

    def tidy(self, table: str, *, whole: bool = False) -> Counter[str]:
        """Keep a table small, where that is due or is to be done as a whole; returns what was done (see `tidy`)."""
        target = self._existing(table)
        return tidy(target, storage(self.settings), whole=whole) if target else Counter()

    def remove_orphans(self) -> None:
        """Remove folders that no table of the source uses any more: snapshots hold what rows were before."""
        from pyiceberg.exceptions import ValidationError

        store, fs = catalog(self.settings), storage(self.settings)
        root = f"{self.settings.silver}/{self.source}"
        if not fs.exists(root):
            return
        try:
            used = {store.load_table(f"{self.namespace}.{table}").location() for table in self.tables()}
        except (
            FileNotFoundError,
            ValueError,
            ValidationError,
        ):  # a table is damaged: which folders are its own is not known
            return
        named = {place.rstrip("/").rsplit("/", 1)[1] for place in used}
        for folder in fs.ls(root, detail=False):
            if str(folder).rstrip("/").rsplit("/", 1)[1] not in named:
                fs.rm(folder, recursive=True)

    def _name(self, table: str) -> str:
        return f"{self.namespace}.{table}{ASIDE if self.aside else ''}"

    def _existing(self, table: str) -> Table | None:
        from pyiceberg.exceptions import NoSuchTableError

        try:
            with self._readable(table):
                return catalog(self.settings).load_table(self._name(table))
        except NoSuchTableError:
            return None

    def _readable(self, table: str) -> contextlib.AbstractContextManager[None]:
        from .files import readable

        return readable(self.source, table, self.settings)

    def _table(self, table: str, schema: pa.Schema) -> Table:
        """The Iceberg table, made or changed to hold the schema (a contract may gain fields, and its fields get wider)."""
        if not self.aside:
            self._refuse_moved(table)
        schema = pa.schema([field.with_nullable(True) for field in schema])  # a field that is dropped leaves NULLs
        target = self._existing(table)
        if target is None:
            store = catalog(self.settings)
            store.create_namespace_if_not_exists(self.namespace)
            location = self._location(table)
            return store.create_table(self._name(table), schema=schema, location=location, properties=PROPERTIES)
        widen(target, f"{self.source}.{table}", schema)
        if set(schema.names) - {field.name for field in target.schema().fields}:
            with target.update_schema() as update:
                update.union_by_name(schema)
        return target

    def _location(self, table: str) -> str:
        """Where a new table lies; each rebuild in a folder of its own, which stays when it takes the other's name."""
        root = self.settings.silver if self.settings.aws else Path(self.settings.silver).as_uri()
        own = f"{table}.{time.time_ns()}" if self.aside else table
        return f"{root}/{self.source}/{own}"

    def _refuse_moved(self, table: str) -> None:
        if place := moved_tables(self.source, self.settings).get(table):
            raise StoreError(
                f"the data folder {self.settings.data_dir} was moved or copied: silver's {self.source}.{table} was made as"
                f" {place}, and Iceberg's paths are absolute; run `python runner.py rebuild {self.source}`, which makes it"
                " again from landing"
            )


def held_loads(silver: Silver, table: str) -> set[str]:
    """The loads that silver has; of a table that is damaged, none: a rebuild makes it again."""
    from .files import SilverError

    try:
        return silver.loads(table)
    except SilverError:
        return set()

"""Silver on this machine's disk: every file is flushed before the one that names it, and a lost catalog is made again.

The order is Iceberg's own: data files, manifests, metadata, and last the catalog, which SQLite flushes itself.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyiceberg.exceptions import ValidationError
from pyiceberg.io import OutputStream
from pyiceberg.io.pyarrow import PyArrowFile, PyArrowFileIO

from settings import Settings
from warehouse import durable

from ..stores.pipelines import StoreError

if TYPE_CHECKING:
    from pyiceberg.catalog.sql import SqlCatalog

log = logging.getLogger(__name__)
_SQLITE = b"SQLite format 3\0"


class _Stream(io.BufferedWriter):
    """A file that is on disk, with its name, once it is closed."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        super().__init__(io.FileIO(path, "wb"), 2**20)

    def close(self) -> None:
        """Flush and close."""
        if not self.closed:
            self.flush()
            os.fsync(self.fileno())
            super().close()
            durable.flush_folders([self.path.parent])


class _File(PyArrowFile):
    def create(self, overwrite: bool = False) -> OutputStream:
        """Open the file for writing."""
        if not overwrite and self.exists():
            raise FileExistsError(f"Cannot create file, already exists: {self.location}")
        return _Stream(Path(self._path))


class DurableFileIO(PyArrowFileIO):
    """pyiceberg's files, flushed to disk."""

    def new_output(self, location: str) -> _File:
        """A file to be written."""
        scheme, netloc, path = self.parse_location(location, self.properties)
        return _File(fs=self.fs_by_scheme(scheme, netloc), location=location, path=path)


class SilverError(StoreError):
    """A file of silver is missing or damaged."""


@contextlib.contextmanager
def readable(source: str, table: str, settings: Settings) -> Iterator[None]:
    """Report a file of silver that is missing or damaged.

    Raises:
        SilverError: one is.
    """
    try:
        yield
    except (FileNotFoundError, ValueError, EOFError, ValidationError) as error:  # of Arrow, Avro and JSON
        folder = Path(settings.silver, source)
        empty = [] if settings.aws else [path for path in folder.glob(f"{table}*/*/*") if not path.stat().st_size]
        what = f"{min(empty)} is empty" if empty else str(error).splitlines()[0]
        raise SilverError(
            f"silver's {source}.{table} is damaged ({what}); `python runner.py rebuild {source}` rebuilds it from landing"
        ) from error


def is_lost(file: Path, silver: Path) -> bool:
    """Whether the catalog is not a database any more, or gone while tables are there."""
    if not file.exists() or not file.stat().st_size:
        return any(silver.glob("*/*/metadata/*.metadata.json"))
    with file.open("rb") as opened:
        return opened.read(len(_SQLITE)) != _SQLITE


def restore(catalog: SqlCatalog, silver: Path) -> None:
    """Register each table by the newest of its metadata that can be read."""
    for folder in sorted(silver.glob("*/*/metadata")):
        source, name = folder.parts[-3:-1]
        place = newest_metadata(folder)
        if place is None:
            continue
        table = name.split(".", 1)[0] + ("__rebuild" if "." in name else "")
        catalog.create_namespace_if_not_exists(source)
        if not catalog.table_exists(f"{source}.{table}"):
            catalog.register_table(f"{source}.{table}", place.as_uri())


def newest_metadata(folder: Path) -> Path | None:
    """The newest metadata of a table that can be read."""
    for path in sorted(folder.glob("*.metadata.json"), reverse=True):
        try:
            json.loads(path.read_bytes())
        except ValueError:
            log.warning("%s cannot be read; the version of the table before it is used", path)
        else:
            return path
    return None


def put_aside(file: Path) -> Any:
    """Rename a damaged file, so that it can be looked at."""
    if file.exists():
        file.replace(file.with_name(f"{file.name}.damaged-{secrets.token_hex(4)}"))

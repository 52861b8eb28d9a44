"""The Iceberg catalog of silver: SQLite beside the tables locally, Glue on AWS."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from settings import Settings

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

_lock = threading.Lock()
_made: dict[tuple[str, ...], Catalog] = {}
"""Glue catalogs, by what they were made of: the AWS SDK takes half a second of CPU to make a client."""


def catalog(settings: Settings) -> Catalog:
    """The Iceberg catalog of the target."""
    if settings.aws:
        asked = (
            settings.silver,
            settings.kms_key,
            *(f"{n}={v}" for n, v in os.environ.items() if n.startswith("AWS_")),
        )
        with _lock:
            if asked not in _made:
                _made[asked] = _glue(settings)
            return _made[asked]
    return _sqlite(settings)


def _glue(settings: Settings) -> Catalog:
    from pyiceberg.catalog.glue import GlueCatalog

    from foundation.aws import encryption

    keys = encryption(settings)
    properties = {
        "warehouse": settings.silver,
        "py-io-impl": "pyiceberg.io.fsspec.FsspecFileIO",  # s3fs, as everything else here: it sends these headers
        "s3.server-side-encryption": keys["ServerSideEncryption"],
        "s3.sse-kms-key-id": keys.get("SSEKMSKeyId"),
    }
    return GlueCatalog("silver", **{name: value for name, value in properties.items() if value})


def _sqlite(settings: Settings) -> Catalog:
    from pyiceberg.catalog.sql import SqlCatalog

    from . import files as silver_files

    folder = Path(settings.silver)
    folder.mkdir(parents=True, exist_ok=True)
    file, files = folder / "catalog.db", silver_files.DurableFileIO
    lost = silver_files.is_lost(file, folder)
    if lost:
        silver_files.put_aside(file)
    made = SqlCatalog(
        "silver",
        uri=f"sqlite:///{file}",
        warehouse=folder.as_uri(),
        **{"py-io-impl": f"{files.__module__}.{files.__name__}"},
    )
    if lost:
        silver_files.restore(made, folder)
    return made


def namespace(source: str, settings: Settings) -> str:
    """The Iceberg namespace of a source: in Glue, where names belong to the whole account, with the project's prefix."""
    return f"{settings.glue_prefix}{source}" if settings.aws else source


def moved(source: str, settings: Settings) -> dict[str, str]:
    """Of a source's tables those whose metadata the catalog expects outside of this folder, with that place. By the
    catalog's own table: pyiceberg cannot open what is not there.
    """
    import sqlite3

    file = Path(settings.silver, "catalog.db")
    if settings.aws or not file.exists():
        return {}
    asked = "SELECT table_name, metadata_location FROM iceberg_tables WHERE table_namespace = ?"
    with contextlib.closing(sqlite3.connect(file)) as con, contextlib.suppress(sqlite3.DatabaseError):
        here = f"{Path(settings.silver).as_uri()}/"
        return {table: place for table, place in con.execute(asked, [source]) if not place.startswith(here)}
    return {}

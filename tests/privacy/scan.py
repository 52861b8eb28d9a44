"""Every byte that a run left, unpacked: Parquet, DuckDB, SQLite, Avro, gzip and dlt's packed state are read, not only seen."""

from __future__ import annotations

import base64
import binascii
import gzip
import shutil
import sqlite3
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq


def places(markers: Iterable[str], folder: Path, sources: Iterable[str], said: str = "") -> list[str]:
    """Where a marker can be read outside the landing of `sources`, and in what was `said`: ``marker: place``."""
    return places_of_each([(markers, sources)], folder, said)


def places_of_each(wanted: Iterable[tuple[Iterable[str], Iterable[str]]], folder: Path, said: str = "") -> list[str]:
    """The same of several groups of markers, each with the sources in whose landing it may be: every file is unpacked once."""
    landing = folder / "lake" / "landing"
    groups = [
        ([(marker, marker.casefold().encode()) for marker in markers], [landing / source for source in sources])
        for markers, sources in wanted
    ]
    spoken = said.casefold().encode()
    found = [f"{marker}: said" for texts, _ in groups for marker, text in texts if text in spoken]
    for path in sorted(folder.rglob("*")):
        texts = [text for texts, allowed in groups if not any(map(path.is_relative_to, allowed)) for text in texts]
        if not texts:
            continue
        content = [str(path.relative_to(folder)).encode()]  # names are bytes, too
        if path.is_file():
            content += unpacked(path)
        whole = b"\0".join(content).lower()
        found += [f"{marker}: {path.relative_to(folder)}" for marker, text in texts if text in whole]
    return found


def unpacked(path: Path) -> Iterator[bytes]:
    """A file's bytes, and what they hold in packed form."""
    raw = path.read_bytes()
    yield raw
    if raw[:4] == b"PAR1":
        yield str(pq.read_table(path).to_pylist()).encode()
    elif raw[8:12] == b"DUCK":
        yield from _duckdb(path)
    elif raw[:15] == b"SQLite format 3":
        with sqlite3.connect(path) as con:
            yield "\n".join(con.iterdump()).encode()
    elif raw[:4] == b"Obj\x01":
        yield _avro(path)
    elif raw[:2] == b"\x1f\x8b":
        yield gzip.decompress(raw)


def _duckdb(path: Path) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copy(path.resolve(), Path(folder, "copy.duckdb"))  # it may be open
        with duckdb.connect(str(copy)) as con:
            tables = "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
            for schema, table in con.execute(tables).fetchall():
                rows = con.execute(f'SELECT * FROM "{schema}"."{table}"').fetchall()
                yield str(rows).encode()
                yield from (_state(cell) for row in rows for cell in row if isinstance(cell, str) and len(cell) > 40)


def _state(text: str) -> bytes:
    """dlt's state is packed text."""
    try:
        return zlib.decompress(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, zlib.error):
        return b""


def _avro(path: Path) -> bytes:
    """Iceberg's manifests: lists of files with the least and greatest value of each column."""
    from pyiceberg.avro.file import AvroFile
    from pyiceberg.io.pyarrow import PyArrowFileIO

    with AvroFile(PyArrowFileIO().new_input(path.as_uri())) as records:
        return str([[record[n] for n in range(len(record._data))] for record in records]).encode()

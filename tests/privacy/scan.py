"""Every byte that a run left, unpacked: Parquet, DuckDB, SQLite, Avro, gzip and dlt's packed state are read, not only seen."""

from __future__ import annotations

import base64
import binascii
import gzip
import shutil
import sqlite3
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq


def places(markers: Iterable[str], folder: Path, sources: Iterable[str], said: str = "") -> list[str]:
    """Where a marker can be read outside the landing of `sources`, and in what was `said`: ``marker: place``."""
    return places_of_each([(markers, sources)], folder, said)


def places_of_each(wanted: Iterable[tuple[Iterable[str], Iterable[str]]], folder: Path, said: str = "") -> list[str]:
    """The same of several groups of markers, each with the sources in whose landing it may be: every file is unpacked once."""
    landing = folder / "lake" / "landing"
    groups = [(Search(markers), [landing / source for source in sources]) for markers, sources in wanted]
    spoken = said.casefold().encode()
    found = [f"{marker}: said" for search, _ in groups for marker in search.found_in(spoken)]
    for path in sorted(folder.rglob("*")):
        searches = [search for search, allowed in groups if not any(map(path.is_relative_to, allowed))]
        if not searches:
            continue
        content = [str(path.relative_to(folder)).encode()]  # names are bytes, too
        if path.is_file():
            content += unpacked(path)
        whole = b"\0".join(content).lower()
        found += [f"{marker}: {path.relative_to(folder)}" for search in searches for marker in search.found_in(whole)]
    return found


class Search:
    """A search for many markers at once: those that are long are compared only where eight bytes of one of them are.

    Of each marker these are the eight that fewest others have: addresses begin, and mail addresses end, like many others.
    """

    WORD, TAKEN = 8, 2**22
    """Bytes of a marker that are looked for, and of a text that are taken at a time."""

    def __init__(self, markers: Iterable[str]) -> None:
        texts = [(marker, marker.casefold().encode()) for marker in markers]
        self._short = [(marker, text) for marker, text in texts if len(text) < self.WORD]
        self._long = [(marker, text) for marker, text in texts if len(text) >= self.WORD]
        parts = [[text[i : i + self.WORD] for i in range(len(text) - self.WORD + 1)] for _, text in self._long]
        common = Counter(part for found in parts for part in set(found))
        rarest = b"".join(min(found, key=common.__getitem__) for found in parts)
        self._words = np.unique(np.frombuffer(rarest, "<u8"))
        self._begins = np.zeros(2**16, bool)
        self._begins[self._words & 0xFFFF] = True

    def found_in(self, whole: bytes) -> list[str]:
        """The markers that a text holds."""
        texts = self._short + (self._long if self._may_be_in(whole) else [])
        return [marker for marker, text in texts if text in whole]

    def _may_be_in(self, whole: bytes) -> bool:
        for start in range(0, max(len(whole) - self.WORD + 1, 0), self.TAKEN):
            part = memoryview(whole)[start : start + self.TAKEN + self.WORD - 1]
            places = len(part) - self.WORD + 1
            begins = np.ndarray(places, "<u2", part, strides=(1,))
            words = np.ndarray(places, "<u8", part, strides=(1,))[self._begins[begins]]
            if np.isin(words, self._words).any():
                return True
        return False


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

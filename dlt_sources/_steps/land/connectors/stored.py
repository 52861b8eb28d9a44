"""Files of a folder or an object store, which can be listed: what is there now, and whether it is whole."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from glob import glob
from pathlib import Path
from typing import Any, BinaryIO

from ...declared.connections import FilesConnection
from ...declared.file_names import matches, place_of
from ...declared.source_error import SourceError, redact_url
from .candidate import STORES, Candidate
from .text_files import FileError

_TICK = 2.0
"""Seconds in which a file system may give two writes the same time."""


def list_stored(base: str, patterns: list[str], connection: FilesConnection) -> Iterator[Candidate]:
    """What a folder or object store holds now, in the order of the names."""
    if "://" not in base and not Path(base).is_dir():
        raise SourceError(
            f"{redact_url(base)} is not a directory; create it or fix the setting. The next run looks again"
        )
    listed = _of_store(base, patterns) if "://" in base else _of_folder(base, patterns)
    found = {name: uri for name, uri in listed if matches(patterns, name)}
    for name in sorted(found, key=lambda name: place_of(patterns, name)):
        yield stored_file(found[name], name, connection, base)


def _of_folder(base: str, patterns: list[str]) -> Iterator[tuple[str, str]]:
    """Names and paths. Not by dlt's source, which a link to nothing stops; pipes and folders are not files."""
    for pattern in patterns:
        for name in glob(pattern.replace("{month}", "*"), root_dir=base, recursive=True):  # noqa: PTH207 Path's own shows hidden files
            path = Path(base, name)
            if path.is_file() or path.is_symlink():
                yield name, str(path)


def _of_store(base: str, patterns: list[str]) -> Iterator[tuple[str, str]]:
    from dlt.sources.filesystem import filesystem

    for pattern in patterns:
        for item in filesystem(base, file_glob=pattern.replace("{month}", "*")):
            yield str(item["relative_path"]), str(item["file_url"])


def stored_file(uri: str, name: str, connection: FilesConnection, folder: str = "") -> Candidate:
    """A file of a folder or an object store.

    Args:
        folder: where it was found: a link may not lead out of it, to what those who fill it may not read themselves.
    """
    import fsspec

    if "://" in uri and ("::" in uri or not uri.startswith(STORES)):
        raise SourceError(f"{redact_url(uri)} is not a path, an s3:// address or an http(s):// address")
    fs, path = fsspec.core.url_to_fs(uri) if "://" in uri else (fsspec.filesystem("file"), os.path.abspath(uri))  # noqa: PTH100
    within = (
        Path(fs._strip_protocol(folder) if "://" in folder else folder) if folder and "file" in fs.protocol else None
    )
    strange = _strange(Path(path), within) if within else None

    def version() -> str:
        try:
            facts = fs.info(path)
        except FileNotFoundError:
            raise SourceError(f"{redact_url(uri)}: there is no such file") from None
        stamp = facts.get("ETag") or facts.get("LastModified")
        if stamp is None:  # a copy may keep the time of its original; what changes with every write is the inode's own
            stamp = f"{facts.get('mtime')}/{facts.get('created')}/{facts.get('ino')}"
        return f"{stamp}/{facts['size']}"

    def fetch(target: Path, known: str | None) -> str | None:
        if strange:
            raise FileError(strange)
        before = version()
        if int(before.rpartition("/")[2]) > connection.max_megabytes * 1e6:
            raise FileError(
                f"more than {connection.max_megabytes:g} MB; if that is right, raise `max_megabytes` in source.yml"
            )
        with fs.open(path, "rb") as source, target.open("wb") as copy:
            copy.writelines(_pieces(source, path))
        if version() != before:
            raise FileError("it changed while it was read; the next run reads it when it is whole")
        return "" if _is_fresh(fs.info(path)) else before

    now = None if strange else version()
    return Candidate(name, now, fetch, int(now.rpartition("/")[2]) if now else 0)


def _pieces(source: BinaryIO, path: str) -> Iterator[bytes]:
    """A source's file in pieces; a read that fails names it, so that it is not taken for a write of ours."""
    try:
        while piece := source.read(1 << 20):
            yield piece
    except OSError as error:
        error.filename = error.filename or path
        raise


def _is_fresh(facts: dict[str, Any]) -> bool:
    """Whether a file on this machine was written so lately that one more write might not show."""
    return "ino" in facts and time.time() - float(facts["created"]) < _TICK


def _strange(path: Path, folder: Path) -> str | None:
    """Why a file of the folder is not read, or None."""
    if not path.is_file():
        return "it is not a file"
    if not path.resolve().is_relative_to(folder.resolve()):
        return "it is a link to somewhere else; deliver the file itself"
    return None

"""CSV and Parquet files in a folder, an object store or behind HTTP: each version of a file is landed once, whole.

A file is known by its name, its version (what the store says of it) and the hash of its content. One that cannot be
read is refused with the reason and asked for again by the next run; the others go on.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from glob import glob
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import pyarrow.parquet as pq
import requests

from foundation.environment import ROOT, folder_of

from ..connections import FilesConnection
from ..file_names import is_monthly, matches, place_of
from ..http import session
from ..request import Request, expand
from ..source_error import Lasting, SourceError, asked, shown
from ..turn import LITTLE, MORE, Postponed, awaited, outside
from ..withdrawn import MARK
from .counted import Counted
from .tabular import as_parquet, emptied
from .text_files import FileError

_STORES = ("http://", "https://", "s3://", "file://")
_TICK = 2.0
"""Seconds in which a file system may give two writes the same time."""
_UNPACKED = 10
"""How much longer the rows of a packed file are, about."""
_NOT_PUBLISHED = (requests.codes.forbidden, requests.codes.not_found, requests.codes.gone)


class NotPublishedError(Exception):
    """The server does not have the file, or not yet."""


class PageError(FileError):
    """A web page came instead of the file."""


@dataclass
class Candidate:
    """A file that may be new. `fetch` writes it to a path and returns its version, empty where nothing proves that a later
    answer is the same; None: its version is the known one, which it gets if that proves something. `size` in bytes, 0 where
    nothing says it before.
    """

    name: str
    version: str | None
    fetch: Callable[[Path, str | None], str | None]
    size: int = 0


def read(request: Request, connection: FilesConnection, refused: list[str]) -> Generator[Path | Postponed]:
    """New and changed files, in the order of their names, each as a Parquet file of landed rows.

    Args:
        refused: gets a text for each file that cannot be read.
    """
    first, seen, left = 0, Counted(request), LITTLE
    memory = seen.memory
    for number, candidate in enumerate(awaited(lambda: candidates(request, connection))):
        known = memory.get(candidate.name, {})
        expected = candidate.version is None and not request.only  # over HTTP, where nothing lists what exists
        if seen.is_ignored(candidate.name, exists=not expected):
            continue
        if known and candidate.version is not None and candidate.version == known["version"]:
            seen.count(candidate.name)
            continue
        path, rows = request.work / "file", request.work / f"{request.name}.{number}.parquet"
        try:
            if request.ahead and _weight(candidate.name, candidate.size) > left:
                yield MORE
            with outside():
                version = candidate.fetch(path, _strong(known.get("version")))
            if version is None:
                seen.count(candidate.name)
                continue
            left -= _weight(candidate.name, path.stat().st_size)
            if request.ahead and left < 0:  # over HTTP nothing says how large it is
                yield MORE
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            same = digest == known.get("sha256")
            if not same or not (request.table.skip_if_unchanged or known.get(MARK)):
                now = request.read_at
                as_parquet(path, rows, candidate.name, request.contract, connection, now, first)
                if known and not pq.read_metadata(rows).num_rows:
                    emptied(rows, candidate.name, now, first)
                first += pq.read_metadata(rows).num_rows
                yield rows
        except NotPublishedError as error:
            seen.missing.append(candidate.name)
            if not is_monthly(request.table.files, candidate.name):
                refused.append(Lasting(f"{candidate.name}: the server {error}; check the address"))
            continue
        except FileError as error:
            seen.refuse(candidate.name)
            text = f"{candidate.name}: {error}"
            refused.append(Lasting(text) if isinstance(error, PageError) else text)
            continue
        memory[candidate.name] = {"version": version, "sha256": digest} | (
            {MARK: known[MARK]} if same and MARK in known else {}
        )
        seen.count(candidate.name)
    refused += seen.finish(
        whole=not request.only and request.since is None, listed=not _over_network(request, connection)
    )


def _weight(name: str, size: int) -> int:
    """Bytes of a file's rows as text, reckoned from its own."""
    return size * _UNPACKED if name.lower().endswith((".parquet", ".gz", ".xlsx")) else size


def _over_network(request: Request, connection: FilesConnection) -> bool:
    return _is_http(expand(connection.url, request.settings))


def _strong(version: str | None) -> str | None:
    """A remembered version, if it proves what it stands for; of HTTP an earlier release remembered dates and weak ETags, too."""
    return version if version and version.startswith('"') else None


def candidates(request: Request, connection: FilesConnection) -> Iterator[Candidate]:
    """The files that may be new, in the order in which they are read.

    Raises:
        SourceError: the folder, or a file that was asked for, is not there.
    """
    base = expand(connection.url, request.settings).rstrip("/")
    base = base if "://" in base else str(folder_of(base, ROOT))
    patterns = request.table.files
    if "://" in base and ("::" in base or not base.startswith(_STORES)):
        raise SourceError(
            f"{request.name}: {shown(base)} is neither a directory nor an s3:// or http(s):// address; fix the setting"
        )
    http = session(connection, request.settings, base, also=[uri for uri in request.only if _is_http(uri)])
    if request.only:
        for uri in (uri for uri in request.only if matches(patterns, uri)):
            name = uri.removeprefix(f"{base}/") if uri.startswith(f"{base}/") else PurePosixPath(uri).name
            if "://" not in uri and not Path(uri).exists():  # a name in the source's own folder
                uri, name = f"{base}/{uri}", uri
            yield _over_http(http, uri, name, request, connection) if _is_http(uri) else _stored(uri, name, connection)
    elif _is_http(base):
        yield from _expected(http, base, request, connection)
    else:
        yield from _listed(base, patterns, connection)


def _is_http(address: str) -> bool:
    return address.startswith(("http://", "https://"))


def _listed(base: str, patterns: list[str], connection: FilesConnection) -> Iterator[Candidate]:
    """What a folder or object store holds now, in the order of the names."""
    if "://" not in base and not Path(base).is_dir():
        raise SourceError(f"{shown(base)} is not a directory; create it or fix the setting. The next run looks again")
    listed = _of_store(base, patterns) if "://" in base else _of_folder(base, patterns)
    found = {name: uri for name, uri in listed if matches(patterns, name)}
    for name in sorted(found, key=lambda name: place_of(patterns, name)):
        yield _stored(found[name], name, connection, base)


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


def _stored(uri: str, name: str, connection: FilesConnection, folder: str = "") -> Candidate:
    """A file of a folder or an object store.

    Args:
        folder: where it was found: a link may not lead out of it, to what those who fill it may not read themselves.
    """
    import fsspec

    if "://" in uri and ("::" in uri or not uri.startswith(_STORES)):
        raise SourceError(f"{shown(uri)} is not a path, an s3:// address or an http(s):// address")
    fs, path = fsspec.core.url_to_fs(uri) if "://" in uri else (fsspec.filesystem("file"), os.path.abspath(uri))  # noqa: PTH100
    within = (
        Path(fs._strip_protocol(folder) if "://" in folder else folder) if folder and "file" in fs.protocol else None
    )
    strange = _strange(Path(path), within) if within else None

    def version() -> str:
        try:
            facts = fs.info(path)
        except FileNotFoundError:
            raise SourceError(f"{shown(uri)}: there is no such file") from None
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


def _expected(http: requests.Session, base: str, request: Request, connection: FilesConnection) -> Iterator[Candidate]:
    """Every file that may have been published: one per month from the table's `start` (or a backfill's) to `until`."""
    first, last = request.since or request.table.start, request.until
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month) if first else range(0)
    for pattern in request.table.files:
        if "{month}" in pattern and first is None:
            raise SourceError(f"{request.name}: `files` with {{month}} over HTTP needs `start` in source.yml")
    names = {
        pattern.replace("{month}", f"{month // 12}-{month % 12 + 1:02}")
        for pattern in request.table.files
        for month in (months if "{month}" in pattern else [0])
    }
    for name in sorted(names, key=lambda name: place_of(request.table.files, name)):
        yield _over_http(http, f"{base}/{name}", name, request, connection)


def _over_http(http: requests.Session, url: str, name: str, request: Request, connection: FilesConnection) -> Candidate:
    def fetch(target: Path, known: str | None) -> str | None:
        headers = {"If-None-Match": known} if known else {}
        try:
            with http.get(url, headers=headers, stream=True) as answer:
                version = _proof(answer)
                if answer.status_code == requests.codes.not_modified or (known and version == known):
                    return None
                if answer.headers.get("content-type", "").startswith("text/html"):
                    raise PageError(
                        "the server answers with a page, not a file: a login or an error; check the address"
                    )
                _save(answer, target)
                return version
        except SourceError as error:
            if error.status in _NOT_PUBLISHED and not request.only:
                raise NotPublishedError(f"answered {error.status}") from None
            raise

    return Candidate(name, None, fetch)


def _proof(answer: requests.Response) -> str:
    """What proves that the same answer has the same bytes: a strong ETag. Without one the content itself has to be compared: a
    date is the same for a second or longer, a length for any correction of a digit, a weak ETag for what somebody thought alike.
    """
    tag = str(answer.headers.get("etag") or "")
    return tag if tag.startswith('"') else ""


def _save(answer: requests.Response, target: Path) -> None:
    size = 0
    with target.open("wb") as file:
        for piece in answer.iter_content(1 << 20):
            size += file.write(piece)
    promised = answer.headers.get("content-length")
    if promised and "content-encoding" not in answer.headers and size != int(promised):
        raise SourceError(f"{asked(answer.url)}: {size} of {promised} bytes came; the next run asks again")

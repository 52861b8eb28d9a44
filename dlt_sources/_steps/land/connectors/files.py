"""CSV and Parquet files in a folder, an object store or behind HTTP: each version of a file is landed once, whole.

A file is known by its name, its version (what the store says of it) and the hash of its content. One that cannot be
read is refused with the reason and asked for again by the next run; the others go on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow.parquet as pq

from foundation.environment import ROOT, folder_of

from ...declared.connections import FilesConnection
from ...declared.file_names import is_monthly, matches
from ...declared.placeholders import expand
from ...declared.source_error import Lasting, SourceError, redact_url
from ...stores.withdrawn import MARK
from ...web.http import session
from ..request import Request
from ..turn import LITTLE, MORE, Postponed, await_pieces, leave_room
from .candidate import STORES, Candidate, NotPublishedError, PageError, is_http
from .counted import Counted
from .served import list_expected, served_file
from .stored import list_stored, stored_file
from .tabular import as_parquet, emptied
from .text_files import FileError

_UNPACKED = 10
"""How much longer the rows of a packed file are, about."""


def read(request: Request, connection: FilesConnection, refused: list[str]) -> Generator[Path | Postponed]:
    """New and changed files, in the order of their names, each as a Parquet file of landed rows.

    Args:
        refused: gets a text for each file that cannot be read.
    """
    seen, look = Counted(request), _Look(request, connection)
    memory = seen.memory
    for number, candidate in enumerate(await_pieces(lambda: candidates(request, connection))):
        known = memory.get(candidate.name, {})
        request.looked.add(candidate.name)
        expected = candidate.version is None and not request.only  # over HTTP, where nothing lists what exists
        if seen.is_ignored(candidate.name, exists=not expected):
            continue
        if known and candidate.version is not None and candidate.version == known["version"]:
            seen.count(candidate.name)
            continue
        try:
            found = yield from look.take(candidate, known, request.work / f"{request.name}.{number}.parquet")
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
        if found:
            memory[candidate.name] = found
        seen.count(candidate.name)
    refused += seen.finish(
        whole=not request.only and request.since is None, listed=not _over_network(request, connection)
    )


class _Look:
    """One look at the files of a table: numbers their rows, and reads no more than a little before the source's turn."""

    def __init__(self, request: Request, connection: FilesConnection) -> None:
        self.request, self.connection = request, connection
        self.first, self.left = 0, LITTLE

    def take(
        self, candidate: Candidate, known: dict[str, Any], rows: Path
    ) -> Generator[Path | Postponed, None, dict[str, Any] | None]:
        """Fetch a file, and yield its rows where it is not what is known of it; returns what to remember of it, None where its
        store says that it has not changed.

        Raises:
            NotPublishedError, FileError: there is none, or it cannot be read.
        """
        # another table of the source may be read while this one waits for its turn
        request, path = self.request, self.request.work / f"file.{self.request.name}"
        if request.ahead and _weight(candidate.name, candidate.size) > self.left:
            yield MORE
        with leave_room():
            version = candidate.fetch(path, _strong(known.get("version")))
        if version is None:
            return None
        self.left -= _weight(candidate.name, path.stat().st_size)
        if request.ahead and self.left < 0:  # over HTTP nothing says how large it is
            yield MORE
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        same = digest == known.get("sha256")
        if not same or not (request.table.skip_if_unchanged or known.get(MARK)):
            yield self._as_rows(path, candidate.name, rows, had_rows=bool(known))
        return {"version": version, "sha256": digest} | ({MARK: known[MARK]} if same and MARK in known else {})

    def _as_rows(self, path: Path, name: str, rows: Path, *, had_rows: bool) -> Path:
        now, memory = self.request.read_at, self.request.settings.memory
        as_parquet(path, rows, name, self.request.contract, self.connection, now, self.first, memory)
        if had_rows and not pq.read_metadata(rows).num_rows:
            emptied(rows, name, now, self.first, memory)
        self.first += pq.read_metadata(rows).num_rows
        return rows


def _weight(name: str, size: int) -> int:
    """Bytes of a file's rows as text, reckoned from its own."""
    return size * _UNPACKED if name.lower().endswith((".parquet", ".gz", ".xlsx")) else size


def _over_network(request: Request, connection: FilesConnection) -> bool:
    return is_http(expand(connection.url, request.settings))


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
    if "://" in base and ("::" in base or not base.startswith(STORES)):
        raise SourceError(
            f"{request.name}: {redact_url(base)} is neither a directory nor an s3:// or http(s):// address; fix the setting"
        )
    http = session(connection, request.settings, base, also=[uri for uri in request.only if is_http(uri)])
    if request.only:
        for uri in (uri for uri in request.only if matches(patterns, uri)):
            name = uri.removeprefix(f"{base}/") if uri.startswith(f"{base}/") else PurePosixPath(uri).name
            if "://" not in uri and not Path(uri).exists():  # a name in the source's own folder
                uri, name = f"{base}/{uri}", uri
            yield served_file(http, uri, name, request) if is_http(uri) else stored_file(uri, name, connection)
    elif is_http(base):
        yield from list_expected(http, base, request)
    else:
        yield from list_stored(base, patterns, connection)

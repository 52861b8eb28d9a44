"""A store that cannot be written, found behind whatever error a library made of it: a full disk, a folder that is read-only,
a file that another program has open. What is said of it quotes no row.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from errors import MillraceError

from .causes import causes

if TYPE_CHECKING:
    from settings import Settings

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FILES = {errno.EMFILE: "this process", errno.ENFILE: "this machine"}
_REFUSED = {
    errno.EROFS: "it is read-only",
    errno.EACCES: "this user may not write there",
    errno.EPERM: "this user may not write there",
}
_WORDS = {
    "no space left on device": errno.ENOSPC,
    "disk is full": errno.ENOSPC,
    "file or database is full": errno.ENOSPC,
    "disk quota exceeded": errno.EDQUOT,
    "too many open files": errno.EMFILE,
    "input/output error": errno.EIO,
    "read-only file system": errno.EROFS,
    "readonly database": errno.EACCES,
    "unable to open database file": errno.EACCES,
    "permission denied": errno.EACCES,
}
"""What libraries say that pass on no number: DuckDB, SQLite, and dlt of a job that failed."""
_SPEAK = {
    "builtins": {"OSError"},  # as pyarrow raises it
    "_duckdb": {"IOException", "OutOfMemoryException", "FatalException", "TransactionException", "InternalException"},
    "sqlite3": {"OperationalError"},
}
"""Whose text is believed; others, of a conversion or a server's answer, quote what came from a source."""
_PATH = re.compile(r"[\"'](/[^\"'\n]+)[\"']")
THEN = "what was committed before is untouched, and the next run goes on from there"


_settings: Settings | None = None
"""Those of the last look at the environment: where this program writes."""


def use(settings: Settings) -> None:
    """Name the places of these settings from now on."""
    global _settings
    _settings = settings


def explain(error: BaseException) -> str | None:
    """What is wrong with which folder of ours, how much is free and what to do next; None for any other error."""
    for cause in causes(error):
        if isinstance(cause, MillraceError) and cause.names_store:
            return str(cause)
    for cause in causes(error):
        number = _number(cause)
        if number is not None and (text := _describe(number, _path(cause), _settings)):
            return text
    return None


def readable(size: int | None) -> str:
    """A number of bytes for a person."""
    if size is None:
        return ""
    value, units = float(size), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:,.0f} {units[0]}" if units[0] in ("B", "kB") else f"{value:,.1f} {units[0]}"


def _number(cause: BaseException) -> int | None:
    """The system's number of an error that a store may have, as far as it or its text says."""
    if isinstance(cause, OSError) and cause.errno is not None:
        return cause.errno
    kind, said = type(cause), getattr(cause, "failed_message", "")  # dlt's, of a job that could not write
    if not said and kind.__name__ not in _SPEAK.get(kind.__module__, ()):
        return None
    text = f"{cause} {said}".lower()
    return next((number for words, number in _WORDS.items() if words in text), None)


def _path(cause: BaseException) -> Path | None:
    """The file that an error is about; of two the one that is written."""
    for name in (getattr(cause, "filename2", None), getattr(cause, "filename", None)):
        if isinstance(name, str | bytes | os.PathLike) and Path(os.fsdecode(name)).is_absolute():
            return Path(os.fsdecode(name))
    found = _PATH.search(f"{cause} {getattr(cause, 'failed_message', '')}")
    return Path(found[1]) if found else None


def _describe(number: int, path: Path | None, settings: Settings | None) -> str | None:
    if number in _FILES:
        return f"too many files are open in {_FILES[number]}; raise the limit (`ulimit -n`) and run again; {THEN}"
    places = list(_places(settings))
    if number in _FULL:
        folder = _full(path, places)
        usage = shutil.disk_usage(folder)
        free = f"{readable(usage.free)} of {readable(usage.total)} free"
        return f"{folder}: {os.strerror(number)} ({free}); free some space there, or set {_setting(folder, places)} to another folder; {THEN}"
    if number == errno.EIO and path is None:  # of a write to an open file; who reads a source's file names it
        disks = " or ".join(str(folder) for folder in dict.fromkeys((places[0], Path(tempfile.gettempdir()))))
        free = readable(shutil.disk_usage(_nearest(places[0])).free)
        return f"{disks}: {os.strerror(number)} ({free} free); look at that disk (`dmesg` may say more); {THEN}"
    if number not in (*_REFUSED, errno.EIO):
        return None
    if path is None:  # the catalog of silver, and others who name no file
        path = next((place for place in places if place.exists() and not os.access(place, os.W_OK)), None)
    if path is None or not _is_ours(path, places):
        return None  # a file of a source, say
    free, setting = readable(shutil.disk_usage(_nearest(path)).free), _setting(path, places)
    if number == errno.EIO:
        why = f"{os.strerror(number)} ({free} free); look at that disk (`dmesg` may say more)"
    else:
        why = f"{_REFUSED[number]} ({free} free); make it writable for this user"
    return f"{path}: {why}, or set {setting} to another folder; {THEN}"


def _is_ours(path: Path, places: list[Path]) -> bool:
    """Whether this program writes there. Below the data folder and the temporary one there may be files of a source, too."""
    mixed = [place for place in places if place in (places[0], Path(tempfile.gettempdir()))]
    if any(place in path.parents for place in places if place not in mixed):
        return True
    return path in places or path.parent in mixed or path in places[0].parents


def _places(settings: Settings | None) -> Iterator[Path]:
    """Where this program writes, the data folder first."""
    if settings is not None:
        yield settings.data
        if not settings.aws:
            yield from (Path(settings.landing), Path(settings.silver), settings.data / "serving")
        yield from (settings.dlt, settings.data / "sqlmesh_cache", settings.data / "logs")
    yield Path(tempfile.gettempdir())


def _full(path: Path | None, places: list[Path]) -> Path:
    """The place that a file is in; where none is named that with the least space."""
    if path is not None:
        return max((p for p in places if p in path.parents), key=lambda p: len(p.parts), default=_nearest(path))
    return min((place for place in places if place.is_dir()), key=lambda place: shutil.disk_usage(place).free)


def _nearest(path: Path) -> Path:
    """The folder that a path is in, or would be."""
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def _setting(path: Path, places: list[Path]) -> str:
    """What moves a place of ours. One of the data folder and the temporary one may be in the other."""
    temporary = Path(tempfile.gettempdir())
    around = [place for place in {*places[:1], temporary} if place in (path, *path.parents)]
    return "TMPDIR" if max(around, key=lambda place: len(place.parts), default=None) == temporary else "ELT_DATA_DIR"

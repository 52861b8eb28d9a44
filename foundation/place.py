"""A data folder of any name, under a name that every tool takes.

DuckDB takes `[` and `*` for patterns; Iceberg's, dlt's and SQLAlchemy's paths are addresses, each escaped differently. So where
a folder's path is not plain, all work with a link to it.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from errors import ExitCode, MillraceError

_PLAIN = re.compile(r"[A-Za-z0-9_./-]+")
_LINKS = Path("/tmp")  # noqa: S108 (not TMPDIR, which cron and a shell may have different: Iceberg keeps the path)


class PlaceError(MillraceError):
    """The data folder cannot be used as it is."""

    exit_code = ExitCode.STORE


@contextmanager
def owner_only() -> Iterator[None]:
    """Let the files and folders that this process makes while the block runs be its user's alone, whatever the shell's umask:
    DuckDB makes a new write-ahead log at each checkpoint, and there may be personal fields in it.
    """
    before = os.umask(0o077)
    os.umask(before | 0o077)
    try:
        yield
    finally:
        os.umask(before)


def plain(folder: Path) -> Path:
    """The folder itself when its path is plain, else a link to it, which only this user can change.

    Args:
        folder: absolute. Made when it needs a link, which must lead somewhere.

    Raises:
        PlaceError: a link cannot be made. OSError: nor the folder.
    """
    if _PLAIN.fullmatch(str(folder)):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    real = folder.resolve()
    if _PLAIN.fullmatch(str(real)):
        return real
    links = (_LINKS if _LINKS.is_dir() else Path(tempfile.gettempdir())) / f"millrace-{os.getuid()}"
    links.mkdir(mode=0o700, exist_ok=True)
    found = links.lstat()
    if links.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise PlaceError(
            f"{links} is not this user's alone, and the name of {folder} needs a link in there: remove it, or move the data"
            " to a folder whose path has only letters, digits, `.`, `_` and `-`"
        )
    link = links / hashlib.sha256(os.fsencode(real)).hexdigest()[:16]
    if not link.is_symlink() or link.readlink() != real:
        fresh = links / f"{link.name}.{os.getpid()}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(real)
        fresh.replace(link)
    return link

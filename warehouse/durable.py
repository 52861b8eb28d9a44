"""Files that survive a loss of power: what names others is flushed to disk after them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def flush(paths: Iterable[Path]) -> None:
    """Flush files to disk, and with them the folders that name them.

    Raises:
        OSError: one is missing or could not be written.
    """
    folders: dict[Path, None] = {}
    for path in paths:
        _flush(path)
        folders[path.parent] = None
    flush_folders(folders)


def flush_folders(folders: Iterable[Path]) -> None:
    """Flush the names in folders to disk."""
    for folder in folders:
        _flush(folder)


def write(path: Path, text: str, mode: int = 0o666) -> None:
    """Write a file so that there is the old one or the new one at any moment, whole and on disk.

    There is one writer to a folder: what one that was killed has left is written over by the next.

    Args:
        mode: who may do what with it, less what the umask forbids.

    Raises:
        OSError: it could not be written; the old one is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.parent / ".unfinished"
    try:
        draft.unlink(missing_ok=True)  # it may have another mode
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _flush(path.parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""The shim between commands and the C library, compiled where there is a compiler; and what a power loss leaves of files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tests.flushes import compile_library

State = dict[int, tuple[int, int]]
"""Per inode: size and time."""


def build(folder: Path) -> Path | None:
    """Compile it; None where that cannot be done. Loaded into a process, it does nothing without its names in the environment."""
    return compile_library(Path(__file__).with_suffix(".c"), folder)


def state(folder: Path) -> State:
    """What every file is like."""
    return {inode: known for _, inode, known in _files(folder)}


def lose_power(folder: Path, before: State, flushed: Path) -> int:
    """Cut every file that was changed since to what of it was flushed; returns how many were cut.

    Names stay as they are: a folder that was not flushed keeps its newest ones.
    """
    lines = flushed.read_text().splitlines() if flushed.exists() else []
    sizes = {int(inode): int(size) for inode, size in (line.split() for line in lines)}
    cut = 0
    for path, inode, known in _files(folder):
        safe = sizes.get(inode, before.get(inode, (0, 0))[0])
        if before.get(inode) != known and safe < known[0]:
            os.truncate(path, safe)
            cut += 1
    return cut


def _files(folder: Path) -> Iterator[tuple[Path, int, tuple[int, int]]]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            found = path.stat()
            yield path, found.st_ino, (found.st_size, found.st_mtime_ns)

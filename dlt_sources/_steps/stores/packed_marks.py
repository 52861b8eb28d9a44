"""The marks of old loads in a lake folder, packed: the lines of `PACK` of them in one file that is named after the newest."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path

from warehouse import durable

PACK = 1_000
"""Marks of loads that are packed into one file; `UNPACKED` of the newest stay as dlt wrote them."""
UNPACKED = 100
PACKED = ".packed.jsonl"
"""How the name of a file of packed marks ends."""
SINGLE = r"__([0-9.]+)\.jsonl$"
"""The load in the name of a mark as dlt wrote it."""


def pack_marks(folder: Path, source: str, *, whole: bool) -> int:
    """Put marks of old loads together, `PACK` in a file, where there are so many; returns how many files are gone.

    Args:
        whole: look also for marks that a pack which was cut short has left; of few marks only their names are read.
    """
    singles = {path: match[1] for path in folder.iterdir() if (match := re.search(SINGLE, path.name))}
    if len(singles) < PACK + UNPACKED and not whole:
        return 0
    packed = {load for path in packs(folder) for load in packed_loads(path)}
    left = [path for path, load in singles.items() if load in packed]
    for path in left:
        path.unlink()
    whole_marks = [path for path in singles if path not in left and _is_whole(path)]
    ordered, gone = sorted(whole_marks, key=lambda path: float(singles[path])), len(left)
    while len(ordered) >= PACK + UNPACKED:
        together, ordered = ordered[:PACK], ordered[PACK:]
        _pack(together, folder / f"{source}__{singles[together[-1]]}{PACKED}")
        gone += len(together)
    return gone


def packs(folder: Path) -> list[Path]:
    """The files of a folder of marks that hold packed ones."""
    return sorted(folder.glob(f"*{PACKED}"))


def packed_loads(path: Path) -> list[str]:
    """The loads whose marks are in a file."""
    return [str(json.loads(line)["load_id"]) for line in path.read_text(encoding="utf-8").splitlines()]


def _is_whole(mark: Path) -> bool:
    """Whether a mark can be packed: one that is damaged stays as it is, and its name still counts."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return bool(json.loads(mark.read_text(encoding="utf-8"))["load_id"])
    return False


def _pack(marks: list[Path], pack: Path) -> None:
    """Put marks together: the pack is whole, and on the disk, before one of them goes."""
    lines = [json.dumps(json.loads(path.read_text(encoding="utf-8"))) for path in marks]
    durable.write(pack, "\n".join(lines) + "\n")
    for path in marks:
        path.unlink()

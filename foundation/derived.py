"""Write derived files, or say which of them differ from what they are derived from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .environment import ROOT


def write_all(files: Iterable[tuple[Path, str]], *, check: bool) -> int:
    """Write the files that differ, or with `check` only name them; returns how many do.

    Args:
        files: (path, content) of each.
    """
    differing = 0
    for path, content in files:
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            differing += 1
            print(f"{'differs' if check else 'wrote'}: {path.relative_to(ROOT)}")
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content, encoding="utf-8")
    return differing


def remove_others(folder: Path, kept: Iterable[Path], *, check: bool) -> int:
    """Remove the pages of a folder that nothing is written to any more, or with `check` only name them; returns how many."""
    left = sorted(set(folder.glob("*.md")) - set(kept))
    for path in left:
        print(f"{'differs' if check else 'removed'}: {path.relative_to(ROOT)}: what it describes is gone")
        if not check:
            path.unlink()
    return len(left)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Lines of a Markdown table."""
    names = list(head)
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    return [
        f"| {' | '.join(names)} |",
        f"|{'---|' * len(names)}",
        *(f"| {' | '.join(row)} |".replace("|  |", "| |") for row in cells),
    ]

"""A folder that is full, or that nobody may write to: by mounts, which only root may do."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

BLOCK = 4096
ROOM = "1g"
_mounted: list[Path] = []


def limit(folder: Path, free: int) -> None:
    """Put a folder, with what is in it, on a file system that has so many bytes left."""
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f"{folder.name}.aside")
    shutil.copytree(folder, aside, symlinks=True)
    used = sum(-(-path.lstat().st_size // BLOCK) * BLOCK for path in aside.rglob("*") if not path.is_symlink())
    _mount("-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", folder)
    shutil.copytree(aside, folder, symlinks=True, dirs_exist_ok=True)
    shutil.rmtree(aside)
    used = max(used, _used(folder))
    _run("mount", "-o", f"remount,size={-(-(used + free) // BLOCK) * BLOCK}", str(folder))


def forbid(folder: Path) -> None:
    """Let nobody write to a folder; files that are open stay so."""
    folder.mkdir(parents=True, exist_ok=True)  # a strike before may have lost it
    _mount("--bind", folder, folder)
    _run("mount", "-o", "remount,bind,ro", str(folder))


def lift() -> None:
    """Give room, and let everybody write again."""
    for folder in _mounted:
        kind = subprocess.run(["findmnt", "-n", "-o", "FSTYPE", str(folder)], capture_output=True, text=True)
        if kind.stdout.strip() == "tmpfs" and _is_own(folder):
            _run("mount", "-o", f"remount,size={ROOM}", str(folder))
        else:
            _run("mount", "-o", "remount,bind,rw", str(folder))


def clear() -> None:
    """Unmount everything; what was written stays in the folders."""
    while _mounted:
        folder = _mounted.pop()
        own = _is_own(folder)
        aside = folder.with_name(f"{folder.name}.aside")
        if own:
            shutil.copytree(folder, aside, symlinks=True)
        _run("umount", "-l", str(folder))
        if own:
            shutil.rmtree(folder)
            aside.rename(folder)


def _is_own(folder: Path) -> bool:
    """Whether a file system of its own is mounted, and not the folder itself."""
    return folder.stat().st_dev != folder.parent.stat().st_dev


def _used(folder: Path) -> int:
    found = shutil.disk_usage(folder)
    return found.used


def _mount(*words: str | Path) -> None:
    _run("mount", *map(str, words))
    _mounted.append(Path(words[-1]))


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"

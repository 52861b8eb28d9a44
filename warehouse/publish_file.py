"""Publish on a laptop: gold as one file of its own that dashboards read, switched whole.

``serving.duckdb`` is a link to ``serving/<version>/serving.duckdb``. A publish copies the version before, brings the
domains that were rebuilt up to date (`copy_file`) and switches the link in one step: a reader sees the old file or the new one, never half of
one, and a reader that keeps the old file open holds nobody up (the last two versions stay). Nobody may write a version: a
client that opens one for writing would lock all readers out, and is refused (only root is not). DuckDB names a catalog after
the file that a link leads to, so every version is a file of the same name: to clients the catalog is always `serving`.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from . import durable
from .connection import Connection, connect
from .copy_file import copy_domain
from .published import Published, note_run, read_built, read_known, remember
from .quote import identifier, literal

if TYPE_CHECKING:
    from settings import Settings

KEEP = 2
VERSION = "[0-9]" * 20
"""A version's name as a glob: what has other names beside the versions is somebody else's."""


def publish(
    domains: Collection[str], settings: Settings, held: Collection[str], run_id: str, slices: Mapping[str, str]
) -> Published:
    """See `warehouse.publish.publish`."""
    versions = settings.data / "serving"
    versions.mkdir(parents=True, exist_ok=True)
    remove_old(settings)
    version = versions / f"{max(time.time_ns(), _newest(versions) + 1):020d}"
    unfinished = version.with_suffix(".new")
    unfinished.mkdir()
    for folder in (versions, unfinished):
        folder.chmod(0o755)  # who may enter the data folder may read what was published
    draft = unfinished / settings.serving.name
    with connect(settings) as con:
        found, damaged = _begin(con, draft, settings.serving, versions)
        known = read_known(con)
        lost = (known if damaged else known - found) - set(domains)
        restored = (lost & read_built(con)) - set(held)
        rows = {domain: copy_domain(con, domain, slices) for domain in sorted({*domains, *restored})}
        served = _schemas(con)
        con.execute("USE serving")
        note_run(con, run_id)
        con.execute(f"USE {identifier(settings.warehouse.stem)}")
        con.execute("CHECKPOINT serving")
        con.execute("DETACH serving")
        draft.chmod(0o444)
        _sync(draft)
        unfinished.rename(version)
        _switch(settings.serving, version / draft.name)
        missing = (lost & set(held)) - served
        remember(con, served | missing)
    remove_old(settings)
    return Published({domain: rows[domain] for domain in sorted(domains)}, sorted(restored), sorted(missing), damaged)


def _begin(con: Connection, draft: Path, link: Path, versions: Path) -> tuple[set[str], str]:
    """Attach, as `serving`, a copy of what dashboards read; of the newest version that is whole where that is gone or damaged.

    Returns:
        The domains in it; and what was damaged, empty when nothing was.
    """
    damaged = ""
    newest = [link, *(path / link.name if path.is_dir() else path for path in reversed(_versions(versions)))]
    for source in newest:
        if source.exists() and source.stat().st_size:
            shutil.copyfile(source, draft)  # follows the link
            if _attach(con, draft):
                break
            draft.unlink()
        if source == link and (link.is_symlink() or read_known(con)):
            damaged = f"{link} ({link.readlink() if link.is_symlink() else 'gone'})"
    else:
        con.execute(f"ATTACH {literal(draft)} AS serving")
    return _schemas(con), damaged


def _attach(con: Connection, draft: Path) -> bool:
    """Attach a version and read its tables' names; False where it is damaged."""
    import duckdb

    try:
        con.execute(f"ATTACH {literal(draft)} AS serving")
    except duckdb.Error:
        return False
    try:
        _schemas(con)
    except duckdb.Error:
        con.execute("DETACH serving")
        return False
    return True


def _schemas(con: Connection) -> set[str]:
    query = "SELECT DISTINCT table_schema FROM information_schema.tables WHERE table_catalog = 'serving'"
    return {str(name) for (name,) in con.execute(query).fetchall()}


def remove_old(settings: Settings) -> int:
    """Remove what a killed publish left, and versions that nobody reads any more; returns how many. The one that readers
    are sent to stays, whichever it is.
    """
    versions = settings.data / "serving"
    used = settings.serving.resolve().parent if settings.serving.exists() else None
    old = [path for path in _versions(versions)[:-KEEP] if used not in (path, path.parent)]
    gone = [*versions.glob(f"{VERSION}.new*"), *old]
    for path in gone:
        _remove(path)
    return len(gone)


def _versions(folder: Path) -> list[Path]:
    """The versions, oldest first: folders, and files that were named by their version before there were folders."""
    found = [*folder.glob(VERSION), *folder.glob(f"{VERSION}.duckdb")]
    return sorted(found, key=lambda path: path.stem)


def _newest(versions: Path) -> int:
    """The number of the newest version: the next one is greater, whatever the clock says, or it would be removed first."""
    return max((int(path.stem) for path in _versions(versions)), default=0)


def _remove(version: Path) -> None:
    if version.is_dir():
        shutil.rmtree(version)
    else:
        version.unlink()


def _sync(path: Path) -> None:
    durable.flush([path])


def _switch(link: Path, target: Path) -> None:
    """Point the link at the target in one atomic step; the link is relative, so the data folder can be moved."""
    fresh = link.with_suffix(".link")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target.relative_to(link.parent))
    durable.flush_folders([target.parent.parent])  # where it got its name
    fresh.replace(link)
    durable.flush_folders([link.parent])

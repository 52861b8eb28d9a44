"""Publish on a laptop: gold as one file of its own that dashboards read, switched whole.

``serving.duckdb`` is a link to ``serving/<version>/serving.duckdb``. A publish copies the version before, replaces the
domains that were built anew and switches the link in one step: a reader sees the old file or the new one, never half of
one, and a reader that keeps the old file open holds nobody up (the last two versions stay). DuckDB names a catalog after
the file that a link leads to, so every version is a file of the same name: to clients the catalog is always `serving`.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from .connection import Connection, connect
from .quote import identifier, literal

if TYPE_CHECKING:
    from settings import Settings

KEEP = 2
VERSION = "[0-9]" * 20
"""A version's name as a glob: what has other names beside the versions is somebody else's."""


def publish(domains: Collection[str], settings: Settings) -> dict[str, int]:
    """Make what dashboards read hold the warehouse's present content of `domains`; the other domains stay as they were.

    Args:
        domains: gold schemas of the warehouse, all of whose checks have passed.

    Returns:
        Rows per published domain.
    """
    versions = settings.data / "serving"
    versions.mkdir(parents=True, exist_ok=True)
    remove_old(settings)
    version = versions / f"{max(time.time_ns(), _newest(versions) + 1):020d}"
    unfinished = version.with_suffix(".new")
    unfinished.mkdir()
    draft = unfinished / settings.serving.name
    if settings.serving.exists():
        shutil.copyfile(settings.serving, draft)  # follows the link
    with connect(settings) as con:
        con.execute(f"ATTACH {literal(draft)} AS serving")
        rows = {domain: _copy(con, domain) for domain in sorted(domains)}
        con.execute("CHECKPOINT serving")
        con.execute("DETACH serving")
    _sync(draft)
    unfinished.rename(version)
    _switch(settings.serving, version / draft.name)
    remove_old(settings)
    return rows


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


def _copy(con: Connection, domain: str) -> int:
    tables = con.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_catalog = current_database() AND table_schema = ?"
        " ORDER BY 1",
        [domain],
    ).fetchall()
    schema = identifier(domain)
    con.execute(f"DROP SCHEMA IF EXISTS serving.{schema} CASCADE")
    con.execute(f"CREATE SCHEMA serving.{schema}")
    rows = 0
    for (table,) in tables:
        name = f"{schema}.{identifier(table)}"
        rows += con.execute(f"CREATE TABLE serving.{name} AS SELECT * FROM {name}").fetchall()[0][0]
    return rows


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _switch(link: Path, target: Path) -> None:
    """Point the link at the target in one atomic step; the link is relative, so the data folder can be moved."""
    fresh = link.with_suffix(".link")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target.relative_to(link.parent))
    fresh.replace(link)

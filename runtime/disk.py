"""How much disk each place of the pipeline uses, for `status`: found out cheaply, and without a lock."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from settings import Settings

MOST = 200_000
"""Files that are looked at in a place: of more it is said that there is more."""


def used(settings: Settings, sources: Iterable[str]) -> list[dict[str, Any]]:
    """Per place: ``place``, ``files``, ``bytes`` and a ``note`` where these are not the whole; None: not measured here.

    On AWS the lake is not walked: what silver's tables hold is in their own metadata, and a bucket's size in its metrics.

    Args:
        sources: whose tables silver may have.
    """
    data = settings.data
    places = {
        "warehouse": [settings.warehouse, Path(f"{settings.warehouse}.wal")],
        "serving": [data / "serving"],
        "state": [settings.state, Path(f"{settings.state}.wal"), data / "sqlmesh_cache"],
        "dlt": [settings.dlt],
        "logs": [data / "logs"],
    }
    if settings.aws:
        elsewhere = {
            "landing": f"in {settings.landing}; its size is in the bucket's metrics (CloudWatch BucketSizeBytes, S3 Storage Lens)",
            "warehouse": "in Redshift; `SELECT sum(size) FROM svv_table_info` counts its blocks of 1 MB",
            "serving": f"in Redshift's database {settings.redshift_serving}",
            "state": "in the state's Postgres",
        }
        lake = [_silver_on_aws(sources, settings)]
        lake += [{"place": name, "files": None, "bytes": None, "note": note} for name, note in elsewhere.items()]
        return lake + [_measured(name, places[name]) for name in ("dlt", "logs")]
    lake_places = {"landing": [Path(settings.landing)], "silver": [Path(settings.silver)]}
    return [_measured(name, paths) for name, paths in (lake_places | places).items()]


def _measured(name: str, paths: list[Path]) -> dict[str, Any]:
    files = size = 0
    for path in paths:
        for found in _files(path):
            if files == MOST:
                return {"place": name, "files": files, "bytes": size, "note": f"more than these {MOST:,} files"}
            files, size = files + 1, size + found
    return {"place": name, "files": files, "bytes": size, "note": ""}


def _files(place: Path) -> Iterator[int]:
    """The bytes on the disk of each file; one that goes while it is looked for counts as gone."""
    try:
        if not place.is_dir():
            yield _on_disk(place.lstat())
            return
        with os.scandir(place) as found:
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    yield from _files(Path(entry.path))
                else:
                    yield _on_disk(entry.stat(follow_symlinks=False))
    except OSError:
        return


def _on_disk(about: os.stat_result) -> int:
    """What a file takes: a short one a whole block. Windows does not say."""
    return int(getattr(about, "st_blocks", 0)) * 512 or about.st_size


def _silver_on_aws(sources: Iterable[str], settings: Settings) -> dict[str, Any]:
    """What the newest snapshots of silver's tables hold, by their own count."""
    from dlt_sources.door import silver_size

    try:
        files, size = silver_size(sources, settings)
    except Exception as error:  # whatever it is, the rest of the status is worth knowing
        return {"place": "silver", "files": None, "bytes": None, "note": f"not known: {type(error).__name__}"}
    return {"place": "silver", "files": files, "bytes": size, "note": "rows of the newest snapshots"}

"""What a source keeps beside its rows, kept small: a bounded piece of it at the end of a refine, all of it by `maintain`.

Nothing here takes a row away or changes one. It can be killed anywhere: what is half done is done by the next call.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from settings import Settings

from ..declared.declaration import Source
from ..declared.redact import has_private
from ..declared.source_error import without_values
from ..silver.catalog import catalog, namespace
from ..silver.silver import Silver
from ..stores.lake import Landing
from ..stores.pipelines import quiet_about

LEFT = 3600.0
"""Seconds after which what a killed run left in a source's workplace is removed."""


def keep_small(source: Source, settings: Settings) -> list[str]:
    """Do what is due, a bounded piece of work; what goes wrong is noted, as the rows are where they belong.

    Returns:
        Notes for a person.
    """
    notes: list[str] = []
    silver = Silver(source.name, settings)
    for name in source.tables:
        with _noted(f"silver's {source.name}.{name} could not be compacted", notes):
            silver.tidy(name)
    with _noted(f"{source.name}: the marks of its old loads could not be packed", notes):
        Landing(source.name, settings).pack()
    with _noted(f"{source.name}: what was read ahead and nobody lands could not be removed", notes):
        _remove_dead_ranges(source, settings)
    return notes


def maintain(source: Source, settings: Settings) -> Counter[str]:
    """Do all of it; returns how many things were compacted, packed and removed.

    Raises:
        StoreError: the lake could not be written.
    """
    with quiet_about(source.name, has_private(source.contracts.values())):
        silver, done = Silver(source.name, settings), Counter[str]()
        for name in silver.tables():
            done += silver.tidy(name, whole=True)
        silver.remove_orphans()
        done["load marks packed"] += Landing(source.name, settings).pack(whole=True)
        done["leftovers removed"] += _remove_leftovers(source, settings)
        _remove_dead_ranges(source, settings)
        return +done


def silver_size(sources: Iterable[str], settings: Settings) -> tuple[int, int]:
    """(files, bytes) of the rows in the newest snapshots of sources' tables, as the snapshots themselves count them."""
    store, files, size = catalog(settings), 0, 0
    for source in sources:
        for table in Silver(source, settings).tables():
            newest = store.load_table(f"{namespace(source, settings)}.{table}").current_snapshot()
            if newest and newest.summary:
                files += int(newest.summary["total-data-files"] or 0)
                size += int(newest.summary["total-files-size"] or 0)
    return files, size


def _remove_leftovers(source: Source, settings: Settings) -> int:
    """Remove what killed runs left on their way; dlt's own folder stays: what is pending there is loaded by the next run."""
    work, removed = settings.workplace(source.name), 0
    for path in work.iterdir() if work.exists() else ():
        if path.name != "dlt" and path.stat().st_mtime < time.time() - LEFT:
            shutil.rmtree(path, ignore_errors=True)
            path.unlink(missing_ok=True) if path.is_file() else None
            removed += 1
    return removed


def _remove_dead_ranges(source: Source, settings: Settings) -> None:
    """Remove what was read ahead for backfills that have ended: raw rows, as in a workplace."""
    if not settings.aws and Path(settings.landing, source.name, "_ahead").is_dir():
        from ..stores.ranges import remove_dead

        remove_dead(source.name, settings)


@contextlib.contextmanager
def _noted(what: str, notes: list[str]) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        notes.append(
            f"{what} ({without_values(error)}); no row is missing, and the next run tries again. If that goes on,"
            " `python runner.py maintain` shows more"
        )

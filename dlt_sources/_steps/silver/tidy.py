"""Keep an Iceberg table small: few files, few snapshots, and nothing in its folder that neither needs.

Each commit adds a data file, a manifest, a list of all manifests and a description of all snapshots: left alone, a table
grows with the square of its commits. So now and then small files become larger ones, old snapshots expire, and files that
no snapshot needs are removed. Each step is one commit, or removes only what no commit names; killed anywhere, the table
has the same rows, and the next time goes on.

The newest `KEPT` snapshots stay, with their files: who reads one of these is not disturbed.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from pyiceberg.table import FileScanTask, Table
    from pyiceberg.table.snapshots import Snapshot

PROPERTIES = {
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "20",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "10",
}
"""Of every table: what pyiceberg itself keeps small at each commit."""
KEPT = 20
"""Snapshots that stay."""
DUE = 2 * KEPT
"""Snapshots from which on a table is tidied by a run."""
TOGETHER = 16
"""Files of a like number of rows that become one: a table of n rows has at most about log(n) times as many."""
FULL = 16 * 2**20
"""Bytes from which on a file is large enough."""
AT_ONCE = 128 * 2**20
"""Bytes of files that a commit puts together."""
MOST_FILES = 500
"""Files that a commit puts together."""
MOST_REMOVED = 5_000
"""Files that a run removes; the others are left for the next."""
READ_EXPIRED = 100
"""Expired snapshots that are looked into for files to remove at once; of more, files go when they are `GRACE` old."""
GRACE = 3600.0
"""Seconds for which a file that no snapshot ever named is left alone."""


def tidy(table: Table, fs: Any, *, whole: bool = False) -> Counter[str]:
    """Keep a table small, where that is due; a bounded piece of work.

    Args:
        fs: the lake's file system.
        whole: whether it is due or not, and as often as there is something to do.

    Returns:
        How many ``files compacted``, ``snapshots expired`` and ``files removed``.
    """
    done: Counter[str] = Counter()
    if not whole and len(table.metadata.snapshots) <= DUE:
        return done
    if missing := {name: value for name, value in PROPERTIES.items() if table.properties.get(name) != value}:
        with table.transaction() as transaction:
            transaction.set_properties(missing)
    while small := _small_files(table):
        _compact(table, small)
        done["files compacted"] += len(small)
        if not whole:
            break
    expired = _expire(table)
    done["snapshots expired"] = len(expired)
    removable = _named(table, expired) if len(expired) <= READ_EXPIRED else set()
    done["files removed"] = _remove(table, fs, removable, None if whole else MOST_REMOVED)
    return +done


def _small_files(table: Table) -> list[FileScanTask]:
    """Files to put together: of the lowest level that has `TOGETHER`, a level being files of a like number of rows."""
    levels: defaultdict[int, list[FileScanTask]] = defaultdict(list)
    for task in table.scan().plan_files():
        if task.file.file_size_in_bytes < FULL:
            levels[(task.file.record_count.bit_length() - 1) // 4].append(task)
    for _, found in sorted(levels.items()):
        if len(found) >= TOGETHER:
            return _at_once(found)
    return []


def _at_once(tasks: list[FileScanTask]) -> list[FileScanTask]:
    size, taken = 0, 0
    for task in tasks[:MOST_FILES]:
        size += task.file.file_size_in_bytes
        if size > AT_ONCE and taken > 1:
            break
        taken += 1
    return tasks[:taken]


def _compact(table: Table, tasks: list[FileScanTask]) -> None:
    """Put the rows of some files into one, in one commit."""
    from pyiceberg.expressions import AlwaysTrue
    from pyiceberg.io.pyarrow import ArrowScan, _dataframe_to_data_files

    schema = table.schema().as_arrow()
    found = ArrowScan(table.metadata, table.io, table.schema(), AlwaysTrue()).to_record_batches(tasks)
    rows = pa.RecordBatchReader.from_batches(schema, found).cast(schema)
    with table.transaction() as transaction, transaction.update_snapshot().overwrite() as overwrite:
        for task in tasks:
            overwrite.delete_data_file(task.file)
        for file in _dataframe_to_data_files(table.metadata, rows, table.io):
            overwrite.append_data_file(file)


def _expire(table: Table) -> list[Snapshot]:
    """Let all snapshots but the newest expire; returns them."""
    protected = {ref.snapshot_id for ref in table.metadata.refs.values()}
    by_age = sorted(table.metadata.snapshots, key=lambda snapshot: snapshot.sequence_number or 0)
    expired = [snapshot for snapshot in by_age[:-KEPT] if snapshot.snapshot_id not in protected]
    if expired:
        table.maintenance.expire_snapshots().by_ids([snapshot.snapshot_id for snapshot in expired]).commit()
    return expired


def _named(table: Table, snapshots: Iterable[Snapshot]) -> set[str]:
    """Every file that some snapshots need."""
    names: set[str] = set()
    for snapshot in snapshots:
        names.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(table.io):
            if manifest.manifest_path not in names:
                names.add(manifest.manifest_path)
                names |= {entry.data_file.file_path for entry in manifest.fetch_manifest_entry(table.io)}
    return names


def _remove(table: Table, fs: Any, removable: set[str], most: int | None) -> int:
    """Remove files of the table's folder that no snapshot needs: those of `removable`, and what killed runs left."""
    metadata = table.metadata
    needed = _named(table, metadata.snapshots) | {table.metadata_location}
    needed |= {entry.metadata_file for entry in metadata.metadata_log}
    needed |= {file.statistics_path for file in (*metadata.statistics, *metadata.partition_statistics)}
    kept, known = ({fs._strip_protocol(name) for name in names} for names in (needed, removable))
    listed = fs.find(fs._strip_protocol(metadata.location), detail=True)
    if fs._strip_protocol(table.metadata_location) not in listed:
        return 0  # the table lies elsewhere than its folder says: what is in the folder is not known to be its own
    before = time.time() - GRACE
    gone = [name for name, about in listed.items() if name not in kept and (name in known or _moment(about) < before)]
    for name in (gone := gone[:most]):
        fs.rm_file(name)
    return len(gone)


def _moment(about: dict[str, Any]) -> float:
    """When a listed file was written, in seconds: a folder's files and S3's objects say it under different names."""
    moment = about.get("mtime") or about.get("LastModified") or datetime.now(UTC)
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)

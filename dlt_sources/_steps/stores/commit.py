"""How a load is committed in the lake: its rows, then what reads remember, then the record that says both are there.

dlt's filesystem destination writes what reads remember (its state) before the record of the load and believes the newest
state, whether or not its load was committed. Here a state counts only with its load. The record also says which files the
load wrote, with their rows, bytes and MD5: what landed is counted from it, not from the files that happen to be found. On
a laptop everything is flushed to disk in this order; S3 keeps what it has acknowledged.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from dlt.common import json
from dlt.common.configuration.container import Container
from dlt.common.destination import PreparedTableSchema
from dlt.common.destination.client import RunnableLoadJob, StateInfo, StorageSchemaInfo
from dlt.common.storages.load_package import LoadPackageStateInjectableContext, PackageStorage
from dlt.destinations import filesystem
from dlt.destinations.impl.filesystem.filesystem import FilesystemClient, FilesystemLoadJob

from foundation.lock import ensure_held
from settings import Settings
from warehouse import durable

from .lake import INIT, Landing

log = logging.getLogger(__name__)


MARKS: ContextVar[dict[str, str]] = ContextVar("MARKS", default={})  # noqa: B039 (nobody changes it)
"""What the record of a load that is committed now says besides: the ``batch`` and the ``span`` of a backfill's piece."""


class LandingClient(FilesystemClient):
    """dlt's client of the lake, with loads that are committed in order."""

    settings: Settings

    def complete_load(self, load_id: str) -> None:
        """Commit a load: its files, its state, its record; only then are old states removed.

        Raises:
            LockError: the lock of this run is gone; nothing is committed.
        """
        wrote = self._wrote(load_id)
        if self.is_local_filesystem:
            durable.flush(Path(self.dataset_path, file["path"]) for file in wrote)
        keep, self.config.max_state_files = self.config.max_state_files, 0
        try:
            self._store_current_state(load_id)
        finally:
            self.config.max_state_files = keep
        record = {
            "load_id": load_id,
            "schema_name": self.schema.name,
            "status": 0,
            "schema_version_hash": self.schema.version_hash,
            "files": wrote,
            **MARKS.get(),
        }
        ensure_held()
        if self.is_local_filesystem:
            durable.write(Path(self._record(load_id)), json.dumps(record))
        else:
            create(self.fs_client, self._record(load_id), json.dumpb(record))
        self._cleanup_pipeline_states(f"land_{self.dataset_name}")

    def get_load_job_class(self, table: PreparedTableSchema, file_path: str) -> Any:
        """The job of a file; dlt waits a whole second for one that is done before it begins, as that of its state is."""
        if table["name"] == self.schema.state_table_name:
            return _Nothing
        return FilesystemLoadJob if self.is_local_filesystem else _Create

    def get_stored_state(self, pipeline_name: str) -> StateInfo | None:
        """What reads remember as of the newest load that is committed."""
        stored: Any = Landing(self.dataset_name, self.settings).stored_state()
        return StateInfo(**stored) if stored else None

    def list_files_with_prefixes(self, table_dir: str, prefixes: list[str]) -> list[str]:
        """The files of one of dlt's tables. In a folder without patterns: dlt would take brackets in its name for one."""
        if not self.is_local_filesystem:
            return list(super().list_files_with_prefixes(table_dir, prefixes))
        found = sorted(str(path) for path in Path(table_dir).rglob("*") if path.is_file() and path.name != INIT)
        return [path for path in found if path.startswith(tuple(prefixes))]

    def _record(self, load: str) -> str:
        """Where the record of a load is; its schema has the source's name, dlt's own of this client may not."""
        return str(
            self.pathlib.join(self.dataset_path, self.schema.loads_table_name, f"{self.dataset_name}__{load}.jsonl")
        )

    def _wrote(self, load: str) -> list[dict[str, Any]]:
        """The Parquet files that the load wrote: path below the source's folder, rows, bytes and MD5 of each."""
        package: PackageStorage = Container()[LoadPackageStateInjectableContext].storage
        jobs = [job for jobs in package.get_load_package_jobs(load).values() for job in jobs]
        wrote = []
        for job in (job for job in jobs if job.file_format == "parquet"):
            place = package.get_job_file_path(load, "completed_jobs", job.file_name())
            file = Path(package.storage.make_full_path(place))
            path = f"{job.table_name}/{load}.{job.file_id}.parquet"  # as lake.LAYOUT has it
            wrote.append(describe(file) | {"path": path})
        return sorted(wrote, key=lambda described: str(described["path"]))

    def _write_to_json_file(self, filepath: str, data: Any) -> None:
        if self.is_local_filesystem:
            durable.write(Path(filepath), json.dumps(data))
        else:
            super()._write_to_json_file(filepath, data)

    def _get_stored_schema_by_hash_or_newest(
        self, version_hash: str | None = None, schema_name: str | None = None
    ) -> StorageSchemaInfo | None:
        """A stored schema; None where it cannot be read: dlt then derives it from the rows, and stores it again."""
        try:
            return super()._get_stored_schema_by_hash_or_newest(version_hash or "", schema_name or "")
        except (ValueError, TypeError, KeyError) as error:
            log.warning("a schema in %s cannot be read (%s); it is derived again", self.dataset_path, error)
            return None


class _Nothing(RunnableLoadJob):
    """Of the state nothing is copied: the commit writes it."""

    def run(self) -> None:
        """Nothing."""


class _Create(FilesystemLoadJob):
    """Of a file of rows an object is created."""

    def run(self) -> None:
        """Upload the file."""
        create(self._job_client.fs_client, self.make_remote_path(), Path(self._file_path))


def create(fs: Any, place: str, content: Path | bytes) -> None:
    """Write an object of S3 where there is none: what landed is never written over, and the task's policy allows nothing else.

    An error counts only where the object is not there: S3's answer may be lost after the deed, and then it refuses the retry; or
    the run before was killed between the two.

    Raises:
        FileExistsError: there is another object.
    """
    try:
        if isinstance(content, bytes):
            fs.pipe_file(place, content, mode="create")
        else:
            fs.put_file(str(content), place, mode="create")
    except OSError as error:
        found = _read_object(fs, place)
        if found == (content if isinstance(content, bytes) else content.read_bytes()):
            return
        refused = isinstance(error, FileExistsError) or error.errno == errno.EINVAL  # "precondition failed"
        if found is None or not refused:
            raise
        raise FileExistsError(
            f"{place} is there already, with other content: what landed is never written over; see who else writes there"
        ) from error


def _read_object(fs: Any, place: str) -> bytes | None:
    """An object's content; None where it cannot be read."""
    with contextlib.suppress(OSError):
        return bytes(fs.cat_file(place))
    return None


class Lake(filesystem):
    """dlt's filesystem destination, by its own name, with our client."""

    settings: Settings

    @property
    def client_class(self) -> type[FilesystemClient]:
        """The client that commits loads: dlt makes it itself, so its class knows the settings."""
        return type(LandingClient.__name__, (LandingClient,), {"settings": self.settings})

    @property
    def destination_type(self) -> str:
        """Dlt's own name for it: states and folders that exist have it."""
        return "dlt.destinations.filesystem"

    def capabilities(self, config: Any = None, naming: Any = None) -> Any:
        """What it can: for dlt, which asks a dozen times a load and would look through the whole environment each time."""
        if config is None:
            config = self.spec()
            config.update(self.config_params)
        return super().capabilities(config, naming)


def describe(file: Path) -> dict[str, Any]:
    """A Parquet file's rows, bytes and MD5.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    return {"rows": pq.read_metadata(file).num_rows, "bytes": file.stat().st_size, "md5": md5_of(file)}


def md5_of(file: Path) -> str:
    """A file's MD5: against damage, not against an attacker."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()

"""dlt pipelines that believe only what their destination has committed, and work inside the data folder.

A pipeline's working folder begins empty each time: what a run that was cut short left there, or a disk damaged, is read
again from the source, since the state that is believed is that of the newest committed load.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any

import dlt
from dlt.common.pipeline import LoadInfo
from dlt.extract import DltResource
from dlt.pipeline.exceptions import PipelineStepFailed

from errors import ExitCode, MillraceError
from settings import Settings

from ..declared.source_error import without_values


class StoreError(MillraceError):
    """The lake or the warehouse could not be written; what was committed before is untouched."""

    exit_code = ExitCode.STORE


def _keep_links_in_paths() -> None:
    """Let dlt use the path of a working folder as it is given, not what its links lead to.

    It writes paths into SQL and into templates without escaping; foundation.place gives a folder of any name a plain path.
    """
    from dlt.common.storages import file_storage

    paths, system = ModuleType("path"), ModuleType("os")
    vars(paths).update(vars(os.path), realpath=os.path.abspath)
    vars(system).update(vars(os), path=paths)
    file_storage.os = system  # type: ignore[attr-defined]


def _leave_signals_alone() -> None:
    """Keep dlt from taking signals for itself: it turns some into errors of its own, and waits for its jobs on others.

    A command ends as `foundation.signals` says, and what dlt has begun is finished by the next run.
    """
    from dlt.common.runtime import signals

    signals.intercepted_signals = contextlib.nullcontext  # type: ignore[assignment]


_keep_links_in_paths()
_leave_signals_alone()


def pipeline(name: str, destination: Any, dataset: str, settings: Settings, folder: Path | None = None) -> dlt.Pipeline:
    """A dlt pipeline that knows what its destination knows, and nothing else.

    Args:
        folder: where its working folder is, unless with those of the pipelines that see no row as it came: in the data
            folder (dlt's default is shared by all checkouts).
    """
    folder = folder or settings.dlt
    keep_private(folder, settings)
    if (folder / name).exists():
        shutil.rmtree(folder / name)
    pipe = dlt.pipeline(name, destination=destination, dataset_name=dataset, pipelines_dir=str(folder))
    pipe.sync_destination()
    pipe._state_restored = True  # `run` would ask for it all again, on S3 by four requests
    return pipe


def keep_private(folder: Path, settings: Settings) -> None:
    """Make a folder, and those of the lake and of dlt, that only their owner can look into: rows as they came hold personal
    fields in clear.
    """
    for made in (settings.dlt, *([] if settings.aws else [Path(settings.lake)]), folder):
        made.mkdir(mode=0o700, parents=True, exist_ok=True)
        made.chmod(0o700)


def resource(rows: Iterator[Any], name: str, **hints: Any) -> DltResource:
    """Rows as a resource of dlt, with its hints.

    Not as a generator: dlt asks for the module of one, and Python then resolves the path of every module that it has loaded,
    a fifth of a run with nothing to do.
    """
    made: DltResource = dlt.resource(chain(rows), name=name, **hints)
    return made


def run(pipe: dlt.Pipeline, data: Any, *, newest: str, private: bool = False, **options: Any) -> LoadInfo | None:
    """Extract, normalize and load `data` as one package; None when there was nothing to load.

    Args:
        newest: the newest load that the destination has, or an empty text: this one's id will be greater.
        private: the rows hold personal data in clear: what a driver says of them is not repeated.

    Raises:
        StoreError: the destination failed; the next run reads the same rows again.
        Exception: whatever `data` raised; the package is discarded.
    """
    _count_loads_from(newest)
    try:
        info = pipe.run(data, **options)
    except PipelineStepFailed as error:
        if error.step == "extract":
            raise
        reason = without_values(error) if private else _reason(error)
        raise StoreError(
            f"{pipe.dataset_name}: could not be written ({reason}); the next run reads these rows again"
        ) from (None if private else error)
    return info if info is not None and info.loads_ids else None


def _count_loads_from(newest: str) -> None:
    """Let dlt's next load id be greater than `newest`.

    dlt makes an id of the clock and takes the greatest for the newest, here and when it reads its state back. A clock
    that is put back, or was ahead for one run, would turn the order of loads around: it is the order of their commits.
    By chance it is not the next greater one: that may be the id of a read that was cut short, whose files lie there.
    """
    from dlt.common.time import increasing_precise_time as ids

    with ids._lock:  # for this pipeline; the clock counts when it is ahead of that
        ids._last = float(newest or 0) + secrets.randbelow(1_000_000) / 1_000_000


def newest_load(pipe: dlt.Pipeline) -> str:
    """The newest load of a pipeline whose destination is a database; empty when there is none."""
    from dlt.destinations.exceptions import DatabaseUndefinedRelation

    with pipe.sql_client() as client, contextlib.suppress(DatabaseUndefinedRelation):
        rows = client.execute_sql(f"SELECT max(load_id) FROM {client.make_qualified_table_name('_dlt_loads')}")
        return str((rows or [[None]])[0][0] or "")
    return ""


@contextlib.contextmanager
def quiet_about(source: str, private: bool) -> Iterator[None]:
    """Let no error out of the block that may quote a row of a source with personal data: only what kind it is, and where.

    Raises:
        StoreError: the lake or the warehouse failed. RuntimeError: anything else that is not ours.
    """
    from foundation.exits import is_store_fault

    try:
        yield
    except Exception as error:
        if not private or isinstance(error, MillraceError):
            raise
        kind = StoreError if is_store_fault(error) else RuntimeError
        text = f"{source}: {without_values(error)}; the message is not shown: the source has personal data"
        raise kind(text).with_traceback(error.__traceback__) from None


def _reason(error: PipelineStepFailed) -> str:
    """The driver's own words: dlt wraps them in several messages, the innermost of which may be a traceback."""
    text = getattr(error.__cause__, "failed_message", None) or str(error.__cause__ or error)
    if "(ExpiredToken)" in text or "IAM Authentication token has expired" in text:
        return "the AWS credentials have expired; renew them and run again"
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [type(error.__cause__).__name__]
    return lines[-1] if lines[0].startswith("Traceback") else lines[0]

"""Models for looking at: SQLMesh on a copy of its state, beside a warehouse without rows. SQLMesh locks what it opens, and a
look must not keep the files of a run.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from warehouse.connection import WarehouseError, is_looking
from warehouse.file import explain_refused

from .loading import FOLDER, load

if TYPE_CHECKING:
    from settings import Settings

_TRIES = 20


@contextmanager
def copied(settings: Settings, *, fresh: bool = False) -> Iterator[dict[Path, Any] | None]:
    """SQLMesh's configuration for a look, until the block ends; None where this is none, or nothing is locked: on AWS.

    Args:
        fresh: without any state, for those who need only the files.

    Raises:
        WarehouseError: something writes the state all the time.
    """
    if settings.aws or not (fresh or is_looking()):
        yield None
        return
    from sqlmesh.core.config import Config, DuckDBConnectionConfig, GatewayConfig
    from sqlmesh.core.config.loader import load_configs

    with TemporaryDirectory(prefix="millrace-") as name:
        folder = Path(name)
        if not fresh:
            _copy(settings.state, folder)
        places = {
            place: DuckDBConnectionConfig(database=str(folder / file.name), concurrent_tasks=1)
            for place, file in (("connection", settings.warehouse), ("state_connection", settings.state))
        }
        configs = load_configs(None, Config, [FOLDER])
        for config in configs.values():
            config.gateways = {"local": GatewayConfig(**places)}
        yield configs


@contextmanager
def declared_models(settings: Settings) -> Iterator[list[Any]]:
    """The models of gold as the files declare them, until the block ends; no warehouse is needed.

    Raises:
        ModelError: the models do not load.
    """
    with copied(settings, fresh=True) as configs:
        context = load(whole=True, configs=configs).context
        try:
            yield [model for model in context.models.values() if not model.kind.is_external]
        finally:
            context.close()


def _copy(state: Path, folder: Path) -> None:
    """Copy the state, with what is written ahead of it, as it is between two writes; nothing is locked for that."""
    files = [state, Path(f"{state}.wal")]
    for _ in range(_TRIES):
        before = [_about(path) for path in files]
        for path in files:
            (folder / path.name).unlink(missing_ok=True)
            if path.exists():
                shutil.copyfile(path, folder / path.name)
        if before == [_about(path) for path in files]:
            _try(state, folder / state.name)
            return
    raise WarehouseError(f"{state} is written all the time: look again when the run, or whoever writes it, has ended")


def _try(state: Path, copy: Path) -> None:
    """Refuse a state that is damaged by its own name, not by the copy's."""
    import duckdb

    try:
        duckdb.connect(str(copy)).close()
    except duckdb.Error as error:
        raise WarehouseError(explain_refused(state, error).replace(str(copy), str(state))) from None


def _about(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns

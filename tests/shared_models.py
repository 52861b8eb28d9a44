"""What SQLMesh remembers of models that it has read, for all data folders of a session of tests.

It keeps that in the data folder, and under a name that holds the folder's place: each new folder, and each copy of one,
would have every model read and optimised again, which takes seconds of CPU.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import pickle
import shutil
import tempfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = "MILLRACE_SHARED_MODELS"
"""The variable that says where; without it nothing is shared."""
KINDS = ("model_definition", "optimized_query")
_used_by_all = ("config.py", "audits", "linter", "macros", "signals")
_here: dict[str, Path | None] = {"project": None}


def share() -> None:
    """From here on the processes that fork commands share it; it goes with this process."""
    folder = tempfile.mkdtemp(prefix="millrace-models-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ[FOLDER] = folder


def use_in(project: Path | None) -> None:
    """Say which checkout's commands this process runs; None: ones that a test has altered, which share nothing."""
    _here["project"] = project


def install() -> None:
    """In the process that forks commands: let SQLMesh look at what other folders remember, and add to it."""
    if not (kept := os.environ.get(FOLDER)):
        return
    from sqlmesh.core.config.root import Config, _canonicalize
    from sqlmesh.utils.cache import FileCache

    def fingerprint(config: Config) -> str:
        """SQLMesh's own, without where the data is: the gateway's name and its catalog are in an entry's name anyway."""
        said = config.dict(exclude={"loader", "notification_targets", "gateways", "cache_dir"})
        return str(zlib.crc32(pickle.dumps(_canonicalize(said))))

    def fetching(original: Callable[..., Any]) -> Callable[..., Any]:
        def ask(own: FileCache[Any], name: str, entry_id: str = "") -> Any:
            path = own._cache_entry_path(name, entry_id)
            shared = _place(Path(kept), path)
            if shared and shared.exists() and not path.exists():
                _copy(shared, path)
            return original(own, name, entry_id)

        return ask

    def put(own: FileCache[Any], name: str, entry_id: str = "", *, value: Any) -> None:
        _put(own, name, entry_id, value=value)
        path = own._cache_entry_path(name, entry_id)
        if shared := _place(Path(kept), path):
            _copy(path, shared)

    _put = FileCache.put
    Config.fingerprint = property(fingerprint)
    FileCache.get = fetching(FileCache.get)
    FileCache.exists = fetching(FileCache.exists)
    FileCache.put = put


def _place(kept: Path, entry: Path) -> Path | None:
    """Where an entry is shared: with checkouts whose macros and audits are the same."""
    project = _here["project"]
    if project is None or entry.parent.name not in KINDS:
        return None
    return kept / _digest(project / "sqlmesh_project") / entry.parent.name / entry.name


@cache
def _digest(project: Path) -> str:
    """What every model may use; an entry's name holds the time of the newest file of these and the model alone."""
    digest = hashlib.sha256()
    for path in sorted(path for name in _used_by_all for path in (project / name, *(project / name).rglob("*.*"))):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(f"{path.relative_to(project)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _copy(path: Path, target: Path) -> None:
    """Whole or not at all: others read meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(dir=target.parent)
    os.close(number)
    shutil.copyfile(path, name)
    Path(name).replace(target)

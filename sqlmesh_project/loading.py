"""The models as the files have them, less the files that SQLMesh cannot read: one mistake does not stop every domain.

What a file that was left out holds is taken from prod, as it was deployed: a plan sees it as unedited, and drops nothing.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from inspect import isfunction, unwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import ExitCode, MillraceError
from warehouse.staging import source_of

if TYPE_CHECKING:
    from sqlmesh import Context

FOLDER = Path(__file__).resolve().parent
_MODELS = FOLDER / "models"
_LEFT_OUT = ("models", "audits", "macros", "tests", "external_models")
"""Folders whose files can be left out. Linter rules cannot: nothing new could be deployed without them."""
_NEEDED_BY_MODELS = ("audits", "macros")
"""Folders whose files every model may use: without one of them no model can be told right from wrong."""


class ModelError(MillraceError):
    """The models do not load, lint or deploy; nothing was built."""

    exit_code = ExitCode.CONFIGURATION


@dataclass
class Project:
    """The models, ready to plan and run.

    Attributes:
        unreadable: per file that was left out: file, line, reason and fix.
        unread: models of such files that prod does not have either: name to the file's text.
    """

    context: Context
    listener: Any
    unreadable: dict[str, str] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)

    def feeds(self, lineage: dict[str, tuple[str, set[str]]]) -> dict[str, tuple[str, set[str]]]:
        """Of the `unread` models, as well as their text tells: (the domain, the sources whose staging it is built on).

        Args:
            lineage: the same of the others.
        """
        known = {name: set(sources) for name, (_, sources) in lineage.items()}
        named = {name: set(re.findall(r"\b\w+\.\w+\b", text)) for name, text in self.unread.items()}
        known |= {name: {source for table in tables if (source := source_of(table))} for name, tables in named.items()}
        for _ in named:  # through models of models: as often as the longest chain can be long
            for name, tables in named.items():
                known[name] |= {source for table in tables for source in known.get(table, set())}
        return {name: (name.split(".")[0], known[name]) for name in named}


def load(*, whole: bool = False, configs: dict[Path, Any] | None = None) -> Project:
    """Load the models.

    Args:
        whole: a file that cannot be read is an error.
        configs: SQLMesh's configuration, where it is not that of the project (see `copied`).

    Raises:
        ModelError: the project as such cannot be loaded.
    """
    from sqlmesh.core.console import set_console

    from .listener import Listener

    logging.getLogger("sqlmesh").setLevel(logging.CRITICAL)  # the listener hears it all
    listener = Listener()
    set_console(listener)
    left_out: dict[Path, str] = {}
    try:
        context = _context()(paths=[str(FOLDER)], config=configs, loader=_loader(left_out), load=False)
        while not _try_to_load(context, left_out):
            if whole:
                raise ModelError(f"the models cannot be loaded: {'; '.join(left_out.values())}")
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"the models cannot be loaded: {error}") from error
    known = {model.name for model in context.models.values()}
    texts = {name: text for path in _passed_over(left_out) for name, text in _names_and_text(path) if name not in known}
    return Project(context, listener, {_shown(path): reason for path, reason in left_out.items()}, texts)


def fingerprint() -> str:
    """What changes whenever a file of the project does."""
    digest = hashlib.sha256()
    for path in sorted(path for path in FOLDER.rglob("*") if path.suffix in (".sql", ".py", ".yaml", ".yml", ".csv")):
        digest.update(f"{path.relative_to(FOLDER)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


@cache
def _context() -> type[Context]:
    """SQLMesh's context whose methods are called as they are.

    Before each call its analytics import IPython and read the source of every caller, a second of CPU, also where they are
    turned off.
    """
    from sqlmesh import Context
    from sqlmesh.core import analytics, context

    plain = {
        name: unwrap(method)
        for name, method in vars(context.GenericContext).items()
        if isfunction(method) and method.__code__.co_filename == analytics.__file__
    }
    return type("Context", (Context,), plain)


def _try_to_load(context: Context, left_out: dict[Path, str]) -> bool:
    """Load; where a file is at fault, add it to `left_out` and return False."""
    try:
        context.load()
    except Exception as error:
        path = _culprit(error)
        if path is None or path in left_out or path.relative_to(FOLDER).parts[0] not in _LEFT_OUT:
            context.close()
            raise ModelError(f"the models cannot be loaded: {_reason(error, path) if path else error}") from error
        left_out[path] = _reason(error, path)
        return False
    return True


def _loader(left_out: dict[Path, str]) -> Any:
    """SQLMesh's loader of project files, without some of them."""
    from sqlmesh.core.loader import LoadedProject, SqlMeshLoader

    class Loader(SqlMeshLoader):
        config: Any

        def load(self, *args: Any, **kwargs: Any) -> LoadedProject:
            project = super().load(*args, **kwargs)
            prod = self.context.state_reader.get_environment("prod") if left_out else None
            missing = [snapshot for snapshot in (prod.snapshots if prod else []) if snapshot.name not in project.models]
            for snapshot in self.context.state_reader.get_snapshots(missing).values() if missing else []:
                if snapshot.is_model:
                    project.models[snapshot.name] = snapshot.model
            return project

        def _glob_paths(self, path: Path, *args: Any, **kwargs: Any) -> Iterator[Path]:
            skipped = set(left_out) | set(_passed_over(left_out))
            return (found for found in super()._glob_paths(path, *args, **kwargs) if found not in skipped)

        def load_model_tests(self) -> list[Any]:
            ignored: list[str] = self.config.ignore_patterns  # all that SQLMesh asks for these files
            self.config.ignore_patterns = [*ignored, *(str(path) for path in left_out)]
            try:
                return list(super().load_model_tests())
            finally:
                self.config.ignore_patterns = ignored

    return Loader


def _passed_over(left_out: dict[Path, str]) -> list[Path]:
    """Files of models that are not read: those at fault, or all where what they need is at fault."""
    if any(path.is_relative_to(FOLDER / name) for path in left_out for name in _NEEDED_BY_MODELS):
        return sorted(path for path in _MODELS.rglob("*") if path.suffix in (".sql", ".py"))
    return [path for path in left_out if path.is_relative_to(_MODELS)]


def _culprit(error: BaseException) -> Path | None:
    """The project's file that an exception of SQLMesh's loader is about.

    SQLMesh names it for models. Of audits, macros and tests only the loader knows: by what it had in its hands.
    """
    location = getattr(error, "location", None) or getattr(error, "filename", None)
    found = Path(location) if location else None
    trace = error.__traceback__
    while trace is not None and found is None:
        names = trace.tb_frame.f_locals
        here = next((names[name] for name in ("path", "yaml_file") if isinstance(names.get(name), Path)), None)
        found = here if here is not None and here.is_file() else None
        trace = trace.tb_next
    if found is None or not found.is_relative_to(FOLDER) or found.parent == FOLDER:
        return None
    return found


def _reason(error: BaseException, path: Path) -> str:
    """File, line, reason and fix."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    line = getattr(error, "lineno", None) or next(iter(re.findall(r"\bline:? (\d+)", text, re.IGNORECASE)), None)
    lines = [part.strip() for part in text.splitlines() if part.strip() and not part.startswith("Failed to load model")]
    said = " ".join(lines[:2]) if lines else type(error).__name__
    return f"{_shown(path)}: {f'line {line}: ' if line else ''}{said[:300]}; correct the file, then `python runner.py plan`"


def _names_and_text(path: Path) -> Iterator[tuple[str, str]]:
    """The names of a file's models, with its text: as its head says, or as its place in the folder does.

    A file of blueprints holds a model for each of them; each is taken to read whatever any of them names.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    domain = next(iter(re.findall(r"\bname\s+\"?(\w+)\"?\.@", text)), "")
    names = re.findall(r"(?<!\.)\bname\s*:=\s*'?(\w+)", text) if domain else []
    if names:
        values = "\n".join(f"{domain}.{value}" for value in re.findall(r":=\s*'?(\w+)", text))
        yield from ((f"{domain}.{name}", f"{text}\n{values}") for name in names)
        return
    named = re.search(r"\bname\s+\"?(\w+)\"?\.\"?(\w+)", text)
    yield (f"{named[1]}.{named[2]}" if named else f"{path.parent.name}.{path.stem}"), text


def _shown(path: Path) -> str:
    return str(path.relative_to(FOLDER.parent))

"""A source's own Python, contract.py and extract.py: imported so that whatever it does wrong is one clear error."""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.util
import re
import sys
import types
from pathlib import Path

from foundation.signals import Interrupted

from .declaration_error import DeclarationError
from .own_files import FOLDER, Facts, find_files, remember_files

_READ: dict[str, list[Facts]] = {}
"""By module the files that it was made of, as they were."""


def load(path: Path) -> types.ModuleType:
    """Import the file of a source's folder. One that failed is read again by the next call.

    Raises:
        DeclarationError: it is missing, or importing it raised anything at all; names file, line, reason and fix.
    """
    if not path.is_file():
        raise DeclarationError(f"{path.parent}: no {path.name} beside source.yml; make it")
    own = path.parent.parent == FOLDER
    name = f"{FOLDER.name}.{path.parent.name}.{path.stem}" if own else f"{path.stem}_of_{path.parent.name}"
    try:
        with contextlib.redirect_stdout(sys.stderr):  # what it prints is not part of an answer in JSON
            return _imported(name, path, own)
    except (KeyboardInterrupt, Interrupted):
        raise
    except BaseException as error:  # SystemExit too: what a team's file does must not end the other sources' run
        raise explain(error, path) from None


def _imported(name: str, path: Path, own: bool) -> types.ModuleType:
    if own:
        if name not in sys.modules:
            importlib.invalidate_caches()  # the file may be a moment old
            _READ[name] = remember_files(path.parent)
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def is_as_read(name: str) -> bool:
    """Whether another process that imports a source's module by its name gets what this one has: no file has changed since."""
    return name in _READ and _READ[name] == find_files(FOLDER / name.split(".")[1])


def forget(folder: Path) -> None:
    """Let the next `load` of a source's files read them again: they may have been corrected meanwhile."""
    for name in [name for name in sys.modules if name.startswith(f"{FOLDER.name}.{folder.name}.")]:
        del sys.modules[name]


def explain(error: BaseException, path: Path) -> DeclarationError:
    """What an exception of a source's own code means: file, line, reason, fix."""
    if isinstance(error, DeclarationError):
        return error
    lines = str(error).strip().splitlines() or [""]
    first = lines[-1].strip() if lines[0].endswith(":") else lines[0]  # Pydantic's own begin with a heading
    file, line = _place(error, path.parent) or (path, None)
    match error:
        case SyntaxError():
            said = f"SyntaxError: {error.msg}; correct the line"
        case ModuleNotFoundError() if (error.name or "").partition(".")[0] not in sys.stdlib_module_names:
            said = f"{first}; correct the name, or install the package"
        case ImportError():
            said = f"{re.sub(r' [(]/.*[)]$', '', first)}; correct the import"
        case SystemExit():
            said = "ends the program when it is imported; move that call into a function"
        case RecursionError():
            said = "RecursionError: a function calls itself endlessly; fix it"
        case _:
            said = f"{type(error).__name__}{': ' if first else ''}{first}; correct it"
    return DeclarationError(f"{file}: {f'line {line}: ' if line else ''}{said}")


def _place(error: BaseException, folder: Path) -> tuple[Path, int | None] | None:
    """The file and line at fault: where Python could not read on, else the innermost line of the source's own folder."""
    if isinstance(error, SyntaxError) and error.filename:
        return Path(error.filename), error.lineno
    found = None
    trace = error.__traceback__
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.is_relative_to(folder):
            found = (file, trace.tb_lineno)
        trace = trace.tb_next
    return found


def line_of(path: Path, contract: type, field: str | None = None) -> str:
    """``line 12: `` for the place of a class, or of one of its fields, in the file; empty when it is not there."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return ""
    classes = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    for name in (cls.__name__ for cls in contract.__mro__):
        node = classes.get(name)
        if node is not None and field is None:
            return f"line {node.lineno}: "
        for part in node.body if node is not None else []:
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name) and part.target.id == field:
                return f"line {part.lineno}: "
    return ""

"""The files that a source's own code is made of: its folder's, and helpers that it imports from elsewhere in the checkout."""

from __future__ import annotations

import ast
import sys
import sysconfig
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2]
Facts = tuple[str, int, int]
"""A file, the time of its last change in ns, its bytes."""
_LIBRARIES = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib", "purelib", "platlib")}
_MILLRACE = (
    "foundation",
    "warehouse",
    "settings",
    "errors",
    *(f"{FOLDER.name}.{name}" for name in ("_steps", "_new", "contract")),
)
"""Code of the project's own, which changes with an upgrade and not beside a run."""
_HELPERS: dict[str, Facts] = {}
"""Files outside the folders of sources, as they were when the first source imported them: they are not imported again."""


def find_files(folder: Path) -> list[Facts]:
    """The Python files of a source, those beside its folder, and helpers that they import."""
    own = sorted(folder.glob("*.py"))
    return [_facts(path) for path in sorted({*own, *folder.parent.glob("*.py"), *_helpers(own)})]


def remember_files(folder: Path) -> list[Facts]:
    """The same, at the moment of the import: a helper that another source imported before is as it was then."""
    return [
        facts if Path(facts[0]).is_relative_to(folder) else _HELPERS.setdefault(facts[0], facts)
        for facts in find_files(folder)
    ]


def _facts(path: Path) -> Facts:
    facts = path.stat()
    return str(path), facts.st_mtime_ns, facts.st_size


def _helpers(own: list[Path]) -> set[Path]:
    """The files that are imported, by one of these or by another helper."""
    found, waiting = set(own), list(own)
    while waiting:
        new = set(_imported(waiting.pop())) - found
        found |= new
        waiting += new
    return found


def _imported(path: Path) -> Iterator[Path]:
    """The files of the modules that a file imports, also inside a function; none of a library's or of Millrace's own."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, ValueError, SyntaxError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files_of(alias.name)
        elif isinstance(node, ast.ImportFrom):
            module = ".".join(filter(None, [_package(path, node.level), node.module]))
            for name in [module, *(f"{module}.{alias.name}" for alias in node.names)]:
                yield from _files_of(name)


def _package(path: Path, level: int) -> str:
    """The package that an import with so many dots begins with; "" without one, or outside the checkout."""
    above = path.parents[level - 1] if level else None
    root = FOLDER.parent
    return ".".join(above.relative_to(root).parts) if above and above.is_relative_to(root) else ""


def _files_of(name: str) -> Iterator[Path]:
    """The file of a module, and those of the packages that it is in, which are imported with it."""
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts) or any(f"{name}.".startswith(f"{own}.") for own in _MILLRACE):
        return
    for place in _places(parts[0]):
        for length in range(1, len(parts) + 1):
            at = place.joinpath(*parts[:length])
            for path in (at.with_suffix(".py"), at / "__init__.py"):
                if path.is_file():
                    yield path


@lru_cache
def _places(package: str) -> list[Path]:
    """The folders of the search path that have a package or module of this name, without those of libraries."""
    if package in sys.stdlib_module_names:
        return []
    every = dict.fromkeys([FOLDER.parent, *(Path(text).resolve() for text in sys.path if text)])
    own = [place for place in every if not any(place.is_relative_to(library) for library in _LIBRARIES)]
    return [place for place in own if (place / package).is_dir() or (place / f"{package}.py").is_file()]

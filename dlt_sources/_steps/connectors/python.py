"""Sources that YAML cannot express: ``extract.py`` beside source.yml has a function per table."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..declaration import DeclarationError
from ..request import Request, expand
from ..source_error import SourceError, quoted
from ..source_yml import PythonConnection


def read(request: Request, connection: PythonConnection) -> Iterable[Any]:
    """What ``extract.<table>(request, values)`` yields: records (dict) or Arrow tables."""
    path = request.source.folder / "extract.py"
    if not path.exists():
        raise DeclarationError(
            f"{path}: the connector `python` reads through it; make it, with a function {request.name}"
        )
    spec = importlib.util.spec_from_file_location(f"extract_of_{request.source.name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function = getattr(module, request.name, None)
    if function is None:
        raise DeclarationError(f"{path}: no function {request.name}(request, values) for the table of that name")
    values = {name: expand(value, request.settings) for name, value in connection.values.items()}
    return _found(request.name, function, request, values)


def _found(name: str, function: Callable[..., Iterable[Any]], *given: Any) -> Iterator[Any]:
    """What the function yields. Its own errors are texts that nobody has looked through for values."""
    try:
        yield from function(*given)
    except SourceError as error:
        raise SourceError(f"{name}: {quoted(error)}") from error

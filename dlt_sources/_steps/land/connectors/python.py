"""Sources that YAML cannot express: ``extract.py`` beside source.yml has a function per table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ...declared.connections import PythonConnection
from ...declared.placeholders import expand
from ...declared.source_error import SourceError, quote_value
from ..request import Request


def read(request: Request, connection: PythonConnection) -> Iterable[Any]:
    """What ``extract.<table>(request, values)`` yields: records (dict) or Arrow tables."""
    values = {name: expand(value, request.settings) for name, value in connection.values.items()}
    return _found(request.name, getattr(request.source.code, request.name), request, values)


def _found(name: str, function: Callable[..., Iterable[Any]], *given: Any) -> Iterator[Any]:
    """What the function yields. Its own errors are texts that nobody has looked through for values."""
    try:
        yield from function(*given)
    except SourceError as error:
        raise SourceError(f"{name}: {quote_value(error)}") from error

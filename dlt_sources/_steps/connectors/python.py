"""Sources that YAML cannot express: ``extract.py`` beside source.yml has a function per table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..request import Request, expand
from ..source_yml import PythonConnection


def read(request: Request, connection: PythonConnection) -> Iterable[Any]:
    """What ``extract.<table>(request, values)`` yields: records (dict) or Arrow tables."""
    values = {name: expand(value, request.settings) for name, value in connection.values.items()}
    found: Iterable[Any] = getattr(request.source.code, request.name)(request, values)
    return found

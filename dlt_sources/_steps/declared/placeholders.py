"""Settings in a ``source.yml``: which of its texts name one, and what they then are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from settings import Settings, SettingsError

if TYPE_CHECKING:
    from .declaration import Source


def declared_paths(source: Source, settings: Settings) -> set[str]:
    """Paths of the addresses that source.yml itself names: no server has made them up, so messages may show them."""
    base = getattr(source.declared.connection, "base_url", None)
    if base is None:
        return set()
    try:
        root = urlsplit(expand(base, settings)).path.rstrip("/")
    except SettingsError:
        return set()
    named = [
        path for table in source.extracted.values() for path in (table.page, table.endpoint and table.endpoint.path)
    ]
    return {f"{root}/{path.lstrip('/')}" for path in named if path}


def expand(text: str, settings: Settings) -> str:
    """Replace a ``${NAME}`` that is the whole text by its setting; other text is returned as it is."""
    return settings.lookup(text[2:-1]) if text.startswith("${") and text.endswith("}") else text


def fill(value: Any, settings: Settings) -> Any:
    """A copy of a value of source.yml, however deep, with settings in the places of their names."""
    if isinstance(value, dict):
        return {name: fill(inner, settings) for name, inner in value.items()}
    if isinstance(value, list):
        return [fill(inner, settings) for inner in value]
    return expand(value, settings) if isinstance(value, str) else value


def texts(value: Any) -> Iterator[str]:
    """The texts in a value of source.yml, however deep."""
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ():
        yield from texts(inner)

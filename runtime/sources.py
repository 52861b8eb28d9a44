"""The sources that a command is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dlt_sources.door import Declared


def declared(names: list[str] | None = None) -> Declared:
    """Every declared source, after making sure that `names` are among them, broken or not."""
    from dlt_sources.door import load_sources

    return load_sources().require(names or [])


def readable(names: list[str] | None) -> Declared:
    """The same, for a command that reads the sources: none of `names` may be switched off."""
    from dlt_sources.door import load_sources

    return load_sources().require_on(names or [])

"""Publish: what passed its checks becomes what dashboards read, at once and whole."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settings import Settings

    from .published import Layouts, Published


def publish(
    domains: Collection[str],
    settings: Settings,
    held: Collection[str] = (),
    run_id: str = "",
    layouts: Callable[[], Layouts] = dict,
    slices: Mapping[str, str] = MappingProxyType({}),
) -> Published:
    """Make what dashboards read hold the warehouse's present content of `domains`; the other domains stay as they were.

    A domain that was published and is not found where dashboards read is restored. Of large tables only what differs is
    written.

    Args:
        domains: gold schemas of the warehouse, all of whose checks have passed.
        held: those whose gold must not be published.
        run_id: the run that publishes: its record, where dashboards read it, says so as soon as it is true.
        layouts: how tables are distributed and sorted; asked only where a table is created on an engine that does either.
        slices: per table (``domain.name``) that is built slice by slice the column whose values, or whose days, are the slices.
    """
    if settings.aws:
        from . import publish_redshift

        return publish_redshift.publish(domains, settings, held, run_id, layouts)
    from . import publish_file
    from .published import RECORD_SLICES

    return publish_file.publish(domains, settings, held, run_id, {**slices, **RECORD_SLICES})


def is_lost(settings: Settings) -> bool:
    """Whether what dashboards read on this machine was published and is gone, or empty."""
    if settings.aws or not settings.warehouse.exists():
        return False
    if settings.serving.exists() and settings.serving.stat().st_size:
        return False
    from .connection import connect
    from .published import read_known

    with connect(settings) as con:
        return bool(read_known(con))

"""Publish: what passed its checks becomes what dashboards read, at once and whole."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settings import Settings


def publish(domains: Collection[str], settings: Settings) -> dict[str, int]:
    """Make what dashboards read hold the warehouse's present content of `domains`; the other domains stay as they were.

    Args:
        domains: gold schemas of the warehouse, all of whose checks have passed.

    Returns:
        Rows per published domain.
    """
    if settings.aws:
        from . import publish_redshift

        return publish_redshift.publish(domains, settings)
    from . import publish_file

    return publish_file.publish(domains, settings)

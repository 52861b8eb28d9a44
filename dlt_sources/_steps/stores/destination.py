"""Where dlt lands rows on each target."""

from __future__ import annotations

from typing import Any

from settings import Settings

from .lake import LAYOUT
from .naming import Exact


def lake(settings: Settings) -> Any:
    """The landing layer: a folder, or S3."""
    from .commit import Lake

    made = Lake(settings.landing, layout=LAYOUT, naming_convention=Exact, **_s3(settings))
    made.settings = settings
    return made


def _s3(settings: Settings) -> dict[str, Any]:
    if not settings.aws:
        return {}
    from foundation.aws import storage_options

    options = storage_options(settings)
    return {"config_kwargs": options.pop("config_kwargs"), "kwargs": options}

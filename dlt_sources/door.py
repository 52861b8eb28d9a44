"""The one door to the sources: what is declared, and the two steps that move their rows."""

from __future__ import annotations

from ._steps.connect import reach
from ._steps.declaration import Declared, Source, load_sources, read_alerts
from ._steps.declaration_error import DeclarationError
from ._steps.lake import Landing
from ._steps.land import land, withdraw
from ._steps.outstanding import Rejected, count_rejected, row_keys
from ._steps.pipelines import StoreError
from ._steps.refine import Refined, refine
from ._steps.sink import sink
from ._steps.source_error import SourceError
from ._steps.source_yml import Alerts
from ._steps.stage import LOADS, REJECTED, Staging

__all__ = [
    "LOADS",
    "REJECTED",
    "Alerts",
    "DeclarationError",
    "Declared",
    "Landing",
    "Refined",
    "Rejected",
    "Source",
    "SourceError",
    "Staging",
    "StoreError",
    "count_rejected",
    "land",
    "load_sources",
    "reach",
    "read_alerts",
    "refine",
    "row_keys",
    "sink",
    "withdraw",
]

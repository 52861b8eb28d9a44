"""The one door to the sources: what is declared, and the two steps that move their rows."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._steps.declaration import Declared, Source, load_sources, read_alerts
from ._steps.declaration_error import DeclarationError
from ._steps.source_yml import Alerts

if TYPE_CHECKING:
    from ._new.make import Made, make_source
    from ._new.sample_error import SampleError
    from ._new.trial import Trial, try_source
    from ._steps.abreast import Abreast, refine_abreast
    from ._steps.check_base import check_bases
    from ._steps.connect import reach
    from ._steps.drift import add_unasked, expected, lines_for
    from ._steps.external import externals, reads_silver
    from ._steps.keep_small import maintain, silver_size
    from ._steps.lake import Landing
    from ._steps.land import land, read_ahead, withdraw
    from ._steps.landed import LandedFileError
    from ._steps.new_stagings import make_stagings
    from ._steps.outstanding import Counts, Rejected, count_refined, count_rejected, row_keys
    from ._steps.pipelines import StoreError
    from ._steps.ranges import BATCH, Range, RangeError, own_batch, remove_batch
    from ._steps.read_range import read_range, why_in_its_turn
    from ._steps.reading import Reading
    from ._steps.rebuild import Rebuilt, rebuild
    from ._steps.refine import Refined, follow_contract, refine
    from ._steps.settled import find_settled
    from ._steps.shape import ContractChangedError
    from ._steps.sink import sink
    from ._steps.source_error import SourceError
    from ._steps.stage import Staging
    from ._steps.stagings import Progress as StagingProgress
    from ._steps.stagings import read_known as read_stagings
    from ._steps.stagings import read_progress as read_staging_progress
    from ._steps.unfinished import Unfinished, find_unfinished

__all__ = [
    "BATCH",
    "Abreast",
    "Alerts",
    "ContractChangedError",
    "Counts",
    "DeclarationError",
    "Declared",
    "LandedFileError",
    "Landing",
    "Made",
    "Range",
    "RangeError",
    "Reading",
    "Rebuilt",
    "Refined",
    "Rejected",
    "SampleError",
    "Source",
    "SourceError",
    "Staging",
    "StagingProgress",
    "StoreError",
    "Trial",
    "Unfinished",
    "add_unasked",
    "check_bases",
    "count_refined",
    "count_rejected",
    "expected",
    "externals",
    "find_unfinished",
    "follow_contract",
    "land",
    "lines_for",
    "load_sources",
    "maintain",
    "make_source",
    "make_stagings",
    "own_batch",
    "reach",
    "read_ahead",
    "read_alerts",
    "read_range",
    "read_staging_progress",
    "read_stagings",
    "reads_silver",
    "rebuild",
    "refine",
    "refine_abreast",
    "remove_batch",
    "row_keys",
    "find_settled",
    "silver_size",
    "sink",
    "try_source",
    "why_in_its_turn",
    "withdraw",
]

_PLACES = {
    "Abreast": "abreast",
    "ContractChangedError": "shape",
    "LandedFileError": "landed",
    "Landing": "lake",
    "BATCH": "ranges",
    "Range": "ranges",
    "RangeError": "ranges",
    "Reading": "reading",
    "Rebuilt": "rebuild",
    "Refined": "refine",
    "Rejected": "outstanding",
    "SourceError": "source_error",
    "Staging": "stage",
    "StagingProgress": "stagings.Progress",
    "StoreError": "pipelines",
    "Unfinished": "unfinished",
    "add_unasked": "drift",
    "check_bases": "check_base",
    "Counts": "outstanding",
    "count_refined": "outstanding",
    "count_rejected": "outstanding",
    "expected": "drift",
    "columns_of": "columns",
    "externals": "external",
    "find_unfinished": "unfinished",
    "follow_contract": "refine",
    "land": "land",
    "lines_for": "drift",
    "maintain": "keep_small",
    "make_stagings": "new_stagings",
    "own_batch": "ranges",
    "reach": "connect",
    "read_ahead": "land",
    "read_range": "read_range",
    "read_staging_progress": "stagings.read_progress",
    "read_stagings": "stagings.read_known",
    "reads_silver": "external",
    "rebuild": "rebuild",
    "refine": "refine",
    "refine_abreast": "abreast",
    "remove_batch": "ranges",
    "row_keys": "outstanding",
    "find_settled": "settled",
    "silver_size": "keep_small",
    "sink": "sink",
    "why_in_its_turn": "read_range",
    "withdraw": "land",
}
"""Where in `_steps` each name is that is imported when it is first asked for: dlt and what else is behind these takes a second."""
_NEW = {"Made": "make", "SampleError": "sample_error", "Trial": "trial", "make_source": "make", "try_source": "trial"}
"""The same in `_new`."""


def __getattr__(name: str) -> Any:
    if name in _NEW:
        return getattr(import_module(f"._new.{_NEW[name]}", __package__), name)
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, original = _PLACES[name].partition(".")
    return getattr(import_module(f"._steps.{module}", __package__), original or name)

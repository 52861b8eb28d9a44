"""The one door to the sources: what is declared, and the two steps that move their rows."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._steps.declared.declaration import Declared, Source, load_sources, read_alerts
from ._steps.declared.declaration_error import DeclarationError
from ._steps.declared.source_yml import Alerts

if TYPE_CHECKING:
    from ._new.make import Made, make_source
    from ._new.sample_error import SampleError
    from ._new.trial import Trial, try_source
    from ._steps.contracts.columns import Column, columns_of
    from ._steps.declared.check_base import check_bases
    from ._steps.declared.source_error import SourceError
    from ._steps.judge.drift import add_unasked, expected, lines_for
    from ._steps.land.connect import reach
    from ._steps.land.land import land, read_ahead, withdraw
    from ._steps.land.read_range import read_range, why_in_its_turn
    from ._steps.land.reading import Reading
    from ._steps.refine.abreast import Abreast, refine_abreast
    from ._steps.refine.keep_small import maintain, silver_size
    from ._steps.refine.outstanding import Counts, Rejected, count_refined, count_rejected, row_keys
    from ._steps.refine.rebuild import Rebuilt, rebuild
    from ._steps.refine.refine import Refined, follow_contract, refine
    from ._steps.refine.replay import find_first_load
    from ._steps.refine.settled import find_settled, is_behind
    from ._steps.refine.unfinished import Unfinished, find_unfinished
    from ._steps.sink import sink
    from ._steps.staging.external import externals, reads_silver
    from ._steps.staging.new_stagings import make_stagings, open_progress
    from ._steps.staging.stagings import Progress as StagingProgress
    from ._steps.staging.stagings import read_known as read_stagings
    from ._steps.staging.stagings import read_progress as read_staging_progress
    from ._steps.stores.landed import LandedFileError
    from ._steps.stores.pipelines import StoreError
    from ._steps.stores.ranges import BATCH, Range, RangeError, own_batch, remove_batch
    from ._steps.stores.shape import ContractChangedError

__all__ = [
    "BATCH",
    "Abreast",
    "Alerts",
    "Column",
    "ContractChangedError",
    "Counts",
    "DeclarationError",
    "Declared",
    "LandedFileError",
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
    "StagingProgress",
    "StoreError",
    "Trial",
    "Unfinished",
    "add_unasked",
    "check_bases",
    "columns_of",
    "count_refined",
    "count_rejected",
    "expected",
    "externals",
    "find_first_load",
    "find_settled",
    "find_unfinished",
    "follow_contract",
    "is_behind",
    "land",
    "lines_for",
    "load_sources",
    "maintain",
    "make_source",
    "make_stagings",
    "open_progress",
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
    "silver_size",
    "sink",
    "try_source",
    "why_in_its_turn",
    "withdraw",
]

_PLACES = {
    "Abreast": "refine.abreast",
    "Column": "contracts.columns",
    "ContractChangedError": "stores.shape",
    "LandedFileError": "stores.landed",
    "BATCH": "stores.ranges",
    "Range": "stores.ranges",
    "RangeError": "stores.ranges",
    "Reading": "land.reading",
    "Rebuilt": "refine.rebuild",
    "Refined": "refine.refine",
    "Rejected": "refine.outstanding",
    "SourceError": "declared.source_error",
    "StagingProgress": "staging.stagings:Progress",
    "StoreError": "stores.pipelines",
    "Unfinished": "refine.unfinished",
    "add_unasked": "judge.drift",
    "check_bases": "declared.check_base",
    "columns_of": "contracts.columns",
    "Counts": "refine.outstanding",
    "count_refined": "refine.outstanding",
    "count_rejected": "refine.outstanding",
    "expected": "judge.drift",
    "externals": "staging.external",
    "find_first_load": "refine.replay",
    "find_settled": "refine.settled",
    "find_unfinished": "refine.unfinished",
    "follow_contract": "refine.refine",
    "is_behind": "refine.settled",
    "land": "land.land",
    "lines_for": "judge.drift",
    "maintain": "refine.keep_small",
    "make_stagings": "staging.new_stagings",
    "open_progress": "staging.new_stagings",
    "own_batch": "stores.ranges",
    "reach": "land.connect",
    "read_ahead": "land.land",
    "read_range": "land.read_range",
    "read_staging_progress": "staging.stagings:read_progress",
    "read_stagings": "staging.stagings:read_known",
    "reads_silver": "staging.external",
    "rebuild": "refine.rebuild",
    "refine": "refine.refine",
    "refine_abreast": "refine.abreast",
    "remove_batch": "stores.ranges",
    "row_keys": "refine.outstanding",
    "silver_size": "refine.keep_small",
    "sink": "sink",
    "why_in_its_turn": "land.read_range",
    "withdraw": "land.land",
}
"""Where in `_steps` each name is that is imported when it is first asked for: dlt and what else is behind these takes a second."""
_NEW = {"Made": "make", "SampleError": "sample_error", "Trial": "trial", "make_source": "make", "try_source": "trial"}
"""The same in `_new`."""


def __getattr__(name: str) -> Any:
    if name in _NEW:
        return getattr(import_module(f"._new.{_NEW[name]}", __package__), name)
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, original = _PLACES[name].partition(":")
    return getattr(import_module(f"._steps.{module}", __package__), original or name)

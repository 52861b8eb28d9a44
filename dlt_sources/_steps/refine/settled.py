"""Whether what landed of a source is in its staging. Of all sources it is asked together, as most runs find that it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from settings import Settings

from ..declared.declaration import Source
from ..staging import external
from ..staging.stagings import Known, Progress
from ..stores.lake import Landing
from ..stores.shape import changes_of


def find_settled(sources: Iterable[Source], known: Mapping[str, Known], settings: Settings) -> set[str]:
    """The sources whose refine has nothing to do: every load is in staging, and nothing has changed for their tables.

    Args:
        known: the states of their stagings.
    """
    found = set()
    for source in sources:
        state, swapping = known.get(source.name, (None, False))
        if state is None or swapping or state.get("in_order", "1") != "1" or changes_of(source, state):
            continue
        if not external.is_settled(source, state, settings):
            continue
        last = state.get("last_load", "")
        if Landing(source.name, settings).loads(since=last) == ([last] if last else []):
            found.add(source.name)
    return found


def is_behind(source: Source, progress: Progress, settings: Settings) -> bool:
    """Whether loads have landed that are not in a source's staging, or a rebuild of it has not taken its place yet."""
    return progress.swapping or bool(Landing(source.name, settings).loads(after=progress.last_load))

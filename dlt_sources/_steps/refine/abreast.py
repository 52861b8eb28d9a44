"""Refining sources side by side where that is mostly waiting: on AWS, for Redshift, S3 and Glue.

Each source is refined as it would be alone, by one thread, with commits of its own. Who asked for them takes the results in the
order of the sources. On a laptop the warehouse is a file of this process, and refining is work and no waiting: there it is
done when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib import import_module

from foundation import parts
from foundation.permit import Permit
from foundation.work_ahead import Ahead
from settings import Settings

from ..declared.declaration import Source
from ..staging.stagings import Known
from ..stores.memory import Room, refined_at_a_time
from .refine import Refined, refine

_LIBRARIES = (
    "pandas",
    "pyarrow.parquet",
    "pyiceberg.catalog.glue",
    "pyiceberg.expressions",
    "pyiceberg.io.fsspec",
    "pyiceberg.io.pyarrow",
    "redshift_connector",
    "s3fs",
)
"""What a refine imports at its first use: Python's imports are not made for threads that import each other's half."""

_Done = tuple[Refined, dict[tuple[str, str], parts.Part]]


class Abreast:
    """Sources of which some are refined side by side.

    Args:
        ahead: does these.
        alone: refines one by its name, now.
    """

    def __init__(self, ahead: Ahead[_Done], alone: Callable[..., Refined]) -> None:
        self._ahead, self._alone = ahead, alone
        self._shown: dict[str, Callable[[str], None]] = {}

    def refine(self, name: str, progress: Callable[[str], None]) -> Refined:
        """What came of refining a source, as soon as that is known.

        Raises:
            Exception: whatever `refine` raised.
        """
        self._shown[name] = progress
        try:
            done = self._ahead.get(name)
        finally:
            del self._shown[name]
        if done is None:
            return self._alone(name, progress)
        parts.add(done[1])
        return done[0]

    def show(self, name: str, text: str) -> None:
        """Show how far a source is, where that is what is being waited for."""
        if shown := self._shown.get(name):
            shown(text)


@contextmanager
def refine_abreast(
    sources: Mapping[str, Source],
    names: Collection[str],
    known: Mapping[str, Known],
    settings: Settings,
    since: str | None = None,
) -> Iterator[Abreast]:
    """Begin to refine sources side by side, where that is of use; what is left when the block ends is stopped, and commits
    nothing more.

    Args:
        known: per source what was read of its staging.
        since: as of `refine`.
    """
    most = min(refined_at_a_time(settings), len(names)) if settings.aws else 1
    permit, room = Permit(), Room(most)

    def alone(name: str, progress: Callable[[str], None]) -> Refined:
        return refine(sources[name], settings, since=since, progress=progress, known=known.get(name))

    def work(name: str) -> _Done:
        with permit.hold(), room.entered(), parts.gathered() as found:
            return alone(name, partial(abreast.show, name)), found

    ahead: Ahead[_Done] = Ahead(
        work, dict.fromkeys(names if most > 1 else (), ""), most, cancel=permit.withdraw, drop=lambda done: None
    )
    abreast = Abreast(ahead, alone)
    for library in _LIBRARIES if most > 1 else ():
        import_module(library)
    try:
        with ahead:
            yield abreast
    finally:
        permit.withdraw()

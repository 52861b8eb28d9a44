"""`maintain`: do at once, and as a whole, what runs do bit by bit so that nothing grows without bound."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import settings as configuration
from foundation.console import Console
from settings import Settings

from .disk import used

if TYPE_CHECKING:
    from dlt_sources.door import Declared

Work = Callable[[], Mapping[str, int]]


def maintain(sources: Declared, wait: float, as_json: bool) -> int:
    """Compact and remove what is not needed, source by source and then in the shared places; returns the exit code.

    It can be killed anywhere and called again: no row that counts is touched.
    """
    from foundation.lock import one_at_a_time
    from foundation.logs import log_to_file
    from foundation.place import owner_only
    from warehouse.ops import Run

    from .faults import Faults

    settings = configuration.load()
    with owner_only(), log_to_file(settings, "maintain") as log, one_at_a_time(settings, wait):
        console = Console(as_json, log)
        run = Run(command="maintain", sources=list(sources), target=settings.target)
        faults = Faults(run, console)
        done = {}
        for name, work in _works(sources, settings).items():
            with faults.isolate("maintain", name, holds=False), console.step("maintain", name) as step:
                done[name] = dict(work())
                step.done(done[name])
        for name, reason in sources.broken.items():
            console.note(f"{name} is left out, its declaration is broken: {reason}")
        if as_json:
            disk = used(settings, sources.names)
            console.json({"done": done, "disk": disk, "problems": run.problems, "exit_code": run.exit_code})
    faults.show_mistakes()
    return run.exit_code


def _works(sources: Declared, settings: Settings) -> dict[str, Work]:
    """What there is to do, by the name that a person sees."""
    from dlt_sources.door import maintain as maintain_source

    def of_source(name: str) -> Work:
        return lambda: maintain_source(sources[name], settings)

    return {name: of_source(name) for name in sources} | {
        "gold": lambda: _gold(settings),
        "record": lambda: _record(settings),
        "serving": lambda: _serving(settings),
    }


def _gold(settings: Settings) -> dict[str, int]:
    from sqlmesh_project.door import remove_expired

    return {"expired tables and views removed": remove_expired(settings)}


def _record(settings: Settings) -> dict[str, int]:
    from warehouse.ops import Ops

    return {"rows of the record removed": Ops(settings).forget()}


def _serving(settings: Settings) -> dict[str, int]:
    """On AWS there is one version, and its rows are replaced."""
    from warehouse.publish_file import remove_old

    return {} if settings.aws else {"old versions removed": remove_old(settings)}

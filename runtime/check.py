"""`check`: the checks of staging and gold on the data as it stands, for a person or as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import settings as configuration
from foundation.console import Console
from settings import Settings
from warehouse.waiting import built_schemas

from .record import looking
from .run_report import check_of, problem_lines
from .unpublished import NEXT

if TYPE_CHECKING:
    from dlt_sources.door import Declared, Source
    from soda_checks.door import CheckResult


def check(sources: Declared, names: list[str], as_json: bool) -> int:
    """Run the checks of sources' staging, and of the gold that is built from them, as the data stands.

    Args:
        names: the sources; none: every source and every domain.

    Returns:
        The exit code: 1 when a check would stop a run, 2 when a source cannot be checked because its declaration is broken.

    Raises:
        LockedError, RunInProgressError: a run is in progress, or begins meanwhile: it goes first.
    """
    from foundation.lock import refuse_beside_a_run

    settings = configuration.load()
    console = Console(as_json)
    broken = {name: reason for name, reason in sources.broken.items() if name in (names or sources.broken)}
    refuse_beside_a_run(settings)
    usable = [sources[name] for name in names or sources if name not in broken]
    with looking(settings):
        results = list(_check_all({source.name: source for source in usable}, not names, settings))
    failed = [result for result in results if result.stops]
    shown = [result for result in results if result.outcome != "passed"]
    if as_json:
        console.json([vars(result) for result in results])
    else:
        console.out.print(f"{len(results)} checks, {len(failed)} stop" + ("" if shown else ": all passed"))
        console.blocks(problem_lines([check_of(r.recorded) for r in shown]))
        if any(result.layer == "gold" for result in failed):
            console.note(f"dashboards keep the last good data. {NEXT}")
    for name, reason in broken.items():
        console.problem(f"{name} is not checked, its declaration is broken: {reason}")
    return 1 if failed else 2 if broken else 0


def _check_all(sources: Mapping[str, Source], everything: bool, settings: Settings) -> Iterator[CheckResult]:
    """The answers of sources' checks and of the gold built from them; of `everything`, of all gold that has checks."""
    from dlt_sources.door import check_bases, row_keys
    from soda_checks.door import FOLDER, check, not_built, schema_of
    from sqlmesh_project.door import inspect_models

    models, built = inspect_models(settings), built_schemas(settings)
    domains = {name for name, feeds in models.domains.items() if everything or feeds & set(sources)}
    domains |= {path.name for path in (FOLDER / "gold").iterdir() if path.is_dir() and everything}
    for layer, scopes in (("staging", list(sources)), ("gold", sorted(domains))):
        for scope in scopes:
            if schema_of(layer, scope) not in built:
                yield not_built(layer, scope, settings)
            elif layer == "staging":
                keys, bases = row_keys(sources[scope]), check_bases(sources[scope])
                yield from check(layer, scope, settings, keys, models.pending, bases=bases)
            else:
                yield from check(layer, scope, settings, unbuilt=models.pending)

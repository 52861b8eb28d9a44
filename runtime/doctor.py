"""Check what a run needs, with the call that needs it, and say what to do about what is missing."""

from __future__ import annotations

from collections.abc import Callable
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from rich.markup import escape

import settings as configuration
from errors import ExitCode, MillraceError
from foundation.console import Console
from foundation.hidden import tell
from settings import Settings

from .record import looking

if TYPE_CHECKING:
    from dlt_sources.door import Declared, Unfinished


def examine() -> int:
    """Print a line per check; returns the exit code of the first that failed, 0 when all is well."""
    console = Console()
    settings = configuration.load()
    first = 0
    for name, probe in _probes(settings):
        try:
            console.out.print(f"  [green]ok[/green]      {name:<40} {escape(_unless_busy(probe))}")
        except Exception as error:
            first = first or (error.exit_code if isinstance(error, MillraceError) else ExitCode.STORE)
            console.out.print(f"  [red]missing[/red] {name:<40} {escape(tell(str(error)))}")
    return first


def _unless_busy(probe: Callable[[], str]) -> str:
    """A probe's answer; beside a run, which is a line of its own, the warehouse is not looked at."""
    from warehouse.connection import RunInProgressError

    try:
        return probe()
    except RunInProgressError:
        return "not looked at: a run is in progress"


def _probes(settings: Settings) -> list[tuple[str, Callable[[], str]]]:
    from dlt_sources.door import externals, load_sources, reads_silver

    sources = load_sources()
    used = [source for name, source in sources.items() if name not in sources.off]
    probes: list[tuple[str, Callable[[], str]]] = [
        ("settings", lambda: f"target {settings.target}, data in {settings.data_dir}"),
        ("data folder can be written", lambda: _writable(settings)),
        ("no run is in progress", lambda: _free(settings)),
    ]
    if settings.aws:
        from . import doctor_aws

        probes += doctor_aws.probes(settings)
    else:
        probes.append(("warehouse opens", lambda: _warehouse(settings)))
    probes.append(("contracts fit the rows there", lambda: _contracts(sources, settings)))
    probes.append(("nothing was left half done", lambda: _left(sources, settings)))
    for name in sorted(sources.off):
        probes.append((f"{name}: switched off", lambda: "source.yml says `enabled: false`; nothing reads it"))
    for name in sorted(set(sources.broken) - sources.off):
        probes.append((f"{name}: declaration, contracts", lambda n=name: sources[n].name))  # type: ignore[misc]
    for source in used:
        probes.append((f"{source.name}: declaration, contracts", lambda s=source: f"{len(s.contracts)} tables"))  # type: ignore[misc]
        if names := {*source.declared.alerts.failure, *source.declared.alerts.success}:
            probes.append((f"{source.name}: alerts", lambda n=names: _addresses(n, settings)))  # type: ignore[misc]
        probes.append((f"{source.name}: answers", lambda s=source: _answers(s, settings)))  # type: ignore[misc]
    if settings.aws:
        for source in (source for source in used if externals(source, settings)):
            probes.append((f"{source.name}: Redshift reads silver", lambda s=source: reads_silver(s, settings)))  # type: ignore[misc]
    if any(source.operational for source in used):
        probes.append(("operational Postgres answers", lambda: _postgres(settings)))
    return probes


def _unfinished(sources: Declared, settings: Settings) -> list[Unfinished]:
    from dlt_sources.door import find_unfinished
    from warehouse.connection import connect, exists

    if not exists(settings):
        return []
    with looking(settings), connect(settings) as con:
        return find_unfinished(sources, con)


def _contracts(sources: Declared, settings: Settings) -> str:
    from dlt_sources.door import ContractChangedError

    waits = [found.text for found in _unfinished(sources, settings) if found.what == "contract"]
    if waits:
        raise ContractChangedError("; ".join(waits))
    return f"{len(sources)} sources"


def _left(sources: Declared, settings: Settings) -> str:
    from foundation.lock import is_held

    busy = settings.aws and is_held(settings)  # there the warehouse can be read beside a run
    found = [found for found in _unfinished(sources, settings) if found.what != "contract"]
    return "; ".join(f.text for f in found if f.what != "rebuild" or not busy) or "nothing"


def _postgres(settings: Settings) -> str:
    import sqlalchemy as sa

    from dlt_sources.door import StoreError

    url = settings.postgres_url.get_secret_value()
    if not url:
        raise configuration.SettingsError("ELT_POSTGRES_URL is not set, and tables have `sinks: [postgres]`")
    address = sa.make_url(url).set(drivername="postgresql+psycopg2")
    try:
        with sa.create_engine(address).connect():
            return address.render_as_string(hide_password=True)
    except sa.exc.SQLAlchemyError as error:
        raise StoreError(
            f"{address.render_as_string(hide_password=True)} does not answer ({type(error).__name__})"
        ) from None


def _addresses(names: set[str], settings: Settings) -> str:
    """How many settings hold addresses of alerts; one that is not set is a SettingsError."""
    for name in names:
        settings.lookup(name.strip("${}"))
    return f"{len(names)} settings"


def _writable(settings: Settings) -> str:
    settings.data.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=settings.data):
        pass
    return str(settings.data_dir)


def _free(settings: Settings) -> str:
    from foundation.lock import refuse_beside_a_run

    refuse_beside_a_run(settings)
    return "free"


def _warehouse(settings: Settings) -> str:
    from warehouse.connection import connect

    if not settings.warehouse.exists():
        return "not there yet; the first run makes it"
    with looking(settings), connect(settings):
        return str(settings.warehouse)


def _answers(source: object, settings: Settings) -> str:
    from dlt_sources.door import Source, reach

    assert isinstance(source, Source)
    return reach(source, settings)

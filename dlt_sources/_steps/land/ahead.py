"""Reading sources side by side: most of the time of a small source is spent waiting for its answer.

Sources are read ahead as far as to the first rows that land, and no further than a little (turn.py). What is read lies in the
source's own workplace; all commits are made one after the other by who asked.

In their turn are read a team's own code, which may not be fit for threads, and databases other than Postgres: connectorx
holds Python's lock while their server thinks, so that one reader would stop all others, and signals too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from importlib import import_module

from settings import Settings, SettingsError

from ..declared.declaration import Source
from ..declared.source_kinds import FilesSource, SqlSource
from .connect import find_address


def servers(sources: Mapping[str, Source], names: Collection[str], settings: Settings) -> dict[str, str]:
    """Of some sources those that can be read ahead, each with its database server, or "" where it has none. One whose address
    is not set is reported in its turn.
    """
    found = {}
    for name in names:
        try:
            if (server := _server(sources[name], settings)) is not None:
                found[name] = server
        except SettingsError:
            continue
    return found


def _server(source: Source, settings: Settings) -> str | None:
    """None: the source is read in its turn."""
    address = find_address(source, settings)
    if not source.declared.reads_ahead:
        return None
    if not isinstance(source.declared, SqlSource):
        return ""
    import sqlalchemy as sa

    try:
        url = sa.make_url(address)
    except (sa.exc.ArgumentError, ValueError):
        return None  # it is refused in its turn
    where = f"{url.host or url.query.get('host')}:{url.port or url.query.get('port') or ''}"
    return where.lower() if address.startswith("postgres") else None


def load_connectors(sources: Iterable[Source], settings: Settings) -> None:
    """Import what readers of these sources need: Python's imports are not made for threads that import each other's half."""
    for source in sources:
        import_module("pandas")  # libraries load it at their first use, and another thread would see half of it
        for module in _modules(source, settings):
            import_module(module, __package__)


def _modules(source: Source, settings: Settings) -> Iterable[str]:
    declared, address = source.declared, find_address(source, settings)
    if not isinstance(declared, FilesSource):
        yield f".connectors.{declared.connector}"
        return
    yield "dlt.sources.helpers.requests"
    yield "fsspec.implementations.local"
    if address.startswith("s3://"):
        yield "dlt.sources.filesystem"
        yield "s3fs"

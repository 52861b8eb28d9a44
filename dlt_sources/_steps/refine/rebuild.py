"""Rebuild: silver and staging of a source again from landing, by today's contract, beside what is in use.

The rows gather in a schema and in Iceberg tables of their own, batch by batch, as any refine sends them: a rebuild that is
killed goes on where it was. When they are whole they take the place of what is in use; from then on the swap is only ever
finished, by whatever runs next.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from settings import Settings
from warehouse.connection import connect
from warehouse.quote import identifier

from ..declared.declaration import Source
from ..declared.declaration_error import DeclarationError
from ..declared.redact import has_private
from ..silver.silver import Silver
from ..staging.external import is_settled
from ..staging.stage import Staging
from ..staging.stagings import rebuild_schema
from ..stores.lake import Landing
from ..stores.pipelines import quiet_about
from ..stores.shape import shape_of
from .carried import carry_over, expired
from .refine import Refined, pending, send
from .swap import SWAPPING, finish_swap, rebuild_state


@dataclass
class Rebuilt(Refined):
    """What a rebuild did.

    Attributes:
        carried: rows whose raw rows have expired, carried over from silver; per table.
    """

    carried: dict[str, int] = field(default_factory=dict)


def rebuild(source: Source, tables: Collection[str], settings: Settings, *, progress: Callable[[str], None]) -> Rebuilt:
    """Rebuild silver and staging of a source's tables from landing, and let them take the place of those in use.

    Args:
        tables: those to rebuild, with what is made from them and what they are made from; empty: all.

    Raises:
        DeclarationError: a table is not declared.
        StoreError: silver or the warehouse could not be written; the next call goes on.
    """
    with quiet_about(source.name, has_private(source.contracts.values())):
        finish_swap(source, settings)
        moved = Silver(source.name, settings).forget_moved()
        part = _part(source, [] if moved else tables)
        whole = set(part.tables) == set(source.tables)
        used, aside = Staging.open(source, settings), _begin(part, settings)
        done = Rebuilt()
        if gone := expired(part, used, settings):
            done.carried = carry_over(gone, used, aside)
        landing = Landing(source.name, settings)
        waiting = set() if whole else set(pending(landing, used)[0])
        loads = [load for load in pending(landing, aside)[0] if load not in waiting]
        send(aside, loads, done, progress, kept=aside.last_load, gone=gone)
        aside.note({SWAPPING: "1", "whole": str(int(whole)), "tables": ",".join(part.tables)})
        finish_swap(source, settings)
        return done


def _part(source: Source, tables: Collection[str]) -> Source:
    """The source with some of its tables, those they are made from and those made from them."""
    unknown = [name for name in tables if name not in source.tables]
    if unknown:
        raise DeclarationError(f"{source.name} has no table {unknown[0]!r}; it has {', '.join(source.tables)}")
    if not tables:
        return source
    parents = {source.tables[name].from_ or name for name in tables}
    names = {name for name, table in source.tables.items() if name in parents or table.from_ in parents}
    part = copy.copy(source)
    part.declared = source.declared.model_copy(
        update={"tables": {name: table for name, table in source.declared.tables.items() if name in names}}
    )
    part.__dict__.pop("contracts", None)
    return part


def _begin(part: Source, settings: Settings) -> Staging:
    """Where the rows gather: what a rebuild left that was cut short, if it was of the same tables and contracts."""
    schema = rebuild_schema(part.name)
    state = rebuild_state(part.name, settings)
    wanted = {f"shape:{name}": shape_of(part, name) for name in part.tables}
    known = {name: json.loads(value) for name, value in state.items() if name.startswith("shape:")}
    if known != wanted or not is_settled(part, state, settings):
        with connect(settings) as con:
            con.execute(f"DROP SCHEMA IF EXISTS {identifier(schema)} CASCADE")
        aside = Silver(part.name, settings, aside=True)
        aside.drop([name.removesuffix("__rebuild") for name in aside.tables() if name.endswith("__rebuild")])
    return Staging.open(part, settings, aside=True)

"""How sources depart from their contracts: recorded with a run, reported once, and as the lines that a contract lacks."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import settings as configuration
from foundation.console import Console
from warehouse import drift as record

from .record import record as open_record

if TYPE_CHECKING:
    from dlt_sources.door import Declared, Refined, Source
    from warehouse.drift import Drift
    from warehouse.drift_notes import Notes
    from warehouse.ops import Run


def note(source: Source, refined: Refined, unasked: dict[str, dict[str, str]], run: Run, notes: Notes) -> None:
    """Note how what a source sent departs from its contract; what is new is among the run's `drift`, and of that what was
    not so from the beginning among its `news`.

    Args:
        unasked: columns of a database's tables that were not read, with their types.
    """
    from dlt_sources.door import add_unasked, expected

    if seen := add_unasked(refined.seen, unasked):
        noted = notes.note(source.name, seen, expected(source))
        run.drift += [f"{line}: `python runner.py drift {source.name}`" for line in _lines(noted.new)]
        if noted.alerts:
            run.news[source.name] = [*map(str, noted.alerts), f"python runner.py drift {source.name}"]


def _lines(drifts: list[Drift]) -> list[str]:
    """A line per drift; unknown fields of one table in one line."""
    unknown: dict[str, list[Drift]] = {}
    for drift in drifts:
        if drift.what == record.UNKNOWN:
            unknown.setdefault(drift.table_name, []).append(drift)
    lines = [str(drift) for drift in drifts if drift.what != record.UNKNOWN]
    for table, found in unknown.items():
        names = ", ".join(f"{drift.path} ({drift.type})" for drift in found[:10])
        more = f" and {len(found) - 10} more" if len(found) > 10 else ""
        fields = "a field" if len(found) == 1 else f"{len(found)} fields"
        lines.append(f"{found[0].source}.{table} sends {fields} that its contract does not declare: {names}{more}")
    return lines


def show(sources: Declared, names: list[str], as_json: bool) -> None:
    """Print what differs between a source and its contract, and the lines to add to contract.py."""
    from dlt_sources.door import lines_for

    settings, console = configuration.load(), Console(as_json)
    with open_record(settings) as seen:
        found = [drift for name in names or sources.names for drift in record.read_open(seen.con, seen.ops, name)]
    if as_json:
        console.json([vars(drift) for drift in found])
        return
    if seen.why:
        console.note(f"{seen.why}; this is the record as last published")
    if not found:
        console.out.print("Every source sends what its contract declares.")
    for name in sorted({drift.source for drift in found}):
        for table in sorted({drift.table_name for drift in found if drift.source == name}):
            here = [drift for drift in found if (drift.source, drift.table_name) == (name, table)]
            contract = sources[name].contracts.get(table) if name in sources else None
            fields = set(contract.model_fields) if contract else set()
            of = f"class {contract.__name__}" if contract else table
            console.out.print(f"dlt_sources/{name}/contract.py, {of}:", markup=False)
            unknown = [drift for drift in here if drift.what == record.UNKNOWN]
            for drift in unknown:
                for line in lines_for(drift.path, drift.type, fields):
                    console.out.print(f"    {line}", markup=False)
            for drift in (drift for drift in here if drift.what != record.UNKNOWN):
                console.out.print(f"    # {_advise(drift, unknown)}", markup=False)
            if unknown:
                ignored = ", ".join(repr(drift.path) for drift in unknown)
                console.out.print(f"    # or, where nobody needs them: ignores = ({ignored},)", markup=False)
    if found:
        console.out.print("Then `make derive` and `python runner.py plan`.")


def _advise(drift: Drift, unknown: list[Drift]) -> str:
    """What to do about a declared field."""
    since = f"since {drift.first_seen:%Y-%m-%d %H:%M}, {drift.rows:,} rows"
    if drift.what == record.TYPE:
        return f"{drift.path} comes as {drift.type} {since}: change its type, or have the source corrected"
    lost = "is not sent any more" if drift.what == record.GONE else "is always NULL"
    close = difflib.get_close_matches(drift.path, [other.path for other in unknown], n=1, cutoff=0.4)
    renamed = f'; if it was renamed to {close[0]}: path=["{drift.path}", "{close[0]}"]' if close else ""
    return f"{drift.path} {lost} {since}: ask the source{renamed}"

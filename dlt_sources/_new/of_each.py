"""The tables of endpoints that are asked for each record: read for a few records, inferred, or left to a person with the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from settings import Settings

from .._steps.contracts.contract import FOR_EACH
from .._steps.declared.declaration_error import DeclarationError
from .._steps.declared.names import field_name
from .._steps.declared.source_error import SourceError
from .._steps.land.parents import of_source
from . import provisional
from .children import MOST, Child, find_children
from .fields import Field, Found, class_of, find_key, infer, singular_of
from .leaves import take_apart
from .origin import Origin
from .rows import records_of
from .sample import read_sample
from .sample_error import SampleError
from .write import shown_path

PAGES = 25
"""Of all records that a sample asks for, together."""


@dataclass
class OfEach:
    """What was found below each record.

    Attributes:
        tables: to be written. files: their samples. seen: what people should know of them.
    """

    tables: list[Found] = field(default_factory=list)
    files: dict[str, list[Path]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)


def read_children(
    origin: Origin, parent: Found, records: Sequence[Mapping[str, Any]], settings: Settings, place: Path, work: Path
) -> OfEach:
    """The tables below each record of an API. Those that cannot be declared are noted in `origin.proposed`.

    Args:
        place: folder of the source that is to be written. work: for files in passing.
    """
    found = OfEach()
    for child in find_children(origin, parent, records, settings):
        path = child.endpoint["path"]
        if not child.problem and len(found.tables) == MOST:
            child.problem = f"{MOST} such tables are enough for a beginning"
        if not child.problem:
            try:
                _read(child, found, origin, parent, records, settings, place, work / child.name)
            except (SourceError, SampleError, DeclarationError) as error:
                child.problem = str(error).partition(";")[0]
        if child.problem:
            origin.proposed.append(_propose(child, parent))
            found.seen.append(f"{path} for each record of {parent.name}: {child.said}; not declared: {child.problem}")
    return found


def _read(
    child: Child,
    found: OfEach,
    origin: Origin,
    parent: Found,
    records: Sequence[Mapping[str, Any]],
    settings: Settings,
    place: Path,
    work: Path,
) -> None:
    """Read the rows of a few records, and make a table of them."""
    source = provisional.declare(place, origin, {}, {child.name: child.endpoint})
    links = of_source(source.extracted, source.contracts)
    for record in records:
        links[child.name].add(record)
    sample = read_sample(source, child.name, settings, work, pages=PAGES, links=links)
    rows = records_of(sample.files)
    table = _table(child, parent, rows)
    if child.problem:
        return
    asked = len({_above(row, child.holder) for row in rows})
    found.tables.append(table)
    found.files[table.name] = sample.files
    found.seen.append(
        f"{table.name}: {table.rows:,} rows of {asked} records of {parent.name}, each asked for at {child.endpoint['path']}"
        f" ({child.said})"
    )
    table.doubts.append(
        f"{child.endpoint['path']} is asked for each record of {parent.name} that a read brings, which is a request each:"
        " remove the table where that is not wanted"
    )


def _above(row: Mapping[str, Any], holder: Field) -> Any:
    """The value of the record that a row was asked for with."""
    value: Any = row[FOR_EACH]
    for part in holder.path:
        value = value[part]
    return value


def _table(child: Child, parent: Found, rows: Sequence[Mapping[str, Any]]) -> Found:
    """The table of such rows; `child.problem` says why it cannot be declared."""
    above = [_above(row, child.holder) for row in rows]
    own = [{name: value for name, value in row.items() if name != FOR_EACH} for row in rows]
    by_record: dict[Any, list[Any]] = {}
    for value, row in zip(above, own, strict=True):
        by_record.setdefault(value, []).append(row)
    if len(by_record) > 1 and all(part == own[: len(own) // len(by_record)] for part in by_record.values()):
        child.problem = "it answers the same for each record"
    taken = take_apart(own)
    leaves = [leaf for leaf in taken.leaves if leaf.there]
    known = [leaf for leaf in leaves if len(leaf.path) == 1 and leaf.values == above and len(by_record) > 1]
    first = _field_above(child.holder, parent)
    if known:
        fields = infer(leaves, child.name)
        first = next(f for f in fields if f.path == known[0].path)
    else:
        first.name = field_name(first.name, {field_name(leaf.name) for leaf in leaves}, child.name)
        fields = [first, *infer(leaves, child.name, {first.name})]
    within = list(map(list(by_record).index, above))
    key = find_key([f for f in fields if f is not first], child.name, within)
    if not key and len(by_record) < len(own) and not child.problem:
        child.problem = "no field names a row of it"
    table = Found(child.name, class_of(child.name), fields, len(own), place={"endpoint": child.endpoint})
    table.contract += "Row" if table.contract == parent.contract else ""
    table.key = [first.name, *key]
    first.nullable = first.optional = False
    table.left = {shown_path(path): why for path, why in taken.left.items()}
    table.left |= dict.fromkeys(taken.lists, "a list of objects that is a table of its own only where it is declared")
    table.doubts.append(f"key ({', '.join(table.key)}): unique in {table.rows:,} rows; is it so by rule?")
    return table


def _field_above(holder: Field, parent: Found) -> Field:
    """The field that says of which record a row is."""
    singular = singular_of(parent.name)
    name = holder.name if holder.name.startswith(singular) else f"{singular}_{holder.name}"
    return Field(
        name, (FOR_EACH, *holder.path), holder.guess, about=f"The record: its {holder.name}", blank=holder.blank
    )


def _propose(child: Child, parent: Found) -> str:
    """A table as a comment of source.yml."""
    above = _field_above(child.holder, parent)
    declared = {"endpoint": child.endpoint, "contract": class_of(child.name), "key": [above.name, "id"]}
    text = yaml.safe_dump({child.name: declared}, sort_keys=False, default_flow_style=None, width=110)
    return "\n".join(
        [
            f"{child.endpoint['path']} is not declared: {child.problem}. Its contract reads `{above.name}` from"
            f' path="{shown_path(above.path)}".',
            *text.rstrip().splitlines(),
        ]
    )

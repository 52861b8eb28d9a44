"""A sample's rows as the tables that can be made of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from .._steps.contracts.contract import FILE, FILE_ROW, INDEX, MALFORMED, MARKS, PAYLOAD
from .._steps.contracts.text import parse
from .._steps.declared.names import field_name
from .fields import MOST_IN_KEY, Field, Found, class_of, find_key, infer, singular_of
from .guessed import Guess
from .leaves import Leaf, Taken, take_apart
from .sample_error import SampleError
from .write import parent_path, shown_path

Declared = Mapping[str, tuple[str, bool]]
"""Columns of a database: their types in SQL's words, and whether they may be NULL."""
LARGEST_KEY = 6
"""Fields of a key at most, where rows have no other name."""
NESTED = {"items", "lines", "entries", "details", "rows", "data", "values", "results", "elements"}


def records_of(files: Sequence[Path]) -> list[dict[str, Any]]:
    """The rows of a sample's files as records, without what landing adds."""
    tables = [pq.read_table(path) for path in files]
    if tables and PAYLOAD in tables[0].column_names:
        found = (_parsed(text) for table in tables for text in table[PAYLOAD].to_pylist())
        return [record for record in found if isinstance(record, dict)]
    records: list[dict[str, Any]] = []
    for table in tables:  # files of one table may have other columns, and other types
        if MALFORMED in table.column_names:
            table = table.filter(table[MALFORMED].is_null())
        own = [name for name in table.column_names if name not in (*MARKS, FILE, FILE_ROW, MALFORMED)]
        records += table.select(own).to_pylist()
    return records


def why_nothing(files: Sequence[Path]) -> str:
    """Why a sample has no record: nothing came, or nothing that is one."""
    tables = [pq.read_table(path) for path in files]
    rows = sum(table.num_rows for table in tables)
    if not rows:
        return "no row came"
    texts = (text for table in tables if MALFORMED in table.column_names for text in table[MALFORMED].to_pylist())
    first = next((text for text in texts if text), "")
    return (
        f"none of its {rows:,} lines is a row ({first[:200]})"
        if first
        else f"none of its {rows:,} records is an object"
    )


def _parsed(text: str | None) -> Any:
    """The record of a line; None where it is not JSON: the judge says so."""
    try:
        return parse(text or "")
    except (ValueError, RecursionError):
        return None


def tables_of(
    records: Sequence[Mapping[str, Any]],
    name: str,
    *,
    cells: bool,
    nests: bool,
    by_file: bool,
    declared: Declared,
    key: Sequence[str],
) -> list[Found]:
    """The tables to write: that of the records, then those of their lists.

    Args:
        cells: whether the values are texts of a file's or a page's cells.
        nests: whether lists of objects can be tables of their own. by_file: whether rows know their file.
        key: of a database's table, its primary key.

    Raises:
        SampleError: no field names a row, and nothing else does.
    """
    taken = take_apart(records)
    if declared:
        taken.left = {path: why for path, why in taken.left.items() if path[0] not in declared or "null" not in why}
    found = _table(taken, records, name, cells, by_file, declared, key)
    tables = [found]
    nests = nests and "mode" not in found.place  # rows of lists are found again by the key of their record
    for list_name, elements in taken.lists.items():
        child = _child(found, list_name, elements, {table.name for table in tables}) if nests else None
        if child is None:
            found.left[list_name] = "a list of objects that cannot be a table of its own here"
            continue
        tables.append(child)
        if field_name(list_name) == list_name and list_name not in {f.name for f in found.fields}:
            found.lists.append(list_name)
    return tables


def _table(
    taken: Taken, records: Sequence[Any], name: str, cells: bool, by_file: bool, declared: Declared, key: Sequence[str]
) -> Found:
    """The table of the records themselves."""
    for leaf in taken.leaves:
        if any(isinstance(value, time | timedelta) for value in leaf.there):
            taken.left[leaf.path] = (
                "a time of day or a duration, which no column holds: read a view, or a file, that has it as text"
            )
    leaves = [_declared(replace(leaf, cells=cells), declared) for leaf in taken.leaves if leaf.path not in taken.left]
    if declared:  # every column, also one without a value, in the table's own order
        there = {leaf.path[0]: leaf for leaf in leaves}
        nothing = [None] * len(records)
        leaves = [
            there.get(name) or Leaf((name,), nothing, False, kind, True)
            for name, (kind, _) in declared.items()
            if (name,) not in taken.left
        ]
    empty = [leaf for leaf in leaves if not leaf.there and not leaf.declared]
    fields = infer([leaf for leaf in leaves if leaf.there or leaf.declared], name)
    found = Found(
        name, class_of(name), fields, len(records), left={shown_path(path): why for path, why in taken.left.items()}
    )
    for leaf in empty:
        found.left[shown_path(leaf.path)] = "NULL in every row"
    by_path = {f.path: f.name for f in fields}
    # rows of files are named by their place rather than by many fields
    most = MOST_IN_KEY if by_file else LARGEST_KEY
    found.key = (
        [by_path[(column,)] for column in key if (column,) in by_path] if key else find_key(fields, name, most=most)
    )
    for column in found.key:
        found.field(column).nullable = False
    if not found.key:
        _without_key(found, by_file)
    elif not key:
        _doubt_key(found)
    return found


def _declared(leaf: Leaf, declared: Declared) -> Leaf:
    kind, nullable = declared.get(str(leaf.path[0]), ("", None))
    return replace(leaf, declared=kind, nullable=nullable)


def _doubt_key(found: Found) -> None:
    shown = ", ".join(found.key)
    if found.rows < 20:
        found.doubts.append(f"key ({shown}): unique, but only {found.rows} rows were seen")
    elif len(found.key) > 1 or not re.search(r"id$|key$|number$|code$|uuid$", found.key[0]):
        found.doubts.append(f"key ({shown}): unique in {found.rows:,} rows; is it so by rule?")


def _without_key(found: Found, by_file: bool) -> None:
    """Name rows by the file and the row they are from, or by what comes closest."""
    if by_file:
        names = {f.name for f in found.fields}
        file, row = field_name("source_file", names, "row"), field_name("source_row", names, "row")
        found.fields[:0] = [
            Field(file, (FILE,), Guess("str", str, {"max_length": 300}), about="File the row is in"),
            Field(row, (FILE_ROW,), Guess("int", int), about="Row of that file, from 0"),
        ]
        found.key, found.place = [file, row], {"mode": "append"}
        found.doubts.append("no field names a row: rows are named by their file and place (mode append)")
        return
    if not found.fields:
        why = "; ".join(f"{path}: {reason}" for path, reason in found.left.items())
        raise SampleError(
            f"{found.name}: no field can be made of its {found.rows:,} rows ({why}): give an address that has records"
        )
    closest = [f for f in found.fields if f.can_name] or [
        f for f in found.fields if not f.nullable and f.pii != "drop" and f.guess.kind is not float
    ]
    if not closest:
        raise SampleError(
            f"{found.name}: nothing names a row, and a table needs a `key`: each field is empty in some row, or a number that may have"
            " a fraction"
        )
    best = max(closest, key=lambda f: len({str(value) for value in f.leaf.values} if f.leaf else ()))
    different = len({str(value) for value in best.leaf.values}) if best.leaf else 0
    found.key, best.nullable = [best.name], False
    if found.rows == 1:
        found.doubts.append(f"key ({best.name}): one row came, which cannot tell what names a row")
        return
    found.doubts.append(
        f"no field names a row: {best.name} comes closest, with {different:,} values in {found.rows:,} rows. Of rows with the"
        " same value the newest counts: correct `key`"
    )


def _child(parent: Found, list_name: str, elements: list[list[Any]], taken: set[str]) -> Found | None:
    """The table of the elements of a list; None where it cannot be one."""
    if re.fullmatch(r"\$.*|\w+(\.\w+|\[\w*\])+|[./].*", list_name) or not list_name.isprintable():
        return None
    above = [parent.field(name) for name in parent.key if parent.field(name).leaf]
    flat = [part for value in elements for part in value]
    within = [number for number, value in enumerate(elements) for _ in value]
    name = field_name(list_name)
    if name in NESTED or name in taken:
        name = f"{singular_of(parent.name)}_{name}"
    if len(above) < len(parent.key) or name in taken:
        return None
    inside = take_apart(flat)
    keys = [
        Field(
            f.name,
            parent_path(f.path),
            f.guess,
            pii=f.pii,
            reason=f.reason,
            leaf=None,
            about=f"The record: its {f.name}",
            blank=f.blank,
        )
        for f in above
    ]
    fields = infer(inside.leaves, name, {f.name for f in keys})
    own = find_key(fields, name, within) if len(set(within)) < len(within) else []
    place: list[Field] = []
    if not own:
        position = field_name("position", {f.name for f in (*keys, *fields)}, singular_of(name))
        place = [Field(position, (INDEX,), Guess("int", int), about="Place in the list, from 0")]
    left = {shown_path(path): why for path, why in inside.left.items()}
    left |= dict.fromkeys(inside.lists, "a list inside a list")
    found = Found(
        name, class_of(name), [*keys, *place, *fields], len(flat), left=left, parent=parent, explode=list_name
    )
    if found.contract == parent.contract:
        found.contract += "Row"
    found.key = [*parent.key, *(own or [place[0].name])]
    if own:
        found.doubts.append(f"key ({', '.join(found.key)}): unique in {found.rows:,} elements; is it so by rule?")
    return found

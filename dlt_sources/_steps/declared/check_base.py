"""What follows from a row contract for the checks of its staging table: the part of a Soda contract above ``checks:``."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from warehouse.staging import staging_schema

from ..contracts.columns import Column, columns_of
from .declaration import Source
from .source_yml import Table


def check_bases(source: Source) -> dict[str, str]:
    """Per table of the source: the text that its contract gives."""
    return {name: _base(source, name) for name in source.tables}


def _base(source: Source, name: str) -> str:
    table = source.tables[name]
    kept = "NOT _deleted AND " if table.sees_deletes and not table.removes else ""
    lines = [
        'dataset: "warehouse/${var.path}/' + name + '"\n',
        "variables:\n  path:\n    default: " + staging_schema(source.name) + '\n  since:\n    default: "0"\n',
        *(["  fresh:\n    default: 1 = 1\n"] if _single_key(table) else []),
        f"filter: {kept}_refine_id >= '${{var.since}}'\n",
        "columns:\n",
    ]
    for column in columns_of(source.contracts[name]):
        shown = column.name if yaml.safe_load(column.name) == column.name else f'"{column.name}"'  # `no` is a boolean
        lines.append(f"  - name: {shown}\n")
        rules = list(valid_values(column))
        lines += [f"    {rule}\n" for rule in rules]
        checks = [] if column.nullable else ["missing:"]
        checks += ["invalid:"] if rules else []
        checks += ["duplicate:\n          filter: ${var.fresh}"] if _single_key(table) == column.name else []
        if checks:
            lines += ["    checks:\n", *(f"      - {check}\n" for check in checks)]
    return "".join(lines)


def _single_key(table: Table) -> str | None:
    """The column that names one row of staging by itself, where one does."""
    return table.key[0] if len(table.key) == 1 and table.mode != "scd2" else None


def valid_values(column: Column) -> Iterator[str]:
    """Which values of a column are valid, in Soda's words."""
    if column.choices:
        yield f"valid_values: [{', '.join(map(repr, column.choices))}]"
        return
    if column.kind is str and column.pii != "hash":
        if column.min_length:
            yield f"valid_min_length: {column.min_length}"
        if column.max_length:
            yield f"valid_max_length: {column.max_length}"
    low, high = (column.gt if column.ge is None else column.ge), (column.lt if column.le is None else column.le)
    if low is not None:
        yield f"valid_min: {low}"
    if high is not None:
        yield f"valid_max: {high}"

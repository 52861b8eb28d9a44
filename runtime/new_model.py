"""`runner.py new model`: a first model over a staging table, with its unit test."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import settings as configuration
from foundation.console import Console
from settings import SettingsError
from warehouse.staging import MARKS, source_of, staging_schema

if TYPE_CHECKING:
    from dlt_sources.door import Column
    from settings import Settings

ROWS = 3
"""Rows of the unit test."""
FOLDER = "sqlmesh_project"
DAY = datetime(2026, 1, 1)
LOADS = [f"load{number}" for number in range(1, ROWS + 1)]


def create_model(name: str, given: str, dry_run: bool, as_json: bool) -> None:
    """Write a model that passes on the rows of a staging table, and say what comes next."""
    settings, console = configuration.load(), Console(as_json)
    files = {f"{FOLDER}/{path}": text for path, text in _files(name, given, settings).items()}
    for path, text in files.items():
        if not dry_run:
            place = configuration.ROOT / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        if as_json:
            continue
        console.out.print(f"[bold]{path}[/bold]" if dry_run else f"wrote: {path}")
        if dry_run:
            console.out.print(text, markup=False)
    following = "the same without --dry-run" if dry_run else _following(name)
    if as_json:
        console.json({"model": name, "files": files, "written": not dry_run, "next": following})
    else:
        console.out.print(f"Next: {following}", markup=False)


def _following(name: str) -> str:
    return (
        f"make it say what {name} is for (its SELECT, grain and descriptions), `sqlmesh -p {FOLDER} test`,"
        " then `make derive` and `python runner.py plan`"
    )


def _files(name: str, given: str, settings: Settings) -> dict[Path, str]:
    from dlt_sources.door import columns_of, load_sources
    from sqlmesh_project.new_model import Field, make_model

    sources = load_sources()
    source, short = source_of(given) or "", given.partition(".")[2]
    if source not in sources or short not in sources[source].tables:
        known = ", ".join(
            f"{staging_schema(n)}.{table}" for n in sources.names if n in sources for table in sources[n].tables
        )
        raise SettingsError(f"{given} is not a staging table; those that the sources declare: {known or 'none'}")
    found = sources[source]
    table = found.tables[short]
    sampled = _sampled(given, settings)
    fields = [
        Field(
            column.name,
            column.sql_type,
            column.description,
            column.nullable,
            _values(column, column.name in table.key, [row.get(column.name) for row in sampled]),
        )
        for column in columns_of(found.contracts[short])
    ]
    key = list(table.key)
    if table.mode == "scd2":  # of which staging holds every version
        fields.append(Field("_load_id", MARKS["_load_id"], "Landed load the version came from", False, LOADS))
        key.append("_load_id")
    marked = table.sees_deletes and not table.removes
    return make_model(name, given, found.declared.owner, found.about(short).splitlines()[0], key, fields, marked)


def _sampled(table: str, settings: Settings) -> list[dict[str, Any]]:
    """A few rows of the table as it is now; none where it is not there yet."""
    from warehouse.connection import connect, exists
    from warehouse.quote import identifier

    from .record import looking

    if not exists(settings):
        return []
    schema, name = table.split(".")
    query = "SELECT 1 FROM information_schema.tables WHERE table_schema = ? AND table_name = ?"
    with looking(settings), connect(settings) as con:
        if not con.execute(query, [schema, name]).fetchall():
            return []
        cursor = con.execute(f"SELECT * FROM {identifier(schema)}.{identifier(name)} LIMIT {ROWS}")
        names = [about[0] for about in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _values(column: Column, is_key: bool, found: Sequence[Any]) -> list[Any]:
    """A value for each row of the unit test: the table's own; made up where there is none, and where they are of persons."""
    if len(found) < ROWS or column.pii:
        return [_made_up(column, number, is_key) for number in range(1, ROWS + 1)]
    return [_plain(value) for value in found]


def _plain(value: Any) -> Any:
    """A value as YAML holds it."""
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _made_up(column: Column, number: int, is_key: bool) -> Any:
    if column.nullable and not is_key and number == ROWS:
        return None
    if column.choices:
        return _plain(column.choices[(number - 1) % len(column.choices)])
    low = column.ge if column.ge is not None else column.gt
    start = 0 if low is None else int(low)
    if column.kind is bool:
        return number % 2 == 0
    if column.kind in (int, float):
        return start + number
    if column.kind is Decimal:
        return str(start + number)
    if column.kind is datetime:
        return str(DAY + timedelta(hours=number))
    if column.kind is date:
        return str((DAY + timedelta(days=number)).date())
    if column.kind is UUID:
        return str(UUID(int=number))
    return f"{column.name[: min(8, (column.max_length or 100) - 1)]}{number}"

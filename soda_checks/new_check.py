"""A first contract for a table of gold: what an audit cannot say, since it is about time, or about other tables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from errors import ExitCode, MillraceError
from warehouse.quote import identifier
from warehouse.staging import source_of

FOLDER = Path(__file__).resolve().parent
_MOVES = (
    "updated",
    "modified",
    "changed",
    "loaded",
    "created",
    "ordered",
    "registered",
    "started",
    "at",
    "date",
    "day",
)
"""Words of the names of times that say when a row came or changed, the best first."""
HOURS = 48


class CheckError(MillraceError):
    """A contract cannot be written; nothing was."""

    exit_code = ExitCode.CONFIGURATION


@dataclass(frozen=True)
class Checked:
    """What a contract is derived from.

    Attributes:
        columns: of the table, with their types in DuckDB's words.
        staging: the table of staging whose rows the table's are, one for one; "" for none. marks_deleted: whether rows that
            its source has deleted are in it, marked.
        references: per column the other table's name whose only key has the same name.
    """

    name: str
    columns: Mapping[str, str]
    staging: str = ""
    marks_deleted: bool = False
    references: Sequence[tuple[str, str]] = ()


def place_of(name: str) -> Path:
    """The file of a table's contract, from the folder of checks.

    Raises:
        CheckError: the table is one of staging, or has a contract.
    """
    domain, _, table = name.partition(".")
    if source := source_of(name):
        own = f"soda_checks/staging/{source}/{table}.yml"
        raise CheckError(
            f"{name}: the checks of staging follow from the contract of its rows: say it there;"
            f" what a contract cannot say goes below `checks:` of {own}"
        )
    path = Path("gold", domain, f"{table}.yml")
    if (FOLDER / path).exists():
        raise CheckError(f"soda_checks/{path} is there already, and stays as it is; add your checks to it")
    return path


def make_check(found: Checked) -> tuple[str, list[str]]:
    """(the text of the contract; what is left to decide).

    Raises:
        CheckError: nothing can be derived.
    """
    checks, doubts = [], []
    if time := time_of(found.columns):
        checks.append(_freshness(time))
        doubts.append(f"{HOURS} hours without a newer {time}: a warning. How old may the newest row be?")
    if found.staging:
        checks.append(_recount(found))
        doubts.append(f"every row of {found.staging} is one here: right as long as the model leaves none out")
    for column, other in found.references:
        checks.append(_reference(found.name, column, other))
        doubts.append(
            f"{column} is looked for in {other}: a warning. Remove `threshold`, and a row without one stops a run"
        )
    if not checks:
        raise CheckError(
            f"{found.name}: it has no time, its rows are not those of one table of staging, and no column is the key of"
            " another domain's table: there is nothing to derive. What one table can say of itself is an audit of its model;"
            " what else you know goes into a contract of your own, soda_checks/gold/DOMAIN/NAME.yml (docs/how-to.md)"
        )
    domain, table = found.name.split(".")
    document = {"dataset": f"warehouse/${{var.path}}/{table}", "variables": {"path": {"default": domain}}}
    head = yaml.dump(document, sort_keys=False).replace(
        f"dataset: {document['dataset']}", f'dataset: "{document["dataset"]}"'
    )
    columns = "columns: []\n"
    return f"{head}{columns}checks:\n{''.join(checks)}", doubts


def time_of(columns: Mapping[str, str]) -> str | None:
    """The column that says when a row came, as far as names tell."""
    times = [name for name, kind in columns.items() if kind.startswith(("TIMESTAMP", "DATE"))]
    ended = ("valid_to", "valid_from", "birth", "until", "expires", "ends_at", "ended")

    def rank(name: str) -> int:
        words = re.split("_", name)
        return next((place for place, word in enumerate(_MOVES) if word in words), len(_MOVES))

    fitting = [name for name in times if not any(word in name for word in ended)]
    return min(fitting, key=rank, default=None)


def _freshness(column: str) -> str:
    return (
        f"  - freshness:\n      name: the newest {column} is not older than {HOURS} hours\n      column: {_quoted(column)}\n"
        f"      now_variable: NOW\n      threshold:\n        level: warn\n        unit: hour\n        must_be_less_than: {HOURS}\n"
    )


def _recount(found: Checked) -> str:
    where = " WHERE NOT _deleted" if found.marks_deleted else ""
    return _failed_rows(
        "no row was lost or made up between staging and gold",
        "recount",
        f"SELECT g.found, s.found AS staged\nFROM (SELECT COUNT(*) AS found FROM {_table(found.name)}) AS g\n"
        f"CROSS JOIN (SELECT COUNT(*) AS found FROM {_table(found.staging)}{where}) AS s\nWHERE g.found <> s.found",
    )


def _reference(name: str, column: str, other: str) -> str:
    key = identifier(column) if _quoted(column) != column else column
    query = (
        f"SELECT DISTINCT t.{key}\nFROM {_table(name)} AS t\nLEFT JOIN {_table(other)} AS o ON o.{key} = t.{key}\n"
        f"WHERE t.{key} IS NOT NULL AND o.{key} IS NULL"
    )
    return _failed_rows(f"every {column} is in {other}", column, query, level="warn")


def _failed_rows(name: str, qualifier: str, query: str, level: str = "") -> str:
    lines = "".join(f"        {line}\n" for line in query.splitlines())
    text = f"  - failed_rows:\n      name: {name}\n      qualifier: {qualifier}\n      query: |\n{lines}"
    return text + (f"      threshold:\n        level: {level}\n" if level else "")


def _table(name: str) -> str:
    return ".".join(part if _quoted(part) == part else identifier(part) for part in name.split("."))


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else f'"{name}"'

"""A declaration by which the first rows of a new source are read, before anything is known of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from .._steps.declared import own_code
from .._steps.declared.declaration import Source
from .origin import Origin

_HEAD = "from dlt_sources.contract import Contract, column\n\n\nclass Row(Contract):\n"
_KEYS = {
    "files": '    file: str = column("File", path="_file", max_length=1000)\n',
    "rest_api": '    file: str = column("Nothing", default="")\n',
    "html_table": '    file: str = column("Nothing", path=("\\0",), default="")\n',
}


def declare(
    place: Path, origin: Origin, columns: Iterable[str], children: Mapping[str, Mapping[str, Any]] | None = None
) -> Source:
    """A source that reads the table with a contract that asks for nothing; of a database for all its columns.

    Args:
        children: endpoints that are asked for each record, by their table's name.
    """
    table = {**origin.place, "contract": "Row", "key": ["file"], "max_rejected": {"share": 1}}
    if origin.connector == "files":
        table["mode"] = "append"
    endpoint = dict(table.get("endpoint", {}))
    if endpoint.pop("window", None):
        del table["start"]
        endpoint["params"] = origin.asked
    if endpoint:
        table["endpoint"] = endpoint
    declared = {
        "description": "a sample",
        "owner": "nobody",
        "schedule": "@daily",
        "connector": origin.connector,
        "connection": origin.connection,
        "tables": {origin.table: table}
        | {
            name: {"endpoint": dict(each), "contract": "Row", "key": ["file"]}
            for name, each in (children or {}).items()
        },
    }
    (place / "source.yml").write_text(yaml.safe_dump(declared), encoding="utf-8")
    (place / "contract.py").write_text(_HEAD + _fields(origin, list(columns)), encoding="utf-8")
    own_code.forget(place)
    source = Source(place)
    source.check()
    return source


def _fields(origin: Origin, columns: list[str]) -> str:
    if origin.connector in _KEYS:
        return _KEYS[origin.connector]
    lines = [f'    file: str = column("The first", path=({columns[0]!r},), default="")\n']
    lines += [
        f'    c{n}: str | None = column("One", path=({name!r},), default=None)\n' for n, name in enumerate(columns)
    ]
    return "".join(lines)

"""What is remembered of a row that may vanish: enough to say which row it was, and no more.

A table that sees deletes compares its reads: of a row that is gone a last version is landed, marked deleted. That needs
its key; where deleted rows stay in staging (`deletes: soft`) also the values of the contract's other fields, but never
those tagged as personal, nor anything that the contract does not name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from ..contracts.columns import columns_of
from ..contracts.contract import MARKS, PAYLOAD, Contract
from ..contracts.text import parse, text_of
from ..declared.redact import related
from ..declared.source_yml import Table
from ..stores.records import text_column

HASH = "_hash"

Path = tuple[str | int, ...]


class Remembered:
    """The part of a table's landed rows that is remembered.

    Args:
        table: the declared table. contract: of its rows.
    """

    def __init__(self, table: Table, contract: type[Contract]) -> None:
        columns = [column for column in columns_of(contract, stored=False) if not column.computed]
        private = [path for column in columns if column.private for path in column.paths]
        self.ways = [column.paths for column in columns if column.name in table.key]
        if table.deletes == "soft":
            rest = [column.paths for column in columns if column.name not in table.key and column.stored]
            rest += [((name,),) for name in contract.needs]
            self.ways += [paths for paths in rest if not any(related(path, private) for path in paths)]
        self.names = {str(path[0]) for paths in self.ways for path in paths} | {HASH, *MARKS}

    def columns(self, there: Iterable[str], *, sees_deletes: bool) -> list[str]:
        """Of the columns of a table those that are remembered: nothing but the hash where nothing is looked for that is gone."""
        return [name for name in there if name == HASH or (sees_deletes and name in self.names)]

    def of(self, rows: pa.Table) -> pa.Table:
        """The rows with what is remembered of them, their hash and marks."""
        if PAYLOAD not in rows.column_names:
            return rows.select([name for name in rows.column_names if name in self.names])
        records = text_column(text_of(self._of_text(text)) for text in rows[PAYLOAD].to_pylist())
        return rows.set_column(rows.column_names.index(PAYLOAD), PAYLOAD, records)

    def _of_text(self, text: str) -> dict[str, Any]:
        try:
            return self._of_record(parse(text))
        except (ValueError, RecursionError):  # not JSON: refine rejects it, and which row it was nobody knows
            return {}

    def _of_record(self, record: Any) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for paths in self.ways:
            for path in paths:
                found, value = _value(record, path)
                if found:  # the first name that a row has counts, as for Pydantic
                    _put(kept, path, value)
                    break
        return kept


def _value(record: Any, path: Path) -> tuple[bool, Any]:
    part: Any
    for part in path:
        if (isinstance(record, dict) and part in record) or (
            isinstance(record, list) and isinstance(part, int) and part < len(record)
        ):
            record = record[part]
        else:
            return False, None
    return True, record


def _put(record: dict[str, Any], path: Path, value: Any) -> None:
    """Write a value where the path leads, making what is missing on the way."""
    inside: Any = record
    for part, following in zip(path, (*path[1:], None), strict=True):
        if isinstance(part, int):
            inside += [None] * (part + 1 - len(inside))
        there: Any = inside[part] if isinstance(part, int) or part in inside else None
        if following is None:
            inside[part] = value
        elif not isinstance(there, dict | list):
            there = inside[part] = [] if isinstance(following, int) else {}
        inside = there

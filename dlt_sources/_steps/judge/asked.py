"""The rows that the engine could not accept by itself: Pydantic is asked about each of them, in several processes when they are many."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from foundation.visible import visible
from warehouse.column_types import arrow_type

from ..contracts.columns import Column, columns_of
from ..contracts.contract import FILE, FILE_ROW, INDEX, PAYLOAD, Contract
from ..contracts.text import text_of
from ..declared import own_code
from ..declared.redact import Redaction
from ..declared.source_yml import Table
from ..stores.judged import MARKS_SCHEMA, REJECTED_SCHEMA
from .explain import UNREPRESENTABLE, NotAListError, ask, ask_of_vanished, raw_of

MANY = 50_000
"""Rows from which on further processes are worth their start, which takes as long as asking about 20,000."""
MOST = 8
"""Processes at most: each holds the libraries and two chunks of rows, about 200 MB."""
LONGEST = 60_000
"""Bytes of a raw row that its rejection keeps: Redshift's longest text is counted in them; landing has the whole."""
_UTC = ("UTC", "Etc/UTC")
PLACE = "_place"
"""Column of accepted rows: which row of its chunk each one is."""


@dataclass(frozen=True)
class Chunk:
    """Landed rows to ask about.

    Attributes:
        rows: with their marks and whether the record that they are part of was accepted (``_parent_ok``).
        records: for elements of a list the records they are in, by ``_load_id`` and ``_row``: a record once, however many
            elements it has.
    """

    rows: pa.Table
    records: pa.Table | None = None

    def as_dicts(self) -> list[dict[str, Any]]:
        """Each row as the contract's code is to see it."""
        rows = list(_as_dicts(self.rows))
        if self.records is None:
            return rows
        texts = {(row["_load_id"], row["_row"]): row[PAYLOAD] for row in self.records.to_pylist()}
        return [row | {PAYLOAD: texts[row["_load_id"], row["_row"]]} for row in rows]


def _as_dicts(rows: pa.Table) -> Iterator[dict[str, Any]]:
    """Each row by the names of its columns, as `to_pylist` gives it; but that looks every time's zone up by itself."""
    columns = []
    for column in rows.columns:
        if pa.types.is_timestamp(column.type) and column.type.tz in _UTC and column.type.unit != "ns":
            naive = column.cast(pa.timestamp(column.type.unit)).to_pylist()
            columns.append([value and value.replace(tzinfo=UTC) for value in naive])
        else:
            columns.append(column.to_pylist())
    names = rows.column_names
    return (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))


@dataclass(frozen=True)
class Answer:
    """What Pydantic says of a chunk: the values of accepted rows with their marks and `PLACE`, and the rejected (`REJECTED_SCHEMA`)."""

    accepted: pa.Table
    rejected: pa.Table


@dataclass(frozen=True)
class Asker:
    """Asks Pydantic about landed rows of one table.

    Attributes:
        source, name: of the table, for rejected rows.
        redaction: what people may read of them.
        now: the time written on them, UTC without a zone.
    """

    source: str
    name: str
    table: Table
    contract: type[Contract]
    redaction: Redaction
    now: datetime

    def ask(self, chunk: Chunk) -> Answer:
        """Pydantic's verdict on each row of a chunk."""
        every = columns_of(self.contract, stored=False)
        marks = MARKS_SCHEMA | ({INDEX: pa.int64()} if self.table.explode else {})
        accepted: list[dict[str, Any]] = []
        rejected: list[dict[str, Any]] = []
        for place, row in enumerate(chunk.as_dicts()):
            raw, reasons = self._read(row)
            values: dict[str, Any] = {}
            if not reasons:
                values, reasons = self._ask(every, row, raw)
            if reasons:
                rejected.append(self.rejection(row, raw, reasons))
            else:
                accepted.append(values | {mark: row[mark] for mark in marks} | {PLACE: place})
        fields = [(c.name, arrow_type(c.clear_type)) for c in every if c.stored and not c.computed]
        schema = pa.schema([*fields, *marks.items(), (PLACE, pa.int64())])
        return Answer(
            pa.Table.from_pylist(accepted, schema=schema), pa.Table.from_pylist(rejected, schema=REJECTED_SCHEMA)
        )

    def reject(self, chunk: Chunk, reasons: dict[int, list[dict[str, str]]]) -> pa.Table:
        """Rejected rows for accepted ones that cannot be stored after all, by their places in the chunk."""
        rows = chunk.as_dicts() if reasons else []
        rejected = [self.rejection(rows[place], self._read(rows[place])[0], why) for place, why in reasons.items()]
        return pa.Table.from_pylist(rejected, schema=REJECTED_SCHEMA)

    def _read(self, row: dict[str, Any]) -> tuple[Any, list[dict[str, str]]]:
        """(the row as Pydantic is to see it, why there is no such row: then what landed)."""
        try:
            return raw_of(row, self.table.explode), []
        except NotAListError:
            reason = {"field": str(self.table.explode), "rule": "list_type", "message": "Input should be a valid list"}
        except Exception as error:
            reason = {
                "field": "",
                "rule": UNREPRESENTABLE,
                "message": f"it is not JSON that can be read ({type(error).__name__}){_place(row)}",
            }
        return row[PAYLOAD], [reason]

    def _ask(self, every: list[Column], row: dict[str, Any], raw: Any) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """Pydantic's verdict on a row: (its values, why not)."""
        values, reasons = ask(self.contract, every, raw, row["_parent_ok"])
        if reasons and row["_deleted"] and not self.table.explode:
            return ask_of_vanished(self.contract, every, self.table.key, raw)
        return values, reasons

    def rejection(self, row: dict[str, Any], raw: Any, reasons: list[dict[str, str]]) -> dict[str, Any]:
        """A rejected row, as it is kept.

        Args:
            row: as it landed. raw: as Pydantic saw it.
        """
        kept, reasons = self.redaction.row(raw), self.redaction.reasons(reasons, raw)
        to_the_letter = row.get(PAYLOAD) is not None and not self.table.explode and not self.redaction.private
        shown = row[PAYLOAD] if to_the_letter else text_of(kept)
        place = [self.name, row["_load_id"], row["_row"]] + ([row[INDEX]] if INDEX in row else [])
        return {
            "id": "/".join(map(str, place)),
            "source": self.source,
            "table_name": self.name,
            "load_id": row["_load_id"],
            "row_number": row["_row"],
            "raw": _cut(visible(shown)),  # people read these in a terminal
            **reasons[0] | {"message": visible(reasons[0]["message"])[:1000]},
            "errors": _cut(visible(text_of(reasons))),
            "rejected_at": self.now,
        }


def ask_all(asker: Asker, chunks: Iterable[Chunk], rows: int, cores: int) -> Iterator[tuple[Chunk, Answer]]:
    """Each chunk with what Pydantic says of it, in order.

    Args:
        rows: how many rows all chunks have: many are shared out among processes, one for each core.
    """
    count = min(cores, MOST)
    if rows < MANY or count < 2 or not _can_be_sent(asker):
        for chunk in chunks:
            yield chunk, asker.ask(chunk)
        return
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _end_with_parent)
    try:
        yield from _ask_in(pool, asker, chunks, 2 * count)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _ask_in(pool: Executor, asker: Asker, chunks: Iterable[Chunk], ahead: int) -> Iterator[tuple[Chunk, Answer]]:
    """Each chunk with its answer by a pool of processes; so many chunks are read ahead."""
    waiting: deque[tuple[Chunk, Future[Answer] | None]] = deque()
    for chunk in chunks:
        waiting.append((chunk, _submit(pool, asker, chunk)))
        if len(waiting) > ahead:
            yield _answer(asker, *waiting.popleft())
    while waiting:
        yield _answer(asker, *waiting.popleft())


def _submit(pool: Executor, asker: Asker, chunk: Chunk) -> Future[Answer] | None:
    with contextlib.suppress(BrokenProcessPool):
        return pool.submit(asker.ask, chunk)
    return None


def _answer(asker: Asker, chunk: Chunk, future: Future[Answer] | None) -> tuple[Chunk, Answer]:
    """A chunk's answer; by this process where another one was killed, such as for its memory."""
    with contextlib.suppress(BrokenProcessPool):
        if future is not None:
            return chunk, future.result()
    return chunk, asker.ask(chunk)


def _place(row: dict[str, Any]) -> str:
    """Where in its file a record is that cannot say so itself."""
    return f", record {row[FILE_ROW] + 1} of {row[FILE]}" if FILE in row else ""


def _can_be_sent(asker: Asker) -> bool:
    """Whether another process would ask by the same code: it imports the contract by its name, from the files as they are now."""
    contract = asker.contract
    found = getattr(sys.modules.get(contract.__module__), contract.__qualname__, None)
    return found is contract and own_code.is_as_read(contract.__module__)


def _end_with_parent() -> None:
    """Leave signals to the process that asks, and end when it is gone, however that ended."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _cut(text: str) -> str:
    return text.encode()[:LONGEST].decode(errors="ignore")

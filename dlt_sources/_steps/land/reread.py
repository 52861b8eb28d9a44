"""Reading a table again and again: what differs from the read before."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Generator, Iterator
from datetime import datetime
from itertools import chain, groupby, islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from dlt.extract.resource import DltResource
from duckdb.func import SPECIAL
from duckdb.sqltypes import VARCHAR

from warehouse.quote import literal

from ..contracts.contract import PAYLOAD
from ..contracts.text import value_at
from ..judge.raw_rows import as_json
from ..stores import pipelines
from ..stores.engine import engine
from ..stores.lake import shaped
from ..stores.records import register
from . import cursor, landed_before, vanished
from .connect import connect
from .named import NamesOfRecords, refuse_names
from .pages import pages
from .remembered import HASH as _HASH
from .remembered import Remembered
from .request import Request, UnchangedError
from .row_files import RowFiles, ToLand, changed_files, write_file
from .seen import Seen
from .turn import MORE, Postponed, await_pieces

PAGES = "_pages"
AT_ONCE = 64 * 2**20
"""Bytes of rows that are compared in one go with what the read before saw."""


class TableRead:
    """One read of one table: pages in, changed rows out, and what was seen for the next read to compare with.

    Args:
        request: what to read; without `since`, from where the last read came to.
    """

    def __init__(self, request: Request) -> None:
        self.request, self.name, self.table, self.settings = request, request.name, request.table, request.settings
        self.backfill = request.since is not None
        self.shelf = Seen(request.source.name, self.settings, request.work)
        self.known = request.memory.get("seen")
        self.previous = self.shelf.get(str(self.known or "none"))
        self.seen = request.work / f"{self.name}.parquet"
        self.remembered = Remembered(self.table, request.contract)
        self.landed = self.read = 0
        self.newest: datetime | None = None
        self.refused: list[str] = []
        self.is_part = False
        self.names = NamesOfRecords(request.contract)
        self.before = copy.deepcopy(request.memory)
        self._changes = self._changed()
        self._items: Iterator[ToLand | Postponed] = self._rows()
        self.has_news: bool | None = None
        self.is_finished = False
        if self.table.cursor and not self.backfill:
            request.since = cursor.since(request.memory, self.table, self.settings.clock())
        self.covers = request.since
        compares = self.table.skip_if_unchanged and not self.backfill
        self.looks_back = compares and not (
            self.previous.is_file() and not cursor.goes_back(request.memory, request.since)
        )

    def begin(self) -> None:
        """Read as far as to the first rows that land, and find out whether there are any, or the next read must remember
        something else: `has_news`.

        Before the source's turn perhaps not as far: called again in its turn, it goes on from there.
        """
        first = list(islice(self._items, 1))
        if first and first[0] is MORE:
            return
        self._items = chain(first, self._items)
        self.has_news = bool(first) or self.request.memory != self.before

    def close(self) -> None:
        """End the read, wherever it is: of one that is given up nobody looks at the files that it was writing."""
        with contextlib.suppress(Exception):
            self._changes.close()

    def finish(self) -> None:
        """Read to the end, though the rows land later: what is asked for with every record needs all of them. Rows after the
        first that land wait on disk.
        """
        if self.is_finished:
            return
        first, files = list(islice(self._items, 1)), []
        for number, found in enumerate(self.to_land()):
            files.append((found.table, self.request.work / f"{self.name}.{number}.waiting"))
            pq.write_table(found.rows, files[-1][1], compression="zstd")
        waiting = (ToLand(table, pq.read_table(path)) for table, path in files)
        self._items, self.is_finished = chain(first, waiting), True

    def resources(self) -> list[DltResource]:
        """The read as the resource of a dlt source."""
        return [pipelines.resource(self._land(), self.name, write_disposition="append")]

    def to_land(self) -> Iterator[ToLand]:
        """The rows that land; with the last one, what is to be remembered is known."""
        yield from (found for found in self._items if isinstance(found, ToLand))

    def _land(self) -> Iterator[Any]:
        yield from (found.item(self.name) for found in self.to_land())
        self.request.keep_memory(bool(self.landed))

    def _rows(self) -> Iterator[ToLand | Postponed]:
        """The changed rows, as Arrow tables with ``_row`` (their order), ``_deleted`` and ``_read_at``; then pages as they came."""
        with contextlib.suppress(UnchangedError):
            yield from map(self._in_its_folder, self._changes)
        if self.request.received:
            urls, bodies = zip(*self.request.received, strict=True)
            pages = {"url": urls, "read_at": [self.settings.clock()] * len(urls), "body": pa.array(bodies, pa.binary())}
            yield ToLand(PAGES, pa.table(pages))

    def _in_its_folder(self, rows: pa.Table | Path | Postponed) -> ToLand | Postponed:
        """Records go to dlt as they are. Columns of the source's own go as a file into a folder of rows with just these columns."""
        if isinstance(rows, Postponed):
            return rows
        if isinstance(rows, pa.Table) and PAYLOAD in rows.column_names:
            return ToLand(self.name, rows)
        path = rows if isinstance(rows, Path) else write_file(rows, self.request.work)
        return ToLand(shaped(self.name, pq.read_schema(path)), path)

    def _changed(self) -> Generator[pa.Table | Path | Postponed]:
        con = engine(*self._folders(), spill=self.request.work / "spill", memory=self.settings.memory)
        con.create_function("value_at", value_at, [VARCHAR, VARCHAR], VARCHAR, null_handling=SPECIAL)
        con.execute(f"CREATE VIEW previous AS {self._previous()}")
        landed_before.begin(con)
        yield from self._read(con, self.seen, self._known())
        read = self.read
        if (
            not self.seen.exists() and self.previous.is_file() and self.table.sees_deletes
        ):  # an empty answer is a read, too
            con.execute(f"COPY (SELECT * FROM previous LIMIT 0) TO {literal(self.seen)} (FORMAT parquet)")
        if self.table.sees_deletes:
            vanished.refuse_shrinking(self, con, read)
            if self.request.pages > 1 and read and vanished.has_vanished(self, con):
                yield from self._read_again(con)
            self._keep_what_is_not_known(con)
            yield from vanished.find_vanished(self, con)
        if self.table.cursor and not self.backfill:
            self._advance(self.newest, read)
        if self.seen.exists() and not self.backfill:
            self._keep(con)

    def _read(self, con: duckdb.DuckDBPyConnection, seen: Path, known: str) -> Iterator[pa.Table | Path | Postponed]:
        """Read the table, write what was seen of it to `seen` and yield the rows whose hash is not `known`, numbered."""
        self.read = 0
        held: list[pa.Table] = []
        size = 0
        writer: pq.ParquetWriter | None = None
        try:
            for page in await_pieces(lambda: pages(connect(self.request))):
                if page is MORE:
                    yield page
                    continue
                if isinstance(page, RowFiles):
                    yield from changed_files(self, con, page, seen, known)
                    continue
                refuse_names(self.request, page.column_names)
                register(con, "page", page)
                self.look_back(con)
                hashed = con.execute(
                    f"SELECT page.*, md5(CAST({as_json(con)} AS VARCHAR)) AS {_HASH} FROM page"
                ).to_arrow_table()
                kept = self.remembered.of(hashed) if self.table.sees_deletes else hashed.select([_HASH])
                writer = writer or pq.ParquetWriter(seen, kept.schema)
                writer.write_table(kept.cast(writer.schema))
                self.read += len(page)
                self.names.look(con, page.column_names)
                self.newest = max(filter(None, (self.newest, cursor.newest_in(con, self.request))), default=None)
                held.append(hashed)
                size += hashed.nbytes
                if size >= AT_ONCE:
                    yield from self._compare(con, held, known)
                    held, size = [], 0
            yield from self._compare(con, held, known)
            self.names.refuse_missing(f"{self.request.source.name}.{self.name}")
        finally:
            if writer:
                writer.close()

    def _compare(self, con: duckdb.DuckDBPyConnection, pages: list[pa.Table], known: str) -> Iterator[pa.Table]:
        """The rows of pages whose hash is not `known`, numbered. Each comparison reads all that is known, so that it takes as
        many pages as memory has room for.
        """
        for _, alike in groupby(pages, lambda page: page.schema):
            register(con, "hashed", pa.concat_tables(alike))
            yield from self.number(
                con, f"SELECT * EXCLUDE ({_HASH}), FALSE AS _deleted FROM hashed WHERE {_HASH} NOT IN ({known})"
            )

    def _read_again(self, con: duckdb.DuckDBPyConnection) -> Iterator[pa.Table | Path | Postponed]:
        """Read all pages once more before a row is taken for deleted: where rows are deleted between two pages, those
        behind them move up, and one that exists is on neither page. What both reads saw is what is kept.
        """
        again, both = self.seen.with_suffix(".again"), self.seen.with_suffix(".both")
        first = f"SELECT * FROM read_parquet({literal(self.seen)})"
        known = f"{self._known()} UNION ALL SELECT {_HASH} FROM ({first})"
        for child in self.request.children:
            child.count_again()
        yield from self._read(con, again, known)
        if again.exists():
            more = f"SELECT * FROM read_parquet({literal(again)}) WHERE {_HASH} NOT IN (SELECT {_HASH} FROM ({first}))"
            con.execute(f"COPY ({first} UNION ALL BY NAME {more}) TO {literal(both)} (FORMAT parquet)")
            both.replace(self.seen)
        self.is_part = self.request.total is not None and self.read < self.request.total

    def _keep_what_is_not_known(self, con: duckdb.DuckDBPyConnection) -> None:
        """Where not all that there is was seen, nothing is known to be gone: what is not there stays, and the next read compares again.
        A table that is read for each record of such a one has not seen all either.
        """
        above = self.request.parents
        self.is_part |= above is not None and above.is_part
        for child in self.request.children:
            child.is_part = self.is_part
        if not self.is_part or not self.seen.exists():
            return
        both = self.seen.with_suffix(".both")
        con.register("gone", self.remembered.of(con.execute(vanished.query_vanished(self, con)).to_arrow_table()))
        seen = f"SELECT * FROM read_parquet({literal(self.seen)})"
        con.execute(f"COPY ({seen} UNION ALL BY NAME SELECT * FROM gone) TO {literal(both)} (FORMAT parquet)")
        both.replace(self.seen)

    def _keep(self, con: duckdb.DuckDBPyConnection) -> None:
        """Keep what this read saw, for the next one, under a name made from it. dlt's state holds the name and commits
        with the rows: after a crash the next read compares with the read whose rows have landed.
        """
        content = f"SELECT count(*), bit_xor(md5_number({_HASH})) FROM read_parquet({literal(self.seen)})"
        count, digest = con.execute(content).fetchall()[0]
        name = f"{self.name}.{count}.{digest or 0}.parquet"
        if name != self.request.memory.get("seen") or self.shelf.moves:
            self.shelf.put(self.seen, name)
            self.request.memory["seen"] = name
            if self.table.cursor:
                self.request.memory[cursor.FROM] = self.covers.isoformat() if self.covers else ""

    def remember(self) -> None:
        """Remove what earlier reads saw, now that this one's rows are committed."""
        if self.request.memory.get("seen") != self.known or self.shelf.moves:
            self.shelf.clear(self.name, keep=self.request.memory.get("seen"))

    def _previous(self) -> str:
        usable = self.previous.is_file() and not self.backfill
        return (
            f"SELECT * FROM read_parquet({literal(self.previous)})" if usable else f"SELECT '' AS {_HASH} WHERE FALSE"
        )

    def _known(self) -> str:
        """SQL: hashes of rows that do not land again."""
        before = f"UNION ALL SELECT {_HASH} FROM {landed_before.TABLE}"
        return f"SELECT {_HASH} FROM previous WHERE {self.table.skip_if_unchanged} {before}"

    def look_back(self, con: duckdb.DuckDBPyConnection) -> None:
        """Compare with what has landed, too, where the read before did not cover what this one does. `page` is its first page."""
        if self.looks_back:
            landed_before.collect(con, self.request, self.request.since)
            self.looks_back = False

    def _folders(self) -> list[Path]:
        """Where the engine may read and write: where the read works, and the landing that is on this machine."""
        return [
            self.request.work,
            self.previous.parent,
            *([] if self.settings.aws else [Path(self.settings.landing, self.request.source.name)]),
        ]

    def number(self, con: duckdb.DuckDBPyConnection, query: str) -> Iterator[pa.Table]:
        """The rows of a query as they land: numbered after those before, with the time of the read."""
        numbered = con.execute(
            f"SELECT *, {self.landed} + row_number() OVER () - 1 AS _row,"
            f" TIMESTAMP {literal(self.request.read_at)} AS _read_at FROM ({query})"
        ).to_arrow_table()
        self.landed += len(numbered)
        if len(numbered):
            yield numbered

    def _advance(self, newest: datetime | None, read: int) -> None:
        """Move the cursor to the newest row; where no row of a window says when it is from, to the clock."""
        now = self.settings.clock()
        windowed = self.table.endpoint is not None and self.table.endpoint.window is not None
        reached = now if windowed and read and newest is None else newest
        cursor.advance(self.request.memory, self.table, reached, now)

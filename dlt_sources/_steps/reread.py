"""Reading a table again and again: what differs from the read before, and what has vanished since."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from dlt.extract.resource import DltResource
from duckdb.func import SPECIAL
from duckdb.sqltypes import VARCHAR

from warehouse.quote import identifier, literal

from .columns import columns_of
from .connect import connect
from .contract import PAYLOAD, RESERVED
from .engine import engine
from .lake import Seen
from .request import Request, UnchangedError
from .source_error import SourceError
from .text import text_of, value_at

PAGE = 20_000
PAGES = "_pages"
_HASH = "_hash"


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
        self.landed = self.read = 0
        self.newest: datetime | None = None
        self.refused: list[str] = []
        if self.table.cursor and not self.backfill:
            if "cursor" in request.memory:
                request.since = datetime.fromisoformat(request.memory["cursor"]) - self.table.overlap
            elif self.table.start:
                request.since = datetime.combine(self.table.start, time(), UTC)

    def resources(self) -> list[DltResource]:
        """The read as the resource of a dlt source."""
        return [dlt.resource(self._rows(), name=self.name, write_disposition="append")]

    def _rows(self) -> Iterator[Any]:
        """The changed rows, as Arrow tables with ``_row`` (their order), ``_deleted`` and ``_read_at``; then pages as they came."""
        self.request.memory = dlt.current.resource_state(self.name)  # commits with the rows
        with contextlib.suppress(UnchangedError):
            yield from self._changed()
        if self.request.received:
            urls, bodies = zip(*self.request.received, strict=True)
            pages = {"url": urls, "read_at": [self.settings.clock()] * len(urls), "body": pa.array(bodies, pa.binary())}
            yield dlt.mark.with_table_name(pa.table(pages), PAGES)

    def _changed(self) -> Iterator[pa.Table]:
        con = engine(self.request.work, self.previous.parent)
        con.create_function("value_at", value_at, [VARCHAR, VARCHAR], VARCHAR, null_handling=SPECIAL)
        con.execute(f"CREATE VIEW previous AS {self._previous()}")
        yield from self._read(con, self.seen, f"SELECT {_HASH} FROM previous")
        read = self.read
        if not self.seen.exists() and self.previous.is_file():  # an empty answer is a read, too
            con.execute(f"COPY (SELECT * FROM previous LIMIT 0) TO {literal(self.seen)} (FORMAT parquet)")
        if self.table.sees_deletes:
            self._refuse_shrinking(con, read)
            if self.request.pages > 1 and read and self._count(con, self._gone(con)):
                yield from self._read_again(con)
            yield from self._tombstones(con)
        if self.table.cursor and not self.backfill:
            self._advance(self.newest, read)
        if self.seen.exists() and not self.backfill:
            self._keep(con)

    def _read(self, con: duckdb.DuckDBPyConnection, seen: Path, known: str) -> Iterator[pa.Table]:
        """Read the table, write what was seen of it to `seen` and yield the rows whose hash is not `known`, numbered."""
        self.read = 0
        writer: pq.ParquetWriter | None = None
        try:
            for page in _pages(connect(self.request)):
                self._free(page.column_names)
                con.register("page", page)
                hashed = con.execute(
                    f"SELECT page.*, md5(CAST(to_json(page) AS VARCHAR)) AS {_HASH} FROM page"
                ).to_arrow_table()
                kept = hashed if self.table.sees_deletes else hashed.select([_HASH])
                writer = writer or pq.ParquetWriter(seen, kept.schema)
                writer.write_table(kept.cast(writer.schema))
                self.read += len(page)
                self.newest = max(filter(None, (self.newest, self._newest(page))), default=None)
                con.register("hashed", hashed)
                yield from self._number(
                    con,
                    f"SELECT * EXCLUDE ({_HASH}), FALSE AS _deleted FROM hashed WHERE {_HASH} NOT IN ({known})",
                )
        finally:
            if writer:
                writer.close()

    def _read_again(self, con: duckdb.DuckDBPyConnection) -> Iterator[pa.Table]:
        """Read all pages once more before a row is taken for deleted: where rows are deleted between two pages, those
        behind them move up, and one that exists is on neither page. What both reads saw is what is kept.
        """
        again, both = self.seen.with_suffix(".again"), self.seen.with_suffix(".both")
        first = f"SELECT * FROM read_parquet({literal(self.seen)})"
        known = f"SELECT {_HASH} FROM previous UNION ALL SELECT {_HASH} FROM ({first})"
        yield from self._read(con, again, known)
        if again.exists():
            more = f"SELECT * FROM read_parquet({literal(again)}) WHERE {_HASH} NOT IN (SELECT {_HASH} FROM ({first}))"
            con.execute(f"COPY ({first} UNION ALL BY NAME {more}) TO {literal(both)} (FORMAT parquet)")
            both.replace(self.seen)
        if self.request.total is not None and self.read < self.request.total:
            # not all that there is was seen, so that nothing is known to be gone: the next read compares again
            con.execute(f"COPY ({first} UNION ALL BY NAME {self._gone(con)}) TO {literal(both)} (FORMAT parquet)")
            both.replace(self.seen)

    def _keep(self, con: duckdb.DuckDBPyConnection) -> None:
        """Keep what this read saw, for the next one, under a name made from it. dlt's state holds the name and commits
        with the rows: after a crash the next read compares with the read whose rows have landed.
        """
        content = f"SELECT count(*), bit_xor(md5_number({_HASH})) FROM read_parquet({literal(self.seen)})"
        count, digest = con.execute(content).fetchall()[0]
        name = f"{self.name}.{count}.{digest or 0}.parquet"
        if name != self.request.memory.get("seen"):
            self.shelf.put(self.seen, name)
            self.request.memory["seen"] = name

    def remember(self) -> None:
        """Remove what earlier reads saw, now that this one's rows are committed."""
        if self.request.memory.get("seen") != self.known:
            self.shelf.clear(self.name, keep=self.request.memory.get("seen"))

    def _free(self, names: list[str]) -> None:
        taken = [name for name in names if name in RESERVED and name != PAYLOAD]
        if taken:
            raise SourceError(
                f"{self.request.source.name}.{self.name}: columns named {', '.join(taken)}: Millrace uses these names itself;"
                " read a view that renames them"
            )

    def _previous(self) -> str:
        usable = self.previous.is_file() and self.table.skip_if_unchanged and not self.backfill
        return (
            f"SELECT * FROM read_parquet({literal(self.previous)})" if usable else f"SELECT '' AS {_HASH} WHERE FALSE"
        )

    def _number(self, con: duckdb.DuckDBPyConnection, query: str) -> Iterator[pa.Table]:
        numbered = con.execute(
            f"SELECT *, {self.landed} + row_number() OVER () - 1 AS _row,"
            f" TIMESTAMP {literal(self.settings.moment())} AS _read_at FROM ({query})"
        ).to_arrow_table()
        self.landed += len(numbered)
        if len(numbered):
            yield numbered

    def _refuse_shrinking(self, con: duckdb.DuckDBPyConnection, read: int) -> None:
        before = self._count(con, "SELECT 1 FROM previous")
        if self.previous.is_file() and read < before * self.table.shrink_floor:
            raise SourceError(
                f"{self.request.source.name}.{self.name}: {read} rows where the last read had {before}; taking this for a broken"
                " answer, not for deletions. If it is right, lower `shrink_floor` in source.yml for one run"
            )

    def _tombstones(self, con: duckdb.DuckDBPyConnection) -> Iterator[pa.Table]:
        """Rows of the previous full read whose key this one lacks, marked deleted."""
        if self.previous.is_file():
            yield from self._number(con, f"SELECT * EXCLUDE ({_HASH}), TRUE AS _deleted FROM ({self._gone(con)})")

    def _gone(self, con: duckdb.DuckDBPyConnection) -> str:
        """SQL: the rows of the previous read whose key is not in what this one saw."""
        if not self.previous.is_file():
            return "SELECT * FROM previous LIMIT 0"
        names = [f"k{n}" for n in range(len(self.table.key))]
        same = " AND ".join(f"gone.{name} = now.{name}" for name in names)
        known = " AND ".join(f"gone.{name} IS NOT NULL" for name in names)
        now = f"SELECT {self._key(con)} FROM read_parquet({literal(self.seen)})"
        return (
            f"SELECT * EXCLUDE ({', '.join(names)}) FROM (SELECT *, {self._key(con)} FROM previous)"
            f" AS gone ANTI JOIN ({now}) AS now ON {same} WHERE {known}"
        )

    def _key(self, con: duckdb.DuckDBPyConnection) -> str:
        """SQL: the key's values in a raw row, as k0, k1 and so on."""
        columns = {c.name: c for c in columns_of(self.request.contract, stored=False)}
        values = [self._value(con, columns[field].path) for field in self.table.key]
        return ", ".join(f"{value} AS k{n}" for n, value in enumerate(values))

    @staticmethod
    def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
        return int(con.execute(f"SELECT count(*) FROM ({query})").fetchall()[0][0])

    def _value(self, con: duckdb.DuckDBPyConnection, path: tuple[str | int, ...]) -> str:
        if PAYLOAD in {row[0] for row in con.execute("DESCRIBE previous").fetchall()}:
            pointer, parts = "/" + "/".join(str(part) for part in path), json.dumps(path)
            return (
                f"CASE WHEN json_valid({PAYLOAD}) THEN json_extract_string({PAYLOAD}, {literal(pointer)})"
                f" ELSE value_at({PAYLOAD}, {literal(parts)}) END"
            )
        return identifier(str(path[0]))

    def _newest(self, page: pa.Table) -> datetime | None:
        """The newest cursor value of a page of native columns; windows of an API advance with the clock instead."""
        import pyarrow.compute as pc

        if self.table.cursor not in page.column_names:
            return None
        value = pc.max(page[self.table.cursor]).as_py()
        return value.replace(tzinfo=value.tzinfo or UTC) if isinstance(value, datetime) else None

    def _advance(self, newest: datetime | None, read: int) -> None:
        """Move the cursor, never past now: a row dated in the future must not hide those between.

        A window without a row is asked for again: an answer that is empty for a wrong reason must not hide what it lacks.
        """
        now = self.settings.clock()
        windowed = self.table.endpoint is not None and self.table.endpoint.window is not None
        reached = (now if read else None) if windowed else min(newest, now) if newest else None
        if reached:
            dlt.current.resource_state(self.name)["cursor"] = reached.isoformat()


def _pages(resource: Iterable[Any]) -> Iterator[pa.Table]:
    """Arrow tables as they come; single records gathered into tables of JSON text."""
    items = iter(resource)
    while batch := list(islice(items, 1)):
        if isinstance(batch[0], pa.Table):
            yield batch[0]
        else:
            batch += islice(items, PAGE - 1)
            yield pa.table({PAYLOAD: pa.array(map(text_of, batch), pa.string())})

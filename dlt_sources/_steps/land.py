"""Land: what a source has that it did not have at the last read, as it is, appended to the lake.

A read covers everything, or with a cursor everything since the last read less the overlap. Rows equal to rows of the
read before are not landed again; so a read of the same thing twice lands nothing, and late or corrected rows inside the
overlap land once. dlt commits the rows together with the new cursor.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from settings import Settings

from . import pipelines
from .bulk import identifier, literal
from .connect import SourceError, connect, explain
from .contract import PAYLOAD, columns_of
from .declaration import Source, Table
from .engine import engine
from .lake import LAYOUT
from .text import text_of

PAGE = 20_000
_HASH = "_hash"


def land(
    source: Source, settings: Settings, *, since: datetime | None = None, until: datetime | None = None
) -> dict[str, int]:
    """Read every table of a source and append what is new or changed to its landing folder.

    Args:
        since, until: read this span of the tables with a cursor instead (a backfill); the cursors stay where they are.

    Returns:
        Rows landed per table; an empty dict when nothing was new.

    Raises:
        SourceError: the source did not answer as declared; nothing of this read has landed.
    """
    from dlt.destinations import filesystem

    pipe = pipelines.pipeline(
        f"land_{source.name}", filesystem(str(settings.landing), layout=LAYOUT), source.name, settings
    )
    if not Path(settings.landing, source.name).exists():
        pipe.drop()  # the lake is gone: a remembered cursor would skip what was in it
    pipelines.settle(pipe)
    if not pipe.state.get("sources"):
        pipe.sync_destination()
    work = settings.dlt / "seen" / source.name
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    reads = [
        _Read(source, name, table, settings, work, _cursors(pipe, source.name), since, until)
        for name, table in source.extracted.items()
        if since is None or table.cursor
    ]
    if not reads:
        raise SourceError(f"{source.name}: no table has a cursor, so there is no span to fill; every run reads it all")

    @dlt.source(name=source.name)
    def everything() -> Any:
        return [dlt.resource(read.rows(), name=read.name, write_disposition="append") for read in reads]

    try:
        pipelines.run(pipe, everything(), loader_file_format="parquet")
    except pipelines.StoreError:
        raise
    except Exception as error:
        raise explain(error, source.name) from error
    if since is None:
        for read in reads:
            read.remember()
    return {read.name: read.landed for read in reads if read.landed}


def _cursors(pipe: dlt.Pipeline, source: str) -> dict[str, str]:
    resources = pipe.state.get("sources", {}).get(source, {}).get("resources", {})
    return {name: state["cursor"] for name, state in resources.items() if "cursor" in state}


class _Read:
    """One read of one table: pages in, changed rows out, and what was seen for the next read to compare with."""

    def __init__(
        self, source: Source, name: str, table: Table, settings: Settings, work: Path,
        cursors: dict[str, str], since: datetime | None, until: datetime | None,
    ) -> None:  # fmt: skip
        self.source, self.name, self.table, self.settings = source, name, table, settings
        self.backfill, self.until = since is not None, until or settings.clock()
        self.previous = Path(settings.landing, source.name, "_seen", f"{name}.parquet")
        self.seen = work / f"{name}.parquet"
        self.landed = 0
        self.since = since
        if table.cursor and not self.backfill:
            if name in cursors:
                self.since = datetime.fromisoformat(cursors[name]) - table.overlap
            elif table.start:
                self.since = datetime.combine(table.start, time(), UTC)

    def rows(self) -> Iterator[pa.Table]:
        """The changed rows, as Arrow tables with ``_row`` (their order) and ``_deleted``."""
        con = engine()
        newest: datetime | None = None
        read = 0
        writer: pq.ParquetWriter | None = None
        con.execute(f"CREATE VIEW previous AS {self._previous()}")
        try:
            for page in _pages(connect(self.source, self.name, self.table, self.since, self.until, self.settings)):
                con.register("page", page)
                hashed = con.execute(
                    f"SELECT page.*, md5(CAST(to_json(page) AS VARCHAR)) AS {_HASH} FROM page"
                ).to_arrow_table()
                kept = hashed if self.table.deletes != "none" else hashed.select([_HASH])
                writer = writer or pq.ParquetWriter(self.seen, kept.schema)
                writer.write_table(kept.cast(writer.schema))
                read += len(page)
                newest = max(filter(None, (newest, self._newest(page))), default=None)
                con.register("hashed", hashed)
                yield from self._number(
                    con,
                    f"SELECT * EXCLUDE ({_HASH}), FALSE AS _deleted FROM hashed"
                    f" WHERE {_HASH} NOT IN (SELECT {_HASH} FROM previous)",
                )
        finally:
            if writer:
                writer.close()
        if writer is None and self.previous.exists():  # an empty answer is a read, too
            con.execute(f"COPY (SELECT * FROM previous LIMIT 0) TO {literal(self.seen)} (FORMAT parquet)")
        if self.table.deletes != "none":
            yield from self._tombstones(con, read)
        if self.table.cursor and not self.backfill:
            self._advance(newest)

    def remember(self) -> None:
        """Keep what this read saw, for the next one. After the commit: a crash before it lands rows twice, never not."""
        if self.seen.exists():
            self.previous.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(self.seen, self.previous)

    def _previous(self) -> str:
        usable = self.previous.exists() and self.table.skip_if_unchanged and not self.backfill
        return (
            f"SELECT * FROM read_parquet({literal(self.previous)})" if usable else f"SELECT '' AS {_HASH} WHERE FALSE"
        )

    def _number(self, con: duckdb.DuckDBPyConnection, query: str) -> Iterator[pa.Table]:
        numbered = con.execute(
            f"SELECT *, {self.landed} + row_number() OVER () - 1 AS _row FROM ({query})"
        ).to_arrow_table()
        self.landed += len(numbered)
        if len(numbered):
            yield numbered

    def _tombstones(self, con: duckdb.DuckDBPyConnection, read: int) -> Iterator[pa.Table]:
        """Rows of the previous full read whose key this one lacks, marked deleted."""
        if not self.previous.exists():
            return
        before = con.execute("SELECT count(*) FROM previous").fetchone()[0]  # type: ignore[index]
        if read < before * self.table.shrink_floor:
            raise SourceError(
                f"{self.source.name}.{self.name}: {read} rows where the last read had {before}; taking this for a broken"
                " answer, not for deletions. If it is right, lower `shrink_floor` in source.yml for one run"
            )
        columns = {c.name: c for c in columns_of(self.source.contracts[self.name], stored=False)}
        key = [self._value(con, columns[field].path) for field in self.table.key]
        named = ", ".join(f"{value} AS k{n}" for n, value in enumerate(key))
        same = " AND ".join(f"gone.k{n} = now.k{n}" for n in range(len(key)))
        known = " AND ".join(f"gone.k{n} IS NOT NULL" for n in range(len(key)))
        drop = ", ".join([_HASH, *(f"k{n}" for n in range(len(key)))])
        now = (
            f"SELECT {named} FROM read_parquet({literal(self.seen)})"
            if read
            else f"SELECT {named} FROM previous LIMIT 0"
        )
        yield from self._number(
            con,
            f"SELECT * EXCLUDE ({drop}), TRUE AS _deleted FROM (SELECT *, {named} FROM previous)"
            f" AS gone ANTI JOIN ({now}) AS now ON {same} WHERE {known}",
        )

    def _value(self, con: duckdb.DuckDBPyConnection, path: tuple[str | int, ...]) -> str:
        if PAYLOAD in {row[0] for row in con.execute("DESCRIBE previous").fetchall()}:
            pointer = "/" + "/".join(str(part) for part in path)
            return f"json_extract_string({PAYLOAD}, {literal(pointer)})"
        return identifier(str(path[0]))

    def _newest(self, page: pa.Table) -> datetime | None:
        """The newest cursor value of a page of native columns; windows of an API advance with the clock instead."""
        import pyarrow.compute as pc

        if self.table.cursor not in page.column_names:
            return None
        value = pc.max(page[self.table.cursor]).as_py()
        return value.replace(tzinfo=value.tzinfo or UTC) if isinstance(value, datetime) else None

    def _advance(self, newest: datetime | None) -> None:
        """Move the cursor, never past now: a row dated in the future must not hide those between."""
        now = self.settings.clock()
        windowed = self.table.endpoint is not None and self.table.endpoint.window is not None
        reached = now if windowed else min(newest, now) if newest else None
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

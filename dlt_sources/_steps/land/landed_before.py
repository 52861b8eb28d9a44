"""What has landed of a table before, for a read that goes over the same days again.

A read is compared with the read before it. That one may not have covered the same days: a cursor went back because a
clock was wrong, an overlap was made longer, what the read before saw is lost. Such a read is compared with landed rows
instead: those equal to the newest landed version of their key do not land again.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import duckdb

from warehouse.quote import identifier, literal

from ..judge.judge import alike
from ..judge.raw_rows import as_json, value_of
from ..stores.lake import LOAD_OF_FILE, Landing
from .remembered import HASH

if TYPE_CHECKING:
    from .request import Request

TABLE = "landed_before"
"""Holds the hashes; empty where nothing is looked for."""
_PARTS = f"{TABLE}_parts"


def begin(con: duckdb.DuckDBPyConnection) -> None:
    """Create the table of hashes, which is empty."""
    con.execute(f"CREATE OR REPLACE TEMP TABLE {TABLE} ({HASH} VARCHAR)")


def collect(con: duckdb.DuckDBPyConnection, request: Request, since: datetime | None) -> None:
    """Fill the table of hashes: of the newest landed version of each key, as rows of the view `page` are hashed.

    Args:
        since: rows of earlier days are not asked for, so that loads of earlier days are not looked at; None: all are.
    """
    landing = Landing(request.source.name, request.settings)
    loads = landing.loads(since=str(since.timestamp()) if since else "")
    files = landing.fetch(landing.files(request.name, loads), request.work / TABLE)
    if not files:
        return
    keys = [f"k{n} VARCHAR" for n in range(len(request.table.key))]
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {_PARTS} ({HASH} VARCHAR, load DOUBLE, _row BIGINT, gone BOOLEAN, {', '.join(keys)})"
    )
    for group in alike(files).values():
        _collect(con, request, group)
    names = [f"k{n}" for n in range(len(request.table.key))]
    known = " AND ".join(f"{name} IS NOT NULL" for name in names)
    con.execute(
        f"INSERT INTO {TABLE} SELECT {HASH} FROM (SELECT * FROM {_PARTS} WHERE {known} QUALIFY row_number() OVER"
        f" (PARTITION BY {', '.join(names)} ORDER BY load DESC, _row DESC) = 1) WHERE NOT gone AND {HASH} IS NOT NULL"
    )
    con.execute(f"DROP TABLE {_PARTS}")


def _collect(con: duckdb.DuckDBPyConnection, request: Request, files: list[str]) -> None:
    """Add landed rows of one set of columns. Where it is not the page's set they have no hash: each may be a newer version."""
    con.execute(
        "CREATE OR REPLACE TEMP VIEW landed AS SELECT *,"
        f" CAST({LOAD_OF_FILE} AS DOUBLE) AS _load"
        f" FROM read_parquet([{', '.join(map(literal, files))}], filename = true)"
    )
    there = {row[0]: str(row[1]) for row in con.execute("DESCRIBE landed").fetchall()}
    page = {row[0]: str(row[1]) for row in con.execute("DESCRIBE page").fetchall()}
    moments = {name for name in page if (page[name], there.get(name)) == _ZONED}
    values = {name: _without_zone(name) if name in moments else identifier(name) for name in page if name in there}
    hashed = "NULL"
    if page.keys() == there.keys() - {"_row", "_deleted", "_read_at", "_load", "filename"}:
        con.execute(
            f"CREATE OR REPLACE TEMP VIEW landed_page AS SELECT {', '.join(f'{value} AS {identifier(name)}' for name, value in values.items())} FROM landed"
        )
        hashed = f"md5(CAST({as_json(con, 'landed_page')} AS VARCHAR))"
    keys = ", ".join(value_of(con, "landed", request.paths[name]) for name in request.table.key)
    replaced = ", ".join(f"{values[name]} AS {identifier(name)}" for name in moments)
    rows = f"SELECT *{f' REPLACE ({replaced})' if moments else ''} FROM landed"
    con.execute(f"INSERT INTO {_PARTS} SELECT {hashed}, _load, _row, _deleted, {keys} FROM ({rows}) AS landed_page")


_ZONED = ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE")
"""A moment without a zone, and as what it lands."""


def _without_zone(name: str) -> str:
    moment = identifier(name)
    return f"CASE WHEN isfinite({moment}) THEN make_timestamp(epoch_us({moment})) ELSE CAST({moment} AS TIMESTAMP) END"

"""Whether loads that came after a range was read may hold newer versions of its rows: those that have a key in common with it.

What the schedule reads while a backfill of old days goes on are mostly rows of today. Where that cannot be told, the range is
taken for overtaken: it is only read again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
from duckdb.func import SPECIAL
from duckdb.sqltypes import VARCHAR

from warehouse.quote import literal

from ..contracts.columns import columns_of
from ..contracts.contract import PAYLOAD
from ..contracts.text import value_at
from ..declared.declaration import Source
from ..judge.judge import alike
from ..judge.raw_rows import Paths, value_of
from ..stores.engine import engine
from ..stores.lake import Landing
from ..stores.pipelines import keep_private
from ..stores.ranges import Range


def is_overtaken(source: Source, table: str, span: Range, files: Iterable[Path], loads: Collection[str]) -> bool:
    """Whether one of some loads has rows of a table with the key of a row in the range's files.

    Of a table of files a load counts that has any row: which file is the newest is not said by its rows.
    """
    landing = Landing(source.name, span.settings)
    landed = landing.files(table, loads)
    own = list(map(str, files))
    if not landed or not own:
        return False
    declared = source.tables[table]
    if declared.files or not declared.key:
        return True
    keep_private(span.work, span.settings)
    theirs = landing.fetch(landed, span.work / "later")
    paths = {column.name: column.paths for column in columns_of(source.contracts[table], stored=False)}
    key = [paths[name] for name in declared.key]
    if not {_forms(path, key) for path in theirs} <= {_forms(path, key) for path in own}:
        return True  # a key of another type may be the same one
    folders = [span.work, Path(own[0]).parent, *([] if span.settings.aws else [Path(landing.root)])]
    con = engine(*folders, spill=span.work / "spill", memory=span.settings.memory)
    try:
        con.create_function("value_at", value_at, [VARCHAR, VARCHAR], VARCHAR, null_handling=SPECIAL)
        for name, found in (("own", own), ("theirs", theirs)):
            _collect(con, name, found, key)
        keys = ", ".join(f"k{number}" for number in range(len(declared.key)))
        shared = con.execute(f"SELECT 1 FROM own SEMI JOIN theirs USING ({keys}) LIMIT 1").fetchall()
        return bool(shared)
    finally:
        con.close()


def _forms(path: str, key: list[Paths]) -> tuple[str, ...]:
    """In which form a file has the columns of a key: of records all are in one."""
    schema = pq.read_schema(path)
    if PAYLOAD in schema.names:
        return (PAYLOAD,)
    names = sorted({str(first) for paths in key for first, *_ in paths})
    return tuple(f"{name} {schema.field(name).type}" for name in names if name in schema.names)


def _collect(con: duckdb.DuckDBPyConnection, name: str, files: list[str], key: list[Paths]) -> None:
    """Create a table of the keys in files, as texts; a row without one has no other version."""
    columns = ", ".join(f"k{number} VARCHAR" for number in range(len(key)))
    con.execute(f"CREATE TABLE {name} ({columns})")
    for group in alike(files).values():
        read = f"SELECT * FROM read_parquet([{', '.join(map(literal, group))}])"
        con.execute(f"CREATE OR REPLACE TEMP VIEW landed AS {read}")
        values = ", ".join(value_of(con, "landed", paths) for paths in key)
        con.execute(f"INSERT INTO {name} SELECT DISTINCT {values} FROM landed")

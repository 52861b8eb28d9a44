"""Records as JSON texts, in Arrow and in SQL, without pandas.

`pyarrow.array` imports pandas to see whether what it is given is of pandas, and DuckDB imports pyarrow's datasets to read an
Arrow table, which import pandas, too: a tenth of the CPU of a run that finds nothing new.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from itertools import accumulate

import duckdb
import pyarrow as pa

from warehouse.quote import identifier, literal

FEW = 2**18
"""Bytes of texts up to which they go to DuckDB as part of a statement."""
_MOST = 2**31 - 1
"""Bytes that a column of strings can hold."""


def text_column(texts: Iterable[str]) -> pa.Array | pa.ChunkedArray:
    """Texts as strings; in several chunks where they are more than one can hold."""
    encoded = [text.encode() for text in texts]
    places = list(accumulate(map(len, encoded), initial=0))
    if places[-1] > _MOST:
        return pa.array(encoded, pa.string())
    data = pa.py_buffer(b"".join(encoded))
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(array("i", places)), data)


def register(con: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    """Let SQL read an Arrow table by a name; few rows of nothing but strings as part of a statement, in their order."""
    values = [column.to_pylist() for column in rows.columns] if _is_few(rows) else []
    if not values or any("\0" in text for texts in values for text in texts):
        con.execute(f"DROP VIEW IF EXISTS {name}")
        con.register(name, rows)
        return
    lists = ", ".join(
        f"unnest([{', '.join(map(literal, texts))}]::VARCHAR[]) AS {identifier(column)}"
        for column, texts in zip(rows.column_names, values, strict=True)
    )
    con.execute(f"CREATE OR REPLACE TEMP TABLE {name}_values AS SELECT {lists}")
    con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS FROM {name}_values")


def _is_few(rows: pa.Table) -> bool:
    return rows.nbytes <= FEW and all(
        field.type == pa.string() and not rows[field.name].null_count for field in rows.schema
    )

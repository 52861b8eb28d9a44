"""The types of columns: what holds a value of a contract, in the words of each engine that stores it.

Everything else is derived: Iceberg's types are those that pyiceberg makes of Arrow's, and SQLMesh reads DuckDB's words.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pyarrow as pa

LONGEST_TEXT = 65_535
"""Bytes of the longest text that a warehouse column holds: Redshift's VARCHAR(MAX)."""
BYTES = 4
"""Bytes of the longest character in UTF-8: contracts and DuckDB count characters, Redshift counts bytes."""


class Forms(NamedTuple):
    """One type.

    Attributes:
        sql: DuckDB's word for it. Lengths and digits follow in brackets.
        redshift: Redshift's.
        arrow: the name by which Arrow knows it.
        dlt: dlt's data type.
    """

    sql: str
    redshift: str
    arrow: str
    dlt: str


FORMS: dict[type, Forms] = {
    str: Forms("VARCHAR", "VARCHAR", "string", "text"),
    bool: Forms("BOOLEAN", "BOOLEAN", "bool", "bool"),
    int: Forms("BIGINT", "BIGINT", "int64", "bigint"),
    float: Forms("DOUBLE", "DOUBLE PRECISION", "double", "double"),
    date: Forms("DATE", "DATE", "date32", "date"),
    datetime: Forms("TIMESTAMP", "TIMESTAMP", "timestamp[us]", "timestamp"),
    Decimal: Forms("DECIMAL", "DECIMAL", "decimal128", "decimal"),
}
_BY_WORD = {forms.sql: forms for forms in FORMS.values()}


def redshift_type(kind: str) -> str:
    """A type as Redshift measures it: texts in bytes, doubles by their full name."""
    forms, sizes = _apart(kind)
    if forms.sql == "VARCHAR":
        sizes = tuple(min(BYTES * size, LONGEST_TEXT) for size in sizes)
    return f"{forms.redshift}({','.join(map(str, sizes))})" if sizes else forms.redshift


def arrow_type(kind: str) -> pa.DataType:
    """A type as Arrow has it; texts have no length there."""
    import pyarrow as pa

    forms, sizes = _apart(kind)
    return pa.decimal128(*sizes) if forms.sql == "DECIMAL" else pa.type_for_alias(forms.arrow)


def dlt_hint(kind: str) -> dict[str, Any]:
    """A type as the hint of a dlt column."""
    forms, sizes = _apart(kind)
    hint: dict[str, Any] = {"data_type": forms.dlt, **dict(zip(("precision", "scale"), sizes, strict=False))}
    return hint | ({"timezone": False} if forms.dlt == "timestamp" else {})


@cache
def _apart(kind: str) -> tuple[Forms, tuple[int, ...]]:
    """(the forms, the length or the digits) of a type in DuckDB's words."""
    return _BY_WORD[kind.split("(")[0]], tuple(map(int, re.findall(r"\d+", kind)))

"""Every type that a contract's column can have is one row of one table, and each engine's form of it holds the same values."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest
from pyiceberg.io.pyarrow import _ConvertToIcebergWithoutIDs, visit_pyarrow
from sqlglot import exp

from dlt_sources._steps.contracts.columns import columns_of, dlt_columns
from dlt_sources._steps.contracts.contract import Contract, column
from dlt_sources._steps.contracts.kinds import _PLAIN
from warehouse.column_types import FORMS, arrow_type, dlt_hint, redshift_type
from warehouse.staging import LOADS_COLUMNS, MARKS, REJECTED_COLUMNS, STATE_COLUMNS

VALUES = {
    str: "Ærø",
    bool: True,
    int: 2**63 - 1,
    float: 0.1,
    date: date(2024, 2, 29),
    datetime: datetime(2024, 2, 29, 23, 59, 59, 999_999),
    Decimal: Decimal("12345678.90"),
}
ICEBERG = {
    str: "string",
    bool: "boolean",
    int: "long",
    float: "double",
    date: "date",
    datetime: "timestamp",
    Decimal: "decimal(10, 2)",
}


class Row(Contract):
    """A column of every kind."""

    text: str = column("text", max_length=3)
    flag: bool = column("flag")
    whole: int = column("whole")
    number: float = column("number")
    day: date = column("day")
    moment: datetime = column("moment")
    exact: Decimal = column("exact", max_digits=10, decimal_places=2)


COLUMNS = columns_of(Row)


def test_every_kind_of_column_has_its_forms():
    assert set(FORMS) == set(_PLAIN) == {column.kind for column in COLUMNS}


@pytest.mark.parametrize("column", COLUMNS, ids=[column.name for column in COLUMNS])
def test_each_form_holds_the_value(column):
    value, held = VALUES[column.kind], arrow_type(column.sql_type)
    rows = pa.table({"x": pa.array([value], held)})
    assert rows["x"].to_pylist() == [value]
    with duckdb.connect() as con:
        con.execute(f"CREATE TABLE t (x {column.sql_type})")
        con.execute("INSERT INTO t SELECT x FROM rows")
        assert con.execute("SELECT x FROM t").fetchall() == [(value,)]
        assert con.execute("SELECT x FROM t").to_arrow_table().schema.field("x").type == held
    translated = exp.DataType.build(column.sql_type, dialect="duckdb").sql("redshift").replace(", ", ",")
    assert redshift_type(column.sql_type) == ("VARCHAR(12)" if column.kind is str else translated)  # bytes
    assert str(visit_pyarrow(held, _ConvertToIcebergWithoutIDs())) == ICEBERG[column.kind]
    assert dlt_columns(Row)[column.name].items() >= dlt_hint(column.sql_type).items()


@pytest.mark.parametrize("columns", [MARKS, REJECTED_COLUMNS, LOADS_COLUMNS, STATE_COLUMNS])
def test_the_columns_of_staging_s_own_tables_are_of_these_types(columns):
    for kind in columns.values():
        assert arrow_type(kind) and redshift_type(kind) and dlt_hint(kind)

"""External schemas: Iceberg tables of the Glue catalog are read as they are now, in Redshift's types; what it refuses is refused."""

import datetime
from decimal import Decimal
from typing import Any

import psycopg2
import pyarrow as pa
import pytest
from redshift_stand_in.client import Client
from s3_lake import BUCKET, ROLE

NOON = datetime.datetime(2026, 1, 2, 12, 30, 0, 5)
ROWS = pa.table(
    {
        "id": pa.array([1, 2], pa.int64()),
        "name": pa.array(["ä" * 10_000, None], pa.string()),
        "amount": pa.array([Decimal("1.250"), None], pa.decimal128(12, 3)),
        "ratio": pa.array([0.5, None], pa.float64()),
        "ok": pa.array([True, None], pa.bool_()),
        "day": pa.array([NOON.date(), None], pa.date32()),
        "at": pa.array([NOON, None], pa.timestamp("us")),
        "then": pa.array([NOON.replace(tzinfo=datetime.UTC), None], pa.timestamp("us", "UTC")),
    }
)


@pytest.fixture
def lake(s3: dict[str, Any], schema: str, sql: Client) -> Any:
    """A database of the catalog, and over it an external schema."""
    from pyiceberg.catalog.glue import GlueCatalog

    properties = {
        "glue.endpoint": s3["endpoint_url"],
        "glue.region": "us-east-1",
        "glue.access-key-id": "key",
        "glue.secret-access-key": "secret",
        "s3.endpoint": s3["endpoint_url"],
        "s3.region": "us-east-1",
        "s3.access-key-id": "key",
        "s3.secret-access-key": "secret",
        "py-io-impl": "pyiceberg.io.fsspec.FsspecFileIO",
        "warehouse": f"s3://{BUCKET}/silver",
    }
    catalog = GlueCatalog("lake", **properties)
    catalog.create_namespace(f"silver_{schema}")
    sql(
        f"CREATE EXTERNAL SCHEMA IF NOT EXISTS lake_{schema} FROM DATA CATALOG DATABASE 'silver_{schema}' IAM_ROLE '{ROLE}'"
    )
    sql(
        f"CREATE EXTERNAL SCHEMA IF NOT EXISTS lake_{schema} FROM DATA CATALOG DATABASE 'silver_{schema}' IAM_ROLE '{ROLE}'"
    )
    return catalog


def test_types_and_rows_are_those_of_the_newest_snapshot(lake: Any, schema: str, sql: Client) -> None:
    table = lake.create_table(f"silver_{schema}.t", schema=ROWS.schema)
    assert sql(f"SELECT count(*) FROM lake_{schema}.t") == [(0,)]
    table.append(ROWS)
    found = sql(f'SELECT id, name, amount, ratio, ok, day, "at", "then" FROM lake_{schema}.t ORDER BY id')
    assert found[0][1] == "ä" * 8192  # Redshift reads 16,384 bytes of a text
    moment = NOON.replace(tzinfo=datetime.UTC)
    assert (*found[0][:1], *found[0][2:]) == (1, Decimal("1.250"), 0.5, True, NOON.date(), NOON, moment)
    assert found[1] == (2, *[None] * 7)
    table.delete("id = 1")
    assert sql(f"SELECT id FROM lake_{schema}.t") == [(2,)]
    with table.update_schema() as update:
        update.rename_column("id", "number")
    assert sql(f"SELECT number FROM lake_{schema}.t") == [(2,)]


def test_a_late_binding_view_sees_what_is_there_now(lake: Any, schema: str, sql: Client) -> None:
    sql(f"CREATE TABLE {schema}.known (id BIGINT)")
    table = lake.create_table(f"silver_{schema}.t", schema=ROWS.schema)
    query = f"SELECT l.id FROM lake_{schema}.t AS l JOIN {schema}.known AS k ON k.id = l.id"
    with pytest.raises(psycopg2.Error, match="use WITH NO SCHEMA BINDING"):
        sql(f"CREATE VIEW {schema}.v AS {query}")
    sql(f"CREATE VIEW {schema}.v AS {query} WITH NO SCHEMA BINDING")
    sql(f"CREATE VIEW {schema}.above AS SELECT * FROM {schema}.v WITH NO SCHEMA BINDING")
    table.append(ROWS)
    assert sql(f"SELECT * FROM {schema}.above") == []
    sql(f"INSERT INTO {schema}.known VALUES (2)")
    assert sql(f"SELECT * FROM {schema}.above") == [(2,)]
    lake.drop_table(f"silver_{schema}.t")
    with pytest.raises(psycopg2.Error, match="does not exist"):
        sql(f"SELECT * FROM {schema}.above")
    lake.create_table(f"silver_{schema}.t", schema=ROWS.schema).append(ROWS)
    assert sql(f"SELECT * FROM {schema}.above") == [(2,)]


def test_the_information_schema_says_less(lake: Any, schema: str, sql: Client) -> None:
    lake.create_table(f"silver_{schema}.t", schema=ROWS.schema)
    sql(f"CREATE VIEW {schema}.v AS SELECT id FROM lake_{schema}.t WITH NO SCHEMA BINDING")
    tables, columns = (
        f"SELECT table_name FROM information_schema.{what} WHERE table_schema IN ('{schema}', 'lake_{schema}')"
        for what in ("tables", "columns")
    )
    assert (sql(tables), sql(columns)) == ([("v",)], [])
    assert sql(f"SELECT databasename FROM svv_external_schemas WHERE schemaname = 'lake_{schema}'") == [
        (f"silver_{schema}",)
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO lake_{0}.t (id) VALUES (1)",
        "DELETE FROM lake_{0}.t",
        "UPDATE lake_{0}.t SET id = 1",
        "CREATE EXTERNAL SCHEMA lake_{0} FROM DATA CATALOG DATABASE 'a' IAM_ROLE 'b'",
        "CREATE EXTERNAL SCHEMA other_{0} FROM POSTGRES DATABASE 'a' URI 'b'",
        "SELECT * FROM lake_{0}.u",
        "CREATE VIEW {0}.v AS SELECT id FROM t WITH NO SCHEMA BINDING",
    ],
)
def test_what_is_refused(lake: Any, schema: str, sql: Client, statement: str) -> None:
    lake.create_table(f"silver_{schema}.t", schema=ROWS.schema)
    with pytest.raises(psycopg2.Error, match=r"read only|not associated|does not know|does not exist|qualified"):
        sql(statement.format(schema))


def test_a_text_with_nul_and_types_that_redshift_lacks(lake: Any, schema: str, sql: Client) -> None:
    lake.create_table(f"silver_{schema}.t", schema=ROWS.schema).append(
        pa.table({"id": pa.array([1], pa.int64()), "name": pa.array(["a\0b"])})
    )
    with pytest.raises(psycopg2.Error, match="NUL"):
        sql(f"SELECT * FROM lake_{schema}.t")
    lake.drop_table(f"silver_{schema}.t")
    lake.create_table(f"silver_{schema}.t", schema=pa.schema({"a": pa.list_(pa.int64())}))
    with pytest.raises(psycopg2.Error, match="does not know Iceberg's list"):
        sql(f"SELECT * FROM lake_{schema}.t")


def test_the_schema_is_lent(lake: Any, schema: str, sql: Client, redshift: Any) -> None:
    lake.create_table(f"silver_{schema}.t", schema=ROWS.schema)
    sql(f"CREATE USER u{schema} PASSWORD 'Abcdefgh1'")
    other = Client(redshift, user=f"u{schema}", password="Abcdefgh1")
    with pytest.raises(psycopg2.Error, match="permission denied"):
        other(f"SELECT * FROM lake_{schema}.t")
    sql(f"GRANT USAGE ON SCHEMA lake_{schema} TO u{schema}")
    assert other(f"SELECT * FROM lake_{schema}.t") == []

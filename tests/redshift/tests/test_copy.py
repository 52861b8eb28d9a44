"""COPY and UNLOAD: what loads, what is refused and in which words, and that rows survive the way there and back."""

import datetime
import decimal
import gzip
import io
import json
from typing import Any

import boto3
import hypothesis
import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st
from redshift_stand_in.client import Client
from redshift_stand_in.server import Redshift
from s3_lake import BUCKET, ROLE

UTC = datetime.UTC
DDL = """a BIGINT, b VARCHAR(8), c TIMESTAMP, d DECIMAL(12, 3), e DOUBLE PRECISION, f BOOLEAN, g DATE, h SUPER,
    i INTEGER, j TIMESTAMPTZ, k VARBYTE"""


class Bucket:
    """The bucket of the tests under a prefix of one's own."""

    def __init__(self, s3: dict[str, Any], prefix: str) -> None:
        self.client, self.prefix = boto3.client("s3", **s3), prefix
        self.uri = f"s3://{BUCKET}/{prefix}"

    def put(self, name: str, data: bytes | pa.Table) -> str:
        if isinstance(data, pa.Table):
            buffer = io.BytesIO()
            pq.write_table(data, buffer)
            data = buffer.getvalue()
        self.client.put_object(Bucket=BUCKET, Key=self.prefix + name, Body=data)
        return self.uri + name

    def names(self) -> list[str]:
        found = self.client.list_objects_v2(Bucket=BUCKET, Prefix=self.prefix).get("Contents", [])
        return [o["Key"].removeprefix(self.prefix) for o in found]

    def read(self, name: str) -> bytes:
        return self.client.get_object(Bucket=BUCKET, Key=self.prefix + name)["Body"].read()

    def table(self, prefix: str) -> pa.Table:
        tables = [
            pq.read_table(io.BytesIO(self.read(n)))
            for n in sorted(self.names())
            if n.startswith(prefix) and n.endswith("parquet")
        ]
        return pa.concat_tables(tables)


@pytest.fixture
def bucket(s3: dict[str, Any], schema: str) -> Bucket:
    return Bucket(s3, f"{schema}/")


def _table() -> pa.Table:
    at = datetime.datetime(2026, 1, 2, 3, 4, 5, 678901)
    return pa.table(
        {
            "any": pa.array([1, None, -(2**62)]),
            "b": ['é"\n,x', "", None],
            "c": pa.array([at, None, at], pa.timestamp("us")),
            "d": pa.array([decimal.Decimal("1.250"), None, decimal.Decimal("-999999999.999")], pa.decimal128(12, 3)),
            "e": [0.1, None, 1e300],
            "f": [True, False, None],
            "g": [at.date(), None, at.date()],
            "h": ['{"x": 1}', None, "y"],
            "i": pa.array([1, 2, None], pa.int32()),
            "j": pa.array([at, None, at], pa.timestamp("us", "UTC")),
            "k": pa.array([b"\x00\xff", None, b""], pa.binary()),
        }
    )


def test_parquet(redshift: Redshift, sql: Client, schema: str, bucket: Bucket) -> None:
    sql(f"CREATE TABLE {schema}.t ({DDL})")
    bucket.put("x/1.parquet", _table())
    dictionary = _table().set_column(1, "b", pa.array(["p", "q", "p"]).dictionary_encode())
    bucket.put("x/2.parquet", dictionary)
    sql(f"COPY {schema}.t FROM '{bucket.uri}x/' IAM_ROLE '{ROLE}' FORMAT AS PARQUET SERIALIZETOJSON")
    assert "Load into table 't' completed, 6 record(s) loaded successfully." in sql.con.notices[-1]
    assert sql("SELECT pg_last_copy_count()") == [(6,)]
    found = sql(f"SELECT a, b, c, d, e, f, g, i, j FROM {schema}.t")
    wanted = [tuple(row[n] for n in row if n not in "hk") for row in _table().to_pylist()]
    assert found[:3] == wanted
    assert [r[0] for r in sql(f"SELECT h FROM {schema}.t")][:3] == ['"{\\"x\\": 1}"', None, '"y"']
    sql("BEGIN")
    sql(f"COPY {schema}.t FROM '{bucket.uri}x/1' IAM_ROLE '{ROLE}' FORMAT AS PARQUET SERIALIZETOJSON")
    sql("ROLLBACK")
    assert sql(f"SELECT count(*) FROM {schema}.t") == [(6,)]


BAD = {
    "BIGINT": (pa.array([1], pa.int32()), "incompatible Parquet schema"),
    "INTEGER": (pa.array([1]), "incompatible"),
    "DATE": (pa.array(["2026-01-01"]), "incompatible"),
    "VARCHAR(3)": (pa.array(["éé"]), "length of the data column a"),
    "VARCHAR(4)": (pa.array([1]), "incompatible"),
    "DECIMAL(10, 2)": (pa.array([decimal.Decimal("1.234")]), "incompatible"),
    "DECIMAL(10, 3)": (pa.array([1.5]), "incompatible"),
    "TIMESTAMP": (pa.array([1], pa.timestamp("ns")), "incompatible"),
    "TIME": (pa.array([1], pa.time64("us")), "incompatible"),
    "SMALLINT": (pa.array([1], pa.uint8()), "incompatible"),
    "SUPER": (pa.array(["{}"]), "SERIALIZETOJSON"),
    "REAL": (pa.array([1.5]), "incompatible"),
    "BOOLEAN": (pa.array([1], pa.int8()), "incompatible"),
    "INT NOT NULL": (pa.array([None], pa.int32()), "NULL"),
}


@pytest.mark.parametrize("kind", BAD)
def test_parquet_that_does_not_fit(sql: Client, schema: str, bucket: Bucket, kind: str) -> None:
    sql(f"CREATE TABLE {schema}.t (a {kind})")
    values, words = BAD[kind]
    table = pa.table({"x": values})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, version="2.6")
    uri = bucket.put("bad.parquet", buffer.getvalue())
    with pytest.raises(psycopg2.Error, match=words):
        sql(f"COPY {schema}.t FROM '{uri}' PARQUET IAM_ROLE '{ROLE}'")
    assert sql(f"SELECT count(*) FROM {schema}.t") == [(0,)]


def test_copies_that_are_refused(redshift: Redshift, sql: Client, schema: str, bucket: Bucket) -> None:
    sql(f"CREATE TABLE {schema}.t (a BIGINT, b BIGINT)")
    uri = bucket.put("1.parquet", pa.table({"a": [1]}))
    for clauses, words in {
        f"'{uri}' PARQUET IAM_ROLE '{ROLE}'": "Unmatched number of columns.*Table columns: 2, Data columns: 1",
        f"'{uri}' PARQUET IAM_ROLE 'arn:aws:iam::1:role/x'": "is not authorized to assume IAM Role arn:aws:iam::1:role/x",
        f"'{uri}' PARQUET CREDENTIALS 'aws_access_key_id=a;aws_secret_access_key=b'": "access keys are refused",
        f"'{uri}' PARQUET ACCESS_KEY_ID 'a' SECRET_ACCESS_KEY 'b'": "access keys are refused",
        f"'{uri}' PARQUET": "IAM_ROLE is missing",
        f"'{uri}' PARQUET GZIP IAM_ROLE '{ROLE}'": "GZIP argument is not supported for PARQUET",
        f"'{bucket.uri}none' PARQUET IAM_ROLE '{ROLE}'": "The specified S3 prefix '.*none' does not exist",
        f"'s3://no-such-bucket/x' PARQUET IAM_ROLE '{ROLE}'": "bucket does not exist",
        f"'{uri}' FORMAT AS ORC IAM_ROLE '{ROLE}'": "does not know",
        f"'{uri}' PARQUET FROBNICATE IAM_ROLE '{ROLE}'": "syntax error",
        "STDIN": "only S3",
    }.items():
        with pytest.raises(psycopg2.Error, match=words):
            sql(f"COPY {schema}.t FROM {clauses}")
    with pytest.raises(psycopg2.Error, match="does not exist"):
        sql(f"COPY {schema}.nothing FROM '{uri}' PARQUET IAM_ROLE '{ROLE}'")


def test_manifest(sql: Client, schema: str, bucket: Bucket) -> None:
    sql(f"CREATE TABLE {schema}.t (a BIGINT)")
    one, other = (bucket.put(f"{n}.parquet", pa.table({"a": [n]})) for n in (1, 2))
    entries = [{"url": u, "mandatory": True, "meta": {"content_length": 1}} for u in (one, other)]
    manifest = bucket.put("m", json.dumps({"entries": entries[:1]}).encode())
    copy = f"COPY {schema}.t FROM '{manifest}' PARQUET MANIFEST IAM_ROLE '{ROLE}'"
    sql(copy)
    assert sql(f"SELECT a FROM {schema}.t") == [(1,)]
    bucket.put("m", json.dumps({"entries": [{**entries[0], "url": one + "x"}]}).encode())
    with pytest.raises(psycopg2.Error, match="mandatory"):
        sql(copy)


def test_json_and_csv(sql: Client, schema: str, bucket: Bucket) -> None:
    sql(f"CREATE TABLE {schema}.t (a BIGINT, b VARCHAR(4), c SUPER, d TIMESTAMP, e BOOLEAN)")
    lines = '{"b": "é", "a": 1, "c": {"k": [1, 2.50]}, "d": "2026-01-02T03:04:05Z", "e": true}\n{"a": 2, "zzz": 1}\n{"b": {"x":1}}'
    uri = bucket.put("1.jsonl.gz", gzip.compress(lines.replace('{"b": {"x":1}}', "").encode()))
    sql(
        f"COPY {schema}.t FROM '{uri}' FORMAT AS JSON 'auto' dateformat 'auto' timeformat 'auto' GZIP IAM_ROLE '{ROLE}' region 'us-east-1'"
    )
    at = datetime.datetime(2026, 1, 2, 3, 4, 5)
    assert sql(f"SELECT * FROM {schema}.t ORDER BY a") == [
        (1, "é", '{"k":[1,2.50]}', at, True),
        (2, None, None, None, None),
    ]
    uri = bucket.put("1.csv", b'a,b\n7,"x,""y"\n8,\n\\N,z\n')
    sql(f"TRUNCATE {schema}.t")
    sql(f"COPY {schema}.t (a, b) FROM '{uri}' CSV IGNOREHEADER 1 IAM_ROLE '{ROLE}'")
    assert sql(f"SELECT a, b FROM {schema}.t ORDER BY a") == [(7, 'x,"y'), (8, ""), (None, "z")]


@pytest.mark.parametrize(
    ("text", "clauses", "reason", "column"),
    [
        (b'{"a": "x"}', "JSON 'auto'", "Invalid digit", "a"),
        (b"{", "JSON 'auto'", "Invalid JSON", ""),
        (b'{"b": "ddddd"}', "JSON 'auto'", "String length exceeds DDL length", "b"),
        (b"1", "CSV", "Delimiter not found", ""),
        (b"1,2,3", "CSV", "Extra column", ""),
        (b"9999999999999999999,x", "CSV", "Overflow", "a"),
        (b"1,ddddd", "CSV", "exceeds", "b"),
        (b"1|ddddd", "", "exceeds", "b"),
    ],
)
def test_rows_that_do_not_load_are_told(
    sql: Client, schema: str, bucket: Bucket, text: bytes, clauses: str, reason: str, column: str
) -> None:
    sql(f"CREATE TABLE {schema}.t (a BIGINT, b VARCHAR(4))")
    uri = bucket.put("bad", text)
    with pytest.raises(psycopg2.Error, match=r"Load into table 't' failed.  Check 'stl_load_errors'"):
        sql(f"COPY {schema}.t FROM '{uri}' {clauses} IAM_ROLE '{ROLE}' MAXERROR 0")
    [(told, name)] = sql("SELECT trim(err_reason), trim(colname) FROM stl_load_errors WHERE filename = %s", [uri])
    assert reason in told and name == column


def test_unload(sql: Client, schema: str, bucket: Bucket) -> None:
    sql(f"CREATE TABLE {schema}.t ({DDL.rpartition(',')[0]})")
    bucket.put("x/1.parquet", _table().drop_columns("k"))
    sql(f"COPY {schema}.t FROM '{bucket.uri}x/' IAM_ROLE '{ROLE}' PARQUET SERIALIZETOJSON")
    unload = (
        f"UNLOAD ('SELECT t.*, ''q'' AS q FROM {schema}.t') TO '{bucket.uri}u/' IAM_ROLE '{ROLE}' FORMAT AS PARQUET"
    )
    sql(unload)
    assert sorted(n for n in bucket.names() if n.startswith("u/")) == [
        "u/0000_part_00.parquet",
        "u/0001_part_00.parquet",
    ]
    found = bucket.table("u/")
    assert [str(t) for t in found.schema.types] == [
        "int64",
        "string",
        "timestamp[us]",
        "decimal128(12, 3)",
        "double",
        "bool",
        "date32[day]",
        "string",
        "int32",
        "timestamp[us, tz=UTC]",
        "string",
    ]
    with pytest.raises(psycopg2.Error, match="Specified unload destination on S3 is not empty"):
        sql(unload)
    sql(f"{unload} ALLOWOVERWRITE PARALLEL OFF MANIFEST ENCRYPTED KMS_KEY_ID 'k'")
    assert {"u/000.parquet", "u/manifest"} <= set(bucket.names())
    sql(f"{unload} CLEANPATH")
    assert "u/manifest" not in bucket.names()
    with pytest.raises(psycopg2.Error, match="string_agg"):
        sql(unload.replace("t.*", "string_agg(b, '''')"))
    with pytest.raises(psycopg2.Error, match="LIMIT"):
        sql(unload.replace(f"FROM {schema}.t", f"FROM {schema}.t LIMIT 1"))
    newest = "QUALIFY row_number() OVER (PARTITION BY a ORDER BY b) = 1"
    with pytest.raises(psycopg2.Error, match="needs an alias"):
        sql(unload.replace(f"FROM {schema}.t", f"FROM (SELECT * FROM {schema}.t) {newest}"))
    with pytest.raises(psycopg2.Error, match="not authorized"):
        sql(unload.replace(ROLE, "arn:x"))


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "a": st.none() | st.integers(-(2**63), 2**63 - 1),
            "b": st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=2),
            "c": st.none() | st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2200, 1, 1)),
            "d": st.none() | st.decimals(-999999, 999999, places=3),
            "e": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "f": st.none() | st.booleans(),
            "g": st.none() | st.dates(datetime.date(1, 1, 1), datetime.date(9999, 12, 31)),
        }
    ),
    min_size=1,
    max_size=12,
)


@hypothesis.settings(max_examples=12, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(rows=ROWS)
def test_rows_survive(sql: Client, schema: str, bucket: Bucket, rows: list[dict[str, Any]]) -> None:
    fields = [
        ("a", pa.int64()),
        ("b", pa.string()),
        ("c", pa.timestamp("us")),
        ("d", pa.decimal128(12, 3)),
        ("e", pa.float64()),
        ("f", pa.bool_()),
        ("g", pa.date32()),
        ("n", pa.int64()),
    ]
    table = pa.Table.from_pylist([{**row, "n": n} for n, row in enumerate(rows)], pa.schema(fields))
    sql(f"DROP TABLE IF EXISTS {schema}.r")
    sql(f"CREATE TABLE {schema}.r ({DDL.split(', h')[0].replace('VARCHAR(8)', 'VARCHAR(8)').strip()}, n BIGINT)")
    uri = bucket.put("r/1.parquet", table)
    sql(f"COPY {schema}.r FROM '{uri}' IAM_ROLE '{ROLE}' PARQUET")
    wanted = [tuple(row.values()) for row in table.to_pylist()]
    assert sql(f"SELECT * FROM {schema}.r ORDER BY n") == wanted
    sql(
        f"UNLOAD ('SELECT * FROM {schema}.r ORDER BY n') TO '{bucket.uri}back/' IAM_ROLE '{ROLE}' FORMAT AS PARQUET CLEANPATH"
    )
    assert [tuple(row.values()) for row in bucket.table("back/").to_pylist()] == wanted

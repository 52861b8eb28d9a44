"""dlt loads the stand-in through staged Parquet, twice."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from redshift_stand_in.client import Client
from redshift_stand_in.server import Redshift
from s3_lake import BUCKET, ROLE

UTC = datetime.UTC


def _pipeline(redshift: Redshift, s3: dict[str, Any], folder: Path, dataset: str) -> Any:
    import dlt
    from dlt.destinations import filesystem
    from dlt.destinations import redshift as destination

    credentials = {
        "database": "warehouse",
        "username": redshift.user,
        "password": redshift.password,
        "host": redshift.host,
        "port": redshift.port,
        "query": {"sslmode": "verify-full", "sslrootcert": str(redshift.ca)},
    }
    staging = filesystem(
        bucket_url=f"s3://{BUCKET}/staging",
        credentials={
            "aws_access_key_id": s3["aws_access_key_id"],
            "aws_secret_access_key": s3["aws_secret_access_key"],
            "endpoint_url": s3["endpoint_url"],
            "region_name": "us-east-1",
        },
    )
    return dlt.pipeline(
        "stand_in",
        pipelines_dir=str(folder / dataset),
        dataset_name=dataset,
        staging=staging,
        destination=destination(credentials=credentials, staging_iam_role=ROLE),
    )


@pytest.mark.parametrize("file_format", ["parquet", "jsonl"])
def test_merge_twice(
    redshift: Redshift,
    s3: dict[str, Any],
    tmp_path: Path,
    sql: Client,
    monkeypatch: pytest.MonkeyPatch,
    file_format: str,
) -> None:
    import dlt

    for name, value in {"DLT_DATA_DIR": str(tmp_path), "RUNTIME__DLTHUB_TELEMETRY": "false"}.items():
        monkeypatch.setenv(name, value)
    dataset = f"orders_{file_format}"
    columns = {"deleted": {"data_type": "bool", "hard_delete": True}, "tags": {"data_type": "json"}}

    def run(rows: list[dict[str, Any]]) -> None:
        by_key = dlt.resource(rows, name="by_key", write_disposition="merge", primary_key="id", columns=columns)
        by_day = dlt.resource(
            rows, name="by_day", write_disposition="merge", merge_key="day", columns={"tags": columns["tags"]}
        )
        _pipeline(redshift, s3, tmp_path, dataset).run([by_key, by_day], loader_file_format=file_format)

    def row(number: int, day: int, deleted: bool = False) -> dict[str, Any]:
        at = datetime.datetime(2026, 1, day, 3, 4, 5, 678000, UTC)
        return {
            "id": number,
            "day": at.date(),
            "at": at,
            "text": f"é{number}",
            "tags": {"n": [number]},
            "deleted": deleted,
            "amount": number * 1.5,
            "items": [{"sku": "a"}, {"sku": "b"}],
        }

    run([row(1, 1), row(2, 1), row(3, 2)])
    run([row(2, 2), row(3, 2, deleted=True), row(4, 3)])
    found = sql(f"SELECT id, day, text, amount FROM {dataset}.by_key ORDER BY id")
    assert [(r[0], r[1].day, r[2], r[3]) for r in found] == [(1, 1, "é1", 1.5), (2, 2, "é2", 3.0), (4, 3, "é4", 6.0)]
    assert sql(f"SELECT count(*) FROM {dataset}.by_key__items") == [(6,)]
    assert sorted(r[0] for r in sql(f"SELECT id FROM {dataset}.by_day")) == [1, 2, 2, 3, 4]
    tags = sql(f"SELECT tags FROM {dataset}.by_key WHERE id = 4")[0][0]
    assert tags == ('"{\\"n\\":[4]}"' if file_format == "parquet" else '{"n":[4]}')

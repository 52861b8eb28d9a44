"""On target aws a piece that one task has read ahead is landed by another; what it waits in is private, and gone afterwards."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from tests import forks
from tests.aws.estate import BUCKET, AwsPipeline, Estate
from tests.aws.policy import KEY
from tests.harness import checkout
from tests.small import MODEL, UNIT_TEST
from tests.test_backfill import CODE, CONTRACT

pytestmark = pytest.mark.slow

SPAN = ("backfill", "spans", "--since", "2026-01-01", "--until", "2026-01-08")


@pytest.fixture
def project(tmp_path: Path, estate: Estate) -> Path:
    """A checkout with a source that has rows for each day."""
    project = checkout(tmp_path / "project")
    folder = project / "dlt_sources" / "spans"
    folder.mkdir()
    table = {"contract": "Thing", "key": ["id"], "mode": "upsert", "cursor": "day"}
    declared = {
        "description": "things",
        "owner": "me",
        "schedule": "@daily",
        "connector": "python",
        "connection": {"values": {"log": str(tmp_path / "log")}},
        "tables": {"things": table},
    }
    (folder / "source.yml").write_text(yaml.safe_dump(declared))
    (folder / "contract.py").write_text(CONTRACT)
    (folder / "extract.py").write_text(CODE)
    models = project / "sqlmesh_project" / "models" / "spans_gold"
    models.mkdir()
    (models / "things_now.sql").write_text(MODEL.format(name="spans"))
    (project / "sqlmesh_project" / "tests" / "test_spans.yaml").write_text(UNIT_TEST.format(name="spans"))
    return project


def test_a_piece_that_one_task_read_is_landed_by_another(tmp_path: Path, estate: Estate, project: Path) -> None:
    def command(task: str, *words: str) -> str:
        pipeline = AwsPipeline(tmp_path / task, estate, {"ELT_NOW": "2026-01-12T09:00:00"})
        done = forks.run(words, project, os.environ | pipeline.environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    command("one", "-m", "dlt_sources.derive")
    asked = json.loads(command("one", "runner.py", *SPAN, "--days", "2", "--dry-run"))
    assert [asked[name] for name in ("source", "since", "until", "days")] == ["spans", "2026-01-01", "2026-01-08", "2"]
    for number, piece in enumerate(asked["ranges"][:3]):  # the fourth task failed, and failed again
        words = ("--since", piece["since"], "--until", piece["until"], "--batch", asked["batch"], "--read-ahead")
        for _ in range(2 if number == 0 else 1):  # Step Functions did not hear of its end
            command(f"reader{number}", "runner.py", "backfill", asked["source"], *words)
    read = (tmp_path / "log").read_text().splitlines()
    assert read == ["2026-01-01 2026-01-02", "2026-01-03 2026-01-04", "2026-01-05 2026-01-06"]
    waiting = estate.objects("landing/spans/_ahead/")
    assert len(waiting) == 6 and {Path(name).suffix for name in waiting} == {".json", ".parquet"}
    s3 = estate.cloud.client("s3")
    assert {s3.head_object(Bucket=BUCKET, Key=name).get("SSEKMSKeyId") for name in waiting} == {KEY}

    land = (*SPAN, "--days", asked["days"], "--batch", asked["batch"])
    said = command("lander", "runner.py", *land)
    assert (tmp_path / "log").read_text().splitlines()[3:] == ["2026-01-07 2026-01-08"]
    assert "2026-01-07 to 2026-01-08 was not read ahead; it is read now" in said and "read again" not in said
    found = AwsPipeline(tmp_path / "lander", estate, {}).query(
        "SELECT count(*), count(DISTINCT id) FROM stg_spans.things"
    )
    assert found == [(8, 8)]
    assert estate.objects("landing/spans/_ahead/") == {}
    assert not [
        path for path in (tmp_path / "lander").rglob("*.parquet") if "_ahead" in str(path) or "ahead." in str(path)
    ]
    forgets = ("LandingForgets", "s3:DeleteObject", f"arn:aws:s3:::{BUCKET}/elt/landing/*/_ahead/*")
    assert forgets in estate.cloud.policy.used, "by the permission that Terraform gives for it"

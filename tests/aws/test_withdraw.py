"""A withdrawn file's rows leave staging, silver, gold and what was rejected, on target aws."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from tests import forks
from tests.aws.estate import AwsPipeline, Estate
from tests.harness import checkout
from tests.small import MODEL, UNIT_TEST

pytestmark = pytest.mark.slow

CONTRACT = '''"""What a thing is."""

from dlt_sources.contract import Contract, column


class Thing(Contract):
    """One thing."""

    id: int = column("The thing", ge=1)
    name: str = column("Its name", max_length=20)
    file: str = column("Its file", path="_file", max_length=100)
'''


@pytest.mark.nightly  # tests/dlt_sources/test_withdrawn.py does it on the laptop
@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_a_file_is_withdrawn(tmp_path: Path, estate: Estate, mode: str) -> None:
    name = f"withdrawn_{mode}"
    project, inbox = checkout(tmp_path / "project"), tmp_path / "inbox"
    inbox.mkdir()
    for file, rows in (("a.csv", "1,a\n"), ("b.csv", "1,b\n2,b\n0,odd\n")):
        (inbox / file).write_text(f"id,name\n{rows}")
    folder = project / "dlt_sources" / name
    folder.mkdir()
    key = ["id", "file"] if mode == "append" else ["id"]
    table = {"contract": "Thing", "key": key, "files": "*.csv", "mode": mode, "max_rejected": {"share": 1}}
    declared = {
        "description": "things",
        "owner": "me",
        "schedule": "@daily",
        "connector": "files",
        "connection": {"url": str(inbox)},
        "tables": {"things": table},
    }
    (folder / "source.yml").write_text(yaml.safe_dump(declared))
    (folder / "contract.py").write_text(CONTRACT)
    models = project / "sqlmesh_project" / "models" / f"{name}_gold"
    models.mkdir()
    unique = "UNIQUE_VALUES(columns := (id)), "
    (models / "things_now.sql").write_text(MODEL.format(name=name).replace(unique if mode == "append" else "\0", ""))
    (project / "sqlmesh_project" / "tests" / f"test_{name}.yaml").write_text(UNIT_TEST.format(name=name))
    pipeline = AwsPipeline(tmp_path / "data", estate, {})

    def command(*words: str) -> str:
        done = forks.run(words, project, os.environ | pipeline.environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def left() -> list[list[tuple[object, ...]]]:
        return [
            pipeline.query(f"SELECT id, name FROM stg_{name}.things ORDER BY 1, 2"),
            pipeline.query(f"SELECT id, name FROM {name}_gold.things_now ORDER BY 1, 2", "serving.duckdb"),
            pipeline.query(f"SELECT sum(landed), sum(accepted), sum(rejected) FROM stg_{name}._loads"),
            pipeline.query(f"SELECT count(*) FROM stg_{name}._rejected"),
        ]

    command("-m", "dlt_sources.derive")
    command("runner.py", "run", name)
    both = [(1, "a"), (1, "b"), (2, "b")] if mode == "append" else [(1, "b"), (2, "b")]
    assert left() == [both, both, [(4, 3, 1)], [(1,)]]
    command("runner.py", "withdraw", name, "b.csv")
    assert left() == [[(1, "a")], [(1, "a")], [(1, 1, 0)], [(0,)]]
    command("runner.py", "replay", name)
    assert left() == [[(1, "a")], [(1, "a")], [(1, 1, 0)], [(0,)]]

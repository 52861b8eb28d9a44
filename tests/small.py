"""A checkout with small sources of files and a gold model each: the whole flow in a few seconds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import yaml

from tests import forks, harness

CONTRACT = '''"""What a thing is."""

from dlt_sources._steps.contracts.contract import Contract, column


class Thing(Contract):
    """One thing."""

    id: int = column("The thing", ge=1)
    name: str = column("Its name", min_length=1, max_length=20)
'''
MODEL = """MODEL (
  name {name}_gold.things_now,
  kind FULL,
  owner analytics,
  grain id,
  description 'Things.',
  column_descriptions (id = 'The thing', name = 'Its name'),
  audits (UNIQUE_VALUES(columns := (id)), NOT_NULL(columns := (id, name)))
);

SELECT
  t.id::BIGINT AS id,
  t.name::VARCHAR(80) AS name
FROM stg_{name}.things AS t
"""
UNIT_TEST = """test_{name}:
  model: {name}_gold.things_now
  inputs:
    stg_{name}.things:
      - {{id: 1, name: one}}
  outputs:
    query:
      - {{id: 1, name: one}}
"""


def own_checkout(folder: Path) -> Path:
    """A copy of the project's code without the sample sources and what is made of them: its commands load no model of theirs."""
    code = harness.checkout(folder)
    for kept in ("dlt_sources", "soda_checks/gold", "soda_checks/staging", "sqlmesh_project/models"):
        for path in (code / kept).iterdir():
            if path.is_dir() and not path.name.startswith("_") and path.name != "ops":
                shutil.rmtree(path)
    for path in (code / "sqlmesh_project/tests").glob("test_*.yaml"):
        if path.stem != "test_ops":
            path.unlink()
    for path in (code / "sqlmesh_project/external_models").glob("*.yaml"):
        if path.stem != "ops":
            path.unlink()
    for path in (code / "superset/assets").glob("*/*.yaml"):
        if path.parent.name != "databases" and not path.stem.startswith(("ops", "pipeline_health")):
            path.unlink()
    return code


class Small:
    """The checkout, its data folder and its command line.

    Args:
        folder: where the code, the drop folders and the command's home are.
        names: of the sources; each reads ``<folder>/drop/<name>/*.csv`` unless `drop` says where.
    """

    def __init__(self, folder: Path, *names: str, data: Path | None = None, drop: Path | None = None) -> None:
        self.code, self.data, self.folder = own_checkout(folder / "millrace"), data or folder / "data", folder
        self.environment = {n: v for n, v in os.environ.items() if not n.startswith("ELT_")}
        self.environment |= {"ELT_DATA_DIR": str(self.data), "HOME": str(folder), "ELT_RETRY_PACE": "0.01"}
        self.drop = {}
        for name in names:
            self.drop[name] = (drop or folder / "drop") / name
            self.drop[name].mkdir(parents=True)
            self.environment[f"ELT_{name.upper()}_FILES"] = str(self.drop[name])
            self.declare(name)
        if names:
            self("-m", "dlt_sources.derive")

    def declare(self, name: str, **table: Any) -> None:
        """Write a source's files and its model."""
        folder = self.code / "dlt_sources" / name
        folder.mkdir(exist_ok=True)
        declared = {
            "description": "things",
            "owner": "me",
            "schedule": "@daily",
            "connector": "files",
            "connection": {"url": f"${{{name.upper()}_FILES}}"},
            "tables": {"things": {"contract": "Thing", "key": ["id"], "files": "*.csv", "mode": "upsert", **table}},
        }
        (folder / "source.yml").write_text(yaml.safe_dump(declared, sort_keys=False))
        (folder / "contract.py").write_text(CONTRACT)
        models = self.code / "sqlmesh_project/models" / f"{name}_gold"
        models.mkdir(exist_ok=True)
        (models / "things_now.sql").write_text(MODEL.format(name=name))
        (self.code / f"sqlmesh_project/tests/test_{name}.yaml").write_text(UNIT_TEST.format(name=name))

    def deliver(self, name: str, file: str, *rows: str) -> None:
        """Put a file of rows into the source's folder."""
        (self.drop[name] / file).write_text("\n".join(["id,name", *rows]) + "\n")

    def __call__(self, *arguments: str, code: int | None = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the checkout; `code` is how it must end, None: however."""
        done = forks.run(arguments, self.code, self.environment | environment)
        assert code is None or done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done

    def run(self, *arguments: str, code: int | None = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """``python runner.py ARGUMENTS``."""
        return self("runner.py", *arguments, code=code, **environment)

    def status(self) -> Any:
        """What `status` says."""
        return json.loads(self.run("status", "--json").stdout)

    def query(self, sql: str, database: str = "serving.duckdb") -> list[tuple[Any, ...]]:
        """Rows of a query on one of the databases."""
        with duckdb.connect(str((self.data / database).resolve()), read_only=True) as con:
            return con.execute(sql).fetchall()

    def gold(self, name: str) -> list[tuple[Any, ...]]:
        """What dashboards read of a source."""
        return self.query(f"SELECT id, name FROM {name}_gold.things_now ORDER BY 1")


class Kept:
    """A project as it is now, to begin each test of a module with: put back at the same place, as paths in it are absolute."""

    def __init__(self, small: Small) -> None:
        self.small, self.environment = small, dict(small.environment)
        self.copy = shutil.copytree(small.folder, small.folder.with_name("kept"), symlinks=True)

    def put_back(self) -> Small:
        """The project, as if nothing had happened to it since."""
        shutil.rmtree(self.small.folder)
        shutil.copytree(self.copy, self.small.folder, symlinks=True)
        self.small.environment = dict(self.environment)
        return self.small

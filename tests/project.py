"""A checkout with everything that ships, in git, in which a test types what a user types."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.harness import ROOT

SQLMESH = "from sqlmesh.cli.main import cli; cli()"
PARTS = (
    "demo",
    "dlt_sources",
    "docs",
    "foundation",
    "runtime",
    "soda_checks",
    "sqlmesh_project",
    "superset",
    "warehouse",
)
FILES = (".env.example", "compose.yaml", "errors.py", "pyproject.toml", "runner.py", "settings.py")


def list_others() -> list[str]:
    """What else git tracks in this checkout, as names of its top level: what only tests of the repository itself read."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    names = {path.partition("/")[0] for path in done.stdout.split("\0") if path}
    return sorted(name for name in names - {*PARTS, *FILES, ".gitignore"} if (ROOT / name).exists())


class Project:
    """A copy of this checkout, committed.

    Args:
        more: further folders and files of the checkout to copy.
    """

    def __init__(self, folder: Path, *more: str) -> None:
        self.folder = folder
        for name in (*PARTS, *FILES, *more):
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(".venv", "__pycache__"))
            else:
                shutil.copy(ROOT / name, folder / name)
        (folder / ".gitignore").write_text("__pycache__\n/data/\n/data-demo/\n.env\n.cache/\n.venv\n")
        self.git("init", "-q")
        self.commit("all")

    def git(self, *words: str) -> str:
        return subprocess.run(["git", *words], cwd=self.folder, capture_output=True, text=True, check=True).stdout

    def commit(self, subject: str) -> None:
        """Everything that git does not ignore."""
        self.git("add", "--all")
        self.git("-c", "user.name=ann", "-c", "user.email=ann@example.com", "commit", "-qm", subject)

    @property
    def environment(self) -> dict[str, str]:
        """That of this process, without its settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ELT_")}
        return kept | {"ELT_DATA_DIR": str(self.folder / "data")}

    def __call__(self, *words: str, code: int = 0, answer: str = "") -> str:
        """What a Python command in the checkout says, both streams."""
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            env=self.environment,
            input=answer,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done.stdout + done.stderr

"""Terraform for tests: a copy of the project's folder that may be initialised, planned and applied."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.harness import ROOT

STAND_IN = ROOT.parent / "shared" / "tools" / "terraform_offline" / "terraform-offline"
"""Serves the AWS provider's schema where the registry cannot be reached; applies without an account."""

LOCAL = 'terraform {\n  backend "local" {}\n}\n'


def command() -> str:
    """What runs Terraform here, or a skip that says why nothing does."""
    if shutil.which("terraform") is None:
        pytest.skip("terraform is not installed")
    return str(STAND_IN) if STAND_IN.exists() else "terraform"


class Checkout:
    """A copy of ``terraform/`` and of what it reads, for one test to change.

    Args:
        folder: an empty folder.
    """

    def __init__(self, folder: Path) -> None:
        ignored = shutil.ignore_patterns(".terraform", "*.tfstate*", ".terraform.lock.hcl", "__pycache__")
        shutil.copytree(ROOT / "terraform", folder / "terraform", ignore=ignored)
        for path in (ROOT / "dlt_sources").glob("*/source.yml"):
            target = folder / path.relative_to(ROOT)
            target.parent.mkdir(parents=True)
            shutil.copy(path, target)
        self.root, self.terraform, self._ready = folder, folder / "terraform", set[Path]()

    def folders(self) -> list[Path]:
        """Every folder of Terraform that can be validated."""
        return sorted({path.parent for path in self.terraform.rglob("versions.tf") if ".terraform" not in path.parts})

    def __call__(self, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """``terraform ARGUMENTS`` in a folder."""
        environment = os.environ | {f"TF_VAR_{name}": value for name, value in variables.items()}
        environment |= {"TF_IN_AUTOMATION": "1", "TF_CLI_ARGS": "-no-color", "AWS_EC2_METADATA_DISABLED": "true"}
        return subprocess.run(
            [command(), *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )

    def initialised(self, folder: Path) -> Path:
        """The folder, ready to plan: with its state on this machine."""
        if folder in self._ready:
            return folder
        if 'backend "s3"' in (folder / "versions.tf").read_text():
            (folder / "backend_override.tf").write_text(LOCAL)
        done = self(folder, "init", "-input=false")
        assert done.returncode == 0, done.stdout + done.stderr
        self._ready.add(folder)
        return folder

"""Terraform for tests: a copy of the project's folder that may be initialised, planned and applied."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from functools import cache
from pathlib import Path

from tests import needs
from tests.deploy.offline_provider import schema
from tests.harness import ROOT

HOSTS = (
    "https://registry.terraform.io/.well-known/terraform.json",
    "https://releases.hashicorp.com/terraform-provider-aws/",
)
"""The registry, and the server that its answers for this provider lead to."""

TIMEOUT = 3.0  # seconds for each; the stand-in serves as well
LOCAL = 'terraform {\n  backend "local" {}\n}\n'


@cache
def reach_registry() -> bool:
    """Whether Terraform can download the real provider here; asked once."""
    try:
        for url in HOSTS:
            urllib.request.urlopen(url, timeout=TIMEOUT).close()
    except (OSError, ValueError):
        return False
    return True


@cache
def stand_in() -> dict[str, str]:
    """The environment in which Terraform asks the stand-in instead of AWS's provider; it ends with this process."""
    socket = Path(tempfile.mkdtemp(prefix="millrace-provider-")) / "socket"
    atexit.register(shutil.rmtree, socket.parent, ignore_errors=True)
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.deploy.offline_provider.server", str(socket)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin and server.stdout
    atexit.register(server.stdin.close)
    assert server.stdout.readline() == "ready\n", "the stand-in for Terraform's provider did not start"
    attach = {"Protocol": "grpc", "ProtocolVersion": 5, "Pid": server.pid, "Test": True}
    attach["Addr"] = {"Network": "unix", "String": str(socket)}
    return {"TF_REATTACH_PROVIDERS": json.dumps({schema.PROVIDER: attach}), "TF_CLI_CONFIG_FILE": os.devnull}


@cache
def real_provider() -> dict[str, str]:
    """The environment in which Terraform downloads AWS's provider, once for all folders of this process."""
    folder = tempfile.mkdtemp(prefix="millrace-plugins-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return {"TF_PLUGIN_CACHE_DIR": folder, "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1"}


class Checkout:
    """A copy of ``terraform/`` and of what it reads, for one test to change.

    Args:
        folder: an empty folder.
        offline: ask the stand-in also where the registry can be reached: what is applied needs no account then.
    """

    def __init__(self, folder: Path, offline: bool = False) -> None:
        if shutil.which("terraform") is None:
            needs.lack(*needs.TERRAFORM)
        ignored = shutil.ignore_patterns(".terraform", "*.tfstate*", ".terraform.lock.hcl", "__pycache__")
        shutil.copytree(ROOT / "terraform", folder / "terraform", ignore=ignored)
        for path in (ROOT / "dlt_sources").glob("*/source.yml"):
            target = folder / path.relative_to(ROOT)
            target.parent.mkdir(parents=True)
            shutil.copy(path, target)
        self.root, self.terraform, self._ready = folder, folder / "terraform", set[Path]()
        self.offline = offline or not reach_registry()

    def folders(self) -> list[Path]:
        """Every folder of Terraform that can be validated."""
        return sorted({path.parent for path in self.terraform.rglob("versions.tf") if ".terraform" not in path.parts})

    def __call__(self, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """``terraform ARGUMENTS`` in a folder.

        Raises:
            UnknownType: the stand-in lacks a type that the folder uses.
        """
        if self.offline:
            schema.require_known(self.terraform)
        environment = os.environ | {f"TF_VAR_{name}": value for name, value in variables.items()}
        environment |= {"TF_IN_AUTOMATION": "1", "TF_CLI_ARGS": "-no-color", "AWS_EC2_METADATA_DISABLED": "true"}
        environment |= {"CHECKPOINT_DISABLE": "1"} | (stand_in() if self.offline else real_provider())
        return subprocess.run(
            ["terraform", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
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

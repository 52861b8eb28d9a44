"""Which Millrace this is."""

from __future__ import annotations

import subprocess
import tomllib

from .environment import ROOT


def version() -> str:
    """The version that pyproject.toml says and, in a git checkout, its commit; `-dirty` where files differ from it."""
    number = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    commit = _commit() if (ROOT / ".git").exists() else ""
    return f"{number} ({commit})" if commit else str(number)


def _commit() -> str:
    """The commit, empty where git does not say it."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--exclude=*"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""

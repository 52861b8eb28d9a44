"""The soak finds nothing in some trials, and each bug that is planted within a few trials."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import ROOT
from tests.soak.planted import ON_AWS, PLANTS

pytestmark = pytest.mark.slow


def soak(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ELT_")}
    command = [sys.executable, "-m", "tests.soak", "--folder", str(folder), *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=580)


@pytest.mark.nightly  # test_kills.py, test_land_struck.py and test_refine_struck.py have them one by one
def test_some_strikes_find_nothing(tmp_path: Path) -> None:
    done = soak(tmp_path, "--trials", "2", "--seed", "16")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| **all** |" in done.stdout


@pytest.mark.nightly  # tests/aws has the kinds of strikes one by one
def test_strikes_on_aws_find_nothing(tmp_path: Path) -> None:
    done = soak(tmp_path, "--target", "aws", "--minutes", "0.4", "--seed", "16")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| **all** |" in done.stdout


@pytest.mark.parametrize(
    ("target", "plants"),
    [
        pytest.param("local", [plant for plant in PLANTS if plant not in ON_AWS], marks=pytest.mark.nightly),
        pytest.param("aws", [*ON_AWS], marks=pytest.mark.nightly),
    ],
)
def test_planted_bugs_are_found(tmp_path: Path, target: str, plants: list[str]) -> None:
    done = soak(tmp_path, "--target", target, "--planted", *plants, "--seed", "1", "--trials", "12")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": found by trial ") == len(plants)

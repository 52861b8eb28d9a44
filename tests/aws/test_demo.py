"""`make demo-aws` shows target aws to whoever has no account."""

import subprocess
import sys

import pytest

from tests.harness import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.nightly]


def test_the_demo_on_aws_ends_with_what_the_oracle_expects():
    command = [sys.executable, "-m", "tests.aws.demo", "--days", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "exactly what the world's own oracle expects" in done.stdout
    assert '{"event"' not in done.stdout and done.stderr == ""

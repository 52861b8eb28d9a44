"""What some tests need and not every machine has. Each such test skips; `make test` ends with what did not run, and why.

A reason names what is missing and how to get it, so that the same lack reads the same everywhere and is reported once.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from demo.folder import SOURCES

TO_RUN = "; to run them: "
TERRAFORM = "Terraform is not installed", "install it: https://developer.hashicorp.com/terraform/install"
ROOT = Path(__file__).resolve().parents[1]
OF_SAMPLES = {"world", "first_day", "first_day_data", "samples"}
"""Fixtures that run the sample sources or read what is theirs."""
UV = "uv, which brings the tools they run, is not on the path", "make test"


def lack(what: str, command: str, strict: bool = False) -> NoReturn:
    """End a test that cannot run here.

    Args:
        what: what is missing.
        command: what a person does so that the test runs.
        strict: where CI is set, this is a failure: what is missing is known to be available there.
    """
    reason = f"{what}{TO_RUN}{command}"
    if strict and os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def removed_samples() -> list[str]:
    """The sample sources that this checkout no longer has."""
    return [name for name in SOURCES if not (ROOT / "dlt_sources" / name / "source.yml").exists()]


def why_no_samples() -> str:
    """Why a test that needs the sample sources skips; empty where they are here."""
    gone = removed_samples()
    paths = " ".join(f"dlt_sources/{name}" for name in gone)
    return f"the samples were removed ({', '.join(gone)}){TO_RUN}git checkout RELEASE -- {paths}" if gone else ""


def imports_sample(path: Path) -> bool:
    """Whether a test module imports a sample's contract, so that it cannot be imported without."""
    names = "|".join(SOURCES)
    return re.search(rf"^(from|import) dlt_sources\.({names})\b", path.read_text("utf-8"), re.MULTILINE) is not None


def superset() -> None:
    """Superset in its own environment; installed where it is missing (750 MB, from the package index)."""
    from foundation.console import Console  # not with conftest.py: libraries read settings when they are imported
    from superset.door import DashboardError, install

    try:
        install(Console())
    except DashboardError as error:
        lack(f"Superset cannot be installed ({error})", "make dashboards", strict=True)


def not_run(reports: Iterable[Any]) -> list[str]:
    """One line for each reason for which tests were skipped, the most frequent first."""
    reasons = Counter(_reason(report) for report in reports)
    return [f"Not run here: {number} test{'s' * (number > 1)}: {why}" for why, number in reasons.most_common()]


def _reason(report: Any) -> str:
    """Why pytest skipped: of ("file", line, "Skipped: why")."""
    text = report.longrepr[2] if isinstance(report.longrepr, tuple | list) else str(report.longrepr)
    text = " ".join(text.removeprefix("Skipped: ").split())
    if text.startswith("got empty parameter set"):  # its cases are the samples' tables or sources
        return why_no_samples() or text
    return text

"""Errors that are raised from what wraps them, as an explained one is, end a step and not the program."""

from types import SimpleNamespace

import pytest

from dlt_sources._steps import sink
from dlt_sources.door import StoreError
from foundation.console import Console
from runtime.faults import Faults
from warehouse.ops import Run


def in_a_circle(*kinds):
    """An error whose causes lead back to it."""
    errors = [kind("away") for kind in kinds]
    for error, cause in zip(errors, [*errors[1:], errors[0]], strict=True):
        error.__cause__ = cause
    return errors[0]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kinds", [(ValueError, OSError), (OSError,), (KeyError, ValueError, RuntimeError)])
def test_a_circle_of_causes_is_reported_like_any_error(kinds):
    run = Run(command="run", sources=["shop"], target="local")
    faults = Faults(run, Console())
    with faults.isolate("land", "shop"):
        raise in_a_circle(*kinds)
    assert faults.held == {"shop"} and run.exit_code in (4, 70) and "away" in run.problems[0]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("kinds", [(OSError, ValueError), (OSError,)])
def test_a_circle_of_causes_is_explained_by_the_sink_too(kinds):
    explained = sink._explained(SimpleNamespace(name="shop"), SimpleNamespace())
    with pytest.raises(StoreError, match="shop: the operational Postgres could not be written"), explained:
        raise in_a_circle(*kinds)

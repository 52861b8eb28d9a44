"""What an API is asked for: the endpoint's own parameters and body, and where it gives a part of its records, those of some days
or those since a moment.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from dlt.common.jsonpath import set_value_at_path

from ...declared.endpoint import Endpoint, Window
from ...declared.placeholders import fill
from ..request import Request
from .relation import end_of

_UNITS = {"time": timedelta(seconds=1), "seconds": timedelta(seconds=1), "milliseconds": timedelta(milliseconds=1)}
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)


def fill_in(endpoint: Endpoint, request: Request) -> tuple[dict[str, Any], Any]:
    """The parameters and the body of a read's requests, with settings in the places of their names."""
    params, body = (fill(values, request.settings) for values in (endpoint.params, endpoint.body))
    span = ask(endpoint.window, request) if endpoint.window and request.since else {}
    if endpoint.window and endpoint.window.body:
        for path, value in span.items():
            set_value_at_path(body, path, value)
    else:
        params |= span
    return params, body


def ask(window: Window, request: Request) -> dict[str, str]:
    """The parameters for the records of a read that has a beginning.

    Of moments, an API may take a moment to be part of the span or not. So it is asked from one unit before and to one unit after: a record that
    comes again and is as it was does not land again.
    """
    assert request.since is not None
    if window.form == "day":
        beginning, end = f"{request.since:%Y-%m-%d}", f"{request.until:%Y-%m-%d}"
    else:
        unit, until = _UNITS[window.form], end_of(request) if request.upto else request.until
        beginning, end = (_written(moment, window.form) for moment in (request.since - unit, until + unit))
    return {window.since: beginning} | ({window.until: end} if window.until else {})


def _written(moment: datetime, form: str) -> str:
    """A moment in the form, cut to its unit."""
    if form == "time":
        return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    return str((moment - _FIRST) // _UNITS[form])

"""REST APIs, through dlt's ``rest_api``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import requests

from ..http import session
from ..request import Request, expand
from ..source_error import quoted
from ..source_yml import RestConnection


def read(request: Request, connection: RestConnection) -> Iterable[Any]:
    """The records of an endpoint, page by page."""
    from dlt.sources.rest_api import rest_api_resources

    endpoint = request.table.endpoint
    assert endpoint is not None
    base = expand(connection.base_url, request.settings)
    params = {n: expand(v, request.settings) if isinstance(v, str) else v for n, v in endpoint.params.items()}
    if endpoint.window and request.since:
        params |= {
            endpoint.window.since: f"{request.since:%Y-%m-%d}",
            endpoint.window.until: f"{request.until:%Y-%m-%d}",
        }
    [resource] = rest_api_resources(
        {
            "client": {
                "base_url": base,
                "session": session(
                    connection,
                    request.settings,
                    base,
                    lambda answer: _unlike_records(answer, endpoint.data_selector),
                    pages=endpoint.max_pages,
                ),
                "paginator": endpoint.paginator,  # type: ignore[typeddict-item]
            },
            "resources": [
                {
                    "name": request.name,
                    "endpoint": {"path": endpoint.path, "params": params, "data_selector": endpoint.data_selector},
                }
            ],
        }
    )
    return resource


def _unlike_records(answer: requests.Response, selector: str) -> str | None:
    """Why a successful answer is not what was declared, or None when there is a list of records at `selector`."""
    from dlt.common import jsonpath

    try:
        content = answer.json()
    except requests.exceptions.JSONDecodeError as error:
        kind = answer.headers.get("content-type", "no content type")
        return f"the answer is not whole JSON ({quoted(kind)}, {len(answer.content)} bytes: {error.msg} at character {error.pos})"
    except (RecursionError, ValueError) as error:  # nested without end; a number of thousands of digits
        return f"the answer is not JSON that can be read ({quoted(error)})"
    found = content if selector == "$" else next(iter(jsonpath.find_values(selector, content)), None)
    if not isinstance(found, list):
        return f"expected a list of records at {selector}, found {type(found).__name__}"
    return None

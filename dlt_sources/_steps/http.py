"""Patient and polite HTTP: waits and retries, says who asks, and goes nowhere it was not told to (guard.py)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import requests

from settings import Settings

from .guard import REDIRECTS, Guard
from .request import expand
from .source_error import NEXT, SourceError, asked
from .source_yml import HttpConnection

AGENT = "Millrace (data pipeline; reads what changed, once per schedule)"


def session(
    connection: HttpConnection,
    settings: Settings,
    home: str,
    wrong: Callable[[requests.Response], str | None] = lambda answer: None,
    *,
    also: Sequence[str] = (),
    pages: int | None = None,
) -> requests.Session:
    """A session that waits and tries again on 429, 5xx, timeouts, cut connections and answers that are `wrong`.

    Args:
        home: the source's address; only it sees the declared headers.
        wrong: why a successful answer is not what was declared, or None.
        also: other addresses that may be asked in this run.
        pages: how many answers one read may take.
    """
    from dlt.sources.helpers.requests import Client

    def broken(answer: requests.Response | None, error: BaseException | None) -> bool:
        return answer is not None and error is None and answer.ok and wrong(answer) is not None

    made: requests.Session = Client(
        request_timeout=connection.timeout,
        request_max_attempts=connection.attempts,
        request_backoff_factor=connection.backoff * settings.retry_pace,
        request_max_retry_delay=60 * settings.retry_pace,
        retry_condition=broken,
    ).session
    made.headers["User-Agent"] = AGENT
    made.headers.update({name: expand(value, settings) for name, value in connection.headers.items()})
    made.max_redirects = REDIRECTS
    for scheme in ("http://", "https://"):
        made.mount(scheme, Guard(home, connection, list(connection.headers), list(also)))
    patient: Callable[..., requests.Response] = made.send
    taken = 0

    def send(request: requests.PreparedRequest, **options: Any) -> requests.Response:
        nonlocal taken
        if not options.get("allow_redirects", True):  # a step of a redirect, which is retried from its beginning
            return type(made).send(made, request, **options)
        answer = patient(request, **options)  # the last one, when the attempts are used up
        if answer.ok and (reason := wrong(answer)):
            raise SourceError(f"{asked(answer.url)}: {reason}; {NEXT}")
        taken += answer.ok
        if pages is not None and taken > pages:
            raise SourceError(
                f"{asked(answer.url)}: there are still more after {pages} pages; if that is right, raise `max_pages` in"
                f" source.yml. {NEXT}"
            )
        return answer

    made.send = send  # type: ignore[method-assign]
    return made

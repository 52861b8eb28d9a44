"""Patient and polite HTTP: waits and retries, says who asks, and never holds more than it was told to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests

from .source_error import NEXT, SourceError, without_query
from .source_yml import HtmlConnection, HttpConnection

AGENT = "Millrace (data pipeline; reads what changed, once per schedule)"


def session(
    connection: HttpConnection, pace: float, wrong: Callable[[requests.Response], str | None] = lambda answer: None
) -> requests.Session:
    """A session that waits and tries again on 429, 5xx, timeouts, cut connections and answers that are `wrong`.

    Args:
        pace: multiplies the waits.
        wrong: why a successful answer is not what was declared, or None.
    """
    from dlt.sources.helpers.requests import Client

    def broken(answer: requests.Response | None, error: BaseException | None) -> bool:
        return answer is not None and error is None and answer.ok and wrong(answer) is not None

    made: requests.Session = Client(
        request_timeout=connection.timeout,
        request_max_attempts=connection.attempts,
        request_backoff_factor=connection.backoff * pace,
        request_max_retry_delay=60 * pace,
        retry_condition=broken,
    ).session
    made.headers["User-Agent"] = AGENT
    made.headers.update(connection.headers)
    patient: Callable[..., requests.Response] = made.send

    def send(request: requests.PreparedRequest, **options: Any) -> requests.Response:
        answer = patient(request, **options)  # the last one, when the attempts are used up
        if answer.ok and (reason := wrong(answer)):
            raise SourceError(f"{without_query(answer.url)}: {reason}; {NEXT}")
        return answer

    made.send = send  # type: ignore[method-assign]
    return made


def body(answer: requests.Response, connection: HtmlConnection) -> bytes:
    """The whole body of a streamed answer.

    Raises:
        SourceError: it is longer than the connection allows.
    """
    found = bytearray()
    for piece in answer.iter_content(1 << 16):
        found += piece
        if len(found) > connection.max_megabytes * 1e6:
            raise SourceError(
                f"{without_query(answer.url)}: more than {connection.max_megabytes:g} MB; if that is right, raise"
                f" `max_megabytes` in source.yml. {NEXT}"
            )
    return bytes(found)

"""Patient and polite HTTP: waits and retries, says who asks, and goes nowhere it was not told to (guard.py)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from email.utils import parsedate_to_datetime
from inspect import unwrap
from typing import Any

import requests

from settings import Settings

from ..declared.connections import HttpConnection
from ..declared.placeholders import expand
from ..declared.source_error import PASSING, SourceError, refuse
from .guard import REDIRECTS, Guard
from .logins import make_login, settings_of

AGENT = "Millrace (data pipeline; reads what changed, once per schedule)"
LONGEST_WAIT = 60
"""Seconds between two tries at most. A server that asks for more is asked again by the next run."""

Wrong = Callable[[requests.Response], SourceError | None]
"""Why a successful answer is not what was declared, or None."""


def session(
    connection: HttpConnection,
    settings: Settings,
    home: str,
    wrong: Wrong = lambda answer: None,
    *,
    also: Sequence[str] = (),
    secrets: Sequence[str] = (),
) -> requests.Session:
    """A session that waits and tries again on 429, 5xx, timeouts, cut connections and answers that are `wrong`.

    Args:
        home: the source's address; only it sees the declared headers and the login.
        also: other addresses that may be asked in this run.
        secrets: values of the request that may be ``${NAME}``, besides those of the connection: a refusal names them.

    Raises:
        SourceError: by its requests, when the last answer is not a success, or is `wrong`.
    """
    advice = name_settings(connection, secrets)

    def broken(answer: requests.Response | None, error: BaseException | None) -> bool:
        if answer is None or error is not None:
            return False
        if answer.ok:
            return wrong(answer) is not None
        passes = answer.status_code in PASSING or answer.status_code >= requests.codes.internal_server_error
        return passes and _seconds_to_wait(answer) <= LONGEST_WAIT

    made = _make_session(
        request_timeout=connection.timeout,
        request_max_attempts=connection.attempts,
        request_backoff_factor=connection.backoff * settings.retry_pace,
        request_max_retry_delay=LONGEST_WAIT * settings.retry_pace,
        status_codes=(),  # `broken` knows them
        retry_condition=broken,
    )
    made.headers["User-Agent"] = AGENT
    hidden = _log_in(made, connection, settings)
    made.max_redirects = REDIRECTS
    for scheme in ("http://", "https://"):
        made.mount(scheme, Guard(home, connection, hidden, list(also)))
    _raise_refusals(made, lambda answer: refuse(answer, advice) or (wrong(answer) if answer.ok else None))
    return made


def _log_in(made: requests.Session, connection: HttpConnection, settings: Settings) -> list[str]:
    """Give the session the declared headers and login; returns the names of the headers that only this server may see."""
    made.headers.update({name: expand(value, settings) for name, value in connection.headers.items()})
    if not connection.auth:
        return list(connection.headers)
    made.auth = make_login(connection.auth, connection, settings, session)
    return [*connection.headers, "Authorization"]


def _raise_refusals(made: requests.Session, refusal: Wrong) -> None:
    """Have the session raise what is wrong with the last answer, when the attempts are used up."""
    patient: Callable[..., requests.Response] = made.send

    def send(request: requests.PreparedRequest, **options: Any) -> requests.Response:
        if not options.get("allow_redirects", True):  # a step of a redirect, which is retried from its beginning
            return type(made).send(made, request, **options)
        answer = patient(request, **options)
        if error := refusal(answer):
            raise error
        return answer

    made.send = send  # type: ignore[method-assign]


def _make_session(**options: Any) -> requests.Session:
    """A session of dlt's client, with its options as they are given: dlt would look for each of them in its own settings first,
    which takes 10 ms.
    """
    from dlt.sources.helpers.requests import Client

    client = Client.__new__(Client)
    unwrap(Client.__init__)(client, **options)
    made: requests.Session = client.session
    return made


def name_settings(connection: HttpConnection, secrets: Sequence[str] = ()) -> str:
    """The settings and names that an address and a login come from, for people to check."""
    place = _setting(connection.address) or "the connection's address in source.yml"
    named = [f"{found} (header {name})" for name, value in connection.headers.items() if (found := _setting(value))]
    named += [found for value in (*settings_of(connection.auth), *secrets) if (found := _setting(value))]
    none = "whether it needs a login (neither `auth` nor `headers` declares one)"
    login = f"the login in {', '.join(named)}" if named else none
    return f"the address in {place} and {login}"


def _setting(value: str) -> str | None:
    return f"ELT_{value[2:-1].upper()}" if re.fullmatch(r"\$\{\w+\}", value) else None


def _seconds_to_wait(answer: requests.Response) -> float:
    """What the server asks for with Retry-After, in seconds or as a date; 0 where it asks for nothing."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text[:10])
    try:
        return parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, TypeError):
        return 0

"""What a source did wrong, in words: what failed, why, what to do next."""

from __future__ import annotations

import re

import requests

from runtime.visible import visible
from settings import SettingsError


class SourceError(Exception):
    """A source did not answer, or not with what was declared. Nothing of the failed read has been landed.

    What it says may hold names and texts of the source: no character of them reaches a terminal as a command.

    Args:
        lasting: it does not heal by itself: somebody has to correct an address, a login or the declaration.
        status: the HTTP status that was the answer.
    """

    def __init__(self, text: str, *, lasting: bool = False, status: int | None = None) -> None:
        super().__init__(visible(text))
        self.exit_code = 2 if lasting else 3
        self.status = status


class Lasting(str):
    """A reason that does not heal by itself, among others that may."""


PASSING = (requests.codes.request_timeout, 425, requests.codes.too_many_requests)
"""Statuses below 500 that pass by themselves."""
_LOGIN = (requests.codes.unauthorized, requests.codes.forbidden, requests.codes.proxy_authentication_required)
_GONE = (requests.codes.not_found, requests.codes.gone)
_LASTING = (
    requests.TooManyRedirects,
    requests.exceptions.SSLError,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)
NEXT = "nothing of this read was landed, the next run starts from the same place"


def explain(error: BaseException, source: str, then: str = NEXT) -> SourceError | SettingsError:
    """The reason inside dlt's and the drivers' wrappings, in words: what failed, why, what to do next."""
    cause: BaseException | None = error
    chain: list[BaseException] = []
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    for found in chain:
        if isinstance(found, SourceError | SettingsError):
            return found
    said = next((text for found in chain if (text := _said(found))), None)
    lasting = any(isinstance(found, _LASTING) for found in chain)
    if said is None:
        lines = str(chain[-1]).strip().splitlines() or ["no more is known"]
        said = f"{type(chain[-1]).__name__}: {lines[0]}"
    return SourceError(f"{source}: {_without_password(said)}; {then}", lasting=lasting)


def refuse(answer: requests.Response, advice: str) -> SourceError | None:
    """What an answer's status says is wrong; None where it is a success or a redirect.

    Args:
        advice: the settings and names to check where asking again does not help.
    """
    status = answer.status_code
    if status < requests.codes.bad_request:
        return None
    lasting = status not in PASSING and status < requests.codes.internal_server_error
    text = f"{shown(answer.url)} answered {status} {answer.reason or ''}".rstrip()
    if status in _LOGIN:
        text += f": the login was refused or does not cover this address; check {advice}"
    elif status in _GONE:
        text += f": there is nothing at this address; check {advice}"
    elif lasting:
        text += f": the request was refused; check its path and parameters in source.yml, and {advice}"
    elif wait := answer.headers.get("retry-after"):
        text += f" and asks to wait ({wait[:40]})"
    return SourceError(f"{text}; {NEXT}", lasting=lasting, status=status)


def _said(error: BaseException) -> str | None:
    """A failed request in words; None for any other error."""
    if not isinstance(error, requests.RequestException):
        return None
    where = shown(error.request.url) if error.request is not None and error.request.url else "the address"
    if isinstance(error, requests.TooManyRedirects):
        return f"{where} redirects without end; check the address"
    if isinstance(error, requests.exceptions.SSLError):
        return f"{where}: its certificate is not trusted here, or does not match the host name"
    if isinstance(error, requests.Timeout):
        return f"{where}: no answer in time"
    return f"{where} could not be reached ({type(error).__name__})"


def _without_password(text: str) -> str:
    return re.sub(r"://([^:/@\s]*):\S*@", r"://\1:***@", text)


def shown(url: str) -> str:
    """An address as people and logs may read it: without the user, password, query and fragment, which may be secrets."""
    return re.sub(r"^(\w+://)[^/?#]*@", r"\1", re.split(r"[?#]", url)[0])

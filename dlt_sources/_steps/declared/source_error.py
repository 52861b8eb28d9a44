"""What a source did wrong, in words: what failed, why, what to do next."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from http import HTTPStatus

import requests

from errors import ExitCode, MillraceError
from foundation.causes import causes
from foundation.visible import visible
from settings import SettingsError


class SourceError(MillraceError):
    """A source did not answer, or not with what was declared. Nothing of the failed read has been landed.

    What it says may hold names and texts of the source: no character of them reaches a terminal as a command.

    Args:
        lasting: it does not heal by itself: somebody has to correct an address, a login or the declaration.
        status: the HTTP status that was the answer.
    """

    exit_code = ExitCode.SOURCE

    def __new__(cls, text: str, *, lasting: bool = False, status: int | None = None) -> SourceError:
        """The error, as a `RefusedError` when it is lasting."""
        return super().__new__(RefusedError if lasting else cls, text)

    def __init__(self, text: str, *, lasting: bool = False, status: int | None = None) -> None:
        self.text, self.status = visible(text), status
        super().__init__(re.sub(f"[{_OPEN}{_CLOSE}]", "", self.text))

    def without_values(self, known: Collection[str] = ()) -> SourceError:
        """The same error without what `quote_value` put into it, for a source with personal data.

        Args:
            known: texts that may be quoted: they are the declaration's own.
        """
        parts = re.split(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}", self.text)  # text, quoted, text, quoted ... text
        return type(self)(
            "".join(HIDDEN if n % 2 and part and part not in known else part for n, part in enumerate(parts)),
            status=self.status,
        )


class RefusedError(SourceError):
    """A source that will not answer as declared before a person has done something: a login, a name, a right is wrong.

    A `SourceError` that is `lasting` is one.
    """

    exit_code = ExitCode.CONFIGURATION


class Lasting(str):
    """A reason that does not heal by itself, among others that may."""


_OPEN, _CLOSE = "\ue000", "\ue001"
HIDDEN = "***"
PASSING = (requests.codes.request_timeout, 425, requests.codes.too_many_requests)
"""Statuses below 500 that pass by themselves."""
_LOGIN = (requests.codes.unauthorized, requests.codes.forbidden, requests.codes.proxy_authentication_required)
GONE = (requests.codes.not_found, requests.codes.gone)
"""Statuses of an address at which there is nothing."""
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
    chain = list(causes(error))
    for found in chain:
        if isinstance(found, SourceError | SettingsError):
            return found
    said = next((text for found in chain if (text := _said(found))), None)
    lasting = any(isinstance(found, _LASTING) for found in chain)
    if said is None:
        lines = str(chain[-1]).strip().splitlines() or ["no more is known"]
        said = f"{type(chain[-1]).__name__}: {quote_value(lines[0])}"
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
    text = f"{quote_url(answer.url)} answered {status} {_reason(answer)}".rstrip()
    if status in _LOGIN:
        text += f": the login was refused or does not cover this address; check {advice}"
    elif status in GONE:
        text += f": there is nothing at this address; check {advice}"
    elif lasting:
        text += f": the request was refused; check its path and parameters in source.yml, and {advice}"
    elif wait := answer.headers.get("retry-after"):
        text += f" and asks to wait ({quote_value(wait[:40])})"
    return SourceError(f"{text}; {NEXT}", lasting=lasting, status=status)


def _reason(answer: requests.Response) -> str:
    """The words beside an answer's status; those that are not the usual ones are the server's own, and may say anything."""
    usual = HTTPStatus(answer.status_code).phrase if answer.status_code in set(HTTPStatus) else ""
    return usual if not answer.reason or answer.reason == usual else quote_value(answer.reason)


def _said(error: BaseException) -> str | None:
    """A failed request in words; None for any other error."""
    if not isinstance(error, requests.RequestException):
        return None
    where = quote_url(error.request.url) if error.request is not None and error.request.url else "the address"
    if isinstance(error, requests.TooManyRedirects):
        return f"{where} redirects too many times; check the address"
    if isinstance(error, requests.exceptions.SSLError):
        return f"{where}: its certificate is not trusted here, or does not match the host name"
    if isinstance(error, requests.Timeout):
        return f"{where}: no answer in time"
    return f"{where} could not be reached ({_why(error)})"


def _why(error: requests.RequestException) -> str:
    """Why a server was not reached, in the operating system's words."""
    number = re.search(r"\[Errno (-?\d+)\]|\w+Error\((\d+), ", str(error))
    if number is None:
        return type(error).__name__
    code = int(number[1] or number[2])
    return os.strerror(code).lower() if code > 0 else "its host name is not known"


def quote_value(value: object) -> str:
    """A value that came from a source, for the text of a `SourceError`: there it is shown unless it may be personal."""
    return f"{_OPEN}{re.sub(f'[{_OPEN}{_CLOSE}]', '', str(value))}{_CLOSE}"


def quote_url(url: str) -> str:
    """An address that a server may have made up, for the text of a `SourceError`: as by `redact_url`, its path as by `quote_value`."""
    found = re.match(r"(\w+://[^/]*)(/.*)?$", redact_url(url))
    return f"{found[1]}{quote_value(found[2])}" if found and found[2] else redact_url(url)


def without_values(error: BaseException) -> str:
    """What kind of error it is, without its text, which may quote a row: drivers and engines do."""
    *_, cause = causes(error)
    text = f"{cause} {getattr(error.__cause__, 'failed_message', '')}"
    if number := re.search(r"\[Errno (\d+)\]", text):
        return os.strerror(int(number[1]))
    code = re.search(r"An error occurred \((\w+)\) when calling the (\w+) operation", text)
    return f"{code[1]} when calling {code[2]}" if code else type(cause).__name__


def _without_password(text: str) -> str:
    return re.sub(rf"://([^:/@\s]*):[^\s{_OPEN}{_CLOSE}]*@", r"://\1:***@", text)


def redact_url(url: str) -> str:
    """An address as people and logs may read it: without the user, password, query and fragment, which may be secrets."""
    return re.sub(r"^(\w+://)[^/?#]*@", r"\1", re.split(r"[?#]", url)[0])

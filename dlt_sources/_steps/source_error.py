"""What a source did wrong, in words: what failed, why, what to do next."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from http import HTTPStatus

import requests

from runtime.visible import visible
from settings import SettingsError


class SourceError(Exception):
    """A source did not answer, or not with what was declared. Nothing of the failed read has been landed.

    What it says may hold names and texts of the source: no character of them reaches a terminal as a command.
    """

    exit_code = 3

    def __init__(self, text: str) -> None:
        self.text = visible(text)
        super().__init__(re.sub(f"[{_OPEN}{_CLOSE}]", "", self.text))

    def without_values(self, known: Collection[str] = ()) -> SourceError:
        """The same error without what is `quoted` in it, for a source with personal data.

        Args:
            known: texts that may be quoted: they are the declaration's own.
        """
        parts = re.split(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}", self.text)  # text, quoted, text, quoted ... text
        return type(self)(
            "".join(HIDDEN if n % 2 and part and part not in known else part for n, part in enumerate(parts))
        )


class RefusedError(SourceError):
    """A source that will not answer as declared before a person has done something: a login, a name, a right is wrong."""

    exit_code = 2


_OPEN, _CLOSE = "\ue000", "\ue001"
HIDDEN = "***"
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
    if said is None:
        lines = str(chain[-1]).strip().splitlines() or ["no more is known"]
        said = f"{type(chain[-1]).__name__}: {quoted(lines[0])}"
    return SourceError(f"{source}: {_without_password(said)}; {then}")


def _said(error: BaseException) -> str | None:
    """A failed request in words; None for any other error."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        answer = error.response
        usual = HTTPStatus(answer.status_code).phrase if answer.status_code in set(HTTPStatus) else ""
        said = usual if answer.reason == usual else quoted(answer.reason)  # a server may say there what it likes
        return f"{asked(answer.url)} answered {answer.status_code} {said}"
    if isinstance(error, requests.exceptions.JSONDecodeError):
        return f"the answer is not whole JSON ({error.msg} at character {error.pos})"
    if isinstance(error, requests.TooManyRedirects):
        return "it redirects without end"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not one that is trusted here, or is not its own"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.RequestException):
        return f"could not be reached ({type(error).__name__})"
    return None


def quoted(value: object) -> str:
    """A value that came from a source, for the text of a `SourceError`: there it is shown unless it may be personal."""
    return f"{_OPEN}{re.sub(f'[{_OPEN}{_CLOSE}]', '', str(value))}{_CLOSE}"


def asked(url: str) -> str:
    """An address that a server may have made up, for the text of a `SourceError`: as `shown`, its path `quoted`."""
    found = re.match(r"(\w+://[^/]*)(/.*)?$", shown(url))
    return f"{found[1]}{quoted(found[2])}" if found and found[2] else shown(url)


def without_values(error: BaseException) -> str:
    """What kind of error it is, without its text, which may quote a row: drivers and engines do."""
    cause, seen = error, {id(error)}
    while (inner := cause.__cause__ or cause.__context__) is not None and id(inner) not in seen:
        cause = inner
        seen.add(id(cause))
    text = f"{cause} {getattr(error.__cause__, 'failed_message', '')}"
    if number := re.search(r"\[Errno (\d+)\]", text):
        return os.strerror(int(number[1]))
    code = re.search(r"An error occurred \((\w+)\) when calling the (\w+) operation", text)
    return f"{code[1]} when calling {code[2]}" if code else type(cause).__name__


def _without_password(text: str) -> str:
    return re.sub(rf"://([^:/@\s]*):[^\s{_OPEN}{_CLOSE}]*@", r"://\1:***@", text)


def shown(url: str) -> str:
    """An address as people and logs may read it: without the user, password, query and fragment, which may be secrets."""
    return re.sub(r"^(\w+://)[^/?#]*@", r"\1", re.split(r"[?#]", url)[0])

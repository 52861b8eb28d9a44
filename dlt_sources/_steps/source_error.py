"""What a source did wrong, in words: what failed, why, what to do next."""

from __future__ import annotations

import re

import requests

from runtime.visible import visible
from settings import SettingsError


class SourceError(Exception):
    """A source did not answer, or not with what was declared. Nothing of the failed read has been landed.

    What it says may hold names and texts of the source: no character of them reaches a terminal as a command.
    """

    exit_code = 3

    def __init__(self, text: str) -> None:
        super().__init__(visible(text))


class RefusedError(SourceError):
    """A source that will not answer as declared before a person has done something: a login, a name, a right is wrong."""

    exit_code = 2


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
        said = f"{type(chain[-1]).__name__}: {lines[0]}"
    return SourceError(f"{source}: {_without_password(said)}; {then}")


def _said(error: BaseException) -> str | None:
    """A failed request in words; None for any other error."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        answer = error.response
        return f"{shown(answer.url)} answered {answer.status_code} {answer.reason}"
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


def _without_password(text: str) -> str:
    return re.sub(r"://([^:/@\s]*):\S*@", r"://\1:***@", text)


def shown(url: str) -> str:
    """An address as people and logs may read it: without the user, password, query and fragment, which may be secrets."""
    return re.sub(r"^(\w+://)[^/?#]*@", r"\1", re.split(r"[?#]", url)[0])

"""What Postgres said went wrong, in words: whether a person has to do something, or the next run may find it healed."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import sqlalchemy as sa

from ...declared.source_error import NEXT, RefusedError, SourceError, quote_value

_HEALS = ("starting up", "shutting down", "recovery", "too many", "connection slots", "terminating")
"""In what a server says when it takes no login now."""
_AWAY = ("08", "53", "57", "40", "55", "25006")
"""SQLSTATEs, and classes of them, of what goes by itself: a lost connection, no room, a restart, a lock, a standby's conflict."""


def connection_error(source: str, error: Exception, url: str) -> SourceError:
    """Why no connection to a source was made."""
    refused, said = say_of_connection(error, url)
    then = "" if refused else f"; {NEXT}"
    return (RefusedError if refused else SourceError)(f"{source}: the database {said}{then}")


def say_of_connection(error: Exception, url: str) -> tuple[bool, str]:
    """(whether a person has to do something; why no connection was made and what to check). libpq quotes what it was
    given: no part of the password is shown.
    """
    lines = [line for line in str(error).strip().splitlines() if not line.startswith("\t")]  # those are hints
    text = lines[-1].strip() if lines else type(error).__name__
    server = re.search(r"\b[^\W\d_]{3,}:  (.*)", text)  # FATAL, in the server's language
    if server:
        text, refused = server[1], not any(word in server[1] for word in _HEALS)
        then = "check user, password and database in its setting"
    else:
        wrong = r"invalid|certificate|does not support SSL|no password supplied|does not exist"
        refused = re.search(wrong, re.sub('"[^"]*"', "", text)) is not None
        then = "check its setting" if refused else "check its address, and that it is up"
    text = re.sub(r'^connection to server at "([^"]*)"(?: \([^)]*\))?, port (\d+) failed: ', r"\1:\2: ", text)
    said = _without_secrets(text.removeprefix("connection to server at "), url)
    verb = "refused the login" if server and refused else "could not be reached"
    return refused, f"{verb}: {said}" + ("" if server and not refused else f"; {then}")


def query_error(where: str, error: Any) -> SourceError:
    """Why a query failed."""
    state = error.pgcode or ""
    primary = getattr(error.diag, "message_primary", None)
    said = primary or (str(error).strip().splitlines() or ["the connection was lost"])[0]
    heals = not state or state.startswith(_AWAY)
    said = (
        said if state.startswith((*_AWAY, "42")) else quote_value(said)
    )  # 42: names and rights; all else may quote a row
    return (SourceError if heals else RefusedError)(
        f"{where}: Postgres: {said}{f' (SQLSTATE {state})' if state else ''}; {NEXT}"
    )


def _without_secrets(text: str, url: str) -> str:
    parsed = sa.make_url(url)
    login = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
    known = {
        parsed.password,
        login,
        unquote(login),
        *re.split(r"[@:/?#]", login),
        *re.split(r"[@:/?#]", unquote(login)),
    }
    known |= {str(value) for name, value in parsed.query.items() if "password" in name}
    for secret in sorted(filter(None, map(str, filter(None, known))), key=len, reverse=True):
        text = text.replace(secret, "***") if len(secret) > 2 else text
    return text

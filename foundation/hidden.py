"""Secrets that this process was given, so that nothing it says holds one: not its errors, its log, its record, its alerts.

Libraries put addresses with their passwords, headers and whole requests into errors. What each of them may say cannot be
listed; what is secret here can.
"""

from __future__ import annotations

import re
import threading
from urllib.parse import parse_qsl, quote, unquote

from .visible import visible

HIDDEN = "***"
SHORTEST = 4
"""Characters from which on a secret is looked for: a shorter one would be found inside ordinary words."""
SECRET_NAME = re.compile(r"auth|cookie|credential|key|pass|pwd|secret|sig|token", re.I)
"""What a name holds of which the value may be a secret."""

_known: set[str] = set()
_pattern: re.Pattern[str] | None = None
_changes = threading.Lock()


def remember(value: str, name: str = "") -> None:
    """Hide a value from now on; of an address the password and what its query holds under the name of a secret.

    Args:
        name: of the setting: a value that is not an address is secret where its name says so, or it has none.
    """
    if "://" in value:
        found = {part for address in value.split(",") for part in (*_logins(address), *_of_query(address))}
    else:
        found = {value, quote(value, safe="")} if not name or SECRET_NAME.search(name) else set()
    found = {part for part in found if len(part) >= SHORTEST}
    with _changes:
        if found <= _known:
            return
        global _pattern
        _known.update(found)
        _pattern = re.compile("|".join(map(_alone, sorted(_known, key=len, reverse=True))))


def hide(text: str) -> str:
    """A text without the secrets that are known."""
    return _pattern.sub(HIDDEN, text) if _pattern else text


def tell(text: str) -> str:
    """A text as people may read it: without secrets, its control characters spelled out."""
    return visible(hide(text))


def _alone(secret: str) -> str:
    """A pattern of a secret that is not part of a longer word: the password `postgres` does not garble `postgresql`."""
    before, after = (r"(?<!\w)" if secret[0].isalnum() else ""), (r"(?!\w)" if secret[-1].isalnum() else "")
    return before + re.escape(secret) + after


def _logins(address: str) -> set[str]:
    """The password in an address, as it stands there and as it is sent; also one that holds an ``@`` or ``/`` unescaped."""
    rest = re.split(r"[?#]", address.partition("://")[2])[0]
    found = {login.partition(":")[2] for login in (rest.rpartition("@")[0], rest.partition("/")[0].rpartition("@")[0])}
    return found | {unquote(password) for password in found}


def _of_query(address: str) -> set[str]:
    """Values of an address's query whose names are those of secrets."""
    query = address.partition("?")[2].partition("#")[0]
    found = {value for name, value in parse_qsl(query) if SECRET_NAME.search(name)}
    written = {pair.partition("=")[2] for pair in query.split("&") if SECRET_NAME.search(pair.partition("=")[0])}
    return found | written

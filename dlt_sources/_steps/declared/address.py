"""What a declaration may say of where something is: paths that stay inside, and no secret in clear."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import parse_qsl

from pydantic import AfterValidator

SETTING = r"^\$\{[A-Za-z0-9_]+\}$"
_SECRET = re.compile(r"auth|cookie|key|token|secret|password", re.I)
_ENDS = re.compile(
    r"(^|_)(auth|authorization|credentials?|pass|passwd|passphrase|pwd|sig|signature)$|(token|secret|password|apikey|accesskey|secretkey)$"
    r"|^key$|(^|_)(api|app|access|account|auth|client|private|secret|shared|subscription)_key$"
)
"""How names of parameters end that hold a secret; in small letters, words divided by ``_``. `sort_key` and `author` are none."""


def inside(path: str) -> str:
    """A path that cannot leave the address it is put behind.

    Raises:
        ValueError: it can.
    """
    if re.match(r"\w+://|https?:|/*[\\]|//", path) or ".." in re.split(r"[/\\?#]", path) or not path.isprintable():
        raise ValueError(
            f"{path!r} is not a path under the connection's address: leave out scheme and host, `..` and control characters"
        )
    _refuse_secrets(path)
    return path


def without_login(address: str) -> str:
    """An address that holds no password: where one is needed, the address is a setting.

    Raises:
        ValueError: it holds one, or its query does. Its text is not part of the message.
    """
    if re.match(r"[\w+.-]+://[^/]*@", address):
        raise ValueError("holds a user or a password: put the address into a setting and name it, `${NAME}`")
    _refuse_secrets(address)
    return address


def _refuse_secrets(address: str) -> None:
    """Refuse an address whose query holds what looks like a secret."""
    for name, _ in parse_qsl(address.partition("?")[2].partition("#")[0]):
        if _is_secret(name):
            raise ValueError(
                f"its query holds {name}, which looks like a secret: put it into a setting and name it, `${{NAME}}`, in `params`"
                " or as the whole address"
            )


def _is_secret(name: str) -> bool:
    """Whether a parameter of this name holds a secret."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z0-9]+", "_", name).lower()
    return _ENDS.search(words) is not None


def names_its_secrets(headers: dict[str, str]) -> dict[str, str]:
    """HTTP headers whose secrets are names of settings.

    Raises:
        ValueError: a header that looks like a secret holds something else. Its text is not part of the message.
    """
    _refuse_in_clear({name: value for name, value in headers.items() if _SECRET.search(name)})
    return headers


def name_secrets(values: dict[str, Any]) -> dict[str, Any]:
    """Values by name, such as a query's parameters or a body, whose secrets are names of settings.

    Raises:
        ValueError: one that looks like a secret holds something else. Its text is not part of the message.
    """
    _refuse_in_clear({name: value for name, value in values.items() if value and _is_secret(name)})
    for value in values.values():
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                name_secrets(inner)
    return values


def _refuse_in_clear(secrets: dict[str, Any]) -> None:
    """Refuse a secret that is not the name of a setting."""
    for name, value in secrets.items():
        if not re.fullmatch(SETTING.removesuffix("$"), str(value)):
            raise ValueError(f"{name} looks like a secret: put its value into a setting and name it, `${{NAME}}`")


Path = Annotated[str, AfterValidator(inside)]
Address = Annotated[str, AfterValidator(without_login)]

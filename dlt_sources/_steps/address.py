"""What a declaration may say of where something is: paths that stay inside, and no secret in clear."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

SETTING = r"^\$\{[A-Za-z0-9_]+\}$"
_SECRET = re.compile(r"auth|cookie|key|token|secret|password", re.I)


def inside(path: str) -> str:
    """A path that cannot leave the address it is put behind.

    Raises:
        ValueError: it can.
    """
    if re.match(r"\w+://|https?:|/*[\\]|//", path) or ".." in re.split(r"[/\\?#]", path) or not path.isprintable():
        raise ValueError(
            f"{path!r} is no path under the connection's address: leave out scheme and host, `..` and control characters"
        )
    return path


def without_login(address: str) -> str:
    """An address that holds no password: where one is needed, the address is a setting.

    Raises:
        ValueError: it holds one. Its text is not part of the message.
    """
    if re.match(r"\w+://[^/]*@", address):
        raise ValueError("holds a user or a password: put the address into a setting and name it, `${NAME}`")
    return address


def names_its_secrets(headers: dict[str, str]) -> dict[str, str]:
    """HTTP headers whose secrets are names of settings.

    Raises:
        ValueError: a header that looks like a secret holds something else. Its text is not part of the message.
    """
    for name, value in headers.items():
        if _SECRET.search(name) and not re.fullmatch(SETTING.removesuffix("$"), value):
            raise ValueError(f"{name} looks like a secret: put its value into a setting and name it, `${{NAME}}`")
    return headers


Path = Annotated[str, AfterValidator(inside)]
Address = Annotated[str, AfterValidator(without_login)]

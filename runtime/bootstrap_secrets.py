"""The secrets that a team never has to think of: made once, kept in AWS Secrets Manager, printed nowhere.

A secret is written before the user that it belongs to is made or changed: whatever stops the bootstrap in between, the
next one finds the password and sets it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from foundation.aws import SecretError, client, explain

if TYPE_CHECKING:
    from settings import Bootstrap

Say = Callable[[str, str], None]
"""(what became of it, the thing)."""

OF_A_USER = {"state": "millrace", "superset-meta": "superset", "dashboards": "dashboards"}
"""Secret: the database user that logs in with it; for the first two also the name of the user's own database."""
NAMES = (*OF_A_USER, "superset", "pii-salt")
FIXED = {
    "superset": "Superset's stored connections are encrypted with its key; `superset re-encrypt-secrets` comes first, by hand",
    "pii-salt": "every hashed field would get another value and no longer match what was published",
}


def ensure_secrets(settings: Bootstrap, rotate: Collection[str], say: Say) -> dict[str, str]:
    """Make sure that every secret has a value; what is there is kept, but for the passwords to be changed.

    Args:
        rotate: secrets of `OF_A_USER` that get a new password.

    Returns:
        The password of each user of `OF_A_USER`, by the secret's name.

    Raises:
        SecretError: a secret is not there, or may not be read or written; names the permission.
    """
    passwords = {}
    for name in NAMES:
        full = f"{settings.bootstrap_prefix}/{name}"
        held = _read(full)
        text = _salt(held) if name == "pii-salt" else _json(name, full, held, settings, name in rotate)
        if text != held:
            _write(full, text)
        say("kept" if text == held else "changed" if held else "made", f"secret {full}")
        if name in OF_A_USER:
            passwords[name] = str(json.loads(text)["password"])
    return passwords


def password() -> str:
    """43 characters that need no quoting in SQL, a URL or a shell, by Redshift's rules: a capital, a small one, a digit."""
    while True:
        text = secrets.token_urlsafe(32)
        if any(c.isupper() for c in text) and any(c.islower() for c in text) and any(c.isdigit() for c in text):
            return text


def _salt(held: str) -> str:
    return held if held.strip() else secrets.token_urlsafe(32)


def _json(name: str, full: str, held: str, settings: Bootstrap, fresh: bool) -> str:
    """The secret's text: passwords that it holds, and around them what the settings say now (the RDS may have moved)."""
    try:
        values = json.loads(held or "{}")
        assert isinstance(values, dict)
    except (ValueError, AssertionError):
        raise SecretError(f"the secret {full} is not a JSON object; put one there, or remove its value") from None
    wanted = {**values, **_shape(name, {} if fresh else values, settings)}
    return held if wanted == values else json.dumps(wanted)


def _shape(name: str, values: Mapping[str, Any], settings: Bootstrap) -> dict[str, str | int]:
    if name == "superset":
        return {key: str(values.get(key) or password()) for key in ("secret_key", "admin_password")}
    user = OF_A_USER[name]
    login: dict[str, str | int] = {"username": user, "password": str(values.get("password") or password())}
    if name == "dashboards":
        return login
    host, port = settings.state_host, settings.state_port
    url = (
        f"postgresql://{user}:{quote(str(login['password']), safe='')}@{host}:{port}/{user}"
        f"?sslmode=verify-full&sslrootcert={quote(settings.authorities(), safe='')}"
    )
    return {**login, "host": host, "port": port, "dbname": user, "url": url}


def _read(name: str) -> str:
    """The secret's text; empty where it has no value yet."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found = client("secretsmanager").get_secret_value(SecretId=name)
    except (BotoCoreError, ClientError) as error:
        if _code(error) == "ResourceNotFoundException":  # no value or no secret: writing it will tell
            return ""
        raise SecretError(f"the secret {name} cannot be read: {_explain(error)}") from None
    if "SecretString" not in found:
        raise SecretError(f"the secret {name} holds bytes, not text")
    return str(found["SecretString"])


def _write(name: str, text: str) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client("secretsmanager").put_secret_value(SecretId=name, SecretString=text)
    except (BotoCoreError, ClientError) as error:
        if _code(error) == "ResourceNotFoundException":
            raise SecretError(
                f"there is no secret {name}: Terraform makes it; apply first, or ELT_BOOTSTRAP_PREFIX is another"
            ) from None
        raise SecretError(f"the secret {name} cannot be written: {_explain(error)}") from None


def _code(error: Any) -> str:
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))


def _explain(error: BaseException) -> str:
    """`explain`, and what Secrets Manager does not say when it is the key that is refused."""
    if "KMS" in str(error):
        return f"{error}; the role needs kms:Decrypt and kms:GenerateDataKey on the secrets' key"
    return explain(error, "secretsmanager")

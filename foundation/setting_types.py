"""What a setting may hold. Each type refuses, when settings are loaded, what could only fail later.

Messages say what is wanted and give an example; none repeats the value, which may be a secret.
"""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

_SIZE = re.compile(r"(\d{1,7}(?:\.\d{1,3})?)\s*(?:([kmgt])i?b?|b)", re.I)
LEAST = 64 * 10**6
"""Bytes of memory below which DuckDB opens but cannot do its work."""


def _size(text: str) -> str:
    if bytes_of(text) < LEAST:
        raise ValueError("is too little to work with; give at least 64MB")
    return text.strip()


def bytes_of(text: str) -> int:
    """The bytes of a size such as 2GB; of 2GiB, too, as many as of 2GB.

    Raises:
        ValueError: it is not a size.
    """
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise ValueError("must be a number and a unit (MB, GB, TB, MiB, GiB or TiB), such as 2GB")
    return int(float(found[1]) * 1000 ** " kmgt".index((found[2] or " ").lower()))


def _moment(value: Any) -> Any:
    """A text as a time; pydantic alone would take `2020` for seconds since 1970."""
    if not isinstance(value, str):
        return value
    try:
        found = datetime.fromisoformat(value if re.match(r"\d{4}-\d\d-\d\d", value) else "")
    except ValueError:
        raise ValueError("must be a date or a time (UTC) such as 2020-01-31T23:30:00") from None
    if not 1970 < found.year < 2262:
        raise ValueError("must be a time between 1971 and 2261")
    return found


def usable_folder(path: Path) -> Path:
    """A folder that exists or can be made, and does not hold the project's own code.

    Raises:
        ValueError: it cannot hold data; says why.
    """
    try:
        whole = path.expanduser()
    except RuntimeError:
        raise ValueError("begins with `~` and a user who does not exist; write the whole path") from None
    nearest = _root() / whole
    if "?" in str(nearest.resolve()):
        raise ValueError("has a `?` in its path, where DuckDB ends a file's name; use a folder without")
    if not _is_utf8(os.fsencode(nearest.resolve())):
        raise ValueError("has a path that is not UTF-8, which DuckDB cannot open; use another folder")
    if any((nearest / name).exists() for name in ("settings.py", "__init__.py", ".git", "pyproject.toml")):
        raise ValueError("is a folder of code; data needs a folder of its own, such as data")
    while not nearest.exists() and not nearest.is_symlink():
        nearest = nearest.parent
    if not nearest.is_dir():
        raise ValueError(f"must be a folder, and {nearest} is {'a broken link' if nearest.is_symlink() else 'a file'}")
    if nearest != _root() / whole and not os.access(nearest, os.W_OK | os.X_OK):
        raise ValueError(f"cannot be made: {nearest} is not writable")
    return whole


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _root() -> Path:
    return Path(__file__).resolve().parents[1]


def _pem(path: Path) -> Path:
    try:
        found = b"-----BEGIN" in path.expanduser().read_bytes()
    except (OSError, RuntimeError):
        raise ValueError("must be a file that can be read, with certificates in PEM") from None
    if not found:
        raise ValueError("holds no certificate; it must be a file in PEM (-----BEGIN CERTIFICATE-----)")
    return path.expanduser()


def _host(text: str) -> str:
    if not re.fullmatch(r"[\w.-]*", text):
        raise ValueError("must be a host name alone, such as db.example.com, without scheme, port or path")
    return text


def _address(secret: SecretStr, scheme: str, example: str) -> SecretStr:
    """A secret address whose scheme fits and whose port is a number; an empty one is not set."""
    text = secret.get_secret_value()
    try:
        wrong = bool(text) and not re.match(rf"{scheme}://\S", text)
        _ = urlsplit(text).port if "," not in text.partition("//")[2].partition("/")[0] else None
    except ValueError:
        wrong = True
    if wrong:
        raise ValueError(
            f"must be an address such as {example}; characters such as / @ : # in a password are escaped (%2F)"
        )
    return secret


def _alerts(secret: SecretStr) -> SecretStr:
    parts = [part.strip() for part in secret.get_secret_value().split(",") if part.strip()]
    if parts and not re.match(r"[\w+.-]+://\S", parts[0]):  # a comma may also stand inside one address
        raise ValueError("must be Apprise URLs such as mailto://user:password@example.com, comma-separated")
    return secret


def _long(secret: SecretStr) -> SecretStr:
    if 0 < len(secret.get_secret_value()) < 32:
        raise ValueError("must have 32 characters or more, such as `openssl rand -base64 42` prints")
    return secret


def _lake(url: str) -> str:
    if url and not re.fullmatch(r"s3://[a-z0-9][a-z0-9._-]+(/[^\s?#]*)?", url):
        raise ValueError("must be s3://bucket or s3://bucket/prefix")
    return url


def _role(text: str) -> str:
    if text and not all(re.fullmatch(r"arn:[\w-]+:iam::\d+:role/\S+", part) for part in text.split(",")):
        raise ValueError("must be the ARN of a role, such as arn:aws:iam::123456789012:role/millrace-redshift")
    return text


def _postgres(secret: SecretStr) -> SecretStr:
    return _address(secret, r"postgres(ql)?(\+\w+)?", "postgresql://user:password@host:5432/database")


def _database(secret: SecretStr) -> SecretStr:
    return _address(secret, r"\w+(\+\w+)?", "postgresql://user:password@host:5432/superset")


Size = Annotated[str, AfterValidator(_size)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Folder = Annotated[Path, AfterValidator(usable_folder)]
Pem = Annotated[Path, AfterValidator(_pem)]
Host = Annotated[str, AfterValidator(_host)]
Port = Annotated[int, Field(ge=1, le=65535)]
Pace = Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
AlertUrls = Annotated[SecretStr, AfterValidator(_alerts)]
PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database)]
LongSecret = Annotated[SecretStr, AfterValidator(_long)]
LakeUrl = Annotated[str, AfterValidator(_lake)]
RoleArn = Annotated[str, AfterValidator(_role)]
GluePrefix = Annotated[str, Field(pattern=r"^[a-z0-9_]*$", max_length=200)]

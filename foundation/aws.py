"""What only AWS can answer: secrets by name, an hour's login to Redshift, and the lake's objects.

Credentials, region and endpoints come from where every AWS program takes them (the role of the task, a profile,
``AWS_*``): nothing here asks for keys.
"""

from __future__ import annotations

import errno
import json
import os
import re
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from errors import ExitCode, MillraceError

if TYPE_CHECKING:
    from settings import Settings

_FRESH = timedelta(minutes=5)
"""How long a secret is believed, and how long before its end a login is replaced."""
_kept: dict[tuple[str, ...], tuple[datetime, Any]] = {}
_lock = threading.Lock()
_ACTIONS = {  # operation: the permission that it needs, where that is not service:Operation
    "HeadBucket": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
    "ListObjectsV2": "s3:ListBucket",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
    "DeleteObjects": "s3:DeleteObject",
    "CopyObject": "s3:PutObject",
}

_OTHER = "or set ELT_DATA_DIR to another folder"
_FIXES = {
    **dict.fromkeys((errno.EACCES, errno.EPERM), f"let the user who runs this write there, {_OTHER}"),
    errno.EROFS: f"make it writable, {_OTHER}",
    **dict.fromkeys((errno.ENOTDIR, errno.EEXIST), f"a file is where a folder must be: move it away, {_OTHER}"),
    errno.EISDIR: "a folder is where a file must be: move it away",
    errno.ENOENT: f"part of the path is missing: create it, {_OTHER}",
    errno.ENOSPC: f"free some space, {_OTHER}",
    errno.ENAMETOOLONG: "the path is too long: set ELT_DATA_DIR to a shorter one",
    errno.ELOOP: f"its links lead in a circle: correct them, {_OTHER}",
}


class AwsError(MillraceError):
    """AWS refused or could not be reached; the message names the call and the permission it needs."""

    exit_code = ExitCode.STORE


class SecretError(AwsError):
    """A secret that a setting names cannot be read."""

    exit_code = ExitCode.CONFIGURATION


def client(service: str) -> Any:
    """A boto3 client that tries again on throttling and 5xx, and names itself."""
    import boto3
    from botocore.config import Config

    return boto3.client(service, config=Config(retries={"mode": "standard", "max_attempts": 8}, connect_timeout=10))


_LAKE_FORMATION = (
    "Lake Formation decides here, not IAM alone: its administrator grants the task's role CREATE_DATABASE on the catalog, and"
    " CREATE_TABLE, DESCRIBE, ALTER and DROP on silver's databases (docs/deploy.md, the first hour on a new account)"
)


def explain(error: BaseException, service: str = "") -> str:
    """An SDK's error in one line: what was refused, by which call, and what to do next."""
    answer = getattr(error, "response", None) or {}
    code = str(answer.get("Error", {}).get("Code", "")) if isinstance(answer, dict) else ""
    operation = str(getattr(error, "operation_name", ""))
    text = " ".join(str(error).split())
    if "Expired" in code or "ExpiredToken" in text or "token included in the request is expired" in text:
        return f"the AWS credentials have expired ({operation or type(error).__name__}); renew them and run again"
    if isinstance(error, OSError) and error.errno is not None and error.filename is not None:
        return explain_path(error)
    if code in ("AccessDenied", "AccessDeniedException", "403", "UnauthorizedOperation") or isinstance(
        error, PermissionError
    ):
        if "Lake Formation" in text:
            return f"AWS refused it: {text}; {_LAKE_FORMATION}"
        told = re.search(r"not authorized to perform: ([\w-]+:\w+)", text)  # a key's permission, for an object's call
        action = (
            told[1] if told else _ACTIONS.get(operation) or (f"{service}:{operation}" if service and operation else "")
        )
        return f"AWS refused it: {text}" + (f"; the role needs {action}" if action else "")
    if type(error).__name__ in ("NoCredentialsError", "PartialCredentialsError"):
        return "there are no AWS credentials here; give the task a role, or set AWS_PROFILE"
    return text


def explain_path(error: OSError) -> str:
    """What the system said of a path on this machine, with the fix."""
    fix = _FIXES.get(error.errno or 0, "look at the path, or set ELT_DATA_DIR to a folder that this user can write")
    return f"{os.fsdecode(error.filename)}: {error.strerror}; {fix}"


def secret(name: str, key: str = "") -> str:
    """A secret's text, or the value of `key` where the secret is a JSON object (as RDS and Redshift keep theirs).

    Raises:
        SecretError: it is not there, may not be read, or has no such key. Its text is never part of the message.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    def read() -> tuple[datetime, str]:
        found = client("secretsmanager").get_secret_value(SecretId=name)
        if "SecretString" not in found:
            raise SecretError(f"the secret {name} holds bytes, not text")
        return datetime.now(UTC) + _FRESH, str(found["SecretString"])

    try:
        text = str(_remember(("secret", name), read))
    except (BotoCoreError, ClientError) as error:
        raise SecretError(f"the secret {name} cannot be read: {explain(error, 'secretsmanager')}") from None
    if not key:
        return text
    try:
        value = json.loads(text)[key]
    except (ValueError, KeyError, TypeError):
        value = None
    if value is None:
        raise SecretError(f"the secret {name} is not a JSON object with the key {key!r}")
    return str(value)


def redshift_credentials(workgroup: str, cluster: str, user: str) -> tuple[str, str]:
    """A user and a password that IAM lends for an hour, for every database that the user may log in to.

    Raises:
        AwsError: it does not.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    def ask() -> tuple[datetime, tuple[str, str]]:
        if workgroup:
            found = client("redshift-serverless").get_credentials(workgroupName=workgroup, durationSeconds=3600)
            return found["expiration"] - _FRESH, (found["dbUser"], found["dbPassword"])
        asked: dict[str, Any] = {"ClusterIdentifier": cluster, "DurationSeconds": 3600}
        redshift = client("redshift")
        found = (
            redshift.get_cluster_credentials(DbUser=user, AutoCreate=False, **asked)
            if user
            else redshift.get_cluster_credentials_with_iam(**asked)
        )
        return found["Expiration"] - _FRESH, (found["DbUser"], found["DbPassword"])

    try:
        return _remember(("redshift", workgroup, cluster, user), ask)  # type: ignore[no-any-return]
    except (BotoCoreError, ClientError) as error:
        service = "redshift-serverless" if workgroup else "redshift"
        raise AwsError(f"no login to Redshift by IAM: {explain(error, service)}") from None


def forget() -> None:
    """Ask again at the next call: a login was refused, or a secret has changed."""
    with _lock:
        _kept.clear()


def _remember(name: tuple[str, ...], ask: Any) -> Any:
    with _lock:
        until, value = _kept.get(name, (datetime.min.replace(tzinfo=UTC), None))
        if until <= datetime.now(UTC):
            until, value = ask()
            _kept[name] = until, value
    return value


def encryption(settings: Settings) -> dict[str, str]:
    """Headers of every object that is written: S3 encrypts it with the project's key, or with its own."""
    if settings.kms_key:
        return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": settings.kms_key}
    return {"ServerSideEncryption": "AES256"}


def storage_options(settings: Settings) -> dict[str, Any]:
    """How s3fs is to be opened, by this project and by dlt: encrypting, patient with throttling, not remembering listings."""
    return {
        "s3_additional_kwargs": encryption(settings),
        "use_listings_cache": False,
        "config_kwargs": {"retries": {"mode": "standard", "max_attempts": 10}},
    }

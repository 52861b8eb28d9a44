"""S3 as COPY and UNLOAD see it: who may use it, and what lies under a prefix."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from . import grants
from .dialect import Piece
from .plan import Refused

if TYPE_CHECKING:
    from .server import Redshift
    from .session import Session

LOGIN = {
    "CREDENTIALS": "s",
    "IAM_ROLE": "s",
    "ACCESS_KEY_ID": "s",
    "SECRET_ACCESS_KEY": "s",
    "SESSION_TOKEN": "s",
}
"""How COPY and UNLOAD log in to S3."""
KEYS = {"CREDENTIALS", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"}


@dataclass
class Options:
    """The clauses behind FROM or TO, by their first word; a flag's value is True."""

    found: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.found.get(name)

    @property
    def format(self) -> str:
        """PARQUET, JSON, CSV, ...; nothing where none was said."""
        return str(self["FORMAT"] or "")


def options(piece: Piece, start: int, known: dict[str, str]) -> Options:
    """Read the clauses from a token on.

    Args:
        known: for each clause what follows it: "" nothing, "s" a text or word, "n" a number, "?" perhaps a word,
            "f" the name of a format, "p" perhaps a text.
    """
    words, found, at = piece.words, {}, start
    while at < len(words):
        name = words[at]
        at += 1
        if name == "WITH":
            continue
        if name not in known:
            raise Refused(f'syntax error at or near "{name.strip(chr(0))}"', "42601")
        kind = known[name]
        if kind and at < len(words) and words[at] == "AS":
            at += 1
        value: Any = True
        following = words[at] if at < len(words) else ""
        if kind in ("s", "n", "f") or (kind == "p" and following[:1] == "\0"):
            if not following:
                raise Refused(f"syntax error: {name} lacks a value", "42601")
            value, at = following.removeprefix("\0"), at + 1
        elif kind == "?" and following in ("ON", "OFF", "TRUE", "FALSE", "PRESET"):
            value, at = following, at + 1
        if kind == "n" and not str(value).isdigit():
            raise Refused(f'syntax error at or near "{value}": {name} takes a number', "42601")
        if kind == "f" or name in ("PARQUET", "ORC", "AVRO", "JSON", "CSV", "SHAPEFILE"):
            told = str(value) if kind == "f" else name
            if kind == "f" and at < len(words) and words[at][:1] == "\0" and told in ("JSON", "AVRO"):
                found["PATHS"], at = words[at][1:], at + 1
            elif kind == "p" and value is not True:
                found["PATHS"] = value
            name, value = "FORMAT", told
        found[name] = value
    return Options(found)


def authorize(session: Session, found: Options, command: str) -> None:
    """Only roles that the cluster may use reach S3, and only for users to whom they are lent (ASSUMEROLE)."""
    if KEYS & set(found.found):
        raise Refused("access keys are refused here: COPY and UNLOAD must name an IAM_ROLE", "42501")
    role = found["IAM_ROLE"]
    if not role:
        raise Refused("COPY and UNLOAD need an authorization: IAM_ROLE is missing", "42601")
    for name in str(role).split(","):
        if name not in session.server.roles or not grants.is_lent(session, name, command):
            user = f"arn:aws:redshift:us-east-1:123456789012:dbuser:stand-in/{session.user}"
            raise Refused(f"User {user} is not authorized to assume IAM Role {name}", "XX000")


def place(uri: str) -> tuple[str, str]:
    """A URI's bucket and key."""
    if not uri.startswith("s3://"):
        raise Refused(f"the stand-in knows s3:// only, not {uri!r}", "0A000")
    bucket, _, key = uri[5:].partition("/")
    return bucket, key


_one_at_a_time = threading.Lock()
"""To make a client, which is not safe in several threads; to use one is."""


@lru_cache(maxsize=8)
def _client(options: tuple[tuple[str, Any], ...]) -> Any:
    """A client of S3, which takes a tenth of a second to make: each COPY has the same."""
    import boto3

    return boto3.client("s3", **dict(options))


class Bucket:
    """What the cluster sees of S3."""

    def __init__(self, server: Redshift) -> None:
        with _one_at_a_time:
            self._client = _client(tuple(sorted(server.s3.items())))

    def named(self, uri: str) -> list[str]:
        """The objects whose names begin with a URI."""
        from botocore.exceptions import ClientError

        bucket, prefix = place(uri)
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            return [f"s3://{bucket}/{o['Key']}" for page in pages for o in page.get("Contents", [])]
        except ClientError as error:
            raise _told(error) from error

    def read(self, uri: str) -> bytes:
        """An object's content."""
        from botocore.exceptions import ClientError

        bucket, key = place(uri)
        try:
            return bytes(self._client.get_object(Bucket=bucket, Key=key)["Body"].read())
        except ClientError as error:
            raise _told(error) from error

    def write(self, uri: str, data: bytes, **more: str) -> None:
        """Put an object."""
        from botocore.exceptions import ClientError

        bucket, key = place(uri)
        try:
            self._client.put_object(Bucket=bucket, Key=key, Body=data, **more)
        except ClientError as error:
            raise _told(error) from error

    def remove(self, uri: str) -> None:
        """Delete an object."""
        bucket, key = place(uri)
        self._client.delete_object(Bucket=bucket, Key=key)

    def to_read(self, uri: str, found: Options) -> list[str]:
        """The objects of a COPY: all under its prefix, or those that its manifest names."""
        if not found["MANIFEST"]:
            objects = [o for o in self.named(uri) if not o.endswith("/")]
            if not objects:
                raise Refused(f"The specified S3 prefix '{place(uri)[1]}' does not exist", "XX000")
            return objects
        try:
            entries = json.loads(self.read(uri))["entries"]
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(f"Manifest file is not in correct json format: {uri}", "XX000") from error
        objects = []
        for entry in entries:
            if found.format == "PARQUET" and not entry.get("meta", {}).get("content_length"):
                raise Refused("File metadata content_length is required in the manifest for columnar formats", "XX000")
            if entry["url"] in self.named(entry["url"]):
                objects.append(entry["url"])
            elif entry.get("mandatory"):
                raise Refused(
                    f"Problem reading manifest file: mandatory url {entry['url']} could not be found", "XX000"
                )
        return objects


def _told(error: Any) -> Refused:
    found = error.response.get("Error", {})
    return Refused(
        f"S3ServiceException:{found.get('Message', error)},Status "
        f"{error.response.get('ResponseMetadata', {}).get('HTTPStatusCode')},Error {found.get('Code')}",
        "XX000",
    )

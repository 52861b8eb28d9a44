"""Which IAM action an AWS request needs, from what is on the wire."""

from __future__ import annotations

from fnmatch import fnmatchcase
from urllib.parse import parse_qs

# AWS lets everybody ask who they are.
FREE = ("sts:GetCallerIdentity",)

_OBJECT = {
    ("GET", "acl"): "GetObjectAcl",
    ("GET", "tagging"): "GetObjectTagging",
    ("GET", "attributes"): "GetObjectAttributes",
    ("GET", "uploadId"): "ListMultipartUploadParts",
    ("GET", "versionId"): "GetObjectVersion",
    ("GET", ""): "GetObject",
    ("HEAD", "versionId"): "GetObjectVersion",
    ("HEAD", ""): "GetObject",
    ("PUT", "acl"): "PutObjectAcl",
    ("PUT", "tagging"): "PutObjectTagging",
    ("PUT", ""): "PutObject",
    ("POST", "restore"): "RestoreObject",
    ("POST", ""): "PutObject",
    ("DELETE", "uploadId"): "AbortMultipartUpload",
    ("DELETE", "tagging"): "DeleteObjectTagging",
    ("DELETE", "versionId"): "DeleteObjectVersion",
    ("DELETE", ""): "DeleteObject",
}
# What S3 calls a part of a bucket in the query, and IAM in the action.
_PARTS = {
    "acl": "BucketAcl",
    "encryption": "EncryptionConfiguration",
    "lifecycle": "LifecycleConfiguration",
    "location": "BucketLocation",
    "logging": "BucketLogging",
    "notification": "BucketNotification",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
}
_BUCKET = {
    ("GET", "uploads"): "ListBucketMultipartUploads",
    ("GET", "versions"): "ListBucketVersions",
    ("GET", ""): "ListBucket",
    ("HEAD", ""): "ListBucket",
    ("PUT", ""): "CreateBucket",
    ("POST", "delete"): "DeleteObject",
    ("DELETE", "policy"): "DeleteBucketPolicy",
    ("DELETE", ""): "DeleteBucket",
} | {
    (method, part): verb + name
    for method, verb in (("GET", "Get"), ("PUT", "Put"), ("DELETE", "Put"))
    for part, name in _PARTS.items()
    if (method, part) != ("DELETE", "policy")
}


def operation(service: str, target: str, form: bool, body: bytes) -> str:
    """The operation of a JSON service (``X-Amz-Target``) or a query service (``Action`` in a form); empty for others."""
    if target:
        return target.rpartition(".")[2]
    if form and service != "s3":
        return parse_qs(body.decode()).get("Action", [""])[0]
    return ""


def needed(service: str, method: str, path: str, query: dict[str, str], headers: dict[str, str]) -> list[str]:
    """The IAM actions a request needs, all of them.

    Args:
        path: ``bucket/key`` for S3, the operation for services that name one.
    """
    if service != "s3":
        return [f"{service}:{path}"]
    bucket, _, key = path.partition("/")
    if not bucket:
        return ["s3:ListAllMyBuckets"]
    table = _OBJECT if key else _BUCKET
    parts = [part for part in query if (method, part) in table]
    actions = [f"s3:{table.get((method, parts[0] if parts else ''), f'{method}:{path}')}"]
    if key and "x-amz-copy-source" in headers:
        actions.insert(0, "s3:GetObject")
    return actions


def missing(actions: list[str], allowed: list[str] | None) -> str:
    """The first of the actions that is not allowed, or nothing. Case does not count, ``*`` and ``?`` do, as in IAM."""
    if allowed is None:
        return ""
    patterns = [pattern.lower() for pattern in (*allowed, *FREE)]
    for action in actions:
        if not any(fnmatchcase(action.lower(), pattern) for pattern in patterns):
            return action
    return ""

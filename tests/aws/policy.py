"""IAM for tests: the policy that Terraform gives the pipeline's role decides about every request, and what it was used for.

Knows what the project's policies use: Allow with actions, resources with ``*`` and ``?``, and these conditions: StringLikeIfExists
on ``s3:prefix`` (a request for the bucket itself, does it exist?, names no prefix), Null on ``s3:if-none-match``, Bool on
``s3:ObjectCreationOperation``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.aws.actions import FREE, needed
from tests.aws.answers import Request
from tests.harness import ROOT

TEMPLATE = ROOT / "terraform" / "modules" / "pipeline" / "task_policy.json.tftpl"
ACCOUNT = "123456789012"
WORKGROUP = f"arn:aws:redshift-serverless:us-east-1:{ACCOUNT}:workgroup/5d0a7e3c"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@dataclass(frozen=True)
class Call:
    """One thing that a request wants to do: an action on a resource, and what its policy may ask about it.

    Attributes:
        prefix: what a listing is limited to.
        none_match: the header If-None-Match: an object is made only where there is none.
        creates: whether an object is there afterwards; not so for a part of one.
    """

    action: str
    resource: str
    prefix: str | None = None
    none_match: str | None = None
    creates: bool = True

    def meets(self, condition: dict[str, dict[str, Any]]) -> bool:
        """Whether it is as a statement's condition wants it."""
        return all(self._meets(operator, *pair) for operator, asked in condition.items() for pair in asked.items())

    def _meets(self, operator: str, key: str, value: Any) -> bool:
        match operator, key:
            case "StringLikeIfExists", "s3:prefix":
                return self.prefix is None or any(_like(prefix, self.prefix) for prefix in value)
            case "Null", "s3:if-none-match":
                return (self.none_match is None) == (value == "true")
            case "Bool", "s3:ObjectCreationOperation":
                return self.creates == (value == "true")
        raise AssertionError(f"a condition that this does not know: {operator} on {key}")


def render(template: Path, values: dict[str, Any]) -> str:
    """A Terraform template that only puts in values, as `templatefile` would; a value it does not know stays an error."""
    text = template.read_text()
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value if isinstance(value, str) else json.dumps(value))
    left = re.findall(r"\$\{\w+\}", text)
    assert not left, f"{template.name} wants {left}"
    return text


def calls(request: Request, body: bytes) -> Iterator[Call]:
    """What a request wants to do, in IAM's words. There is one workgroup of Redshift and one key."""
    if request.service == "s3":
        yield from _s3(request, body)
        return
    action = f"{request.service}:{request.path}"
    if action in FREE:
        return
    said = json.loads(body or b"{}") if request.target else {}
    if request.service == "secretsmanager":
        name = said["SecretId"]
        yield Call(action, name if name.startswith("arn:") else _arn("secretsmanager", f"secret:{name}-AbCdEf"))
        yield Call("kms:Decrypt", KEY)
    elif request.service == "glue":
        for resource in _glue(request.path, said):
            yield Call(action, _arn("glue", resource))
    else:
        yield Call(action, WORKGROUP if request.service == "redshift-serverless" else "*")


def _s3(request: Request, body: bytes) -> Iterator[Call]:
    """S3's, with what S3 asks KMS for in the caller's name: every object of the lake is encrypted with the key."""
    bucket, _, key = request.path.partition("/")
    for action in needed("s3", request.method, request.path, request.query, request.headers):
        if "delete" in request.query:
            for name in re.findall(rb"<Key>(.*?)</Key>", body):
                yield Call(action, f"arn:aws:s3:::{bucket}/{name.decode()}")
        elif key:
            creates = "uploads" not in request.query and "partNumber" not in request.query
            yield Call(
                action,
                f"arn:aws:s3:::{bucket}/{key}",
                none_match=request.headers.get("if-none-match"),
                creates=creates,
            )
        else:
            yield Call(action, f"arn:aws:s3:::{bucket}", request.query.get("prefix"))
    if key and request.method == "GET":
        yield Call("kms:Decrypt", KEY)
    if key and request.method in ("PUT", "POST") and "delete" not in request.query:
        yield Call("kms:Decrypt" if "uploadId" in request.query else "kms:GenerateDataKey", KEY)


def _glue(action: str, said: dict[str, Any]) -> Iterator[str]:
    """Glue asks for the catalog, and for the database and the table that a request names; to delete a database for all in it."""
    yield "catalog"
    named = said.get("DatabaseName") or said.get("DatabaseInput", {}).get("Name")
    table = said.get("TableInput", {}).get("Name") or (said.get("Name") if "DatabaseName" in said else None)
    database = named or said.get("Name")
    if database:
        yield f"database/{database}"
    if table or "DatabaseName" in said:
        yield f"table/{database}/{table or '*'}"
    if action == "DeleteDatabase":
        yield from (f"table/{database}/*", f"userDefinedFunction/{database}/*")


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:us-east-1:{ACCOUNT}:{resource}"


@dataclass
class Policy:
    """A policy that decides, and remembers which of its permissions were used.

    Args:
        text: the policy as JSON.
    """

    text: str
    used: set[tuple[str, str, str]] = field(default_factory=set)

    def permissions(self) -> Iterator[tuple[str, str, str, dict[str, dict[str, Any]]]]:
        """(statement, action, resource, condition) of everything that is allowed."""
        for statement in json.loads(self.text)["Statement"]:
            assert statement["Effect"] == "Allow"
            for action in _list(statement["Action"]):
                for resource in _list(statement["Resource"]):
                    yield statement["Sid"], action, resource, statement.get("Condition", {})

    def refuses(self, asked: Iterator[Call]) -> Call | None:
        """The first call that nothing allows."""
        for call in asked:
            allowed = [
                (sid, action, resource)
                for sid, action, resource, condition in self.permissions()
                if action == call.action and _like(resource, call.resource) and call.meets(condition)
            ]
            if not allowed:
                return call
            self.used.update(allowed)
        return None

    def unused(self) -> list[tuple[str, str, str]]:
        """What is allowed and was never asked for, where an action and a resource fit together."""
        return sorted({(s, a, r) for s, a, r, _ in self.permissions() if _fits(a, r)} - self.used)


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value


def _like(pattern: str, text: str) -> bool:
    found = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(found, text, re.S) is not None


def _fits(action: str, resource: str) -> bool:
    """A bucket is listed, objects are read; Glue asks for each kind of resource only where a call names one."""
    if action.startswith("s3:"):
        return (action == "s3:ListBucket") == ("/" not in resource)
    if action.startswith("glue:"):
        kind = resource.rpartition(":")[2].partition("/")[0]
        return kind == ("table" if "Table" in action else "database")
    return True

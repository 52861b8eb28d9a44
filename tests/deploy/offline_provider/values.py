"""What the stand-in answers: planned values, made-up values after an apply, and the data sources that no account is needed for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgpack

from tests.deploy.offline_provider.schema import Block

UNKNOWN = msgpack.ExtType(0, b"\x00")
"""Terraform's "known after apply"."""

ACCOUNT, REGION = "123456789012", "us-east-1"
ANSWERS: dict[str, dict[str, Any]] = {
    "aws_caller_identity": {
        "account_id": ACCOUNT,
        "arn": f"arn:aws:iam::{ACCOUNT}:user/ci",
        "user_id": "AIDACI",
        "id": ACCOUNT,
    },
    "aws_region": {"name": REGION, "region": REGION, "id": REGION, "description": "US East"},
    "aws_partition": {
        "partition": "aws",
        "dns_suffix": "amazonaws.com",
        "id": "aws",
        "reverse_dns_prefix": "com.amazonaws",
    },
    "aws_availability_zones": {
        "names": [f"{REGION}{zone}" for zone in "abc"],
        "zone_ids": [f"use1-az{n}" for n in (1, 2, 3)],
        "group_names": [REGION],
        "id": REGION,
    },
}


def is_unknown(value: Any) -> bool:
    """Whether a value is known only after an apply."""
    return isinstance(value, msgpack.ExtType)


def plan(block: Block, value: Any) -> Any:
    """A configured value as planned: what AWS would compute is unknown."""
    return _map_block(block, value, lambda _, attribute, x: UNKNOWN if x is None and attribute.get("computed") else x)


def fill(block: Block, value: Any, kind: str) -> Any:
    """A planned value as applied: what was unknown is made up."""
    return _map_block(block, value, lambda name, attribute, x: _make_up(name, attribute["type"], kind, x))


def _map_block(block: Block, value: Any, change: Any) -> Any:
    if value is None or is_unknown(value):
        return value
    found = {name: change(name, attribute, value.get(name)) for name, attribute in block["attributes"].items()}
    for name, nested in block["block_types"].items():
        inner = value.get(name)
        if isinstance(inner, list):
            inner = [_map_block(nested, one, change) for one in inner]
        elif isinstance(inner, dict) and nested["nesting"] == "map":
            inner = {key: _map_block(nested, one, change) for key, one in inner.items()}
        elif isinstance(inner, dict):
            inner = _map_block(nested, inner, change)
        found[name] = inner
    return found


def _make_up(name: str, kind: Any, resource: str, value: Any) -> Any:
    if not is_unknown(value):
        return value
    if kind == "string":
        return f"arn:aws:fake:{REGION}:{ACCOUNT}:{resource}/x" if name.split("_")[-1] == "arn" else f"fake-{name}"
    if isinstance(kind, str):
        return {"number": 1, "bool": False, "dynamic": None}[kind]
    shape, element = kind
    if shape in ("list", "set"):
        return [_make_up(name, element, resource, UNKNOWN)]
    return {} if shape == "map" else {key: _make_up(key, part, resource, UNKNOWN) for key, part in element.items()}


def read_data(kind: str, block: Block, configured: Any) -> Any:
    """What a data source answers."""
    value = plan(block, configured)
    if kind == "aws_iam_policy_document" and (value.get("json") is None or is_unknown(value["json"])):
        value["json"] = value["minified_json"] = policy_document(value)
    value |= {name: answer for name, answer in ANSWERS.get(kind, {}).items() if name in value}
    return fill(block, value, kind)


def policy_document(value: dict[str, Any]) -> str:
    """The JSON of an `aws_iam_policy_document`."""
    named = {"Id": value["policy_id"]} if value.get("policy_id") else {}
    statements = [_statement(statement) for statement in value.get("statement") or []]
    return json.dumps({"Version": value.get("version") or "2012-10-17", **named, "Statement": statements}, indent=2)


def _statement(given: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"Sid": given["sid"]} if given.get("sid") else {}
    found["Effect"] = given.get("effect") or "Allow"
    for name in ("actions", "not_actions", "resources", "not_resources"):
        if given.get(name):
            found[_camel(name)] = _one_or_all(sorted(given[name], key=str))
    for name in ("principals", "not_principals"):
        if principals := given.get(name):
            everybody = any(principal["type"] == "*" for principal in principals)
            by_type = {p["type"]: _one_or_all(sorted(p["identifiers"], key=str)) for p in principals}
            found[_camel(name)] = "*" if everybody else by_type
    for condition in given.get("condition") or []:
        operator = found.setdefault("Condition", {}).setdefault(condition["test"], {})
        operator[condition["variable"]] = _one_or_all(list(condition["values"]))
    return found


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.removesuffix("s").split("_"))


def _one_or_all(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def find_faults(
    block: Block, value: Any, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What AWS's provider refuses in a configuration before anything is planned: where, and why."""
    if not isinstance(value, dict):
        return
    for name, attribute in block["attributes"].items():
        given = value.get(name)
        if given is not None and attribute.get("computed") and not attribute.get("optional"):
            yield (*path, name), f'Can\'t configure a value for "{name}": its value will be decided automatically.'
        if isinstance(given, str) and name in ("policy", "assume_role_policy", "container_definitions"):
            try:
                json.loads(given)
            except ValueError as error:
                yield (*path, name), f'"{name}" contains invalid JSON: {error}'
    for name, nested in block["block_types"].items():
        inner = value.get(name)
        for n, one in enumerate(inner if isinstance(inner, list) else [inner]):
            yield from find_faults(nested, one, (*path, name, n) if nested["nesting"] == "list" else (*path, name))

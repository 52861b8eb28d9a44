"""The schema that the stand-in serves: reading it, and cutting it out of the real provider's.

`schema.json` holds facts of hashicorp/aws 6.x, as `terraform providers schema -json` prints them: for each type that
`terraform/` uses, its arguments and blocks. The provider's descriptions and code are not in it. To add a type::

    terraform -chdir=terraform/environments/dev init -backend=false     # needs registry.terraform.io
    terraform -chdir=terraform/environments/dev providers schema -json > dump.json
    python -m tests.deploy.offline_provider.schema dump.json
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PATH = Path(__file__).with_name("schema.json")
PROVIDER = "registry.terraform.io/hashicorp/aws"
KINDS = {"resource": "resource_schemas", "data": "data_source_schemas"}
FLAGS = ("required", "optional", "computed", "sensitive")
DECLARED = re.compile(r'^\s*(resource|data)\s+"(aws_\w+)"', re.MULTILINE)

Block = dict[str, Any]
"""Attributes by name, and nested blocks by name; a nested one has its nesting and its limits, too."""


class UnknownType(Exception):
    """A resource or data source that `schema.json` does not hold; the text says how to add it."""


def load() -> dict[str, Any]:
    """The schema of the provider, of its resources and of its data sources."""
    schema: dict[str, Any] = json.loads(PATH.read_text())
    return schema


def find_types(folder: Path) -> set[tuple[str, str]]:
    """What the ``.tf`` files below a folder declare: ``("resource", "aws_s3_bucket")``."""
    files = (path for path in folder.rglob("*.tf") if ".terraform" not in path.parts)
    return {found for path in files for found in DECLARED.findall(path.read_text())}


def require_known(folder: Path) -> None:
    """Refuse a folder that declares what the stand-in does not know.

    Raises:
        UnknownType: with the missing types and the commands that add them.
    """
    schema = load()
    if missing := sorted(f"{kind} {name}" for kind, name in find_types(folder) if name not in schema[KINDS[kind]]):
        commands = re.findall(r"^ {4}(\S.*?)(?: {2,}#.*)?$", __doc__ or "", re.MULTILINE)
        raise UnknownType(
            f"{', '.join(missing)}: not in {PATH.relative_to(ROOT)}, which holds only the types that terraform/ uses. "
            f"To add what is missing, where {PROVIDER.partition('/')[0]} can be reached: {' && '.join(commands)}"
        )


def cut(dump: dict[str, Any], types: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The part of `terraform providers schema -json` that the stand-in needs.

    Raises:
        UnknownType: the provider of the dump has no such resource or data source.
    """
    source = dump["provider_schemas"][PROVIDER]
    wanted = sorted(types)
    if missing := [f"{kind} {name}" for kind, name in wanted if name not in source[KINDS[kind]]]:
        raise UnknownType(f"{', '.join(missing)}: {PROVIDER} of this dump has none")
    found: dict[str, Any] = {"provider": _block(source["provider"]["block"])} | {key: {} for key in KINDS.values()}
    for kind, name in wanted:
        found[KINDS[kind]][name] = _block(source[KINDS[kind]][name]["block"])
    return found


def _block(block: dict[str, Any]) -> Block:
    attributes = {
        name: {"type": attribute["type"]} | {flag: True for flag in FLAGS if attribute.get(flag)}
        for name, attribute in block.get("attributes", {}).items()
    }
    return {
        "attributes": dict(sorted(attributes.items())),
        "block_types": {name: _nested(nested) for name, nested in sorted(block.get("block_types", {}).items())},
    }


def _nested(nested: dict[str, Any]) -> Block:
    limits = {key: nested[f"{key}_items"] for key in ("min", "max") if nested.get(f"{key}_items")}
    return {"nesting": nested["nesting_mode"]} | limits | _block(nested["block"])


def write(schema: Any) -> str:
    """The schema as JSON with one attribute a line: small, and its changes can be read."""
    return _text(schema, "") + "\n"


def _text(value: Any, indent: str) -> str:
    if not isinstance(value, dict) or not any(isinstance(part, dict) for part in value.values()):
        return json.dumps(value)
    inner = indent + " "
    parts = (f"{inner}{json.dumps(name)}: {_text(part, inner)}" for name, part in value.items())
    return "{\n" + ",\n".join(parts) + f"\n{indent}}}"


def main() -> None:
    """Write schema.json again, from a dump, for what `terraform/` declares today."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    PATH.write_text(write(cut(json.loads(Path(sys.argv[1]).read_text()), find_types(ROOT / "terraform"))))


if __name__ == "__main__":
    main()

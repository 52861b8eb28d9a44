"""Reference pages of what a source declares: the keys of ``source.yml``, with its JSON Schema, and every source's tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from foundation.derived import table as markdown_table

from ._steps.declared.source_kinds import connectors, json_schema

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference"
_INTRODUCTION = """# source.yml

Every key that a source's `source.yml` may have. `make derive` writes this page and
[source.schema.json](source.schema.json) from `dlt_sources/_steps/declared/source_yml.py` and `source_kinds.py`; do not edit them. An editor that knows JSON
Schema completes and checks the keys when the file begins with

```yaml
# yaml-language-server: $schema=../../docs/reference/source.schema.json
```

A duration is written as `P3D` (days) or `PT1H` (hours)."""


def pages() -> Iterator[tuple[Path, str]]:
    """The page of ``source.yml`` and its JSON Schema: (path, content) of each."""
    schema = json_schema()
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "source.yml of Millrace", **schema}
    yield FOLDER / "source.schema.json", json.dumps(schema, indent=1) + "\n"
    yield FOLDER / "source-yml.md", source_yml(schema["$defs"])


def source_yml(parts: dict[str, Any]) -> str:
    """The page: what all sources have, each connector's `connection`, and the parts that these are made of."""
    kinds = {name: model.__name__ for name, model in connectors().items()}
    every = parts[kinds["files"]]
    common = {key: value for key, value in every["properties"].items() if key not in ("connector", "connection")}
    lines = [_INTRODUCTION, "", "## A source", ""]
    first = {
        "connector": {"enum": [*kinds], "description": "how it is read"},
        "connection": {
            "type": "object",
            "description": "where it is and how to talk to it: what follows, by connector",
        },
    }
    lines += _keys({**every, "properties": first | common})
    shown = set(kinds.values())
    for connector, model in kinds.items():
        connection = parts[model]["properties"]["connection"]
        name = _part(connection)
        shown.add(name)
        lines += [
            "",
            f"## connection of `{connector}`",
            "",
            parts[name].get("description", ""),
            "",
            *_keys(parts[name]),
        ]
    of_every_table = parts["Table"]["properties"]
    for name in ["Table", *sorted(parts.keys() - shown - {"Table"})]:
        part, description = parts[name], parts[name].get("description", "")
        if name != "Table" and of_every_table.keys() <= part["properties"].keys():  # a connector's own kind of table
            description += " Besides the keys of every [Table](#table):"
            part = {**part, "properties": {k: v for k, v in part["properties"].items() if k not in of_every_table}}
        lines += ["", f"## {name}", "", description, "", *_keys(part)]
    return "\n".join(lines) + "\n"


def _keys(part: dict[str, Any]) -> list[str]:
    required = set(part.get("required", []))
    rows = []
    for key, value in part["properties"].items():
        default = "" if value.get("default") is None else f"`{json.dumps(value['default'])}`"
        rows.append(
            [f"`{key}`", _type(value), "**required**" if key in required else default, value.get("description", "")]
        )
    return markdown_table(["key", "value", "default", "meaning"], rows)


def _part(value: dict[str, Any]) -> str:
    """The name of the part that a key's value is."""
    reference = value.get("$ref") or next(each["$ref"] for each in value["allOf"])
    return str(reference).rsplit("/", 1)[-1]


def _type(value: dict[str, Any]) -> str:
    """What may stand there, in words."""
    if "$ref" in value:
        name = _part(value)
        return f"[{name}](#{name.lower()})"
    if "enum" in value:
        return ", ".join(f"`{choice}`" for choice in value["enum"])
    if "const" in value:
        return f"`{value['const']}`"
    if "anyOf" in value:
        return " or ".join(_type(each) for each in value["anyOf"] if each.get("type") != "null")
    match value.get("type"):
        case "array":
            return f"list of {_type(value['items'])}" if value.get("items") else "list"
        case "object":
            inner = value.get("additionalProperties") or next(iter(value.get("patternProperties", {}).values()), None)
            return f"mapping to {_type(inner)}" if isinstance(inner, dict) else "mapping"
        case "string":
            return {"duration": "duration", "date": "date"}.get(value.get("format", ""), "text")
        case "integer":
            return f"whole number{_bounds(value)}"
        case "number":
            return f"number{_bounds(value)}"
        case "boolean":
            return "`true`, `false`"
    return "anything"


def _bounds(value: dict[str, Any]) -> str:
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "more than",
        "maximum": "at most",
        "exclusiveMaximum": "less than",
    }
    found = [f"{text} {value[key]:g}" for key, text in words.items() if key in value]
    return f", {' and '.join(found)}" if found else ""

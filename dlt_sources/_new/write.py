"""The three files of a new source as text: source.yml, contract.py, README.md."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import yaml

from foundation.derived import table as table_of

from .._steps.contracts.contract import PARENT
from .fields import Field, Found
from .leaves import Path
from .origin import Origin

OWNER, SCHEDULE = "data-team@example.com", "0 6 * * *"
_WIDTH = 120
_PLAIN = re.compile(r"[A-Za-z_][\w-]*")
_HELPERS = {
    "comma": '''def _from_comma(value: Any) -> Any:
    """A number such as 1.234,50 as Python reads it."""
    return re.sub(r"[. '\\u00a0\\u202f]", "", value).replace(",", ".") if isinstance(value, str) else value
''',
    "thousands": '''def _without_thousands(value: Any) -> Any:
    """A number such as 1,234.50 as Python reads it."""
    return value.replace(",", "") if isinstance(value, str) else value
''',
    "truth": '''def _truth_as_text(value: Any) -> Any:
    """A truth value as JSON writes it."""
    return str(value).lower() if isinstance(value, bool) else value
''',
    "blank": '''def _blank_as_null(value: Any) -> Any:
    """A text that stands for no value as none."""
    return None if {test} else value
''',
}
_CALLS = {
    "comma": "_from_comma",
    "thousands": "_without_thousands",
    "truth": "_truth_as_text",
    "blank": "_blank_as_null",
}


def source_yml(name: str, origin: Origin, tables: Sequence[Found]) -> str:
    """The declaration."""
    declared: dict[str, Any] = {
        "description": f"{name.replace('_', ' ').capitalize()}, {', '.join(table.name for table in tables)}",
        "owner": OWNER,
        "schedule": SCHEDULE,
        "connector": origin.connector,
        "connection": origin.connection,
        "tables": {table.name: _table(table) for table in tables},
    }
    text = yaml.dump(
        declared, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH, default_flow_style=None
    )
    head = "# yaml-language-server: $schema=../../docs/reference/source.schema.json\n"
    proposed = "".join(f"  # {line}\n" for block in origin.proposed for line in block.splitlines())
    return f"{head}# What was seen of the source, and what is left to decide, is in README.md.\n{text}{proposed}"


class _Dumper(yaml.SafeDumper):
    """Small mappings and lists in one line; days without quotes."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style='"' if text == SCHEDULE or text.startswith("*") else None
    ),
)


def _table(table: Found) -> dict[str, Any]:
    place = dict(table.place)
    if "start" in place:
        place["start"] = date.fromisoformat(place["start"])
    if table.parent:
        place = {"from": table.parent.name, "explode": table.explode, "parent_key": list(table.parent.key)}
    mode = {} if "mode" in place else {"mode": "upsert"}
    return {**place, "contract": table.contract, "key": table.key, **mode}


def contract_py(name: str, tables: Sequence[Found]) -> str:
    """The contracts."""
    every = [f for table in tables for f in table.fields]
    classes = [_class(table) for table in tables]
    body = "\n\n\n".join(classes)
    helpers = [key for key in _HELPERS if any(key == f.guess.style or (key == "blank" and f.blank) for f in every)]
    blank = sorted({text for f in every for text in f.blank})
    listed = ", ".join(map(_quoted, blank))
    test = f"value in ({listed})" if len(blank) > 1 else f"value == {listed}"
    made = "".join(f"{_HELPERS[key].replace('{test}', test)}\n\n" for key in helpers)
    what = " and ".join(_a(table.contract) for table in tables[:2]) + (" and so on" if len(tables) > 2 else "")
    lines = [
        f'"""What {what} of {name} {"is" if len(tables) == 1 else "are"}. See README.md for what is left to decide."""',
        "",
    ]
    lines += _imports(body, made)
    return "\n".join(lines) + f"\n\n\n{made}{body}\n"


def _a(contract: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", contract).lower()
    return f"{'an' if words[0] in 'aeio' else 'a'} {words}"


def _imports(body: str, helpers: str) -> list[str]:
    times = [word for word in ("date", "datetime") if re.search(rf": (Annotated\[)?{word}\b", body)]
    typing = [word for word in ("Annotated", "Any", "Literal") if re.search(rf"\b{word}\b", body + helpers)]
    words = ["Contract", *(word for word in ("checked_only", "column") if f"= {word}(" in body)]
    lines = ["import re"] if "re.sub" in helpers else []
    lines += [f"from datetime import {', '.join(times)}"] if times else []
    lines += ["from decimal import Decimal"] if "Decimal" in body else []
    lines += [f"from typing import {', '.join(typing)}"] if typing else []
    lines += ["", "from pydantic import BeforeValidator"] if "BeforeValidator" in body else []
    return [*lines, *([""] if lines else []), f"from dlt_sources.contract import {', '.join(words)}"]


def _class(table: Found) -> str:
    what = (
        f"One element of `{table.explode}` of a record of `{table.parent.name}`"
        if table.parent
        else f"One row of {table.name}"
    )
    lines = [f"class {table.contract}(Contract):", f'    """{what}."""', ""]
    if ignored := [way for way in table.left if re.fullmatch(r"[^*]+", way)]:
        lines += _broken("    ignores = (", list(map(_quoted, ignored)), ")", "," if len(ignored) == 1 else "")
        lines.append("")
    for field in table.fields:
        if field.pii:
            lines.append(f"    # personal: {field.reason}")
        lines += _line(field)
    for name in table.lists:
        lines.append(f'    {name}: list[Any] | None = checked_only("The rows of another table", default=None)')
    return "\n".join(lines)


def _line(field: Field) -> list[str]:
    """A field's line, broken as the formatter breaks it."""
    words = dict(field.guess.words)
    given = [_quoted(field.description)]
    if field.path != (field.name,):
        given.append(f"path={_path(field.path)}")
    given += [f"pii={_quoted(field.pii)}"] if field.pii else []
    given += [f"{key}={_value(value)}" for key, value in words.items()]
    given += ["default=None"] if field.optional else []
    return _broken(f"    {field.name}: {annotation(field)} = column(", given, ")")


def _broken(head: str, parts: Sequence[str], tail: str, comma: str = "") -> list[str]:
    """A call or tuple in one line, or broken as the formatter breaks it."""
    inside = ", ".join(parts) + comma
    if len(head + inside + tail) <= _WIDTH:
        return [f"{head}{inside}{tail}"]
    if len(inside) + 8 <= _WIDTH and not comma and "column(" in head:
        return [head, f"        {inside}", f"    {tail}"]
    return [head, *(f"        {part}," for part in parts), f"    {tail}"]


def annotation(field: Field) -> str:
    """A field's type as contract.py writes it."""
    plain = field.guess.annotation + (" | None" if field.nullable else "")
    calls = [_CALLS[style] for style in (field.guess.style, "blank" if field.blank else "") if style]
    return f"Annotated[{plain}, {', '.join(f'BeforeValidator({call})' for call in calls)}]" if calls else plain


def _path(path: Path) -> str:
    """A path as `column` reads it: as text where that means the same."""
    head, *rest = path
    if all(isinstance(part, int) or _PLAIN.fullmatch(part) for part in rest) and (
        _PLAIN.fullmatch(str(head)) or (not rest and not re.search(r'[.\[\]"]', str(head)))
    ):
        return _quoted(str(head) + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest))
    return f"({', '.join(_value(part) for part in path)}{',' if len(path) == 1 else ''})"


def shown_path(path: Path) -> str:
    """A path for people."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if text.isprintable() else repr(text)


def readme(name: str, origin: Origin, tables: Sequence[Found], seen: Iterable[str], decide: Iterable[str]) -> str:
    """What was seen, and what is left to decide."""
    lines = [f"# {name}", "", f"Written by `runner.py new` from a sample of {origin.text.replace('|', ' ')}.", ""]
    if origin.setting:
        lines += [
            f"Set `{origin.setting}` in `.env` or the environment: it holds the address, and the login where it needs one.",
            "",
        ]
    lines += ["## What was seen", "", *(f"- {text}" for text in seen), ""]
    for table in tables:
        rows = []
        for f in table.fields:
            values = [value for value in (f.leaf.there if f.leaf else []) if value not in f.blank]
            where = "" if f.path == (f.name,) else f"`{shown_path(f.path)}`"
            missing = f"{((f.leaf and len(f.leaf.values)) or 0) - len(values):,}" if f.leaf else ""
            note = "; ".join([*([f"personal: {f.reason}, `{f.pii}`"] if f.pii else []), *f.guess.doubts])
            rows.append([f"`{f.name}`", where, f"`{f.guess.annotation}`", missing, note])
        lines += [f"### {table.name}", "", f"{table.rows:,} rows; key `({', '.join(table.key)})`.", ""]
        lines += [*table_of(["field", "from", "type", "without a value", "note"], rows), ""]
    lines += ["## Left to decide", "", *(f"- {text}" for text in decide), ""]
    return "\n".join(lines)


def parent_path(path: Path) -> Path:
    """The path of a record's value as an element of its list sees it."""
    return (PARENT, *path)
